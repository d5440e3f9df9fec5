"""Rules of layer-wise relevance propagation for linear operations: convolutions and matrix products.

Relevance is carried as *multipliers*: the relevance of a value is the value times its multiplier. A rule receives the
multipliers of an operation's output and returns those of its input.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeAlias, final

from saliency.core.types import Array

Part: TypeAlias = Callable[[], Array]
"""A function that computes a part of the weights."""


class LinearOperation(Protocol):
    """One call of a linear operation ``y = weight x + bias``, with the weights of a batch norm before or behind it."""

    xp: Any
    """The framework's array namespace."""
    x: Array
    """The input, (N, ...)."""
    y: Array
    """The output, (N, ...)."""
    weight: Array
    """The weights, in the operation's own layout."""
    bias: Array | None
    """The bias, in a shape that ``apply`` accepts."""
    is_nonnegative: bool
    """Whether all values of ``x`` are known to be at least 0."""
    is_rectified: bool
    """Whether only positive outputs can have relevance, because a ReLU follows."""

    def apply(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """Return the operation's output for another input, other weights and another bias (None: no bias)."""

    def transpose(self, multipliers: Array, weight: Array | None = None) -> Array:
        """Return the transposed weights times an array of the output's shape: the gradient of the linear map."""


class LRPRule(ABC):
    """How relevance passes a linear operation. Derive a rule of your own and pass it to ``LRP(model, y, rule=...)``."""

    @abstractmethod
    def multipliers(self, operation: LinearOperation, multipliers: Array) -> Array:
        """Return the multipliers of an operation's input; the relevance of a value is the value times its multiplier.

        Args:
            operation: the operation, with its input ``x``, output ``y``, ``weight`` and ``bias``.
            multipliers: those of the output, of its shape; the output's relevance is ``operation.y * multipliers``.

        Returns:
            An array of the input's shape.
        """


STABILIZER = 1e-6
"""Moves divisors away from zero, in units of an operation's output."""


def stabilized(xp: Any, z: Array, epsilon: float = STABILIZER) -> Array:
    """Move numbers away from zero by epsilon, so that they can be divisors; zero becomes epsilon, or 1 without one."""
    if epsilon == 0:
        return xp.where(z == 0, xp.ones_like(z), z)
    return xp.where(z < 0, z - epsilon, z + epsilon)


def stable_ratio(xp: Any, z: Array, epsilon: float) -> Array:
    """Return numbers divided by themselves after ``stabilized``: the part of the relevance that the epsilon rule passes on."""
    size = abs(z)
    return size / (size + epsilon) if epsilon else size / stabilized(xp, size, 0)


@final
@dataclass(frozen=True)
class Epsilon(LRPRule):
    """Share relevance in proportion to the contributions to the output, of which ``epsilon`` absorbs a part.

    Source: Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation,
    PLOS ONE 10(7), 2015.
    """

    epsilon: float = STABILIZER

    def multipliers(self, operation: LinearOperation, multipliers: Array) -> Array:
        """Return the multipliers of the input."""
        return operation.transpose(multipliers * stable_ratio(operation.xp, operation.y, self.epsilon))


@final
@dataclass(frozen=True)
class AlphaBeta(LRPRule):
    """Share ``alpha`` times the relevance among positive contributions, and minus ``beta`` times it among negative ones.

    With alpha 1 and beta 0, this is the z+ rule. Source: Bach et al., as for ``Epsilon``.
    """

    alpha: float = 2.0
    beta: float = 1.0

    def multipliers(self, operation: LinearOperation, multipliers: Array) -> Array:
        """Return the multipliers of the input."""
        xp, relevance = operation.xp, operation.y * multipliers
        up, down = positive_part(xp, operation.weight), negative_part(xp, operation.weight)
        positive = _positive_output(operation, up, down)
        found = _transpose(operation, relevance / _above_zero(xp, positive), up, down)
        if self.beta == 0:
            return found
        shares = relevance / stabilized(xp, operation.y - positive)
        return self.alpha * found - self.beta * _transpose(operation, shares, down, up)


@final
@dataclass(frozen=True)
class Gamma(LRPRule):
    """Favor contributions of the output's own sign: their weights count ``1 + gamma`` times.

    Source: Montavon et al., Layer-Wise Relevance Propagation: An Overview, 2019; for inputs of both signs: Andeol et al.,
    Learning Domain Invariant Representations by Joint Wasserstein Distance Minimization, arXiv:2106.04923.
    """

    gamma: float = 0.25

    def multipliers(self, operation: LinearOperation, multipliers: Array) -> Array:
        """Return the multipliers of the input."""
        xp, y, weight = operation.xp, operation.y, operation.weight
        up, down = positive_part(xp, weight), negative_part(xp, weight)
        positive = _positive_output(operation, up, down)
        raised, lowered = (cache(lambda part=part: weight + self.gamma * part()) for part in (up, down))
        if operation.is_rectified:
            divisor = _above_zero(xp, y + self.gamma * positive)  # negative outputs have no relevance
            return _transpose(operation, y * multipliers / divisor, raised, lowered)
        is_positive = y > 0
        shares = y * multipliers / stabilized(xp, y + self.gamma * xp.where(is_positive, positive, y - positive))
        if operation.is_nonnegative:  # lowered weights are (1 + gamma) weight - gamma up
            of_weights = xp.where(is_positive, shares, (1 + self.gamma) * shares)
            return operation.transpose(of_weights) + operation.transpose(
                self.gamma * xp.where(is_positive, shares, -shares), up()
            )
        above, below = xp.where(is_positive, shares, 0 * y), xp.where(y < 0, shares, 0 * y)
        return _transpose(operation, above, raised, lowered) + _transpose(operation, below, lowered, raised)


def positive_part(xp: Any, array: Array) -> Part:
    """Return a function that computes the positive part of an array, once and only if it is needed."""
    return cache(lambda: xp.clip(array, 0.0, None))


def negative_part(xp: Any, array: Array) -> Part:
    """Return a function that computes the negative part of an array, once and only if it is needed."""
    return cache(lambda: xp.clip(array, None, 0.0))


def _above_zero(xp: Any, z: Array) -> Array:
    """Return ``stabilized`` of numbers that are at least 0 but for rounding, in fewer passes over memory."""
    return xp.clip(z, 0.0, None) + STABILIZER


def _positive_output(operation: LinearOperation, up: Part, down: Part) -> Array:
    """Return the sum of an output's positive contributions, with a positive bias, from the parts of the weights."""
    xp, x, apply = operation.xp, operation.x, operation.apply
    bias = None if operation.bias is None else xp.clip(operation.bias, 0.0, None)
    if operation.is_nonnegative:
        return apply(x, up(), bias)
    return apply(xp.clip(x, 0.0, None), up(), bias) + apply(xp.clip(x, None, 0.0), down())


def _transpose(operation: LinearOperation, shares: Array, of_positive: Part, of_negative: Part) -> Array:
    """Return transposed weights times shares of the output: those of positive inputs, and those of negative inputs."""
    found = operation.transpose(shares, of_positive())
    if operation.is_nonnegative:
        return found
    return operation.xp.where(operation.x > 0, found, operation.transpose(shares, of_negative()))
