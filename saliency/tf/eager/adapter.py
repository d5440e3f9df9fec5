"""The adapter for models that TensorFlow runs eagerly: Keras models, functions, modules and SavedModels."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.attention import AttentionLayers, Gradients
from saliency.core.channel_axis import read_channel_axis
from saliency.core.interrupts import DeferredInterrupts
from saliency.core.joined_inputs import InputLayout
from saliency.core.keras.channel_axis import find_channel_axis
from saliency.core.keras.layers import channel_axis_of, layers_of
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.target import Target
from saliency.core.validation import boolean, channel_axis_option
from saliency.tf.eager.fused_functions import call_fused, in_host_memory
from saliency.tf.eager.input_tensors import feed_tensor, input_tensor, rounding_error
from saliency.tf.eager.last_layers import LastLayers, LayerQuery
from saliency.tf.eager.model_fingerprint import fingerprint_of
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.models import model_function
from saliency.tf.eager.occluded_forward import OccludedForward, supports_incremental
from saliency.tf.eager.queries import ModelQueries
from saliency.tf.eager.trace_cache import TraceCache
from saliency.tf.eager.weights import first_batch_norm, named_weights, set_weights
from saliency.tf.eager.window_occlusion import host_window_occluder
from saliency.tf.ops.error_translation import translate_errors
from saliency.tf.ops.random_normal import normal_rows
from saliency.tf.ops.spatial_layout import SpatialLayout


@final
class KerasAdapter(GradientAdapter):
    """Adapt a Keras 3 or Keras 2 model, a ``tf.function``, a callable ``tf.Module``, or a SavedModel.

    The model runs in inference mode. Each query (outputs, gradients, gradients under a rule, layer gradients) is traced once
    for each input shape. A trace serves any number of inputs, any classes and any values of the weights. If the model's
    layers change, the next adapter of the model traces it again.

    Args:
        model: one of these objects, or the path of a SavedModel's folder.
        channel_axis: channel axis of one input, without the batch axis; None for inputs without channels, as (H, W).
            ``"auto"`` means first if the model's layers use ``channels_first``, else last; for inputs with two axes, only if
            the model's first layers prove it.
        signature: name of a SavedModel's signature; None calls the object itself if possible, or its only signature.
        input: name of the explained input; None selects the first input that ``feed_dict`` does not name.
        output: name, index or path of the output to explain, if the model returns several; see ``saliency.wrap``.
        x_name: an older name of ``input``.
        jit_compile: compile the graphs with XLA. Compilation takes minutes, and pays off for large models on an accelerator.
        trust: load a SavedModel from its folder. Its operations can read and write files when it is loaded or called.
        train_mode: accept operations that stay in train mode, such as the dropout of Monte Carlo dropout, without a warning.

    Raises:
        InputError: if the model is none of these objects, or a folder needs ``trust``.
        ModelError: for a Keras model on another backend.
    """

    xp, named_weights, set_weights, first_batch_norm = tnp, named_weights, set_weights, first_batch_norm
    propagates_relevance = True
    feed_kinds = "buifcUS"  # TensorFlow has arrays of strings
    batch_memory = 18_000_000  # measured: 10 images of 224 x 224, 25 of 96 x 96

    def __init__(
        self,
        model: Any,
        channel_axis: Any = "auto",
        signature: str | None = None,
        input: str | InputLayout | None = None,
        output: Any = None,
        jit_compile: bool = False,
        x_name: str | None = None,
        trust: bool = False,
        train_mode: bool = False,
    ) -> None:
        explained = input if x_name is None else x_name
        self.joined = explained if isinstance(explained, InputLayout) else None
        self._model = model_function(model, signature, explained, output, boolean("trust", trust))
        self.model = self._model.owner
        layers = layers_of(self.model) if self._model.is_keras else {}
        self._auto = isinstance(channel_axis, str) and channel_axis == "auto"
        channel_axis = channel_axis if self._auto else channel_axis_option(channel_axis)
        self._default_axis = channel_axis_of(layers.values()) if self._auto else channel_axis
        self._axis_evidence = find_channel_axis(list(layers.values()), self._default_axis) if self._auto else "unknown"
        self.channel_axis = self._default_axis
        channels_last = self.channel_axis != 0
        options = (signature, explained, output, channels_last, jit_compile)
        traces = TraceCache.of(self.model, options, fingerprint_of(self.model, layers.values()), jit_compile)
        self._traces, self._output = traces, output
        self._outputs = ModelOutputs(self._model, channels_last, traces.output_selector, self.joined)
        self._outputs.channel_axis = self.channel_axis
        self._queries = ModelQueries(self._outputs, traces, train_mode)
        self._last_layers = LastLayers(self._queries.layers, self._outputs, traces.last_layers)

    @property
    def input_parameters(self) -> Mapping[str, inspect.Parameter]:
        return self._model.parameters

    @property
    def cache_owner(self) -> tuple[Any, Hashable]:
        return self._traces, None  # one for each model and combination of options

    @property
    def rounding_error(self) -> float:
        layers = layers_of(self.model).values() if self._model.is_keras else ()
        return rounding_error([self._model.float_dtype.name, *(str(getattr(one, "compute_dtype", None)) for one in layers)])

    def asarray(self, value: Any, name: str = "x_value") -> Any:
        return input_tensor(value, name, self._default_axis, self._model.float_dtype)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            read_channel_axis(self, shape, self._default_axis, lambda _shape: self._axis_evidence)
            self._outputs.channel_axis = self.channel_axis

    def asfeed(self, value: Any, name: str) -> Any:
        return feed_tensor(value, name)

    def numpy(self, array: Any) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
        return tf.cast(normal_rows(shape, seeds), self._model.float_dtype)

    def outputs(self, x: Any, request: Request) -> Any:
        with DeferredInterrupts(), translate_errors(x):
            return self._queries.outputs(x, request)

    def selected_output(self, request: Request) -> str | None:
        selected = self._traces.output_selector.selected_for(request.target)
        return None if request.target.layers else selected if self._output is None else str(self._output)

    def scores(self, x: Any, request: Request) -> Any:
        if request.target.function is not None:  # it is not differentiated, so it may be any Python
            return super().scores(x, request)
        with DeferredInterrupts(), translate_errors(x):
            return self._queries.scores(x, request)

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        with DeferredInterrupts(), translate_errors(x):
            return self._queries.gradients(x, request)

    def multipliers(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        with DeferredInterrupts(), translate_errors(x):
            return self._queries.multipliers(x, request)

    def values_and_gradients_at(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        with translate_errors(x):
            return self._queries.values_and_gradients_at(x, request)

    def features(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        return self._at_layer(x, request, self._queries.layers.features)

    def features_and_gradients(self, x: Any, request: Request) -> tuple[Any, ...]:
        return self._at_layer(x, request, self._queries.layers.features_and_gradients)

    def attentions(self, x: Any, request: Request, gradients: Gradients = "score") -> AttentionLayers:
        with DeferredInterrupts(), translate_errors(x):
            return self._queries.attention.attentions(x, request, self._layout(x, request), gradients)

    def default_layer_name(self, x: Any, request: Request) -> str | None:
        layer = self._last_layers.find(request, self._layout(x, request))
        return None if layer is None else str(layer)

    def tokens_left_out(self, x: Any, request: Request) -> int | None:
        layer, layout = request.layer, self._layout(x, request)
        return self._queries.layers.tokens_left_out(
            self._last_layers.find(request, layout) if layer is None else layer, layout
        )

    def call_fused(self, function: Callable[..., Any], how: Hashable, *arrays: Any) -> Any:
        return call_fused(function, how, *arrays)

    def window_occluder(self, x: Any, cover: Any, windows: SlidingWindows) -> Callable[[range], Any]:
        if in_host_memory(x, cover):
            return host_window_occluder(x, cover, windows)
        return super().window_occluder(x, cover, windows)

    def occluded_outputs(self, x: Any, cover: Any, size: Sequence[int], target: Target) -> OccludedForward | None:
        if not supports_incremental(x, cover, self.channel_axis):
            return None
        return OccludedForward(self._outputs, self._traces, x, cover, size, target)

    def _layout(self, x: Any, request: Request) -> SpatialLayout:
        return SpatialLayout.of_input(x.shape, self.channel_axis, request.grid)

    def _at_layer(self, x: Any, request: Request, query: LayerQuery) -> tuple[Any, ...]:
        """Run a query at the layer that the request names, or at the last spatial layer."""
        layout = self._layout(x, request)
        with DeferredInterrupts(), translate_errors(x):
            if request.layer is not None:
                return query(x, request, layout).tensors[:-1]
            return self._last_layers.evaluate(query, x, request, layout)[:-1]
