"""Run tf-keras-vis and PAIR on a Keras model, in a process where ``saliency`` is PAIR's package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.utils.scores import CategoricalScore
from worker_protocol import IntegrateToGap, serve_requests

import saliency.core as pair


def call_model_eagerly(model: keras.Model, images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Implement PAIR's ``call_model_function`` as in its ``Examples_core.ipynb``: eagerly, gradient inside the tape."""
    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = model(images)[:, call_model_args["y"]]
        gradients = np.array(tape.gradient(scores, images))
    return {pair.INPUT_OUTPUT_GRADIENTS: gradients}


def call_model_graph(gradient: Callable[..., Any], images: Any, call_model_args: Any, expected_keys: Any) -> dict[str, Any]:  # noqa: ARG001
    """Implement PAIR's ``call_model_function`` with a ``tf.function``, which is faster."""
    return {pair.INPUT_OUTPUT_GRADIENTS: gradient(tf.convert_to_tensor(images, tf.float32)).numpy()}


def variants(model: keras.Model, settings: Any) -> dict[str, Callable[[], Any]]:
    """Return name -> function to time, with the options of the libraries' own examples."""
    x, y, samples = settings["x"], int(settings["y"]), int(settings["samples"])

    @tf.function(input_signature=[tf.TensorSpec([None, *x.shape], tf.float32)])
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            scores = model(images, training=False)[:, y]
        return tape.gradient(scores, images)

    gradients, score = Saliency(model, clone=False), CategoricalScore(y)
    functions: dict[str, Callable[[], Any]] = {
        "keras-vis vanilla": partial(gradients, score, x, normalize_map=False, keepdims=True, gradient_modifier=None),
        "keras-vis smoothgrad": partial(gradients, score, x, smooth_samples=samples, smooth_noise=0.20),
        "keras-vis gradcam": partial(Gradcam(model, clone=False), score, x),
    }
    for name, call in (("pair", partial(call_model_eagerly, model)), ("pair-graph", partial(call_model_graph, gradient))):
        options, zeros = {"y": y}, np.zeros_like(x)
        steps = {"x_baseline": zeros, "x_steps": int(settings["steps"]), "batch_size": 20}
        functions |= {
            f"{name} vanilla": partial(pair.GradientSaliency().GetMask, x, call, options),
            f"{name} smoothgrad": partial(pair.GradientSaliency().GetSmoothedMask, x, call, options, nsamples=samples),
            f"{name} integrated": partial(pair.IntegratedGradients().GetMask, x, call, options, **steps),
            f"{name} gap": IntegrateToGap(x, call, options, float(settings["change"]), int(settings["max_steps"])),
        }
    return functions


def main(folder: Path) -> None:
    """Serve requests until standard input ends."""
    serve_requests(variants(keras.models.load_model(folder / "model.keras"), np.load(folder / "input.npz")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
