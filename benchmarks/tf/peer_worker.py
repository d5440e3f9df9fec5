"""Other libraries' ways, in a process where ``saliency`` is PAIR's. A line of the input names one; ``done`` answers it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
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


def ways(model: keras.Model, x: np.ndarray[Any, Any], y: int) -> dict[str, Callable[[], Any]]:
    """Return what can be asked for; options are those that the libraries' own examples take."""

    @tf.function(input_signature=[tf.TensorSpec([None, *x.shape], tf.float32)])
    def gradient(images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            scores = model(images, training=False)[:, y]
        return tape.gradient(scores, images)

    keras_vis = Saliency(model, clone=False)
    found: dict[str, Callable[[], Any]] = {
        "keras-vis smoothgrad": partial(keras_vis, CategoricalScore(y), x, smooth_samples=25, smooth_noise=0.20)
    }
    for name, call in (("pair", partial(pair_model, model)), ("pair-graph", partial(pair_graph, gradient))):
        smoothed, integrated = pair.GradientSaliency().GetSmoothedMask, pair.IntegratedGradients().GetMask
        found[f"{name} smoothgrad"] = partial(smoothed, x, call, {"y": y}, nsamples=25)
        options = {"x_steps": 50, "x_baseline": np.zeros_like(x), "batch_size": 20}
        found[f"{name} integrated"] = partial(integrated, x, call, {"y": y}, **options)
    return found


def main(folder: Path) -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed must not be taken for an answer
    warnings.simplefilter("ignore")
    given = np.load(folder / "input.npz")
    known = ways(keras.models.load_model(folder / "model.keras"), given["x"], int(given["y"]))
    for line in sys.stdin:
        try:
            known[line.strip()]()
            answer = "done"
        except Exception as error:
            answer = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
