"""Sanity checks: whether maps depend on the weights of the model and on the class."""

from typing import Any

import numpy as np

from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.core.mask import SaliencyMask
from saliency.core.model_inputs import as_sequence
from saliency.core.score_reading import with_channel_axis
from saliency.core.target import Target
from saliency.core.validation import whole_number
from saliency.metrics.agreement import checked_measure
from saliency.metrics.curve import Curve
from saliency.metrics.explained import channel_sums, checked_mask, fixed_targets, magnitude_maps
from saliency.metrics.random_weights import checked_order, randomized_copies, weighted_layers
from saliency.metrics.result import MetricResult


def randomization(
    mask: SaliencyMask, x_values: Any, y: Any = None, *, order: str = "cascading", nsamples: int = 0, measure: str = "rank",
    seed: int = 0,
) -> MetricResult:  # fmt: skip
    """Compute the similarity of each map to those of the same model with random weights, layer by layer from the output.

    The curve is the similarity after each layer; the value is its mean. Lower is better; the range is -1 to 1. A map with a
    value near 1 does not depend on the weights. Weights are randomized in a copy of the model: the values of each are
    permuted. Channels are summed as magnitudes. It is NaN where the measure is undefined; see ``agreement``.

    Args:
        mask, x_values, y: see ``max_sensitivity``.
        order: ``"cascading"``, all layers from the output up to one; or ``"independent"``, each layer alone.
        nsamples: if above 0, compare means over that many noisy inputs (smooth MPRT).
        measure: see ``agreement``.
        seed: of everything that is random.

    Raises:
        ModelError: if the model cannot be copied, or its weights cannot be set.

    Source:
        Adebayo et al., Sanity Checks for Saliency Maps, arXiv:1810.03292; Hedstroem et al., arXiv:2401.06465, for smooth MPRT.
    """
    inputs, compute = list(as_sequence(x_values)), checked_measure(measure)
    ys, cascading = fixed_targets(checked_mask(mask), inputs, y), checked_order(order)
    nsamples, seed = whole_number("nsamples", nsamples, least=0), whole_number("seed", seed, least=0)
    layers = list(weighted_layers(mask).values())[::-1]
    original = _maps(mask, inputs, ys, nsamples, seed)
    similarities = []
    for changed in randomized_copies(mask, layers, cascading, seed):
        maps = _maps(changed, inputs, ys, nsamples, seed)
        similarities.append([compute(a, b) for a, b in zip(original, maps, strict=True)])
    values = np.array(similarities).T
    curve = Curve(np.arange(1.0, len(layers) + 1), values, f"randomized layer from the output, {order}", measure)
    return MetricResult("randomization", values.mean(axis=1), False, curve)


def random_logit(mask: SaliencyMask, x_values: Any, y: Any = None, *, measure: str = "rank", seed: int = 0) -> MetricResult:
    """Compute the similarity of each map to that of another class, which is drawn at random.

    Lower is better; the range is -1 to 1. A map that keeps its value near 1 does not depend on the class. Channels are summed
    as magnitudes. The value is NaN where the measure is undefined; see ``agreement``. ``details["class"]`` is the other class.

    Args:
        mask, x_values: see ``max_sensitivity``.
        y: a class for all inputs, or one for each; None uses the mask's, or else the top class of each input.
        measure: see ``agreement``.
        seed: of the classes.

    Source:
        Sixt, Granz & Landgraf, When Explanations Lie: Why Many Modified BP Attributions Fail, arXiv:1912.09818.
    """
    inputs, compute = list(as_sequence(x_values)), checked_measure(measure)
    ys = fixed_targets(checked_mask(mask), inputs, y)
    generator, count = np.random.default_rng(whole_number("seed", seed, least=0)), _class_count(mask, inputs[0])
    if not all(isinstance(one, int | np.integer) for one in ys) or count < 2:
        raise TargetError("`y` must be a class of a model with several classes, for each input")
    others = [int(one + generator.integers(1, count)) % count for one in ys]
    first, second = magnitude_maps(mask, inputs, ys), magnitude_maps(mask, inputs, others)
    values = [compute(a, b) for a, b in zip(first, second, strict=True)]
    return MetricResult("random logit", np.array(values), False, details={"class": np.array(others)})


def _maps(mask: SaliencyMask, inputs: list[Any], ys: list[Any], nsamples: int, seed: int) -> Any:
    if nsamples == 0:
        return magnitude_maps(mask, inputs, ys)
    smoothed = mask.GetSmoothedMasks(inputs, y=ys, nsamples=nsamples, magnitude=False, seed=seed, progress=False)
    return channel_sums(np.abs(np.asarray(smoothed, np.float64)), mask.adapter, inputs)


def _class_count(mask: SaliencyMask, x: Any) -> int:
    adapter = mask.adapter
    outputs = adapter.numpy(with_channel_axis(adapter.outputs(adapter.stack([x]), Request(Target())), 1))
    return int(outputs.shape[1])
