"""Rules of layer-wise relevance propagation for linear operations: convolutions and matrix products.

Relevance is carried as *multipliers*: the relevance of a value is the value times its multiplier. A rule receives the
multipliers of an operation's output and returns those of its input.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

from saliency.core.linear_operation import LinearOperation, Part
from saliency.core.types import Array


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


def stabilized(xp: Any, z: Array) -> Array:
    """Move numbers away from zero by ``STABILIZER``, so that they can be divisors; zero becomes positive."""
    return xp.where(z < 0, z - STABILIZER, z + STABILIZER)


def damped(xp: Any, multipliers: Array, z: Array, epsilon: float) -> Array:
    """Return the part of a result's multipliers that the epsilon rule passes on: ``abs(z) / (abs(z) + epsilon)`` of them.

    Args:
        xp: the framework's array namespace.
        multipliers: of the result.
        z: the result, of the same shape.
        epsilon: the strength of the rule; without one, all multipliers are passed on but those of a result of 0.
    """
    if epsilon == 0:
        return xp.where(z == 0, z, multipliers)
    passed = abs(z)
    passed /= passed + epsilon  # in place where arrays can be changed, which saves memory for two of them
    passed *= multipliers
    return passed


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
        return operation.transpose(damped(operation.xp, multipliers, operation.y, self.epsilon))


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
        up, down = Part(operation, 1.0, 0.0), Part(operation, 0.0, 1.0)
        positive = _output(operation, up, down)
        shares = (relevance if self.alpha == 1 else self.alpha * relevance) / _above_zero(xp, positive)
        found = _transpose(operation, shares, up, down)
        if self.beta == 0:
            return found
        negative = xp.clip(operation.y - positive, None, 0.0) - STABILIZER
        return found - _transpose(operation, (relevance if self.beta == 1 else self.beta * relevance) / negative, down, up)


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
        xp, y = operation.xp, operation.y
        raised, lowered = Part(operation, 1 + self.gamma, 1.0), Part(operation, 1.0, 1 + self.gamma)
        if operation.is_rectified:  # negative outputs have no relevance
            return _transpose(
                operation, y * multipliers / _above_zero(xp, _output(operation, raised, lowered)), raised, lowered
            )
        up, down, is_positive = Part(operation, 1.0, 0.0), Part(operation, 0.0, 1.0), y > 0
        positive = _output(operation, up, down)
        shares = y * multipliers / stabilized(xp, y + self.gamma * xp.where(is_positive, positive, y - positive))
        if operation.is_nonnegative:  # lowered weights are (1 + gamma) weight - gamma up
            of_weights = xp.where(is_positive, shares, (1 + self.gamma) * shares)
            return operation.transpose(of_weights) + operation.transpose(
                self.gamma * xp.where(is_positive, shares, -shares), up.weight
            )
        above, below = xp.where(is_positive, shares, 0 * y), xp.where(y < 0, shares, 0 * y)
        return _transpose(operation, above, raised, lowered) + _transpose(operation, below, lowered, raised)


def _above_zero(xp: Any, z: Array) -> Array:
    """Return ``stabilized`` of numbers that are at least 0 but for rounding, in fewer passes over memory."""
    return xp.clip(z, 0.0, None) + STABILIZER


def _output(operation: LinearOperation, of_positive: Part, of_negative: Part) -> Array:
    """Return an operation's output with other weights for positive and for negative inputs; its bias is that of the former."""
    xp, x, apply = operation.xp, operation.x, operation.apply
    if operation.is_nonnegative:
        return apply(x, of_positive.weight, of_positive.bias)
    above, below = xp.clip(x, 0.0, None), xp.clip(x, None, 0.0)
    return apply(above, of_positive.weight, of_positive.bias) + apply(below, of_negative.weight)


def _transpose(operation: LinearOperation, shares: Array, of_positive: Part, of_negative: Part) -> Array:
    """Return transposed weights times shares of the output: those of positive inputs, and those of negative inputs."""
    found = operation.transpose(shares, of_positive.weight)
    if operation.is_nonnegative:
        return found
    return operation.xp.where(operation.x > 0, found, operation.transpose(shares, of_negative.weight))
