"""TensorFlow's side of the contract, for all that is run eagerly: Keras models, functions, modules and SavedModels."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, ModelError
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.request import Request
from saliency.core.validation import host_numbers
from saliency.tf.eager.fused_functions import call_fused, on_processor
from saliency.tf.eager.layers import channel_axis_of, layers_of
from saliency.tf.eager.model_fingerprint import state_of
from saliency.tf.eager.model_outputs import Reading
from saliency.tf.eager.models import model_of
from saliency.tf.eager.queries import Questions
from saliency.tf.eager.trace_cache import Traces
from saliency.tf.eager.window_cover import host_covering
from saliency.tf.ops.error_translation import served
from saliency.tf.ops.last_layer import at_last
from saliency.tf.ops.random_normal import normal_rows
from saliency.tf.ops.spatial_layout import Grid

NO_LAYER = (
    "`layer` (=None) must be named: no layer that the score depends on has the input's spatial axes, in its proportions and "
    "with more than one position on them"
)


@final
class KerasAdapter(GradientAdapter):
    """A Keras 3 or Keras 2 model, a ``tf.function``, a callable ``tf.Module``, or a SavedModel.

    The model is traced once for each question (its outputs, its gradients, those by a rule or by a layer) and each shape of
    an input; the number of inputs, their classes and the weights' values are no part of it. A model whose layers were
    changed is traced anew for the next adapter that is made. It runs in inference mode.

    Args:
        model: one of these, or the folder of a SavedModel.
        channel_axis: of one input, without its batch axis; None if it has no channels, as (H, W). ``"auto"`` goes by the
            model's layers: last, unless one says ``channels_first``.
        signature: of a SavedModel, by name; None takes the object itself if it can be called, or its only signature.
        x_name: name of the input that is explained; None takes the first that ``feed_dict`` does not name.
        output: name or number of the output that is explained, where there are several.
        jit_compile: compile the graphs with XLA: minutes of compiling on a CPU, for large models on an accelerator.

    Raises:
        InputError: if it is none of these.
        ModelError: for a Keras model on another backend.
    """

    xp = tnp
    batch_memory = 18_000_000  # measured: 10 pictures of 224 x 224, 25 of 96 x 96

    def __init__(
        self,
        model: Any,
        channel_axis: Any = "auto",
        signature: str | None = None,
        x_name: str | None = None,
        output: Any = None,
        jit_compile: bool = False,
    ) -> None:
        self._model = model_of(model, signature, x_name, output)
        self.model = self._model.owner
        layers = layers_of(self.model) if self._model.keras else {}
        self.channel_axis = channel_axis_of(layers.values()) if channel_axis == "auto" else channel_axis
        self._last = self.channel_axis != 0
        reading = Reading(self._model, self._last)
        told = (signature, x_name, output, self._last, jit_compile)
        traces = Traces.of(self.model, told, state_of(self.model, layers.values()), jit_compile)
        self._questions = Questions(reading, traces)
        self._found: dict[Any, Any] = {}  # layers found before, by the kind of input and target

    def asarray(self, value: Any, name: str = "x_value") -> Any:
        if not tf.executing_eagerly():
            raise ModelError(
                "TensorFlow builds a graph here (`with graph.as_default()`, `with session`, or eager execution is off): call "
                "the mask outside, or saliency.tf.GraphAdapter explains what runs in a session"
            )
        if isinstance(value, tf.Tensor | tf.Variable):
            if not (value.dtype.is_floating or value.dtype.is_integer or value.dtype.is_bool) or 0 in value.shape:
                raise InputError(f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only")
            value = tf.stop_gradient(tf.cast(value, self._model.counted_in))
            if not bool(tf.reduce_all(tf.math.is_finite(value))):
                raise InputError(f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only")
            return value
        return tf.constant(host_numbers(value, name, self.channel_axis), self._model.counted_in)

    def asfeed(self, value: Any, name: str) -> Any:
        if not hasattr(value, "shape") and not isinstance(value, list | tuple):
            return value
        try:
            return tf.convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array of numbers: {error}") from error

    def numpy(self, array: Any) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
        return tf.cast(normal_rows(shape, seeds), self._model.counted_in)

    def outputs(self, x: Any, request: Request) -> Any:
        with served(x):
            return self._questions.outputs(x, request)

    def scores(self, x: Any, request: Request) -> Any:
        if request.target.function is not None:  # which may be any Python here, for it is not differentiated
            return super().scores(x, request)
        with served(x):
            return self._questions.scores(x, request)

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        with served(x):
            scores, gradients = self._questions.gradients(x, request)
        return scores, gradients

    def features(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        scores, output, gradients = self._at_a_layer(x, request, self._questions.features)
        return scores, output, gradients

    def features_and_gradients(self, x: Any, request: Request) -> tuple[Any, ...]:
        return self._at_a_layer(x, request, self._questions.features_and_gradients)

    def default_layer_name(self, x: Any, request: Request) -> str | None:
        found = self._found.get(self._kind(x, request))
        return None if found is None else str(found)

    def call_fused(self, function: Callable[..., Any], how: Hashable, *arrays: Any) -> Any:
        return call_fused(function, how, *arrays)

    def window_occluder(self, x: Any, cover: Any, windows: SlidingWindows) -> Callable[[range], Any]:
        return host_covering(x, cover, windows) if on_processor(x, cover) else super().window_occluder(x, cover, windows)

    def _kind(self, x: Any, request: Request) -> Any:
        """Return what distinguishes requests whose last layers may differ."""
        target = request.target
        return Grid.of_input(x.shape, self.channel_axis), tuple(request.feed), target.layer, target.logits

    def _at_a_layer(self, x: Any, request: Request, query: Callable[..., tuple[Any, ...]]) -> tuple[Any, ...]:
        """Run a query at the layer that the request names, or at the last layer that suits."""
        grid = Grid.of_input(x.shape, self.channel_axis)

        def at(layer: Any) -> tuple[Any, ...]:
            return query(x, replace(request, layer=layer), grid)

        with served(x):
            if request.layer is not None:
                found = at(request.layer)
            else:
                look = partial(self._questions.spatial_layers, x, request, grid)
                found = at_last(self._found, self._kind(x, request), at, look, _counts, NO_LAYER)
        return found[:-1]


def _counts(found: Sequence[Any]) -> bool:
    return bool(found[-1])
