"""A progress bar that counts evaluations of the model, for methods that do not know beforehand how many they will take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Progress:
    """Counts evaluations, and expects of the masks to come what those under way take.

    Args:
        masks: how many there are to make; a smoothed mask is made of many.
        unit: what an evaluation is, such as ``gradients``.
        shown: whether there is a bar at all.
    """

    def __init__(self, masks: int = 0, unit: str = "gradients", shown: bool = False) -> None:
        self._bar: Any = None
        self._left = masks
        self._under_way, self._announced, self._before = 1, 0, 0
        if shown:
            from tqdm import tqdm

            self._bar = tqdm(total=masks, unit=f" {unit}")

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def add(self, masks: int) -> None:
        """Expect more masks."""
        self._left += masks

    @contextmanager
    def masks(self, n: int) -> Iterator[None]:
        """Make ``n`` masks."""
        if self._bar is None:
            yield
            return
        self._left -= n
        self._under_way, self._announced, self._before = n, 0, self._bar.n
        yield
        self._expect(self._bar.n - self._before)
        self._bar.refresh()

    def announce(self, evaluations: int) -> None:
        """Tell how many (more) evaluations the masks under way will take."""
        if self._bar is not None:
            self._announced += evaluations
            self._expect(self._announced)

    def tick(self, evaluations: int) -> None:
        """Count evaluations that are done."""
        if self._bar is not None:
            self._bar.update(evaluations)

    def _expect(self, evaluations: int) -> None:
        self._bar.total = self._before + round(evaluations * (1 + max(0, self._left) / self._under_way))
