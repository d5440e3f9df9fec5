"""Trace a function to a flat graph of JAX's operations, and evaluate it with some of them replaced."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import jax
from jax.extend.core import ClosedJaxpr, Literal, Primitive
from jax.interpreters import ad, batching, mlir

Evaluate: TypeAlias = Callable[[Any, list[Any]], Sequence[Any]]
"""Computes the results of an equation of a graph from its inputs."""

CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr", "remat2": "jaxpr"}
"""Operations that call a graph without a rule of their own, and the parameter that holds this graph."""

VIEWS = {"reshape", "squeeze", "transpose", "broadcast_in_dim", "convert_element_type", "copy", "name", "saliency_layer"}
"""Operations that return the numbers of their first input in another order or type."""

tap = Primitive("saliency_layer")
"""The identity, which marks the input or output of a layer. ``jax.vmap`` puts its samples on the first axis."""
tap.def_impl(lambda x, **_: x)
tap.def_abstract_eval(lambda x, **_: x)
mlir.register_lowering(tap, lambda _context, x, **_: [x])
ad.primitive_jvps[tap] = lambda x, tangent, **place: (tap.bind(*x, **place), *tangent)
batching.primitive_batchers[tap] = lambda x, axes, **place: (tap.bind(jax.numpy.moveaxis(x[0], axes[0], 0), **place), 0)


def place_of(eqn: Any) -> tuple[str, str] | None:
    """Return the path of the layer, and the end (in or out), that an equation marks; ``checkpoint_name`` marks both."""
    if eqn.primitive is tap:
        return eqn.params["path"], eqn.params["end"]
    return (eqn.params["name"], "both") if eqn.primitive.name == "name" else None


def evaluate(eqn: Any, values: list[Any]) -> Sequence[Any]:
    """Compute the results of an equation."""
    results = eqn.primitive.bind(*values, **eqn.primitive.get_bind_params(eqn.params))
    return results if eqn.primitive.multiple_results else [results]


def inline(eqn: Any, values: list[Any]) -> Sequence[Any]:
    """Compute the results of an equation; write those of a called graph into the graph that is being traced."""
    called = eqn.params.get(CALLS.get(eqn.primitive.name, ""))
    if called is None:
        return evaluate(eqn, values)
    return interpret(called if isinstance(called, ClosedJaxpr) else ClosedJaxpr(called, ()), values, inline)


def interpret(graph: Any, args: Sequence[Any], by: Evaluate = evaluate, instead: dict[Any, Any] | None = None) -> list[Any]:
    """Evaluate a graph.

    Args:
        graph: a closed jaxpr.
        args: its arguments.
        by: computes the results of each equation.
        instead: variables that are replaced by earlier ones wherever they are read.
    """
    instead = instead or {}
    values = dict(zip([*graph.jaxpr.constvars, *graph.jaxpr.invars], [*graph.consts, *args], strict=True))

    def read(var: Any) -> Any:
        return var.val if isinstance(var, Literal) else values[instead.get(var, var)]

    for eqn in graph.jaxpr.eqns:
        values.update(zip(eqn.outvars, by(eqn, [read(var) for var in eqn.invars]), strict=True))
    return [read(var) for var in graph.jaxpr.outvars]


def flat_graph(function: Callable[..., Any], *args: Any) -> tuple[Any, Any]:
    """Trace a function; return its graph without calls of graphs, and the shapes of what it returns.

    Python runs anew instead of a cached trace, because a layer inside of a jitted function would be missing there.
    """
    with jax.disable_jit():
        graph, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    return jax.make_jaxpr(lambda *flat: interpret(graph, flat, inline))(*jax.tree.leaves(args)), shapes


def variables(values: Sequence[Any]) -> list[Any]:
    """Return the inputs of an equation that are no literals."""
    return [value for value in values if not isinstance(value, Literal)]


def dependents(graph: Any, start: Any, differentiable: bool = False) -> set[Any]:
    """Return the variables that depend on one, or only those with a derivative by it."""
    found = {start}
    for eqn in graph.jaxpr.eqns:
        if found.intersection(variables(eqn.invars)) and not (differentiable and eqn.primitive.name == "stop_gradient"):
            found |= {var for var in eqn.outvars if not differentiable or is_floating(var.aval)}
    return found


def needed(graph: Any, end: Any) -> list[Any]:
    """Return the equations that a variable is computed by, in order."""
    wanted, found = {end}, []
    for eqn in reversed(graph.jaxpr.eqns):
        if wanted.intersection(eqn.outvars):
            wanted.update(variables(eqn.invars))
            found.append(eqn)
    return found[::-1]


def inner_graphs(eqn: Any) -> Iterator[Any]:
    """Yield the graphs that an equation evaluates: a loop's body, a function with a rule of its own."""
    for value in eqn.params.values():
        for one in value if isinstance(value, tuple | list) else [value]:
            graph = getattr(one, "jaxpr", one)
            if hasattr(graph, "eqns"):
                yield graph


def is_floating(array: Any) -> bool:
    """Return whether an array holds floating-point numbers."""
    return "float" in str(getattr(array, "dtype", ""))
