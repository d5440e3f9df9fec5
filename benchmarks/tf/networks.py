"""Networks in Keras, and their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.tf.untrained import resnet, squeeze
from saliency import nets
from saliency.nets.preparation import MEAN, STD

COLORS = {"mean": MEAN, "std": STD, "channel_axis": -1}


def squeezenet(file: Path | None) -> nets.Network:
    """Return a SqueezeNet 1.0 that takes what torchvision's takes, channels last; its weights are random without a file."""
    keras.utils.set_random_seed(0)
    model = keras.models.load_model(file.with_suffix(".keras")) if file else squeeze()
    return nets.Network("SqueezeNet1_0", model, model.input_shape[1:3], **COLORS)


def resnet18(side: int) -> nets.Network:
    """Return a ResNet-18 with random weights for pictures of ``side`` pixels."""
    keras.utils.set_random_seed(0)
    return nets.Network("ResNet-18", resnet(side), (side, side), **COLORS)


def scores(model: keras.Model, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the scores of one input, (classes,)."""
    return np.asarray(model(x[None], training=False))[0]


def settle() -> None:
    """Wait until the device has done what it was given."""
    if tf.config.list_physical_devices("GPU"):
        tf.test.experimental.sync_devices()


def versions() -> dict[str, str]:
    """Return name -> version of what does the work, and the device's name."""
    gpus = tf.config.list_physical_devices("GPU")
    found = {"tensorflow": tf.__version__}
    return found | ({"device": tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")} if gpus else {})
