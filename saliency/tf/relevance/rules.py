"""How relevance passes each operation of a graph: the function that takes the place of its gradient."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow.experimental.numpy as tnp

from saliency.core.lrp_composites import LRPComposite, activation_multipliers, checked_multipliers, missing_rule
from saliency.core.lrp_rules import damped
from saliency.tf.ops.gradient_functions import registered_gradient
from saliency.tf.ops.relu_operations import OPAQUE, is_relu
from saliency.tf.ops.train_mode_operations import FUSED_NORMS
from saliency.tf.relevance import passing_operations as kinds
from saliency.tf.relevance.factors import attention_weights, constant_factor
from saliency.tf.relevance.following_terms import FACTORS
from saliency.tf.relevance.linear_operations import MATRIX_PRODUCTS, Linear
from saliency.tf.relevance.variable_graph import VariableGraph

GradientFunction: TypeAlias = Callable[..., list[Any]]
"""Takes an operation and the multipliers of its outputs, and returns those of its inputs."""


@dataclass(frozen=True)
class RelevanceRules:
    """The rules of the operations between a leaf and scores.

    Args:
        graph: the operations.
        composite: the rules.
        linear: the linear operations.
        passed: biases and batch norms that are computed as parts of linear operations.
        first: the linear operations that have the rule of the first layer.
    """

    graph: VariableGraph
    composite: LRPComposite
    linear: Mapping[Any, Linear]
    passed: Collection[Any]
    first: Collection[Any]

    def of(self, op: Any) -> GradientFunction | None:
        """Return the function of an operation; None for its ordinary gradient.

        A function for an operation without a rule raises an error: relevance may not reach it.
        """
        inputs = self.graph.inputs(op)
        several = len(inputs) > 1
        if op in self.linear:
            return self._linear
        if op in self.passed:
            return self._unchanged if op.type in FUSED_NORMS | FACTORS else None
        if op.type in FUSED_NORMS and inputs == [0] and not op.get_attr("is_training"):
            return self._stabilized
        if op.type == "IdentityN":  # a function with a gradient of its own: follow its operations instead
            return _follow
        if op.type in kinds.PRODUCTS and several:
            return self._product
        if op.type in kinds.SUMS and several:
            return self._stabilized
        if op.type in kinds.ACTIVATIONS and (inputs == [0] or (op.type in kinds.BOUNDS and not several and not is_relu(op))):
            return self._activation
        if op.type == "SquaredDifference":
            return _half
        is_quotient = op.type in ("Div", "RealDiv") and inputs != [0]
        passes = self.composite.allow_gradient or (op.type in kinds.PASSED_BY_GRADIENT and not is_quotient)
        return None if passes else _raise_missing

    def _linear(self, op: Any, multipliers: Any) -> list[Any]:
        operation = self.linear[op]
        rule: Any = self.composite.rules[0 if operation.is_convolution else 1]
        if op in self.first:
            rule = self.composite.first
            found = rule.relevance(operation, multipliers * operation.y)
        else:
            found = rule.multipliers(operation, multipliers)
        found = checked_multipliers(rule, found, operation.x)
        return [found if i == operation.place else None for i in range(len(op.inputs))]

    def _unchanged(self, op: Any, multipliers: Any, *_: Any) -> list[Any]:
        """Return the multipliers of a batch norm's input or of a scaled value, if the linear operation before passes them."""
        (place,) = self.graph.inputs(op)
        return [multipliers if i == place else None for i in range(len(op.inputs))]

    def _product(self, op: Any, multipliers: Any) -> list[Any]:
        """Return the multipliers of both factors: each receives half of the relevance, unless one is constant."""
        if op.type in MATRIX_PRODUCTS:
            constant = attention_weights(op, self.graph) if self.composite.attention == "cp" else None
        else:
            constant = constant_factor(op, self.graph)
        if constant is None:
            return _half(op, multipliers)
        gradients = registered_gradient(op, multipliers)
        return [None if i == constant else one for i, one in enumerate(gradients)]

    def _activation(self, op: Any, multipliers: Any) -> list[Any]:
        (place,) = self.graph.inputs(op)
        found = activation_multipliers(tnp, op.inputs[place], op.outputs[0], multipliers)
        return [found if i == place else None for i in range(len(op.inputs))]

    def _stabilized(self, op: Any, multipliers: Any, *others: Any) -> list[Any]:
        """Return the multipliers of the terms of a sum, or of the input of a batch norm, by the epsilon rule."""
        found = damped(tnp, multipliers, op.outputs[0], self.composite.stabilizer)
        return registered_gradient(op, found, *others)


def _follow(op: Any, *multipliers: Any) -> list[Any]:
    return [one if output.consumers() else None for one, output in zip(multipliers, op.outputs, strict=True)]


def _half(op: Any, multipliers: Any) -> list[Any]:
    """Return half of the gradients: for a product of two variables, and for a square of their difference."""
    return [None if one is None else 0.5 * one for one in registered_gradient(op, multipliers)]


def _raise_missing(op: Any, *_: Any) -> list[Any]:
    raise missing_rule(f"{op.type} ({op.name})", OPAQUE.get(op.type))
