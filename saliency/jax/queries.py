"""A query traces a model for inputs of one shape, and the score of a target from its outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from saliency.core.adapter_request import Request
from saliency.core.detection_scores import KeptScore
from saliency.core.errors import ForwardError, GradientError, SaliencyError, TargetError, one_line
from saliency.core.output_selection import OutputSelector
from saliency.core.score_reading import call_target, check_one_per_sample, read_scores, with_channel_axis
from saliency.core.target import Target
from saliency.jax.graph import Evaluate, dependents, evaluate, flat_graph, interpret, needed, place_of, variables
from saliency.jax.logits import LogitSearch
from saliency.jax.models import JaxModel
from saliency.jax.positions import Positions
from saliency.jax.target_axes import layer_channels_first, output_channels_first


@dataclass(frozen=True)
class Inputs:
    """The arguments of a trace: the model's arrays, x (N, *input), and its other inputs."""

    arrays: list[Any]
    x: Any
    feed: dict[str, Any]
    plain: dict[str, Any]

    @property
    def key(self) -> Any:
        """What a trace depends on."""
        arrays = [*self.arrays, self.x, *self.feed.values()]
        return tuple((one.shape, str(one.dtype)) for one in arrays), tuple(self.feed), repr(self.plain)

    @property
    def flat(self) -> list[Any]:
        """The arguments in the order of the graph's inputs."""
        return list(jax.tree.leaves((self.arrays, self.x, self.feed)))


