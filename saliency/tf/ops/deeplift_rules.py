"""The multipliers of DeepLIFT as gradients of operations; see ``saliency.core.multiplier_rules``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core import multiplier_rules
from saliency.tf.ops.gradient_functions import copy_operation, sum_like
from saliency.tf.ops.operation_kinds import KINKED, MAXIMA, MINIMA, PRODUCTS, QUOTIENTS, SMOOTH, SOFTMAXES


@dataclass(frozen=True)
class Pair:
    """An operation at the input and at the baseline, in one graph.

    Args:
        actual: the operation at the input.
        reference: the operation at the baseline.
        changed: whether each of its inputs depends on the model's input.
    """

    actual: Any
    reference: Any
    changed: tuple[bool, ...]

    @property
    def change(self) -> Any:
        """The change of the first input that depends on the model's input."""
        place = self.changed.index(True)
        return self.actual.inputs[place] - self.reference.inputs[place]

    def pull_back(self, multipliers: Any, weight: float) -> list[Any]:
        """Return the gradient by each changed input, at a place between the baseline (weight 0) and the input (weight 1)."""
        pairs = zip(self.actual.inputs, self.reference.inputs, self.changed, strict=True)
        inputs = [weight * one + (1 - weight) * other if changed else one for one, other, changed in pairs]
        op = self.actual
        copy = copy_operation(op, inputs)
        leaves = [one for one, changed in zip(inputs, self.changed, strict=True) if changed]
        found = iter(tf.gradients(copy.outputs[0], leaves, grad_ys=multipliers))
        return [next(found) if changed else None for changed in self.changed]


def find_rule(pair: Pair) -> Callable[[Any], list[Any]] | None:
    """Return the rule of an operation, from the multipliers by its output to those by its inputs; None if it is linear."""
    kind, count = pair.actual.type, sum(pair.changed)
    rules: dict[str, Callable[[Pair, Any], list[Any]]] = {
        **dict.fromkeys(KINKED | SMOOTH, _rescaled),
        **dict.fromkeys(MAXIMA | MINIMA, _extremum),
        **dict.fromkeys(SOFTMAXES, _softmax),
        "SquaredDifference": _squared_difference,
    }
    if count > 1 or (kind in QUOTIENTS and pair.changed[1]):
        rules |= {**dict.fromkeys(PRODUCTS, _product), **dict.fromkeys(QUOTIENTS, _quotient)}
    rule = rules.get(kind)
    return None if rule is None else lambda multipliers: rule(pair, multipliers)


def _product(pair: Pair, multipliers: Any) -> list[Any]:
    return pair.pull_back(multipliers, 0.5)


def _rescaled(pair: Pair, multipliers: Any) -> list[Any]:
    kinked = pair.actual.type in KINKED
    smallest = multiplier_rules.NO_CHANGE if kinked else multiplier_rules.SMALL_CHANGE
    output_change, halfway = pair.actual.outputs[0] - pair.reference.outputs[0], pair.pull_back(multipliers, 0.5)
    return [
        None
        if gradient is None
        else multiplier_rules.rescaled(tnp, multipliers, pair.change, output_change, gradient, smallest)
        for gradient in halfway
    ]


def _extremum(pair: Pair, multipliers: Any) -> list[Any]:
    y, y_0 = pair.actual.outputs[0], pair.reference.outputs[0]
    best = tf.minimum(y, y_0) if pair.actual.type in MINIMA else tf.maximum(y, y_0)
    rises, falls = pair.pull_back(multipliers * (best - y_0), 1.0), pair.pull_back(multipliers * (y - best), 0.0)
    return [
        None if rise is None else multiplier_rules.shared(tnp, x - x_0, rise + fall)
        for x, x_0, rise, fall in zip(pair.actual.inputs, pair.reference.inputs, rises, falls, strict=True)
    ]


def _quotient(pair: Pair, multipliers: Any) -> list[Any]:
    (x, divisor), (x_0, divisor_0) = pair.actual.inputs, pair.reference.inputs
    found = multiplier_rules.quotient_multipliers(multipliers, x, x_0, divisor, divisor_0)
    return [
        sum_like(one, tensor) if changed else None
        for one, tensor, changed in zip(found, pair.actual.inputs, pair.changed, strict=True)
    ]


def _squared_difference(pair: Pair, multipliers: Any) -> list[Any]:
    (one, other), (one_0, other_0) = pair.actual.inputs, pair.reference.inputs
    by_difference = multipliers * (one - other + one_0 - other_0)
    return [sum_like(by_difference, one), sum_like(-by_difference, other)]


def _softmax(pair: Pair, multipliers: Any) -> list[Any]:
    x, x_0 = pair.actual.inputs[0], pair.reference.inputs[0]
    top = tf.reduce_max(tf.maximum(x, x_0), axis=-1, keepdims=True)
    exponentials = tf.exp(x - top), tf.exp(x_0 - top)
    if pair.actual.type == "Softmax":
        return [multiplier_rules.softmax_multipliers(tnp, multipliers, x - x_0, exponentials, -1)]
    logarithms = tf.reduce_logsumexp(x, axis=-1, keepdims=True) - tf.reduce_logsumexp(x_0, axis=-1, keepdims=True)
    by_log = tf.reduce_sum(multipliers, axis=-1, keepdims=True)
    return [multipliers - multiplier_rules.logsumexp_multipliers(tnp, by_log, x - x_0, exponentials, logarithms, -1)]
