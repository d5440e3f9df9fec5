"""The adapter for a TensorFlow 1 graph and its session."""

import os
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.channel_axis import read_channel_axis
from saliency.core.errors import InputError
from saliency.core.function_adapter import FunctionAdapter
from saliency.core.interrupts import DeferredInterrupts
from saliency.core.position_grid import PositionGrid
from saliency.core.target import Target
from saliency.core.types import Array
from saliency.core.validation import channel_axis_option
from saliency.tf.ops.channel_axis import find_channel_axis
from saliency.tf.ops.error_translation import translate_errors
from saliency.tf.ops.forked_process import refuse_forked_process
from saliency.tf.ops.last_spatial_layer import evaluate_last_layer, found_layer
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.session.graph_session import GraphSession, NonArrayValue
from saliency.tf.session.queries import GraphQueries
from saliency.tf.session.query_runner import SessionRunner
from saliency.tf.session.tensor_lookup import resolve_layer, resolve_tensor
from saliency.tf.session.weights import named_weights

NO_LAYER = (
    "`conv_layer` (=None) must be named: no operation between `x` and `y` is known to output several positions of the input "
    "(operations inside the function calls of a SavedModel are not searched: pass its "
    "folder to saliency.wrap)"
)


@final
class GraphAdapter(GradientAdapter):
    """Adapt a ``tf.Graph`` and the session that runs it.

    Gradient operations are added to the graph, once for all masks. Nothing else of the graph changes, and a finalized graph
    is finalized again. Arrays are NumPy's, because a session is fed from the host.

    Other inputs (``feed_dict``, by tensor or name) are fed unchanged, so each must have the batch axis that its placeholder
    expects. ``GetMasks`` of N inputs accepts N such values.

    Inputs are evaluated one at a time if ``y`` is a single number, if ``x`` accepts one input only, or if another input has
    axes.

    Args:
        graph: the graph.
        session: a session of this graph.
        y: a tensor or its name: one number (PAIR's ``logits[0][neuron_selector]``), one number for each input (N,), or
            (N, classes, ...), from which the mask's ``y`` selects. In the last case only, the logits in front of a softmax or
            sigmoid are explained.
        x: the input tensor or its name: floats, (N or 1 or None, *input).
        conv_layer: the layer for masks that name none: a tensor, an operation or a name. None finds the last layer with the
            input's spatial axes.
        channel_axis: channel axis of one input, without the batch axis; None for inputs without channels, as (H, W).
            ``"auto"`` means last; for inputs with two axes, only if the first operations on ``x`` prove it.

    Raises:
        InputError: if an argument is not in the graph, or does not fit.
        TargetError: if the layer is not in the graph.
        ModelError: if the number of the output's axes is unknown.
    """

    xp, named_weights = np, named_weights
    feed_kinds = "buifcUS"  # TensorFlow has arrays of strings
    confirms_assumed_axes = False

    def __init__(self, graph: Any, session: Any, y: Any, x: Any, conv_layer: Any = None, channel_axis: Any = "auto") -> None:
        if not isinstance(graph, tf.Graph):
            raise InputError(f"`graph` ({type(graph).__name__}) must be a tf.Graph")
        self._process = os.getpid()
        self.x, self.y = resolve_tensor(graph, x, "x"), resolve_tensor(graph, y, "y")
        self.graph, self.session = graph, session
        if not self.x.dtype.is_floating or self.x.shape.rank == 0:
            raise InputError(f"`x` ({self.x.name!r}, {self.x.dtype.name}) must hold floats, with a batch axis (N, *input)")
        self._auto = isinstance(channel_axis, str) and channel_axis == "auto"
        channel_axis = channel_axis_option(-1 if self._auto else channel_axis)
        double = tf.float64 in (self.x.dtype, self.y.dtype)
        queries = GraphQueries(self.x, self.y, tf.float64 if double else tf.float32, channel_axis != 0)
        queries.has_single_row(Target())  # raises an error for a `y` of the wrong shape
        self._runner = SessionRunner(GraphSession(graph, session, self.x), queries)
        self._host = FunctionAdapter(session.run, channel_axis, "float64" if double else "float32")
        self.channel_axis = channel_axis
        self.conv_layer = None if conv_layer is None else resolve_layer(conv_layer, self.x, self.y)
        self._grids: dict[Any, PositionGrid | None] = {}  # layer and layout -> its grid
        self._last_layers: dict[Any, Any] = {}  # kind of input and target -> the last spatial layer

    @property
    def cache_owner(self) -> tuple[Any, Hashable]:
        return self.graph, (self.x.name, self.y.name)

    def asarray(self, value: Any, name: str = "x_value") -> npt.NDArray[Any]:
        refuse_forked_process(self._process)
        return self._host.asarray(value, name)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            read_channel_axis(self, shape, -1, lambda _shape: find_channel_axis(self.x))
            self.channel_axis_is_assumed &= not self.confirms_assumed_axes

    def asfeed(self, value: Any, name: str) -> Any:
        if not hasattr(value, "shape") and not isinstance(value, list):
            return NonArrayValue(value) if isinstance(value, tuple) else value
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array: {error}") from error
        return NonArrayValue(value) if array.dtype == object else array

    def numpy(self, array: Array) -> npt.NDArray[Any]:
        return self._host.numpy(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> npt.NDArray[Any]:
        return self._host.normal(shape, seeds)

    def outputs(self, x: Array, request: Request) -> Any:
        with DeferredInterrupts(), translate_errors(x):
            return self._runner.outputs(x, request)

    def gradients(self, x: Array, request: Request) -> tuple[Array, Array]:
        with DeferredInterrupts(), translate_errors(x):
            scores, gradients = self._runner.gradients(x, request)
            return scores, gradients.astype(scores.dtype, copy=False)

    def features(self, x: Array, request: Request) -> tuple[Array, Array, Array]:
        layer = self.conv_layer if request.layer is None else request.layer
        evaluate, layout = partial(self._features_at, x, request), self._layout(x, request)
        with DeferredInterrupts(), translate_errors(x):
            if layer is not None:
                return evaluate(layer)
            key, cache, target = _layer_key(x, request), self._last_layers, request.target.kinds
            layers = partial(self._runner.layers, x, request, layout)
            return evaluate_last_layer(cache, key, target, evaluate, layers, _has_gradient, NO_LAYER)

    def default_layer_name(self, x: Array, request: Request) -> str | None:
        layer = found_layer(self._last_layers, _layer_key(x, request), request.target.kinds)
        return None if layer is None else str(layer)

    def tokens_left_out(self, x: Array, request: Request) -> int | None:
        layer = self.conv_layer if request.layer is None else request.layer
        layer = found_layer(self._last_layers, _layer_key(x, request), request.target.kinds) if layer is None else layer
        grid = None if layer is None else self._grid_of(resolve_layer(layer, self.x, self.y), self._layout(x, request))
        return 0 if grid is None else grid.left_out

    def _layout(self, x: Array, request: Request) -> SpatialLayout:
        return SpatialLayout.of_input(x.shape, self.channel_axis, request.grid)

    def _features_at(self, x: Array, request: Request, layer: Any) -> tuple[Array, Array, Array]:
        """Return scores, features and gradients at a layer."""
        tensor = resolve_layer(layer, self.x, self.y)
        layout, name = self._layout(x, request), f"layer {tensor.op.name!r}"
        grid = self._grid_of(tensor, layout)
        scores, gradients, features = self._runner.features(x, request, tensor, name)
        features, gradients = (
            layout.to_feature_map(array, name, grid, np).astype(scores.dtype, copy=False) for array in (features, gradients)
        )
        return scores, features, gradients

    def _grid_of(self, tensor: Any, layout: SpatialLayout) -> PositionGrid | None:
        """Return the grid of the input's positions in a layer's tensor."""
        key = tensor.name, layout
        if key not in self._grids:
            self._grids[key] = layout.grid_of(tensor, layout.follow(self.x, [tensor]))
        return self._grids[key]


def _layer_key(x: Array, request: Request) -> Any:
    """Return what the choice of the last spatial layer depends on."""
    return x.shape[1:], request.target.layer, request.target.logits, request.grid


def _has_gradient(result: Sequence[Array]) -> bool:
    return bool(np.any(result[2]))
