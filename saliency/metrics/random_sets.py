"""Random sets of positions, and what the score loses without them."""

import numpy as np
import numpy.typing as npt

from saliency.core.points import values_of_points
from saliency.core.types import Array
from saliency.metrics.evaluation import Part


def random_sets(rng: np.random.Generator, sets: int, cells: int, size: int) -> npt.NDArray[np.bool_]:
    """Draw sets of ``size`` cells each, (sets, cells)."""
    order = rng.random((sets, cells)).argsort(axis=1)
    return np.asarray(order.argsort(axis=1) < size)


def drops_without(part: Part, cover: Array, hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Compute the drop in score if some positions are replaced by ``cover``.

    Args:
        part: the inputs.
        cover: (n, *input).
        hidden: the positions that are replaced, (sets, n, *space).

    Returns:
        (n, sets).
    """
    score, adapter, x = part.score, part.score.adapter, part.x
    xp, drops, clean = adapter.xp, [], adapter.numpy(score.values(x))
    for chunk in score.batches(len(hidden)):
        chosen = np.stack([part.over_space(one) for one in hidden[chunk.start : chunk.stop]]).astype(np.float32)
        points = xp.where(adapter.asarray(chosen) > 0, cover[None], x[None])
        drops.append(clean - adapter.numpy(values_of_points(score, points)))
    return np.concatenate(drops).T.astype(np.float64)
