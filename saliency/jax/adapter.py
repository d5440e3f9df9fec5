"""The JAX adapter: model inputs, outputs, gradients and features as the masks request them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.channel_axis import read_channel_axis
from saliency.core.errors import GradientError, InputError, LogitWarning, MemoryShortage, SaliencyError, TargetError
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.output_selection import OutputSelector
from saliency.core.position_grid import PositionGrid
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.shape_hints import looks_channels_last
from saliency.core.types import OutputOf
from saliency.core.validation import channel_axis_option, has_batch_axis, host_numbers
from saliency.core.warnings import warn, warn_of_zero_gradients
from saliency.jax.graph import evaluate, flat_graph, interpret, is_floating
from saliency.jax.models import JaxModel
from saliency.jax.positions import Positions
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

    xp = jnp

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
        self._found: dict[Any, str] = {}

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

    def asfeed(self, value: Any, name: str) -> Any:
        return jnp.asarray(value) if hasattr(value, "shape") or isinstance(value, list | tuple) else value

    def numpy(self, array: Any) -> npt.NDArray[Any]:
        return np.asarray(array)

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
        return jnp.asarray(np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds]), self.dtype)

    def read_channel_axis(self, shape: Sequence[int]) -> None:
        if self._auto:
            axes: set[int] = set()
            with suppress(Exception):  # the error is that of the forward pass
                inputs = self._inputs(jnp.zeros((1, *shape), self.dtype), {})
                graph, _ = flat_graph(lambda a, x, f: self._model.call(a, x, f, {}), inputs.arrays, inputs.x, {})
                axes = Positions(graph, graph.jaxpr.invars[len(inputs.arrays)]).channels
            proven = (0 if axes == {1} else -1) if axes in ({1}, {len(shape)}) else None
            default = -1 if looks_channels_last(shape) or self._model.kind in ("keras", "nnx") else 0
            read_channel_axis(self, shape, default if proven is None else proven, lambda _: "unknown" if proven is None else proven)

    def outputs(self, x: Any, request: Request) -> Any:
        inputs, query = self._query(x, request)
        return self._run(query, "outputs", query.output, inputs.x, inputs.flat)

    def selected_output(self, request: Request) -> str | None:
        return self._selector.selected_for(request.target)

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        _, query = self._query(x, request)
        eqn, name = None, "the input"
        if request.at is not None:
            is_output = isinstance(request.at, OutputOf)
            path = self._model.path_of(request.at.layer if is_output else request.at, "at")
            eqn, name = query.leaf(path, ("out" if is_output else "in", "both")), f"layer {path!r}"
            if eqn.outvars[0].aval.shape[:1] != (len(x),):
                raise TargetError(f"{name} has the shape {eqn.outvars[0].aval.shape}; `at` needs one row for each of {len(x)} inputs")
        elif query.score not in query.reached:
            raise GradientError("the score does not depend on the input: no differentiable path leads from it to the score")
        scores, _, gradients = self._differentiate(x, request, eqn, name)
        return scores, gradients

    def features(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        if request.layer is not None:
            return self._features_at(x, request, self._model.path_of(request.layer, "layer"))
        _, query = self._query(x, request)
        spatial = spatial_axes(self.channel_axis, x.ndim)
        grids = {eqn.outvars[0]: self._grid(query, eqn, request, spatial) for eqn in query.marks()}
        named = [eqn for eqn in query.marks() if grids[eqn.outvars[0]] is not None]
        if not named:
            raise TargetError("`layer` (=None) must be named: the score depends on no layer that is known to hold the positions of the input")
        paths = list(dict.fromkeys(self._path(eqn) for eqn in reversed(named)))
        key = (x.shape[1:], request.target.kinds, request.target.layer)
        for path in [self._found[key]] if key in self._found else paths:
            result = self._features_at(x, request, path)
            if bool(jnp.any(result[2] != 0)):
                self._found[key] = path
                return result
        warn_of_zero_gradients(paths[0])
        self._found[key] = paths[0]
        return self._features_at(x, request, paths[0])

    def default_layer_name(self, x: Any, request: Request) -> str | None:
        return self._found.get((x.shape[1:], request.target.kinds, request.target.layer))

    @staticmethod
    def _path(eqn: Any) -> str:
        return str(eqn.params.get("path") or eqn.params["name"])

    def _grid(self, query: Query, eqn: Any, request: Request, spatial: Sequence[int]) -> PositionGrid | None:
        var = eqn.outvars[0]
        if request.grid is not None:
            return request.grid.place(var.aval.shape, query.n)
        return query.positions.grid(var, spatial, self.channel_axis != 0)

    def _features_at(self, x: Any, request: Request, path: str) -> tuple[Any, Any, Any]:
        _, query = self._query(x, request)
        eqn, spatial = query.leaf(path, ("out", "both")), spatial_axes(self.channel_axis, x.ndim)
        grid, shape = self._grid(query, eqn, request, spatial), eqn.outvars[0].aval.shape
        reshape = request.grid.reshape if request.grid is not None else None
        if grid is None and reshape is None:
            stated = f"; {request.grid.requirement}" if request.grid is not None else (
                f": it is not known to hold the input's {len(spatial)} spatial axes. Name another layer= or state the positions: "
                "grid=(rows, columns) and tokens=slice(...), or reshape=, a function that returns (N, channels, *space)"
            )
            raise TargetError(f"layer {path!r} outputs the shape {shape}{stated}")
        scores, output, gradients = self._differentiate(x, request, eqn, f"layer {path!r}", 0 if grid is None else grid.sample_axis)
        if grid is None:
            return scores, reshape(output), reshape(gradients)
        return scores, _arrange(output, grid), _arrange(gradients, grid)

    def _inputs(self, x: Any, feed: Any) -> Inputs:
        given = {name: value for name, value in feed.items() if has_batch_axis(value)}
        plain = {name: value for name, value in feed.items() if name not in given}
        return Inputs(self._model.read()[1], x, given, plain)

    def _query(self, x: Any, request: Request) -> tuple[Inputs, Query]:
        inputs, target = self._inputs(x, request.feed), request.target
        layers = tuple(self._model.path_of(layer, "y") for layer in target.layers)
        places = (target.units.shape, target.per_input(len(x)), layers, target.function, target.logits)
        key = (self._model.read()[0], inputs.key, places, self.channel_axis)
        if key not in self._queries:
            self._queries[key] = Query(self._model, inputs, request, self._selector, self.channel_axis != 0)
        query = self._queries[key]
        if target.function is None:
            target.check(query.output_shape)
        if query.hides_logits:
            warn(LOGITS_NOT_FOUND, LogitWarning)
        return inputs, query

    def _differentiate(self, x: Any, request: Request, eqn: Any, name: str, axis: int = 0) -> tuple[Any, Any, Any]:
        """Return scores (N * T,), the value of an equation or of x, and the gradients by it, samples on an axis."""
        inputs, query = self._query(x, request)
        rule, leaf = request.rule, query.x if eqn is None else eqn.outvars[0]
        by, in_gates = evaluate, False
        if rule is not None:
            by, in_gates = rule_evaluation(query.graph, leaf, query.score, rule, request.allow_no_relu, name)
        warn_if_in_gates(rule, in_gates)

        def differentiate(flat: list[Any], positions: Any, weights: Any) -> tuple[Any, Any, Any]:
            def scores(offset: Any) -> tuple[Any, Any]:
                values = []

                def with_offset(one: Any, given: list[Any]) -> Sequence[Any]:
                    if one is not eqn:
                        return by(one, given)
                    values.append(given[0])
                    return [given[0] + offset]

                shifted = [offset if eqn is None and i == len(inputs.arrays) else value for i, value in enumerate(flat)]
                found = interpret(query.graph, [*shifted, positions, weights], with_offset)[0]
                return found, values[0] if values else offset

            start = flat[len(inputs.arrays)] if eqn is None else jnp.zeros(leaf.aval.shape, leaf.aval.dtype)
            found, backward, value = jax.vjp(scores, start, has_aux=True)
            table = jnp.arange(len(found)).reshape(query.n, -1)
            gradients = [backward(jnp.isin(jnp.arange(len(found)), column).astype(found.dtype))[0] for column in table.T]
            joined = jnp.stack(gradients, axis + 1).reshape(*value.shape[:axis], -1, *value.shape[axis + 1 :])
            return found, value, joined

        key = (None if eqn is None else id(eqn), rule if rule is None or isinstance(rule, str) else id(rule), axis, request.allow_no_relu)
        target = request.target
        places = jnp.asarray(target.positions(query.n)), jnp.asarray(target.weights, x.dtype)
        found, value, gradients = self._run(query, (*key, rule), differentiate, x, inputs.flat, *places)
        dtype = jnp.promote_types(found.dtype, jnp.float32)
        return found.astype(dtype), value.astype(dtype), gradients.astype(dtype)

    def _run(self, query: Query, key: Any, function: Callable[..., Any], x: Any, *arguments: Any) -> Any:
        compiled = query.compiled.setdefault(key, jax.jit(function))
        with translate_errors(x):
            return compiled(*arguments)


def _arrange(output: Any, grid: PositionGrid) -> Any:
    """Return an output as (N, channels, *space)."""
    tokens = jnp.transpose(output, (grid.sample_axis, grid.channel_axis, *grid.position_axes))
    tokens = tokens.reshape(*tokens.shape[:2], -1)[..., jnp.asarray(grid.order)]
    return tokens.reshape(*tokens.shape[:2], *grid.space)


@contextmanager
def translate_errors(x: Any) -> Iterator[None]:
    """Translate a shortage of memory within the block; x is (N, *input)."""
    try:
        yield
    except SaliencyError:
        raise
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise MemoryShortage(f"{len(x)} input(s) of shape {x.shape[1:]} at once do not fit into memory") from error
