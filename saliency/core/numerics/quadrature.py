"""Quadrature rules on the unit interval: nodes, weights, and refinements that keep every node."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import shown, whole_number

QuadratureRule: TypeAlias = Literal["inclusive", "trapezoid", "midpoint", "gauss-legendre", "chebyshev", "right"]
QUADRATURE_RULES = ("inclusive", "trapezoid", "midpoint", "gauss-legendre", "chebyshev", "right")

Floats: TypeAlias = npt.NDArray[np.float64]


class NodesAndWeights(NamedTuple):
    """The nodes (points,) of a quadrature rule and their weights (points,)."""

    nodes: Floats
    weights: Floats


MAX_GAUSS_LEGENDRE = 5000
"""Largest number of nodes of this rule; the matrix takes 200 MB."""


def make_quadrature(rule: QuadratureRule, points: int) -> "Quadrature":
    """Return the nodes and weights of a rule.

    Args:
        rule: one of

            - ``inclusive``: both ends and equal weights, as in PAIR's ``saliency``,
            - ``trapezoid``: both ends, at half the weight of the other nodes,
            - ``midpoint``: the centers of equal cells,
            - ``gauss-legendre``: exact for polynomials of degree up to 2 * points - 1,
            - ``chebyshev``: see ``ChebyshevQuadrature``,
            - ``right``: the upper ends of equal cells.
        points: number of nodes.

    Raises:
        InputError: if the rule does not exist or needs more points.
    """
    if not isinstance(rule, str) or rule not in QUADRATURE_RULES:
        raise InputError(f"`rule` (={shown(rule)}) must be one of {', '.join(QUADRATURE_RULES)}")
    n = whole_number("x_steps", points, least=2 if rule == "trapezoid" else 1)
    if rule == "gauss-legendre" and n > MAX_GAUSS_LEGENDRE:
        raise InputError(
            f'`x_steps` (={n}) must not exceed {MAX_GAUSS_LEGENDRE} for rule="gauss-legendre", whose nodes are '
            'eigenvalues of a matrix; choose rule="midpoint" for more'
        )
    return ChebyshevQuadrature(n) if rule == "chebyshev" else CellQuadrature.of(rule, n)


@dataclass(frozen=True)
class ChebyshevQuadrature:
    """Gauss-Chebyshev quadrature of the second kind.

    The nodes are the projections of equally spaced angles on a half circle, without its ends. Each weight is proportional to
    the sine of its angle. The error decreases with the square of the number of nodes. As in Gauss-Legendre quadrature, the
    nodes are densest at the ends.

    Halving the step keeps every node and multiplies the weights of all old nodes by one factor. A running sum can therefore
    be continued.

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
    def weights(self) -> Floats:
        """(points,); their sum is 1."""
        return np.asarray(np.sin(self._angles) / self._sine_sum, np.float64)

    def refine(self) -> tuple["ChebyshevQuadrature", NodesAndWeights, float]:
        """Halve the step; see ``CellQuadrature.refine``."""
        finer = ChebyshevQuadrature(2 * self.points + 1)
        return finer, NodesAndWeights(finer.nodes[::2], finer.weights[::2]), self._sine_sum / finer._sine_sum

    @property
    def _angles(self) -> Floats:
        return np.arange(1.0, self.points + 1) * (np.pi / (self.points + 1))

    @property
    def _sine_sum(self) -> float:
        return 1 / math.tan(np.pi / (2 * self.points + 2))


@dataclass(frozen=True)
class CellQuadrature:
    """A partition of the unit interval into cells with one node each; the weight of a node is the width of its cell.

    Args:
        edges: (points,), the lower end of each cell.
        weights: (points,), the widths of the cells; their sum is 1.
        nodes: (points,), one in each cell.
    """

    edges: Floats
    weights: Floats
    nodes: Floats

    @classmethod
    def of(cls, rule: QuadratureRule, n: int) -> "CellQuadrature":
        """Return the cells of any rule but ``chebyshev`` with n points; see ``make_quadrature``."""
        nodes, weights = np.linspace(0, 1, n), np.full(n, 1 / n)
        if rule == "trapezoid":
            weights = np.r_[0.5, np.ones(n - 2), 0.5] / (n - 1)
        elif rule == "midpoint":
            nodes = (np.arange(n) + 0.5) / n
        elif rule == "right":
            nodes = np.arange(1, n + 1) / n
        elif rule == "gauss-legendre":
            nodes, weights = (values / 2 for values in _gauss_legendre(n))
            nodes = nodes + 0.5
        return cls(np.r_[0, np.cumsum(weights)[:-1]], weights, nodes)

    def refine(self) -> tuple["CellQuadrature", NodesAndWeights, float]:
        """Divide every cell into three: one part keeps the old node, the other two get a node at their center.

        With equal cells this is the midpoint rule with three times as many points.

        Returns:
            The new rule, the nodes that are new in it, and the factor for the weights of the old nodes.
        """
        parts = np.arange(3)
        widths = np.repeat(self.weights[:, None] / 3, 3, axis=1)  # (points, 3)
        edges = self.edges[:, None] + parts * widths
        centers = edges + widths / 2
        is_old = np.clip((self.nodes - self.edges) // widths[:, 0], 0, 2)[:, None] == parts
        nodes = np.where(is_old, self.nodes[:, None], centers)
        finer = CellQuadrature(edges.ravel(), widths.ravel(), nodes.ravel())
        return finer, NodesAndWeights(nodes[~is_old], widths[~is_old]), 1 / 3


Quadrature: TypeAlias = CellQuadrature | ChebyshevQuadrature
"""A quadrature rule that can be refined."""


@cache  # 1000 points take seconds to compute
def _gauss_legendre(points: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(points)
