"""Quadrature rules: nodes, weights and refinements."""

import numpy as np
import pytest

from saliency.core.numerics.quadrature import QUADRATURE_RULES, CellQuadrature, ChebyshevQuadrature


def test_each_cell_contains_its_node_before_and_after_refinement():
    for rule in set(QUADRATURE_RULES) - {"chebyshev"}:
        for points in (1, 2, 3, 10, 57):
            if (rule, points) == ("trapezoid", 1):
                continue
            cells = CellQuadrature.of(rule, points)
            for _ in range(3):
                assert cells.weights.sum() == pytest.approx(1)
                assert (cells.nodes >= cells.edges - 1e-12).all()
                assert (cells.nodes <= cells.edges + cells.weights + 1e-12).all()
                refined, new, keep = cells.refine()
                assert new.weights.sum() + keep == pytest.approx(1)
                assert set(refined.nodes) == set(cells.nodes) | set(new.nodes)
                assert len(refined.nodes) == 3 * len(cells.nodes) == len(cells.nodes) + len(new.nodes)
                cells = refined


def test_refined_chebyshev_sums_equal_direct_sums():
    points, sines = ChebyshevQuadrature(7), 0.0
    new, keep = points, 0.0
    for _ in range(4):
        sines = sines * keep + new.weights @ np.sin(3 * new.nodes)
        assert sines == pytest.approx(points.weights @ np.sin(3 * points.nodes), rel=1e-12)
        assert points.weights.sum() == pytest.approx(1) and (np.diff(points.nodes) > 0).all()
        points, new, keep = points.refine()
    assert points.points == 127
    exact = (1 - np.cos(3)) / 3
    errors = [ChebyshevQuadrature(n).weights @ np.sin(3 * ChebyshevQuadrature(n).nodes) - exact for n in (31, 63, 127)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, rtol=0.01)  # second order


def test_chebyshev_weights_equal_the_handbook():
    for n in (1, 2, 3, 4, 9):
        nodes = np.cos(np.arange(n, 0, -1) * np.pi / (n + 1))  # zeros of the second kind's polynomial
        polynomial = np.polynomial.chebyshev.Chebyshev.basis(n + 1).deriv()
        np.testing.assert_allclose(polynomial(nodes), 0, atol=1e-9)
        np.testing.assert_allclose(2 * ChebyshevQuadrature(n).nodes - 1, nodes, atol=1e-15)
        halves = np.sqrt(1 - nodes**2)
        np.testing.assert_allclose(ChebyshevQuadrature(n).weights, halves / halves.sum(), rtol=1e-12)


def test_refining_midpoint_cells_gives_the_midpoint_rule():
    np.testing.assert_allclose(
        CellQuadrature.of("midpoint", 5).refine()[0].nodes, CellQuadrature.of("midpoint", 15).nodes, rtol=1e-12
    )
