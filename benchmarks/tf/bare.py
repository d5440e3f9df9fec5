"""The passes that a method can't do without, each a ``tf.function``, and nothing else: no noise, no sum, no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from saliency.tf import KerasAdapter


def batches(run: Callable[[], object]) -> list[tf.Tensor]:
    """Run a method, and return what it gave the model, batch after batch: the numbers matter to the time as well."""
    given: list[tf.Tensor] = []
    run()  # a first call traces, and may have something to find out
    with ExitStack() as stack:
        for name in ("outputs", "scores", "gradients", "features"):
            stack.enter_context(mock.patch.object(KerasAdapter, name, _noting(getattr(KerasAdapter, name), given)))
        run()
    return given


def _noting(method: Callable[..., Any], given: list[tf.Tensor]) -> Callable[..., Any]:
    def noted(adapter: KerasAdapter, x: tf.Tensor, *more: Any, **options: Any) -> Any:
        given.append(x)
        return method(adapter, x, *more, **options)

    return noted


def cut(given: Sequence[tf.Tensor], size: int) -> list[tf.Tensor]:
    """Return the same inputs in other batches, as even as can be and none larger than ``size``."""
    inputs = np.concatenate([np.asarray(batch) for batch in given])
    return [tf.constant(batch) for batch in np.array_split(inputs, -(-len(inputs) // size))]


class Passes:
    """A model's bare passes.

    Args:
        model: ends in the scores themselves, not in a softmax.
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

    def forwards(self, given: Sequence[tf.Tensor]) -> None:
        """Run forward alone, batch after batch."""
        for batch in given:
            self._forward(batch)

    def gradients(self, given: Sequence[tf.Tensor]) -> None:
        """Run forward and backward, batch after batch."""
        for batch in given:
            self._gradient(batch)
