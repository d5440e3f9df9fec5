"""Tell ReLUs from the ReLUs that are parts of other activations, and from those of gates, in the graph of one call.

The rule is in ``saliency.core.relu_rules``. An adapter describes its graph as an ``ActivationGraph``.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = tuple[Any, int]
"""A node, and the number of its output."""

LINEAR = ("scale", "shift", "view", "cap")
"""Kinds of nodes through which a ReLU's output is followed: with one variable input, they keep the ReLU's kink."""


@dataclass(frozen=True)
class NodeKind:
    """What a node computes.

    Args:
        name: ``scale`` (times a constant), ``shift`` (plus a constant), ``view`` (the same numbers, arranged otherwise or of
            another type), ``cap`` (min(x, c)), ``relu``, ``sum`` (or difference), ``combination`` (a product, quotient,
            choice, minimum or maximum), ``squash`` (a sigmoid or hard sigmoid), ``pointwise`` (any other function of each
            number) or ``other``. The first four have one variable input.
        number: the constant of a scale or cap, or the ceiling of a ReLU; None if there is none, or it is not one number.
    """

    name: str
    number: float | None = None


@dataclass(frozen=True)
class ActivationGraph:
    """A graph between an input and its scores.

    Args:
        inputs: node -> its inputs that depend on the graph's input, in order.
        kinds: node -> what it computes, for all nodes that are not ``other``.
    """

    inputs: Mapping[Any, Sequence[Value]]
    kinds: Mapping[Any, NodeKind]
    _users: dict[Value, list[Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for node, values in self.inputs.items():
            for value in dict.fromkeys(values):
                self._users.setdefault(value, []).append(node)

    def is_part(self, relu: Any) -> bool:
        """Tell whether a ReLU is a part of another activation, such as a PReLU, a hard sigmoid or a hard swish."""
        sources = list(self._sources(self.inputs[relu][0])) if self.inputs.get(relu) else []
        return bool(sources) and (self._is_hard_sigmoid(relu) or self._is_recombined((relu, 0), relu, sources))

    def lies_in_gates(self, relus: Sequence[Any], ends: Sequence[Any]) -> bool:
        """Tell whether all of some ReLUs act only through gates: products with a sigmoid or a hard sigmoid.

        Args:
            relus: the ReLUs.
            ends: the nodes of the scores.
        """
        reached, stack, searched = set(ends), list(ends), set(relus)
        while stack:
            node = stack.pop()
            if node in searched:
                return False
            for value in self.inputs.get(node, ()):
                if value[0] not in reached and not self._is_gate(node, value):
                    reached.add(value[0])
                    stack.append(value[0])
        return True

    def _kind(self, node: Any) -> str:
        return self.kinds[node].name if node in self.kinds else "other"

    def _sources(self, value: Value) -> Iterator[Value]:
        """Yield a value, and the values that it is a function of, number by number."""
        while True:
            yield value
            node = value[0]
            inputs = set(self.inputs.get(node, ()))
            if self._kind(node) == "other" or len(inputs) != 1:
                return
            (value,) = inputs

    def _is_recombined(self, value: Value, relu: Any, sources: Sequence[Value]) -> bool:
        """Tell whether all uses of a ReLU's output add it to, or multiply it with, a function of the ReLU's own source."""
        users = self._users.get(value, [])
        return bool(users) and all(self._recombines(user, value, relu, sources) for user in users)

    def _recombines(self, user: Any, value: Value, relu: Any, sources: Sequence[Value]) -> bool:
        kind, others = self._kind(user), {other for other in self.inputs[user] if other != value}
        if not others:
            return kind in LINEAR and self._is_recombined((user, 0), relu, sources)
        if kind not in ("sum", "combination"):
            return False
        found = [self._derivation(other, relu, sources) for other in others]
        return "curved" in found or (kind == "combination" and "linear" in found)

    def _derivation(self, value: Value, relu: Any, sources: Sequence[Value]) -> str:
        """Return how a value depends on the source of a ReLU, number by number: ``linear``, ``curved``, or ``not``."""
        stack, seen, curved, found = [value], set[Hashable](), False, False
        while stack:
            one = stack.pop()
            if one in seen:
                continue
            seen.add(one)
            node, kind = one[0], self._kind(one[0])
            if one in sources:
                found = True
            elif node is relu or (kind == "relu" and self.inputs.get(node) == self.inputs.get(relu)):
                continue  # a function of the ReLU's own output
            elif kind == "other" or not self.inputs.get(node):
                return "not"
            else:
                curved = curved or (kind not in LINEAR and kind != "sum") or kind == "cap"
                stack.extend(self.inputs[node])
        return ("curved" if curved else "linear") if found else "not"

    def _is_hard_sigmoid(self, relu: Any) -> bool:
        """Tell whether a ReLU with a ceiling, of an input that a number is added to, is scaled to 0..1."""
        ceiling, value, output = self.kinds[relu].number, self.inputs[relu][0], (relu, 0)
        if ceiling is None and self._kind(value[0]) == "cap":  # max(min(x, c), 0)
            ceiling, value = self.kinds[value[0]].number, self.inputs[value[0]][0]
        elif ceiling is None:
            users = self._users.get(output, [])
            if len(users) == 1 and self._kind(users[0]) == "cap":  # min(max(x, 0), c)
                ceiling, output = self.kinds[users[0]].number, (users[0], 0)
        if ceiling is None or not self._is_shifted(value):
            return False
        return self._is_scaled(output, ceiling)

    def _is_shifted(self, value: Value) -> bool:
        while self._kind(value[0]) in ("scale", "view"):
            (value,) = self.inputs[value[0]]
        return self._kind(value[0]) == "shift"

    def _is_scaled(self, value: Value, ceiling: float) -> bool:
        """Tell whether a value with a ceiling is scaled, on each of its ways, so that the ceiling becomes 1."""
        if math.isclose(ceiling, 1, rel_tol=1e-3):
            return True
        scaled = []
        for user in self._users.get(value, []):
            kind = self.kinds.get(user, NodeKind("other"))
            if kind.name == "scale" and kind.number is not None:
                scaled.append(self._is_scaled((user, 0), ceiling * kind.number))
            else:
                scaled.append(kind.name in ("view", "combination") and self._is_scaled((user, 0), ceiling))
        return bool(scaled) and all(scaled)

    def _is_gate(self, node: Any, value: Value) -> bool:
        """Tell whether one factor of a product is a sigmoid, or a hard sigmoid, of something else than the other factor."""
        if self._kind(node) != "combination" or len(set(self.inputs[node])) < 2:
            return False
        while self._kind(value[0]) in LINEAR:
            (value,) = self.inputs[value[0]]
        return self._kind(value[0]) == "squash" or (self._kind(value[0]) == "relu" and self._is_hard_sigmoid(value[0]))
