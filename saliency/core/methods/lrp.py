"""Layer-wise relevance propagation."""

from typing import Any, final

import numpy as np

from saliency.core.errors import InputError, ModelError
from saliency.core.lrp_composites import LRPSettings, default_epsilon, make_composite
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import boolean, real_number


@final
class LRP(SaliencyMask):
    """Redistribute the score to the input, operation by operation (layer-wise relevance propagation).

    The mask is the relevance of each input value. It has the input's shape, in score units. Without biases, it sums to the
    score. The model is not changed: the rules act on the operations of one call.

    Options:
        rule: which rule applies to which operation (a composite): ``"epsilon"``, ``"epsilon-plus"``, ``"epsilon-plus-flat"``,
            ``"epsilon-gamma-box"`` or ``"alpha2-beta1-flat"`` for convolutional networks, ``"attn-lrp"`` or ``"cp-lrp"`` for
            transformers. For your own choice, pass a dictionary such as ``{"convolution": "gamma", "linear": "epsilon",
            "first": "flat"}``, or an ``LRPRule`` for all linear operations.
        epsilon: strength of the epsilon rule, in units of an operation's output; None means 1e-6, or 0 for ``"attn-lrp"`` and
            ``"cp-lrp"``, as in their papers' code.
        gamma: strength of the gamma rule, a factor.
        low, high: for the box rule, the lowest and highest possible input: numbers, or arrays that broadcast to one input, in
            the model's own units.
        allow_gradient: let relevance pass an operation without a rule by its gradient, which is no longer LRP. By default,
            such an operation is an error.
        at: a layer, as for ``Vanilla``: the relevance of the values of its input, or output by ``saliency.OutputOf(layer)``.
            Rules of the first layer do not apply, because it is not reached.

    Details: ``conservation``, the sum of the mask as a fraction of the score.

    Source:
        Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation, PLOS
        ONE 10(7), 2015; composites: Montavon et al., Layer-Wise Relevance Propagation: An Overview, 2019; attention: Achtibat
        et al., AttnLRP, arXiv:2402.05602, and Ali et al., XAI for Transformers, arXiv:2202.07304.
    """

    unit = SCORE
    joins_inputs = True

    def masks(
        self,
        score: Score,
        x: Array,
        rule: Any = "epsilon-plus",
        epsilon: float | None = None,
        gamma: float = 0.25,
        low: Any = None,
        high: Any = None,
        allow_gradient: bool = False,
        at: Any = None,
    ) -> Array:
        """Return the relevance of x, or of the values of a layer."""
        if score.modifier is not None:
            raise InputError("`modifier` modifies gradients, but LRP propagates relevance; use InputXGradient")
        bounds = tuple(
            None if bound is None else _bound(score, x, name, bound) for name, bound in (("low", low), ("high", high))
        )
        _check_order(score, *bounds)
        settings = LRPSettings(
            default_epsilon(rule) if epsilon is None else real_number("epsilon", epsilon, 0),
            real_number("gamma", gamma, 0),
            *bounds,
        )
        composite = make_composite(rule, settings, boolean("allow_gradient", allow_gradient))
        if not score.adapter.propagates_relevance:
            raise ModelError(
                f"LRP reads the operations of a model's graph, and {type(score.adapter).__name__} does not support it: pass "
                "a Torch module, or a Keras model, a function or a SavedModel of TensorFlow. For networks of ReLUs, "
                "convolutions and linear layers, InputXGradient is LRP without stabilizers"
            )
        score = score.using(relevance=composite, at=at)
        if at is not None:
            scores, x, multipliers = score.values_and_gradients_at(x)
        else:
            scores, multipliers = score.values_and_gradients(x)
        mask = multipliers if at is None and composite.first is not None else x * multipliers
        _record_conservation(score, scores, mask)
        return mask


def _bound(score: Score, x: Array, name: str, bound: Any) -> Array:
    """Return a bound of the inputs on the device, (1, *input).

    Raises:
        InputError: if it does not broadcast to one input.
    """
    value, shape = score.adapter.asarray(bound, name), tuple(x.shape[1:])
    try:
        fits = np.broadcast_shapes(tuple(value.shape), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise InputError(f"`{name}` (shape {tuple(value.shape)}) must broadcast to the shape of one input, {shape}")
    return value * score.adapter.xp.ones_like(x[:1])


def _check_order(score: Score, low: Array | None, high: Array | None) -> None:
    """Check that no lowest value lies above a highest one.

    Raises:
        InputError: if one does.
    """
    if low is not None and high is not None:
        above = score.adapter.numpy(low - high).max()
        if above > 0:
            raise InputError(f"`low` must not exceed `high`, the highest possible input, but does so by up to {above:g}")


def _record_conservation(score: Score, scores: Array, mask: Array) -> None:
    """Record the sum of each mask as a fraction of its score; 1 if both are 0."""
    xp = score.adapter.xp
    total, is_zero = xp.sum(xp.reshape(mask, (score.n, -1)), axis=1), scores == 0
    one = xp.ones_like(scores)
    score.record(conservation=xp.where(is_zero, xp.where(total == 0, one, 0 * one), total / xp.where(is_zero, one, scores)))
