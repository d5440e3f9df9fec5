"""The JAX adapter: model inputs, outputs, gradients and features as the masks request them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.channel_axis import read_channel_axis
from saliency.core.errors import GradientError, InputError, LogitWarning, TargetError
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.output_selection import OutputSelector
from saliency.core.position_grid import PositionGrid
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.shape_hints import looks_channels_last
from saliency.core.types import OutputOf
from saliency.core.validation import channel_axis_option, has_batch_axis, host_numbers
from saliency.core.warnings import warn, warn_of_zero_gradients
from saliency.jax.channel_axis import find_channel_axis
from saliency.jax.differentiation import score_gradients, translate_errors, unknown_grid
from saliency.jax.graph import Evaluate, evaluate, is_floating
from saliency.jax.models import JaxModel, named_weights
from saliency.jax.positions import arrange
from saliency.jax.queries import Inputs, Query
from saliency.jax.relu_rules import rule_evaluation, warn_if_in_gates


@final
class JaxAdapter(GradientAdapter):
    """Adapt a JAX function, a module of Flax NNX or Equinox, or a Keras model on JAX.

    The function is traced and compiled once for each shape of a batch and kind of target. Modules run in inference mode.

    Args:
        model: ``f(x)``, ``f(params, x)``, or a module; x is (N, *input), or one sample with ``vmap``.
        params: the first argument of ``f``, arrays in any structure or a module. Their values are read at each call.
        channel_axis: channel axis of one input, without the batch axis; None for inputs without channels, as (H, W).
            ``"auto"`` reads it from the model's first convolution.
        vmap: call the function for one sample at a time, by ``jax.vmap``; None does so for a module of Equinox.
        input: name of the argument that x becomes; None means the first after ``params``.
        output: name, index or path of the output to explain, if the model returns several; see ``saliency.wrap``.

    Raises:
        InputError: if the model is not callable, or an option is invalid.
    """

    xp, named_weights = jnp, named_weights

    def __init__(
        self,
        model: Any,
        params: Any = None,
        channel_axis: Any = "auto",
        vmap: bool | None = None,
        input: str | None = None,
        output: Any = None,
    ) -> None:
        self._model, self._selector = JaxModel(model, params, vmap, input), OutputSelector(output)
        self._auto = isinstance(channel_axis, str) and channel_axis == "auto"
        self.channel_axis = channel_axis_option(-1 if self._auto else channel_axis)
        self._queries: dict[Any, Query] = {}
        self._found: dict[Any, tuple[str, bool]] = {}  # the layer, and whether the choice depends on the input

    @property
    def dtype(self) -> Any:
        """Return the type of inputs and masks: that of the model's first array of floats, float32 or wider."""
        floats = [array.dtype for array in self._model.read()[1] if is_floating(array)]
        return jnp.promote_types(floats[0] if floats else jnp.result_type(float), jnp.float32)

    def asarray(self, value: Any, name: str = "x_value") -> Any:
        if not isinstance(value, jax.Array):
            axis = -1 if self._auto and self.channel_axis is None else self.channel_axis
            return jnp.asarray(host_numbers(value, name, axis, float(jnp.finfo(self.dtype).max)), self.dtype)
        if jnp.iscomplexobj(value) or not value.size or not jnp.isfinite(value).all():
            raise InputError(f"`{name}` ({value.dtype}, shape {value.shape}) must hold finite real numbers only")
        return value.astype(self.dtype)

    def asfeed(self, value: Any, name: str) -> Any:  # noqa: ARG002
        return jnp.asarray(value) if hasattr(value, "shape") or isinstance(value, list | tuple) else value

    def numpy(self, array: Any) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
        return jnp.asarray(np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds]), self.dtype)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            proven = find_channel_axis(self._model, jnp.zeros((1, *shape), self.dtype))
            default = -1 if looks_channels_last(shape) or self._model.kind in ("keras", "nnx") else 0
            axis = default if proven is None else proven
            read_channel_axis(self, shape, axis, lambda _: "unknown" if proven is None else proven)

    def outputs(self, x: Any, request: Request) -> Any:
        inputs, query = self._query(x, request)
        return self._run(query, "outputs", query.output, inputs.x, inputs.flat)

    def selected_output(self, request: Request) -> str | None:
        return self._selector.selected_for(request.target)

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        _, query = self._query(x, request)
        if request.at is not None:
            return self.values_and_gradients_at(x, request)[::2]
        if query.score not in query.reached:
            raise GradientError("the score does not depend on the input: no differentiable path leads from it to the score")
        return self._differentiate(x, request, None, "the input")[::2]

    def values_and_gradients_at(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        _, query = self._query(x, request)
        is_output = isinstance(request.at, OutputOf)
        path = self._model.path_of(request.at.layer if is_output else request.at, "at")
        eqn, name = query.leaf(path, ("out" if is_output else "in", "both")), f"layer {path!r}"
        if eqn.outvars[0].aval.shape[:1] != (len(x),):
            raise TargetError(f"{name} has {eqn.outvars[0].aval}; `at` needs one row for each of {len(x)} inputs")
        return self._differentiate(x, request, eqn, name)

    def features(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        if request.layer is not None:
            return self._features_at(x, request, self._model.path_of(request.layer, "layer"))[:3]
        _, query = self._query(x, request)
        named = [path for path, eqn in query.marks()[::-1] if self._grid(query, eqn, request, x) is not None]
        if not (paths := list(dict.fromkeys(named))):
            raise TargetError(
                "`layer` (=None) must be named: the score depends on no layer that is known to hold positions of the input; "
                f"its layers: {', '.join(path for path, _ in query.marks()) or 'none'}"
            )
        key = (x.shape[1:], request.target.kinds, request.target.layer)
        known, depends_on_input = self._found.get(key, (paths[0], False)), False
        for path in dict.fromkeys([paths[0] if known[1] else known[0], *paths]):
            *result, whole = self._features_at(x, request, path)
            if bool(jnp.any(result[2] != 0)):
                break
            depends_on_input = depends_on_input or not bool(jnp.any(whole != 0))  # another input may have a gradient here
        else:
            warn_of_zero_gradients(path := paths[0])
            *result, _ = self._features_at(x, request, path)
        self._found[key] = path, depends_on_input
        return result[0], result[1], result[2]

    def default_layer_name(self, x: Any, request: Request) -> str | None:
        return self._found.get((x.shape[1:], request.target.kinds, request.target.layer), (None, False))[0]

    def _grid(self, query: Query, eqn: Any, request: Request, x: Any) -> PositionGrid | None:
        if request.grid is not None:
            return request.grid.place(eqn.outvars[0].aval.shape, query.n)
        return query.positions.grid(eqn.outvars[0], spatial_axes(self.channel_axis, x.ndim))

    def _features_at(self, x: Any, request: Request, path: str) -> tuple[Any, Any, Any, Any]:
        """Return scores, a layer's output and the gradients by it on its grid, and the gradients by the whole output."""
        _, query = self._query(x, request)
        grid = self._grid(query, eqn := query.leaf(path, ("out", "both")), request, x)
        reshape = request.grid.reshape if request.grid is not None else None
        reshape = reshape if grid is None else partial(arrange, grid=grid)
        if reshape is None:
            raise unknown_grid(path, eqn.outvars[0].aval.shape, request.grid)
        scores, output, gradients = self._differentiate(x, request, eqn, f"layer {path!r}", grid.sample_axis if grid else 0)
        return scores, reshape(output), reshape(gradients), gradients

    def _inputs(self, x: Any, feed: Any) -> Inputs:
        given = {name: value for name, value in feed.items() if has_batch_axis(value)}
        return Inputs(self._model.read()[1], x, given, {name: one for name, one in feed.items() if name not in given})

    def _query(self, x: Any, request: Request) -> tuple[Inputs, Query]:
        inputs, target = self._inputs(x, request.feed), request.target
        layers = tuple(self._model.path_of(layer, "y") for layer in target.layers)
        places = (target.units.shape, target.per_input(len(x)), layers, target.function, target.logits, target.channel_axis)
        key = (self._model.read()[0], inputs.key, places, self.channel_axis)
        if key not in self._queries:
            self._queries[key] = Query(self._model, inputs, request, self._selector, self.channel_axis)
        query = self._queries[key]
        if target.function is None:
            target.check(query.output_shape)
        if query.hides_logits:
            warn(LOGITS_NOT_FOUND, LogitWarning)
        return inputs, query

    def _differentiate(self, x: Any, request: Request, eqn: Any, name: str, axis: int = 0) -> tuple[Any, Any, Any]:
        """Return scores (N * T,), the value of an equation or of x, and the gradients by it, samples on an axis."""
        inputs, query = self._query(x, request)
        key = (id(eqn), rule := request.rule, axis, request.allow_no_relu)
        if key not in query.rules:
            leaf, found = query.x if eqn is None else eqn.outvars[0], cast(tuple[Evaluate, bool], (evaluate, False))
            if rule is not None:
                found = rule_evaluation(query.graph, leaf, query.score, rule, request.allow_no_relu, name)
            query.rules[key] = found
        by, in_gates = query.rules[key]
        warn_if_in_gates(rule, in_gates)
        new = [] if request.at_values is None else [request.at_values]
        arguments = (inputs.flat, query.places(request.target, x.dtype), *new)
        found, value, gradients = self._run(query, (*key, len(new)), score_gradients(query, eqn, by, axis), x, *arguments)
        dtype = jnp.promote_types(found.dtype, jnp.float32)
        return found.astype(dtype), value.astype(dtype), gradients.astype(dtype)

    def _run(self, query: Query, key: Any, function: Callable[..., Any], x: Any, *arguments: Any) -> Any:
        with translate_errors(x):
            return query.compiled.setdefault(key, jax.jit(function))(*arguments)
