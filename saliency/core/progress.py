"""A progress bar that counts evaluations of the model and estimates their total."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Progress:
    """Count evaluations, and estimate the total from the masks computed so far.

    Args:
        masks: number of masks to compute; a smoothed mask is made of many.
        unit: what one evaluation is, such as ``gradients``.
        shown: whether to show a bar.
    """

    def __init__(self, masks: int = 0, unit: str = "gradients", shown: bool = False) -> None:
        self._bar: Any = None
        self._masks_left = masks
        self._current_masks, self._announced, self._evaluations_before = 1, 0, 0
        if shown:
            from tqdm import tqdm

            self._bar = tqdm(total=masks, unit=f" {unit}")

    def close(self) -> None:
        """Close the bar and leave it on the screen."""
        if self._bar is not None:
            self._bar.close()

    def expect(self, masks: int) -> None:
        """Add masks to those that are still to be computed."""
        self._masks_left += masks

    @contextmanager
    def track_masks(self, n: int) -> Iterator[None]:
        """Compute ``n`` masks within the block."""
        if self._bar is None:
            yield
            return
        self._masks_left -= n
        self._current_masks, self._announced, self._evaluations_before = n, 0, self._bar.n
        yield
        self._estimate_total(self._bar.n - self._evaluations_before)
        self._bar.refresh()

    def announce(self, evaluations: int) -> None:
        """Add evaluations that the current masks will need."""
        if self._bar is not None:
            self._announced += evaluations
            self._estimate_total(self._announced)

    def advance(self, evaluations: int) -> None:
        """Count evaluations that are done."""
        if self._bar is not None:
            self._bar.update(evaluations)

    def _estimate_total(self, evaluations: int) -> None:
        """Set the total as if every mask that is left needed as many evaluations as one of the current masks."""
        self._bar.total = self._evaluations_before + round(evaluations * (1 + max(0, self._masks_left) / self._current_masks))
