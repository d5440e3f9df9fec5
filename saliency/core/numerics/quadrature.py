"""Integration from 0 to 1: where to evaluate, with which weights, and how to add points without losing any."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import whole_number

Rule: TypeAlias = Literal["inclusive", "trapezoid", "midpoint", "gauss-legendre", "chebyshev"]
RULES = ("inclusive", "trapezoid", "midpoint", "gauss-legendre", "chebyshev")

Floats: TypeAlias = npt.NDArray[np.float64]


class Nodes(NamedTuple):
    """Where to evaluate (points,), and with which weights (points,)."""

    nodes: Floats
    widths: Floats


def points_of(rule: Rule, points: int) -> "Points":
    """Return a rule's points on the unit interval.

    Args:
        rule: ``inclusive``: both ends, every point with the same weight, as PAIR's; ``trapezoid``: both ends at half the
            weight; ``midpoint``: centres of equal cells; ``gauss-legendre``: exact for polynomials up to 2 points - 1;
            ``chebyshev``: see ``Chebyshev``.
        points: number of nodes.

    Raises:
        InputError: if there is no such rule, or it needs more points.
    """
    if rule not in RULES:
        raise InputError(f"`rule` (={rule!r}) must be one of {', '.join(RULES)}")
    n = whole_number("x_steps", points, least=2 if rule == "trapezoid" else 1)
    return Chebyshev(n) if rule == "chebyshev" else Cells.of(rule, n)


@dataclass(frozen=True)
class Chebyshev:
    """Equal steps of the angle on the half circle above the interval, without its ends, each weighted by its sine.

    Twice as many steps keep every node, and the weights of all old nodes shrink alike, so that a sum goes on. The error falls
    with the square of the number; as those of Gauss and Legendre, the nodes are densest at the ends.

    Args:
        points: number of nodes.

    Source:
        Gauss-Chebyshev quadrature of the second kind; Abramowitz & Stegun, Handbook of Mathematical Functions, 25.4.40.
    """

    points: int

    @property
    def nodes(self) -> Floats:
        """(points,)."""
        return np.asarray((1 - np.cos(self._angles)) / 2, np.float64)

    @property
    def widths(self) -> Floats:
        """(points,), the weights; they sum to 1."""
        return np.asarray(np.sin(self._angles) / self._sum, np.float64)

    def refined(self) -> tuple["Chebyshev", Nodes, float]:
        """Halve the steps: see ``Cells.refined``."""
        finer = Chebyshev(2 * self.points + 1)
        return finer, Nodes(finer.nodes[::2], finer.widths[::2]), self._sum / finer._sum

    @property
    def _angles(self) -> Floats:
        return np.arange(1.0, self.points + 1) * (np.pi / (self.points + 1))

    @property
    def _sum(self) -> float:
        return 1 / math.tan(np.pi / (2 * self.points + 2))


@dataclass(frozen=True)
class Cells:
    """The unit interval cut into cells, each with one node: a rule's weights are the cells' widths.

    Args:
        edges: (points,) where each cell begins.
        widths: (points,) of the cells; they sum to 1.
        nodes: (points,) one in every cell.
    """

    edges: Floats
    widths: Floats
    nodes: Floats

    @classmethod
    def of(cls, rule: Rule, n: int) -> "Cells":
        """Return the cells of n points by any rule but ``chebyshev``; see ``points_of``."""
        nodes, widths = np.linspace(0, 1, n), np.full(n, 1 / n)
        if rule == "trapezoid":
            widths = np.r_[0.5, np.ones(n - 2), 0.5] / (n - 1)
        elif rule == "midpoint":
            nodes = (np.arange(n) + 0.5) / n
        elif rule == "gauss-legendre":
            nodes, widths = (values / 2 for values in _gauss_legendre(n))
            nodes = nodes + 0.5
        return cls(np.r_[0, np.cumsum(widths)[:-1]], widths, nodes)

    def refined(self) -> tuple["Cells", Nodes, float]:
        """Cut every cell in three: one part keeps the node, the others get one in their middle.

        Of equal cells this makes three times as many of the midpoint rule.

        Returns:
            All cells, the new nodes among them, and what the weight of every old node is multiplied by.
        """
        parts = np.arange(3)
        widths = np.repeat(self.widths[:, None] / 3, 3, axis=1)  # (points, 3)
        edges = self.edges[:, None] + parts * widths
        middles = edges + widths / 2
        old = np.clip((self.nodes - self.edges) // widths[:, 0], 0, 2)[:, None] == parts
        nodes = np.where(old, self.nodes[:, None], middles)
        everything = Cells(edges.ravel(), widths.ravel(), nodes.ravel())
        return everything, Nodes(nodes[~old], widths[~old]), 1 / 3


Points: TypeAlias = Cells | Chebyshev
"""A rule's nodes and weights, which can be refined."""


@cache  # a thousand points take seconds
def _gauss_legendre(points: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(points)
