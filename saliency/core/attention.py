"""The weights of self-attention of one forward pass, layer by layer, and where their tokens lie in the input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from saliency.core.errors import ModelError
from saliency.core.types import Array

WAY_ON = (
    "Use GradCAM, for example with `layer` at the norm of a late block, or a gradient method such as IntegratedGradients; "
    "neither needs attention"
)
"""What to do with a model whose attention cannot be combined."""

Gradients: TypeAlias = Literal["none", "score", "own"]
"""Of what the gradients by the weights are: the score, or in each layer the score of its own tokens."""


class NotSelfAttention(Exception):  # noqa: N818 - control flow, never seen by a user
    """The weights are not those of attention among all tokens of a sample; the message says what they are."""


@dataclass(frozen=True)
class TokenGrid:
    """Where the tokens of a model with attention lie in the input.

    Args:
        total: number of tokens.
        order: the tokens that form the grid, row by row; all others hold no part of the input, such as class tokens.
        space: lengths of the grid on the input's spatial axes.
    """

    total: int
    order: tuple[int, ...]
    space: tuple[int, ...]


@dataclass(frozen=True)
class AttentionLayers:
    """The attention of N inputs, in the order in which the model calls its layers.

    Args:
        scores: (N * T,).
        weights: for each layer the weights A, (N, heads, tokens, tokens); the weights of each query sum to 1 over the keys.
        gradients: for each layer d score / d A, (N * T, heads, tokens, tokens); empty if they were not requested.
        readout: (N * T, tokens), 1 for each token from which the score reads the result of the last layer, otherwise 0.
        grid: where the tokens lie in the input.
    """

    scores: Array
    weights: Sequence[Array]
    gradients: Sequence[Array]
    readout: Array
    grid: TokenGrid

    @classmethod
    def of(cls, arrays: Sequence[Array], with_gradients: bool, grid: TokenGrid) -> "AttentionLayers":
        """Return the layers from arrays in a row: scores, readout, the weights of each layer, and any gradients."""
        scores, readout, *rest = arrays
        count = len(rest) // 2 if with_gradients else len(rest)
        return cls(scores, rest[:count], rest[count:], readout, grid)


def readout_of(xp: Any, gradient: Array) -> Array:
    """Return the tokens that a score reads, from the gradients by the weights of the last layer.

    The result of a query that the score does not read has no influence on it, so the gradient of its weights is zero.

    Args:
        xp: the array namespace.
        gradient: (N, heads, tokens, tokens).

    Returns:
        (N, tokens), ones and zeros.
    """
    largest = xp.amax(xp.where(gradient > 0, gradient, -gradient), axis=(1, 3))
    ones = xp.ones_like(largest)
    return xp.where(largest > 0, ones, ones - ones)


UNKNOWN_TOKENS = (
    "its tokens are not known to hold the input's positions; if they form a grid, state it: grid=(rows, columns), and "
    "tokens=slice(...) or the number of other tokens in front"
)


def no_attention() -> ModelError:
    """Return the error for a model without attention."""
    return ModelError(
        "the model has no attention between the input and the score: no softmax whose weights multiply tokens, and no fused "
        f"attention. {WAY_ON}. Attention in a custom kernel is hidden: select the model's plain attention if it has one"
    )


def no_attention_support(adapter: str) -> ModelError:
    """Return the error for an adapter that cannot read attention."""
    return ModelError(
        f"{adapter} cannot read attention; this needs a Torch module, a Keras model or a TensorFlow function. Use a gradient "
        "method such as IntegratedGradients, or Occlusion, which accepts every function"
    )


def no_blocks() -> ModelError:
    """Return the error for a model whose layers cannot be scored one by one."""
    return ModelError(
        "LeGrad needs the model's blocks: equal parts (in Torch, modules) with one attention each, which pass all tokens from "
        "one to the next. They were not found. Use AttentionRelevance, which needs no blocks"
    )


def unusable_attention(found: Sequence[str]) -> ModelError:
    """Return the error for attention that is not self-attention among the same tokens in every layer."""
    shown = "; ".join(found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
    return ModelError(
        "the model's attention cannot be combined from layer to layer, because this needs self-attention among the same "
        f"tokens in every layer: {shown}. {WAY_ON}"
    )


def no_grid(total: int, placed: int) -> ModelError:
    """Return the error for tokens that do not form a grid."""
    return ModelError(
        f"the model's {total} tokens form no known grid on the input ({placed} of them descend from parts of it). State it: "
        "grid=(rows, columns), and tokens=slice(...) for the tokens that form it, or their number of other tokens in front, "
        f"such as tokens=1 for a class token. {WAY_ON}"
    )


def starting_relevance(xp: Any, layers: AttentionLayers) -> Array:
    """Return 1 / n for each of the n tokens that a score reads, (N * T, tokens)."""
    return layers.readout / xp.clip(xp.sum(layers.readout, axis=1, keepdims=True), 1.0, None)


def weights_times_gradients(xp: Any, weights: Array, gradients: Array) -> Array:
    """Return A * dA of one layer, (N * T, heads, tokens, tokens)."""
    n, rows, shape = weights.shape[0], gradients.shape[0], tuple(gradients.shape[1:])
    if n == rows:
        return weights * gradients
    products = xp.reshape(weights, (n, 1, *shape)) * xp.reshape(gradients, (n, rows // n, *shape))
    return xp.reshape(products, (rows, *shape))
