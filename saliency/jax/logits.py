"""Find the logits in front of a function's last softmax or sigmoid, in its graph."""

from typing import Any

from saliency.jax.graph import VIEWS, variables

NON_FINAL = {"dot_general", "conv_general_dilated", "max", "tanh", "erf"}
"""Operations that compute new features: a softmax or sigmoid in front of one is not the end of the model."""


class LogitSearch:
    """Search a graph backward for the logits.

    Args:
        graph: a flat graph.
        reached: the variables that depend on the explained input.
    """

    def __init__(self, graph: Any, reached: set[Any]) -> None:
        self._sources = {var: eqn for eqn in graph.jaxpr.eqns for var in eqn.outvars}
        self._reached = reached

    def find(self, output: Any) -> tuple[dict[Any, Any], bool]:
        """Return the variable to replace and its logits, empty if there is none; and whether arithmetic hides a softmax."""
        var = self._behind(output, VIEWS | {"slice", "stop_gradient"})
        logits = self._squashed(var)
        return ({}, self._hides(var, {})) if logits is None else ({var: logits}, False)

    def _name(self, var: Any) -> str:
        eqn = self._source(var)
        if eqn is None or eqn.primitive.name != "custom_jvp_call":
            return "" if eqn is None else str(eqn.primitive.name)
        return str(eqn.params["call_jaxpr"].jaxpr.debug_info.func_name)

    def _source(self, var: Any) -> Any:
        return None if hasattr(var, "val") else self._sources.get(var)

    def _behind(self, var: Any, names: set[str]) -> Any:
        while (eqn := self._source(var)) is not None and eqn.primitive.name in names:
            var = variables(eqn.invars)[-1] if eqn.primitive.name == "max" else eqn.invars[0]
        return var

    def _squashed(self, var: Any) -> Any:
        """Return the input of the softmax or sigmoid that computes a variable; None if something else does."""
        name, inputs = self._name(var), self._source(var).invars if self._source(var) is not None else []
        if name in ("logistic", "_softmax", "softmax"):
            return inputs[0]
        if name == "neg" and self._name(inputs[0]) == "logaddexp":  # log sigmoid: -softplus(-x)
            minus = self._source(inputs[0]).invars[0]
            return self._source(minus).invars[0] if self._name(minus) == "neg" else None
        exponent = self._exponent(inputs[0]) if name == "div" else None
        if exponent is not None and self._sums_exp(inputs[1], exponent):
            return self._unshifted(exponent)
        total = self._behind(inputs[1], VIEWS) if name == "sub" else None  # of a log softmax: x - log(sum(exp(x)))
        if total is not None and self._name(total) == "log" and self._sums_exp(self._source(total).invars[0], inputs[0]):
            return self._unshifted(inputs[0])
        return None

    def _exponent(self, var: Any) -> Any:
        return self._source(var).invars[0] if self._name(var) == "exp" else None

    def _sums_exp(self, var: Any, exponent: Any) -> bool:
        eqn = self._source(self._behind(var, VIEWS))
        return eqn is not None and eqn.primitive.name == "reduce_sum" and self._exponent(eqn.invars[0]) is exponent

    def _unshifted(self, var: Any) -> Any:
        """Return x for x - max(x), which a softmax computes first."""
        if self._name(var) != "sub":
            return var
        x, shift = self._source(var).invars
        largest = self._source(self._behind(shift, VIEWS | {"stop_gradient", "max"}))
        return x if largest is not None and largest.primitive.name == "reduce_max" and largest.invars[0] is x else var

    def _hides(self, var: Any, known: dict[Any, bool]) -> bool:
        """Return whether a variable is computed from softmax or sigmoid outputs alone, by arithmetic."""
        if var not in known:
            eqn = self._source(var)
            of = [] if eqn is None or eqn.primitive.name in NON_FINAL else variables(eqn.invars)
            of = [one for one in of if one in self._reached]
            known[var] = self._squashed(var) is not None or (bool(of) and all(self._hides(one, known) for one in of))
        return known[var]
