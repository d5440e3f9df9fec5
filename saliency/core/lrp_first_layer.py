"""Rules of layer-wise relevance propagation for the layer that the model's input enters.

They give relevance to input values of 0, which would need an infinite multiplier. So they return relevance itself, and apply
to the first layer only.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from saliency.core.linear_operation import LinearOperation, Part
from saliency.core.lrp_rules import stabilized
from saliency.core.types import Array


class FirstLayerRule(ABC):
    """How relevance passes the layer that the model's input enters, if an input of 0 may receive relevance."""

    needs_input_values: ClassVar[bool] = False
    """Whether the values that enter the layer must be those of the model's input, in their order."""

    @abstractmethod
    def relevance(self, operation: LinearOperation, relevance: Array) -> Array:
        """Return the relevance of the operation's input, from the relevance of its output."""


@final
@dataclass(frozen=True)
class Flat(FirstLayerRule):
    """Share relevance equally among the inputs of each output, whatever their values.

    Source: Lapuschkin et al., Unmasking Clever Hans Predictors and Assessing What Machines Really Learn, arXiv:1902.10178.
    """

    def relevance(self, operation: LinearOperation, relevance: Array) -> Array:
        """Return the relevance of the input."""
        xp = operation.xp
        ones = xp.ones_like(operation.weight)
        number = operation.apply(xp.ones_like(operation.x[:1]), ones)
        return operation.transpose(relevance / stabilized(xp, number), ones)


@final
@dataclass(frozen=True)
class Box(FirstLayerRule):
    """Share relevance in proportion to contributions relative to the lowest and highest possible input (the z-box rule).

    Args:
        low, high: the bounds in the model's units, (1, *input of the layer).

    Source: Montavon et al., Explaining NonLinear Classification Decisions with Deep Taylor Decomposition, arXiv:1512.02479.
    """

    low: Array
    high: Array
    needs_input_values: ClassVar[bool] = True

    def relevance(self, operation: LinearOperation, relevance: Array) -> Array:
        """Return the relevance of the input."""
        xp, x, weight, apply = operation.xp, operation.x, operation.weight, operation.apply
        shape = (1, *x.shape[1:])
        low, high = xp.reshape(self.low, shape), xp.reshape(self.high, shape)
        up, down = Part(operation, 1.0, 0.0), Part(operation, 0.0, 1.0)
        z = apply(x, weight, operation.bias) - apply(low, up.weight, up.bias) - apply(high, down.weight, down.bias)
        shares = relevance / stabilized(xp, z)
        return (x - low) * operation.transpose(shares, up.weight) + (x - high) * operation.transpose(shares, down.weight)
