"""Networks in Keras, and their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.tf.architectures import build_resnet18, build_squeezenet, build_vgg16
from saliency import nets
from saliency.nets.preparation import MEAN, STD

PREPROCESSING = {"mean": MEAN, "std": STD, "channel_axis": -1}


def squeezenet(file: Path | None) -> nets.Network:
    """Return a SqueezeNet 1.0 with torchvision's preprocessing, channels last, and random weights unless a file is given."""
    keras.utils.set_random_seed(0)
    model = keras.models.load_model(file.with_suffix(".keras")) if file else build_squeezenet()
    return nets.Network("SqueezeNet1_0", model, model.input_shape[1:3], **PREPROCESSING)


def resnet18(side: int) -> nets.Network:
    """Return a ResNet-18 with random weights for images of ``side`` pixels."""
    keras.utils.set_random_seed(0)
    return nets.Network("ResNet-18", build_resnet18(side), (side, side), **PREPROCESSING)


def vgg16() -> nets.Network:
    """Return a VGG-16 with random weights."""
    keras.utils.set_random_seed(0)
    return nets.Network("VGG-16", build_vgg16(), (224, 224), **PREPROCESSING)


def scores(model: keras.Model, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a model's scores for one input, (classes,)."""
    return np.asarray(model(x[None], training=False))[0]


def synchronize() -> None:
    """Wait for the device to finish its work."""
    if tf.config.list_physical_devices("GPU"):
        tf.test.experimental.sync_devices()


def versions() -> dict[str, str]:
    """Return name -> version, and the name of a GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    names = {"tensorflow": tf.__version__}
    return names | ({"device": tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")} if gpus else {})
