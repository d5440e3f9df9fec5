"""Curves of scores, one for each map."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Curve:
    """One curve for each of N maps, over positions that all maps share.

    Args:
        x: positions (points,), such as the fraction of changed pixels.
        y: values (N, points), such as scores.
        x_label, y_label: what they are, with the unit.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    x_label: str
    y_label: str

    @property
    def area(self) -> npt.NDArray[np.float64]:
        """The area under each curve, (N,), by the trapezoidal rule."""
        steps = np.diff(self.x)
        return np.asarray((self.y[:, 1:] + self.y[:, :-1]) @ steps / 2)
