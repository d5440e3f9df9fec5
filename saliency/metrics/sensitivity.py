"""Sensitivity: how much a map changes with small changes of its input."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.mask import SaliencyMask
from saliency.core.model_inputs import as_sequence
from saliency.core.noise import sample_seeds
from saliency.core.validation import real_number, whole_number
from saliency.metrics.explained import checked_mask, fixed_targets
from saliency.metrics.result import MetricResult

Rows = npt.NDArray[np.float64]


def max_sensitivity(
    mask: SaliencyMask, x_values: Any, y: Any = None, *, radius: float = 0.02, nsamples: int = 10, seed: int = 0
) -> MetricResult:
    """Compute the largest relative change of each map for inputs within a small distance.

    The value is max(norm(map(x + d) - map(x))) / norm(map(x)) over uniform d with components of at most ``radius``. Lower is
    better; the range is 0 to infinity. A map that ignores the model can have a value of 0. It is NaN for a map of zeros.

    Args:
        mask: the method with its model.
        x_values: array (N, *input), or a list of N inputs.
        y: the targets, as for ``GetMasks``; None uses the mask's, or else the top class of each unchanged input.
        radius: largest change of a number of the input, in its units.
        nsamples: number of changed inputs for each input.
        seed: of the changes.

    Source:
        Yeh et al., On the (In)fidelity and Sensitivity of Explanations, arXiv:1901.09392, definition 3.1, relative to the norm
        of the map.
    """
    changes = list(_changes(mask, x_values, y, radius, nsamples, seed))
    norms = changes[0][2]
    largest = np.max([difference for difference, _, _ in changes], axis=0)
    value = np.divide(largest, norms, out=np.full(len(norms), np.nan), where=norms > 0)
    return MetricResult("max sensitivity", value, False)


def stability(
    mask: SaliencyMask, x_values: Any, y: Any = None, *, radius: float = 0.02, nsamples: int = 10, seed: int = 0
) -> MetricResult:
    """Estimate the local Lipschitz constant of each map.

    The value is max(norm(map(x + d) - map(x)) / norm(d)) over uniform d with components of at most ``radius``, in units of the
    map per unit of the input; compare only maps in the same units. Lower is better; the range is 0 to infinity. A map that
    ignores the model can have a value of 0.

    Args:
        mask, x_values, y, radius, nsamples, seed: see ``max_sensitivity``.

    Source:
        Alvarez-Melis & Jaakkola, On the Robustness of Interpretability Methods, arXiv:1806.08049.
    """
    changes = _changes(mask, x_values, y, radius, nsamples, seed)
    value = np.max([difference / distance for difference, distance, _ in changes], axis=0)
    return MetricResult("stability", value, False)


def _changes(mask: SaliencyMask, x_values: Any, y: Any, radius: float, nsamples: int, seed: int) -> Iterator[tuple[Rows, ...]]:
    """Yield for each draw the norms of the changes of N maps and of N inputs, and those of the unchanged maps."""
    adapter, inputs = checked_mask(mask).adapter, list(as_sequence(x_values))
    radius = real_number("radius", radius, least=1e-37)
    x, ys = adapter.numpy(adapter.stack(inputs)), fixed_targets(mask, inputs, y)
    seeds = sample_seeds(whole_number("seed", seed, least=0), len(x))
    generators = [np.random.default_rng(one) for one in seeds]
    clean = np.asarray(mask.GetMasks(inputs, y=ys, progress=False), np.float64)
    for _ in range(whole_number("nsamples", nsamples, least=1)):
        drawn = np.stack([generator.uniform(-radius, radius, x.shape[1:]) for generator in generators])
        moved = (x + drawn).astype(x.dtype)
        maps = np.asarray(mask.GetMasks(list(moved), y=ys, progress=False), np.float64)
        yield _norms(maps - clean), _norms(moved.astype(np.float64) - x), _norms(clean)


def _norms(values: Rows) -> Rows:
    return np.asarray(np.linalg.norm(values.reshape(len(values), -1), axis=1))
