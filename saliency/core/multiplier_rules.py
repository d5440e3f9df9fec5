"""The multipliers of DeepLIFT: how a change of the score passes an operation, back from its output to its inputs.

A multiplier m of a value v says that the change of v, from the baseline to the input, contributes m * (v - v_0) to the change
of the score. Each rule keeps this sum: what arrives at an operation's output is distributed among its inputs without a
remainder. For an operation that is linear in its inputs, the multipliers pass as a gradient does. For the others:

- a function of each number (ReLU, GELU, sigmoid, ...): change of the output / change of the input (the Rescale rule);
- a product: half of its change with the other factor at the input, and half with the other factor at the baseline;
- a maximum: its rise goes to the largest number of the input, its fall to the largest number of the baseline;
- a softmax or a normalization: the rules above, for the exponentials, sums, products and roots that it consists of.

The rules are the same for every framework. ``xp`` is the adapter's array namespace. Names with ``_0`` are values at the
baseline.

Source: Shrikumar et al., Learning Important Features Through Propagating Activation Differences, arXiv:1704.02685; products:
the Shapley value of two factors, as in Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, arXiv:1705.07874.
"""

from typing import Any

from saliency.core.types import Array

SMALL_CHANGE = 1e-3
"""Below this change of its input, a smooth function's multiplier is its derivative halfway: the quotient loses digits."""

NO_CHANGE = 1e-10
"""The same for functions with kinks, whose quotient is exact, and for the choice of a maximum."""


def rescaled(xp: Any, multipliers: Array, change: Array, output_change: Array, derivative: Array, smallest: float) -> Array:
    """Return the multipliers by a function's input, by the Rescale rule.

    Args:
        xp: the array namespace.
        multipliers: those by the output.
        change: input - input at the baseline.
        output_change: the same of the output.
        derivative: multipliers times the function's derivative, used where the input hardly changes.
        smallest: change of the input below which this is so.
    """
    changes = change * change > smallest * smallest
    return xp.where(changes, multipliers * output_change / xp.where(changes, change, xp.ones_like(change)), derivative)


def shared(xp: Any, change: Array, shares: Array) -> Array:
    """Return shares of a change of the score as multipliers: shares / change, and 0 where nothing changes."""
    ones, changes = xp.ones_like(change), change * change > NO_CHANGE * NO_CHANGE
    return xp.where(changes, shares, ones - ones) / xp.where(changes, change, ones)


def quotient_multipliers(multipliers: Array, x: Array, x_0: Array, divisor: Array, divisor_0: Array) -> tuple[Array, Array]:
    """Return the multipliers by the dividend and by the divisor of x / divisor."""
    inverse, inverse_0 = 1 / divisor, 1 / divisor_0
    return multipliers * (inverse + inverse_0) / 2, -multipliers * (x + x_0) / 2 * inverse * inverse_0


def normalized_multipliers(
    xp: Any, multipliers: Array, x: Array, x_0: Array, axes: tuple[int, ...], epsilon: float, centered: bool = True
) -> Array:
    """Return the multipliers by the input of a normalization without weights: (x - mean) / root(variance + epsilon).

    Args:
        xp: the array namespace.
        multipliers: those by the normalized values, of the input's shape.
        x, x_0: the input, and the input at the baseline.
        axes: those that the mean and variance are computed over.
        epsilon: added to the variance.
        centered: whether the mean is subtracted; if not, the variance is the mean square.
    """

    def mean(values: Array) -> Array:
        return xp.mean(values, axis=axes, keepdims=True)

    a, a_0 = (x - mean(x), x_0 - mean(x_0)) if centered else (x, x_0)
    factor, factor_0 = (mean(a * a) + epsilon) ** -0.5, (mean(a_0 * a_0) + epsilon) ** -0.5
    by_factor = mean(multipliers * (a + a_0)) / 2
    by_variance = -by_factor * (factor * factor_0) ** 2 / (factor + factor_0)
    by_a = multipliers * (factor + factor_0) / 2 + by_variance * (a + a_0)
    return by_a - mean(by_a) if centered else by_a


def softmax_multipliers(xp: Any, multipliers: Array, change: Array, exponentials: tuple[Array, Array], axis: int) -> Array:
    """Return the multipliers by the input of a softmax.

    Args:
        xp: the array namespace.
        multipliers: those by the softmax.
        change: input - input at the baseline.
        exponentials: exp(input - c) and exp(input at the baseline - c), with the same c for both.
        axis: that of the softmax.
    """
    e, e_0 = exponentials
    total, total_0 = xp.sum(e, axis=axis, keepdims=True), xp.sum(e_0, axis=axis, keepdims=True)
    by_e, by_total = quotient_multipliers(multipliers, e, e_0, total, total_0)
    return (by_e + xp.sum(by_total, axis=axis, keepdims=True)) * exponential_slopes(xp, change, e, e_0)


def logsumexp_multipliers(
    xp: Any, multipliers: Array, change: Array, exponentials: tuple[Array, Array], logarithms: Array, axis: int
) -> Array:
    """Return the multipliers by the input of log(sum(exp(input))).

    Args:
        xp, change, exponentials, axis: as for ``softmax_multipliers``.
        multipliers: those by the result, with the axis kept.
        logarithms: the change of the result, with the axis kept.
    """
    e, e_0 = exponentials
    total, total_0 = xp.sum(e, axis=axis, keepdims=True), xp.sum(e_0, axis=axis, keepdims=True)
    slope = rescaled(xp, multipliers, total - total_0, logarithms, multipliers * 2 / (total + total_0), SMALL_CHANGE)
    return slope * exponential_slopes(xp, change, e, e_0)


def exponential_slopes(xp: Any, change: Array, e: Array, e_0: Array) -> Array:
    """Return the change of exponentials / the change of their exponents; 0 where both are 0, as behind a mask."""
    return rescaled(xp, xp.ones_like(e), change, e - e_0, (e + e_0) / 2, SMALL_CHANGE)
