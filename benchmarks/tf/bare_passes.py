"""The bare passes of a model as ``tf.function``s, the minimum cost of a method: no noise, no sum, no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from saliency.tf import KerasAdapter


def record_batches(run: Callable[[], object]) -> list[tf.Tensor]:
    """Run a method and return the batches that it passed to the model; their values affect the time of bare passes."""
    batches: list[tf.Tensor] = []
    run()  # warm-up, which traces
    with ExitStack() as stack:
        for name in ("outputs", "scores", "gradients", "features"):
            stack.enter_context(mock.patch.object(KerasAdapter, name, _recording(getattr(KerasAdapter, name), batches)))
        run()
    return batches


def _recording(method: Callable[..., Any], batches: list[tf.Tensor]) -> Callable[..., Any]:
    def record(adapter: KerasAdapter, x: tf.Tensor, *more: Any, **options: Any) -> Any:
        batches.append(x)
        return method(adapter, x, *more, **options)

    return record


def rebatch(batches: Sequence[tf.Tensor], size: int) -> list[tf.Tensor]:
    """Return the same inputs in batches of nearly equal sizes, none larger than ``size``."""
    inputs = np.concatenate([np.asarray(batch) for batch in batches])
    return [tf.constant(batch) for batch in np.array_split(inputs, -(-len(inputs) // size))]


class BarePasses:
    """Run bare passes of a model.

    Args:
        model: a model that returns logits, not a softmax.
        y: the class whose score is differentiated.
    """

    def __init__(self, model: keras.Model, y: int) -> None:
        def forward(x: tf.Tensor) -> tf.Tensor:
            return model(x, training=False)

        def gradient(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x)
                score = tf.reduce_sum(model(x, training=False)[:, y])
            return tape.gradient(score, x)

        spec = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)]
        self._forward = tf.function(forward, input_signature=spec)
        self._gradient = tf.function(gradient, input_signature=spec)

    def forwards(self, batches: Sequence[tf.Tensor]) -> None:
        """Run a forward pass for each batch."""
        for batch in batches:
            self._forward(batch)

    def gradients(self, batches: Sequence[tf.Tensor]) -> None:
        """Run a forward and a backward pass for each batch."""
        for batch in batches:
            self._gradient(batch)
