"""Borders of regions in figures."""

import numpy as np
import pytest

from saliency import FeatureAblation
from saliency.core.display.region_outlines import region_borders
from tests.core.methods.forward_adapter import ForwardAdapter


def test_borders_lie_between_pixels_of_different_regions():
    found = {frozenset(map(tuple, edge)) for edge in region_borders(np.array([[0, 0, 1], [0, 2, 2]]))}
    upright = [frozenset({(1.5, -0.5), (1.5, 0.5)}), frozenset({(0.5, 0.5), (0.5, 1.5)})]
    level = [frozenset({(0.5, 0.5), (1.5, 0.5)}), frozenset({(1.5, 0.5), (2.5, 0.5)})]
    assert found == {*upright, *level}


@pytest.mark.parametrize("overlay", [False, True])
def test_a_figure_outlines_the_regions_in_the_pixels_of_its_picture(overlay):
    collections = pytest.importorskip("matplotlib.collections")
    labels = np.kron(np.arange(4).reshape(2, 2), np.ones((4, 6), int))
    mask = FeatureAblation(ForwardAdapter(lambda x: x.sum((1, 2, 3))[:, None]), 0).GetMask(np.ones((3, 8, 12)), regions=labels)
    picture = np.zeros((16, 24, 3), np.uint8)
    axes = mask.figure(overlay=overlay, image=picture, layout="strength").axes[0]
    (lines,) = [one for one in axes.collections if isinstance(one, collections.LineCollection)]
    ends = np.concatenate(lines.get_segments())
    scale = 2 if overlay else 1
    assert ends[:, 0].max() == 12 * scale - 0.5 and ends[:, 1].max() == 8 * scale - 0.5
    middle = [segment for segment in lines.get_segments() if segment[0, 0] == segment[1, 0]]
    assert {segment[0, 0] for segment in middle} == {6 * scale - 0.5} and len(middle) == 8


def test_a_figure_of_strongest_pixels_and_one_of_other_methods_have_no_borders():
    collections = pytest.importorskip("matplotlib.collections")
    from saliency import Occlusion

    model = ForwardAdapter(lambda x: (x * np.arange(12)).sum((1, 2, 3))[:, None])
    x = np.ones((3, 8, 12))
    for mask in (FeatureAblation(model, 0).GetMask(x, n_regions=4), Occlusion(model, 0, size=3).GetMask(x)):
        figure = mask.figure(overlay="outline", image=np.zeros((8, 12, 3), np.uint8))
        lines = [one for axes in figure.axes for one in axes.collections if isinstance(one, collections.LineCollection)]
        assert not lines
