"""Integration from 0 to 1: where to evaluate, with which weights, and how to add points without losing any."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.numbers import whole

Rule: TypeAlias = Literal["inclusive", "trapezoid", "midpoint", "gauss-legendre"]
RULES = ("inclusive", "trapezoid", "midpoint", "gauss-legendre")

Floats: TypeAlias = npt.NDArray[np.float64]


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
    def of(cls, rule: Rule, points: int) -> "Cells":
        """Return a rule's cells.

        Args:
            rule: ``inclusive``: both ends, every point with the same weight, as PAIR's; ``trapezoid``: both ends at half the
                weight; ``midpoint``: centres of equal cells; ``gauss-legendre``: exact for polynomials up to 2 points - 1.
            points: number of nodes.

        Raises:
            InputError: if there is no such rule, or it needs more points.
        """
        if rule not in RULES:
            raise InputError(f"`rule` (={rule!r}) must be one of {', '.join(RULES)}")
        n = whole("x_steps", points, least=2 if rule == "trapezoid" else 1)
        nodes, widths = np.linspace(0, 1, n), np.full(n, 1 / n)
        if rule == "trapezoid":
            widths = np.r_[0.5, np.ones(n - 2), 0.5] / (n - 1)
        elif rule == "midpoint":
            nodes = (np.arange(n) + 0.5) / n
        elif rule == "gauss-legendre":
            nodes, widths = (values / 2 for values in _gauss_legendre(n))
            nodes = nodes + 0.5
        return cls(np.r_[0, np.cumsum(widths)[:-1]], widths, nodes)

    def refined(self) -> tuple["Cells", "Cells"]:
        """Cut every cell in three: one part keeps the node, the others get one in their middle.

        Of equal cells this makes three times as many of the midpoint rule. The weight of every old node becomes a third.

        Returns:
            All cells, and the new ones among them.
        """
        parts = np.arange(3)
        widths = np.repeat(self.widths[:, None] / 3, 3, axis=1)  # (points, 3)
        edges = self.edges[:, None] + parts * widths
        middles = edges + widths / 2
        old = np.clip((self.nodes - self.edges) // widths[:, 0], 0, 2)[:, None] == parts
        nodes = np.where(old, self.nodes[:, None], middles)
        everything = Cells(edges.ravel(), widths.ravel(), nodes.ravel())
        return everything, Cells(edges[~old], widths[~old], nodes[~old])


@cache  # a thousand points take seconds
def _gauss_legendre(points: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(points)
