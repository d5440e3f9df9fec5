"""Find the ReLUs of a graph, and replace their derivative by a rule."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from saliency.core.activation_graph import ActivationGraph, NodeKind
from saliency.core.errors import ModelError, NoReLUError
from saliency.core.relu_rules import PART, call_user_rule, rule_name, warn_of_gates
from saliency.core.types import Rule
from saliency.jax.graph import VIEWS, Evaluate, dependents, evaluate, inner_graphs, needed, variables

POINTWISE = {
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clamp",
    "convert_element_type", "copy", "cos", "cosh", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor",
    "ge", "gt", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min", "mul", "name",
    "ne", "neg", "nextafter", "not", "or", "pow", "reduce_precision", "rem", "round", "rsqrt", "saliency_layer",
    "select_n", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub", "tan", "tanh", "xor",
}  # fmt: skip
"""Operations that compute each number of their result from one number of each input."""

OF_ONE = {"mul": "scale", "add": "shift", "sub": "shift", "min": "cap", "logistic": "squash"}
OF_SEVERAL = {"add": "sum", "sub": "sum", **dict.fromkeys(("mul", "div", "select_n", "min", "max"), "combination")}


def rule_evaluation(graph: Any, leaf: Any, end: Any, rule: Rule, allow_no_relu: bool, name: str) -> tuple[Evaluate, bool]:
    """Return how to evaluate a graph so that its ReLUs between a variable and the score have a rule, and if all are gates'.

    Raises:
        NoReLUError: if there is no ReLU.
        ModelError: if a loop, a branch or a function with its own derivative contains a ReLU.
    """
    reached = dependents(graph, leaf)
    between = {i: eqn for i, eqn in enumerate(needed(graph, end)) if reached.intersection(variables(eqn.invars))}
    sources = {var: (i, k) for i, eqn in between.items() for k, var in enumerate(eqn.outvars)}
    constants = {var: eqn for eqn in graph.jaxpr.eqns for var in eqn.outvars if var not in reached}
    inputs = {i: [sources.get(v, ("leaf", 0)) for v in variables(e.invars) if v in reached] for i, e in between.items()}
    kinds = {i: kind for i, eqn in between.items() if (kind := _kind(eqn, reached, constants))}
    description = ActivationGraph(inputs, kinds)
    found = [i for i, kind in kinds.items() if kind.name == "relu"]
    relus = [i for i in found if not description.is_part(i)]
    hidden = [e.primitive.name for i, e in between.items() if i not in found and any(map(_holds_relu, inner_graphs(e)))]
    if hidden:
        raise ModelError(f"a ReLU inside of `{hidden[0]}` can't get the {rule_name(rule)} rule: move it out, or use Vanilla")
    if not relus and not allow_no_relu:
        names = {e.primitive.name for i, e in between.items() if i in kinds and kinds[i].name in ("squash", "pointwise")}
        activations = ", ".join(sorted(names | {f"{between[i].primitive.name}{PART}" for i in found})) or "none"
        raise NoReLUError(
            f"the model has no ReLU between {name} and the score, so its {rule_name(rule)} gradient would equal the vanilla "
            f"gradient; its activations: {activations}. Use Vanilla, or pass allow_no_relu=True"
        )
    ruled = {id(between[i]): kinds[i].number for i in relus}

    def by(eqn: Any, values: list[Any]) -> Sequence[Any]:
        if id(eqn) not in ruled:
            return evaluate(eqn, values)
        return [_with_rule(eqn, values, [v in reached for v in map(_hashable, eqn.invars)].index(True), ruled[id(eqn)], rule)]

    in_gates = bool(relus) and not allow_no_relu and end in sources and description.lies_in_gates(relus, [sources[end][0]])
    return by, in_gates


def warn_if_in_gates(rule: Rule | None, in_gates: bool) -> None:
    """Warn that all ReLUs lie in gates; call this each time that the graph is evaluated."""
    if rule is not None and in_gates:
        warn_of_gates(rule)


def _hashable(value: Any) -> Any:
    return None if isinstance(value, Literal) else value


def _with_rule(eqn: Any, values: list[Any], place: int, ceiling: float | None, rule: Rule) -> Any:
    def forward(x: Any) -> Any:
        return evaluate(eqn, [x if i == place else value for i, value in enumerate(values)])[0]

    def backward(saved: tuple[Any, Any], gradient: Any) -> tuple[Any]:
        x, output = saved
        if callable(rule):
            return (call_user_rule(rule, gradient, output),)
        active = (x > 0) & (x < (math.inf if ceiling is None else ceiling)) if rule == "guided" else True
        return (jnp.where((gradient > 0) & active, gradient, 0),)

    relu = jax.custom_vjp(forward)
    relu.defvjp(lambda x: (y := forward(x), (x, y)), backward)
    return relu(values[place])


def _kind(eqn: Any, reached: set[Any], constants: dict[Any, Any]) -> NodeKind | None:
    """Return what an equation computes; None for what is not known number by number."""
    name, given = eqn.primitive.name, [value for value in eqn.invars if _hashable(value) in reached]
    fixed = [_number(value, constants) for value in eqn.invars if _hashable(value) not in reached]
    inner = list(inner_graphs(eqn))
    if name == "custom_jvp_call":
        body = [_kind(one, {*inner[0].invars, *one.outvars}, {}) for one in inner[0].eqns]
        kinds = [kind.name if kind else "other" for kind in body]
        if kinds in (["relu"], ["relu", "cap"]):
            return NodeKind("relu", body[-1].number if body[-1] else None)
        return NodeKind("pointwise") if all(one.primitive.name in POINTWISE for one in inner[0].eqns) else None
    if name == "max" and fixed == [0.0]:
        return NodeKind("relu")
    if name == "clamp" and len(given) == 1 and fixed[0] == 0:
        return NodeKind("relu", fixed[1])
    if name == "neg" or (name in VIEWS and len(given) == 1):
        return NodeKind("scale", -1.0) if name == "neg" else NodeKind("view")
    if name == "div" and len(given) == 1 and given[0] is eqn.invars[0]:
        return NodeKind("scale", 1 / fixed[0] if fixed[0] else None)
    if name == "select_n" or len(given) > 1:
        return NodeKind(OF_SEVERAL[name]) if name in OF_SEVERAL else NodeKind("pointwise") if name in POINTWISE else None
    if name in OF_ONE:
        return NodeKind(OF_ONE[name], fixed[0] if fixed else None)
    return NodeKind("pointwise") if name in POINTWISE else None


def _number(value: Any, constants: dict[Any, Any]) -> float | None:
    """Return a constant that is one number."""
    while not isinstance(value, Literal) and value in constants and constants[value].primitive.name in VIEWS:
        value = constants[value].invars[0]
    number = value.val if isinstance(value, Literal) else None
    return float(number) if number is not None and np.ndim(number) == 0 else None


def _holds_relu(graph: Any) -> bool:
    known = {*graph.invars, *graph.constvars, *(var for eqn in graph.eqns for var in eqn.outvars)}
    kinds = [_kind(eqn, known, {}) for eqn in graph.eqns]
    return any(kind and kind.name == "relu" for kind in kinds) or any(
        _holds_relu(inner) for eqn in graph.eqns for inner in inner_graphs(eqn)
    )
