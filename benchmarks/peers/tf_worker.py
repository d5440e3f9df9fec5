"""tf-keras-vis's and PAIR's ways with a Keras model, in a process where ``saliency`` is PAIR's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from answers import ToGap, answer
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.utils.scores import CategoricalScore

import saliency.core as pair


def pair_model(model: keras.Model, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer PAIR's call as its ``Examples_core.ipynb`` does: eagerly, and with the gradient taken inside the tape."""
    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = model(images)[:, call_model_args["y"]]
        gradients = np.array(tape.gradient(scores, images))
    return {pair.INPUT_OUTPUT_GRADIENTS: gradients}


def pair_graph(gradient: Callable[..., Any], images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer PAIR's call as one would who minds the time."""
    return {pair.INPUT_OUTPUT_GRADIENTS: gradient(tf.convert_to_tensor(images, tf.float32)).numpy()}


def ways(model: keras.Model, given: Any) -> dict[str, Callable[[], Any]]:
    """Return what can be asked for; options are those that the libraries' own examples take."""
    x, y, samples = given["x"], int(given["y"]), int(given["samples"])

    @tf.function(input_signature=[tf.TensorSpec([None, *x.shape], tf.float32)])
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            scores = model(images, training=False)[:, y]
        return tape.gradient(scores, images)

    gradients, score = Saliency(model, clone=False), CategoricalScore(y)
    found: dict[str, Callable[[], Any]] = {
        "keras-vis vanilla": partial(gradients, score, x, normalize_map=False, keepdims=True, gradient_modifier=None),
        "keras-vis smoothgrad": partial(gradients, score, x, smooth_samples=samples, smooth_noise=0.20),
        "keras-vis gradcam": partial(Gradcam(model, clone=False), score, x),
    }
    for name, call in (("pair", partial(pair_model, model)), ("pair-graph", partial(pair_graph, gradient))):
        options, zeros = {"y": y}, np.zeros_like(x)
        steps = {"x_baseline": zeros, "x_steps": int(given["steps"]), "batch_size": 20}
        found |= {
            f"{name} vanilla": partial(pair.GradientSaliency().GetMask, x, call, options),
            f"{name} smoothgrad": partial(pair.GradientSaliency().GetSmoothedMask, x, call, options, nsamples=samples),
            f"{name} integrated": partial(pair.IntegratedGradients().GetMask, x, call, options, **steps),
            f"{name} gap": ToGap(x, call, options, float(given["change"]), int(given["most"])),
        }
    return found


def main(folder: Path) -> None:
    """Answer until the input ends."""
    answer(ways(keras.models.load_model(folder / "model.keras"), np.load(folder / "input.npz")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