class Query:
    """The graph of one target's scores, from its model's.

    Args:
        model: the model.
        inputs: of the trace; only their shapes and types count.
        request: its target is read; the values of its indices do not count.
        selector: selects the output.
        channel_axis: of one input. The outputs of layers have their channels first if it is 0, and last otherwise.
    """

    def __init__(
        self, model: JaxModel, inputs: Inputs, request: Request, selector: OutputSelector, channel_axis: int | None
    ) -> None:
        self.model, self.target, self._selector = model, request.target, selector
        self._channel_axis = channel_axis
        self.n, self.place = len(inputs.x), len(inputs.arrays)

        def call(arrays: Any, x: Any, feed: Any) -> Any:
            return model.call(arrays, x, feed, inputs.plain)

        try:
            self._graph, self._shapes = flat_graph(call, inputs.arrays, inputs.x, inputs.feed)
        except SaliencyError:
            raise
        except Exception as error:
            raise ForwardError.of(inputs.x.shape, one_line(error)) from error
        self._instead, self.hides_logits = self._find_logits(self.place)
        self._flat = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in map(jnp.asarray, inputs.flat)]
        self._places = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in self.places(request.target, inputs.x.dtype)]
        self.compiled: dict[Any, Callable[..., Any]] = {}
        self.rules: dict[Any, tuple[Evaluate, bool]] = {}

    @cached_property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of ``output``."""
        return tuple(jax.eval_shape(self.output, self._flat).shape)

    @cached_property
    def graph(self) -> Any:
        """The graph of the scores (N * T,), whose arguments are those of the model, and the ``places`` of the target."""
        return flat_graph(self._scores, self._flat, self._places)[0]

    @property
    def x(self) -> Any:
        """The input's variable in the graph."""
        return self.graph.jaxpr.invars[self.place]

    @property
    def score(self) -> Any:
        """The scores' variable in the graph."""
        return self.graph.jaxpr.outvars[0]

    @cached_property
    def reached(self) -> set[Any]:
        """The variables of the graph that have a derivative by the input."""
        return dependents(self.graph, self.x, differentiable=True)

    @cached_property
    def positions(self) -> Positions:
        """The positions of the input that the variables of the graph hold."""
        return Positions(self.graph, self.x)

    def places(self, target: Target, dtype: Any) -> list[Any]:
        """Return where a target of this kind is read: indices and weights, or the places of a detection's scores."""
        if isinstance(target.function, KeptScore) and target.rows is not None:
            return [jnp.asarray(one) for one in target.function.places(target.rows, self.n)]
        if target.function is not None:
            return []
        return [jnp.asarray(target.positions(self.n)), jnp.asarray(target.weights, dtype)]

    def _find_logits(self, x: int) -> tuple[dict[Any, Any], bool]:
        if self.target.function is not None or self.target.layer is not None or not self.target.logits:
            return {}, False
        reached, output = dependents(self._graph, self._graph.jaxpr.invars[x]), self._output_variable
        return ({}, False) if output is None else LogitSearch(self._graph, reached).find(output)

    @cached_property
    def _output_variable(self) -> Any:
        """The variable of the output that classes are read from, in the model's graph; None if it is a constant."""
        shapes, selected = jax.tree.leaves(self._shapes), self._selector.select(self._shapes, self.n, of_class=True)
        outputs = [var for var, shape in zip(self._graph.jaxpr.outvars, shapes, strict=True) if shape is selected]
        return next(iter(variables(outputs)), None)

    def output(self, flat: list[Any]) -> Any:
        """Return the output that scores are read from: (N, channels, *space), or for a callable the model's own output."""
        marks: dict[str, list[Any]] = {}
        marked: dict[str, Any] = {}

        def by(eqn: Any, values: list[Any]) -> Sequence[Any]:
            results = evaluate(eqn, values)
            if (place := place_of(eqn)) is not None and place[1] != "in":
                marks.setdefault(place[0], []).append(results[0])
                marked[place[0]] = eqn.outvars[0]
            return results

        leaves = interpret(self._graph, flat, by, self._instead)
        paths = [self.model.path_of(layer, "y") for layer in self.target.layers]
        missing = [path for path in paths if len(marks.get(path, [])) != 1]
        if missing:
            calls = len(marks.get(missing[0], []))
            raise TargetError(f"layer {missing[0]!r} returns {calls} arrays of floats in one forward pass; a target needs one")
        outputs = tuple(marks[path][0] for path in paths)
        of_class = self.target.function is None
        if of_class and outputs and outputs[0].ndim:
            variables_of = self._graph.jaxpr.invars[self.place], marked[paths[0]]
            output = layer_channels_first(outputs[0], self._graph, *variables_of, self._channel_axis, self.target)
            if output.shape[0] != self.n:
                raise TargetError(f"layer {paths[0]!r} outputs {output.shape}; the first axis must hold {self.n} inputs")
            return with_channel_axis(output, self.n)
        if outputs:
            output = outputs if isinstance(self.target.layer, tuple) and not of_class else outputs[0]
        else:
            tree = jax.tree.structure(self._shapes)
            output = self._selector.select(tree.unflatten(leaves), self.n, of_class)
        if not of_class:
            return output
        output, x = with_channel_axis(output, self.n), self._graph.jaxpr.invars[self.place]
        return output_channels_first(output, self._graph, x, self._output_variable, self._channel_axis, self.target)

    def _scores(self, flat: list[Any], places: list[Any]) -> Any:
        output, function = self.output(flat), self.target.function
        if isinstance(function, KeptScore):
            return function.read(output, places, lambda array, at: array[tuple(jnp.moveaxis(at[:, 0], 1, 0))])
        if function is not None:
            return check_one_per_sample(call_target(function, output), self.n)
        self.target.check(output.shape)  # later targets are checked before they are evaluated
        positions, weights = places
        return read_scores(output, positions, weights if weights.shape[1] > 1 else None, jnp)

    def leaf(self, path: str, ends: tuple[str, ...]) -> Any:
        """Return the last equation that marks a layer, of those that depend on x if there are any.

        Raises:
            TargetError: if the layer was not called, or its value is no array of floats.
            GradientError: if the score does not depend on it.
        """
        found = [eqn for eqn in self.graph.jaxpr.eqns if (mark := place_of(eqn)) and mark[0] == path and mark[1] in ends]
        if not found:
            raise TargetError(
                f"layer {path!r} was not called with an array of floats in the forward pass, or inside of a loop or a branch"
            )
        found = [eqn for eqn in found if eqn.outvars[0] in self.reached] or found
        used = [eqn for eqn in found if self.score in dependents(self.graph, eqn.outvars[0], differentiable=True)]
        if not used:
            raise GradientError(f"the score does not depend on layer {path!r}: no differentiable path leads to the score")
        return used[-1]

    def marks(self) -> list[tuple[str, Any]]:
        """Return the paths of the layers between x and the score with the equations that mark their outputs, in order."""
        marked = [(place, eqn) for eqn in needed(self.graph, self.score) if (place := place_of(eqn)) and place[1] != "in"]
        return [(path, eqn) for (path, _), eqn in marked if eqn.outvars[0] in self.reached]
