"""From N inputs of a user to N masks on the host, batch by batch."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import Array, GradientAdapter
from saliency.core.errors import GradientError, InputError, ZeroGradientWarning
from saliency.core.score import Score

Host: TypeAlias = npt.NDArray[Any]
Progress: TypeAlias = Callable[[int], object]

USUAL_SIZES = 6_000_000
"""Product of the input's size and the square of the default batch: 6 pictures of 224 x 224, 14 of 96 x 96, 32 at most."""


@dataclass(frozen=True)
class Inputs:
    """N inputs as the user gave them, with a target for each and the model's other inputs."""

    x_values: Any
    ys: Sequence[Any]
    feed: Mapping[str, Any]

    @classmethod
    def of(cls, x_values: Any, mask_y: Any, y: Any, feed_dict: Mapping[str, Any] | None) -> "Inputs":
        """Pair N inputs with N targets.

        Raises:
            InputError: if there is no input, or the numbers of inputs, targets and other inputs differ.
        """
        x_values, feed = _sequence(x_values), named(feed_dict)
        n = len(x_values)
        each = isinstance(y, list | range) or getattr(y, "ndim", 0) == 1
        ys = list(y) if each else [mask_y if y is None else y] * n
        if len(ys) != n:
            raise InputError(f"`y` ({len(ys)} targets) must have one entry for each of the {n} inputs")
        for name, value in feed.items():
            if np.ndim(value) and len(value) != n:
                raise InputError(f"`feed_dict[{name!r}]` (length {len(value)}) must have one entry for each of the {n} inputs")
        return cls(x_values, ys, feed)

    def score(self, adapter: GradientAdapter, run: slice, batch_size: int, logits: bool) -> tuple[Score, Array]:
        """Bring some of the inputs to the device; return what is explained of them, and them, (n, *input)."""
        some = {name: value[run] if np.ndim(value) else value for name, value in self.feed.items()}
        feed = {name: adapter.asfeed(value, name) for name, value in some.items()}
        x = adapter.stack(self.x_values[run])
        return Score.of(adapter, x, self.ys[run], feed, batch_size, logits), x


def in_batches(
    compute: Callable[[Score, Array, Progress], Array],
    adapter: GradientAdapter,
    inputs: Inputs,
    batch_size: int | None,
    logits: bool,
    ticks: int,
) -> Host:
    """Compute N masks in batches.

    Args:
        compute: from the score of n inputs, and these, to n masks.
        adapter: of the model.
        inputs: the N inputs.
        batch_size: samples in a batch; None chooses by the size of an input.
        logits: see ``SaliencyMask``.
        ticks: how many steps of a progress bar a mask takes; 0 shows none.

    Returns:
        (N, *mask).

    Raises:
        GradientError: if a mask is not finite.
    """
    n = len(inputs.ys)
    size = batch_size or _usual_size(inputs.x_values[0])
    masks = []
    with _bar(ticks * n) as bar:
        for start in range(0, n, size):
            score, x = inputs.score(adapter, slice(start, start + size), size, logits)
            masks.append(adapter.numpy(compute(score, x, bar.update)))
    return _sound(np.concatenate(masks))


def plain(masks: Callable[[Score, Array], Array], score: Score, x: Array, tick: Progress) -> Array:
    """Compute n masks (n, *mask) of inputs (n, *input), and count them; ``smooth.smoothed`` stands beside it."""
    found = masks(score, x)
    tick(score.n)
    return found


def _usual_size(x_value: Any) -> int:
    try:
        numbers = int(math.prod(np.shape(x_value)))
    except ValueError:  # a ragged list, which the adapter will refuse by name
        numbers = 1
    return min(32, math.isqrt(USUAL_SIZES // max(1, numbers))) or 1


def named(feed_dict: Any) -> dict[str, Any]:
    """Return the model's other inputs by name.

    Raises:
        InputError: if they are not named.
    """
    if not isinstance(feed_dict, Mapping | None):
        raise InputError(f"`feed_dict` ({type(feed_dict).__name__}) must be a mapping from the inputs' names to their values")
    return dict(feed_dict or {})


def _sequence(values: Any) -> Any:
    """Return N inputs as a list or an array."""
    values = list(values) if isinstance(values, tuple) else values
    if not isinstance(values, list) and not hasattr(values, "dtype"):  # a table, say
        values = np.asarray(values)
    if not isinstance(values, list) and (len(values.shape) == 0 or str(values.dtype) == "object"):
        raise InputError("`x_values` must be an array (N, *input) of numbers, or a list of N inputs")
    if len(values) == 0:
        raise InputError("`x_values` (length 0) must hold one input at least")
    return values


def _bar(total: int) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, unit="mask", disable=not total)


def _sound(masks: Host) -> Host:
    """Return the masks if all are finite; warn of those that are zero everywhere."""
    flat = masks.reshape(len(masks), -1)
    broken = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if broken.size:
        raise GradientError(f"the mask of input {broken.tolist()} holds NaN or infinite values: the model's gradient does")
    empty = np.flatnonzero(~flat.any(axis=1))
    if empty.size:
        warnings.warn(
            f"the mask of input {empty.tolist()} is zero everywhere: no gradient reaches the input (a dead or saturated "
            "network, or a rule that lets nothing pass)",
            ZeroGradientWarning,
            stacklevel=5,
        )
    return masks
