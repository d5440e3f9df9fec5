"""A progress bar that counts evaluations of the model and estimates their total."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DELAY = 3.0
"""Seconds after which a bar appears by itself, where someone can see it."""


class Progress:
    """Count evaluations, and estimate the total from the masks computed so far.

    Args:
        masks: number of masks to compute; a smoothed mask is made of many.
        unit: what one evaluation is, such as ``gradients``.
        shown: whether to show a bar; None shows one after ``DELAY``, on a terminal or in a notebook.
    """

    def __init__(self, masks: int = 0, unit: str = "gradients", shown: bool | None = False) -> None:
        self._bar: Any = None
        self._unit, self._notes, self._start = unit, dict[str, None](), time.monotonic()
        self._masks_left = self._total = masks
        self._done = 0
        self._current_masks, self._announced, self._evaluations_before = 1, 0, 0
        self._counts = _someone_can_see_it() if shown is None else shown
        if shown:
            self._show()

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
        if not self._counts:
            yield
            return
        self._masks_left -= n
        self._current_masks, self._announced, self._evaluations_before = n, 0, self._done
        yield
        self._estimate_total(self._done - self._evaluations_before)
        if self._bar is not None:
            self._bar.refresh()

    def announce(self, evaluations: int) -> None:
        """Add evaluations that the current masks will need."""
        if self._counts:
            self._announced += evaluations
            self._estimate_total(self._announced)

    def note(self, text: str) -> None:
        """Write a text above the bar, once, as soon as there is one."""
        if self._counts and text not in self._notes:
            self._notes[text] = None
            if self._bar is not None:
                self._write(text)

    def advance(self, evaluations: int) -> None:
        """Count evaluations that are done."""
        if not self._counts:
            return
        self._done += evaluations
        if self._bar is not None:
            self._bar.update(evaluations)
        elif time.monotonic() - self._start >= DELAY:
            self._show()

    def _show(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=self._total, initial=self._done, unit=f" {self._unit}")
        for text in self._notes:
            self._write(text)

    def _write(self, text: str) -> None:
        if not self._bar.disable:  # by tqdm's own settings
            self._bar.write(text, file=sys.stderr)

    def _estimate_total(self, evaluations: int) -> None:
        """Set the total as if every mask that is left needed as many evaluations as one of the current masks."""
        self._total = self._evaluations_before + round(evaluations * (1 + max(0, self._masks_left) / self._current_masks))
        if self._bar is not None:
            self._bar.total = self._total


def _someone_can_see_it() -> bool:
    """Tell whether the error stream is a terminal, or a notebook's."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
