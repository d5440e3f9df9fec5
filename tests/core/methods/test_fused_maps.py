"""Class activation maps of several layers, fused on the finest of their grids."""

from dataclasses import replace

import numpy as np
import pytest

from saliency import GradCAM, GuidedGradCAM, HiResCAM
from saliency.core.errors import InputError
from tests.core.methods.layered_function import A, G, X, on_layer
from tests.reference import MinimalArray


class TwoLayers:
    """The layer `coarse` is that of `on_layer`; `fine` has its values on the input's grid, where they fill two positions."""

    def __init__(self):
        self.adapter = on_layer(G)
        features, self.asked = self.adapter.features, []

        def of_layer(x, request):
            self.asked.append(request.layer)
            scores, output, gradients = features(x, replace(request, layer=None))
            if request.layer == "fine":
                output, gradients = (MinimalArray(one.array.repeat(2, 2).repeat(2, 3) * 10) for one in (output, gradients))
                return scores, output, MinimalArray(gradients.array * (np.arange(4)[:, None] > 1))  # the lower half
            return scores, output, gradients

        self.adapter.features = of_layer


def maps_of(y):
    """Return the map of each layer by HiResCAM, scaled, on its own grid."""
    coarse, fine = (
        (G[y] * A).sum(0).clip(0),
        ((G[y] * A).sum(0).repeat(2, 0).repeat(2, 1) * (np.arange(4)[:, None] > 1)).clip(0),
    )
    return coarse / coarse.max(), fine / fine.max()


def interpolated(coarse):
    """Return a map of 2 x 2 positions on 4 x 4, linearly between the centers of positions."""
    matrix = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    return matrix @ coarse @ matrix.T


FUNCTIONS = {"max": np.maximum, "mean": lambda a, b: (a + b) / 2, "product": np.multiply}


@pytest.mark.parametrize("fuse", FUNCTIONS)
@pytest.mark.parametrize("order", [["coarse", "fine"], ("fine", "coarse")])
def test_each_map_is_scaled_and_the_finest_grid_counts(fuse, order):
    model, (coarse, fine) = TwoLayers(), maps_of(0)
    expected = FUNCTIONS[fuse](interpolated(coarse), fine)
    mask = HiResCAM(model.adapter, 0, layer=order, fuse=fuse).GetMask(X, should_resize=False)
    np.testing.assert_allclose(mask, expected)
    np.testing.assert_array_equal(mask.details["layers"], order)
    np.testing.assert_array_equal(mask.details["grids"], [[2, 2], [4, 4]][:: 1 if order[0] == "coarse" else -1])
    np.testing.assert_array_equal(mask.details["grid"], [4, 4])
    assert model.asked == [*order] and "layer" not in mask.details and mask.details["score"] == (G[0] * A).sum()
    scaled = HiResCAM(model.adapter, 0, layer=order, fuse=fuse).GetMask(X)
    np.testing.assert_allclose(scaled, expected / expected.max())


def test_several_inputs_and_targets_equal_one_at_a_time():
    adapter, options = TwoLayers().adapter, {"layer": ["coarse", "fine"], "three_dims": True}
    together = HiResCAM(adapter).GetMasks([X, X, X / 2], [0, 1, 0], **options)
    alone = [HiResCAM(adapter, y).GetMask(x, **options) for x, y in ((X, 0), (X, 1), (X / 2, 0))]
    np.testing.assert_allclose(together, alone)
    assert together.details["layers"].shape == (3, 2) and together.details["grids"].shape == (3, 2, 2)
    assert together[1].details["grids"].tolist() == [[2, 2], [4, 4]] and together.figure()


def test_a_list_of_one_layer_is_that_layer_scaled():
    adapter = TwoLayers().adapter
    one = GradCAM(adapter, 0, layer=["coarse"]).GetMask(X)
    np.testing.assert_allclose(one, GradCAM(adapter, 0, layer="coarse").GetMask(X))


def test_guided_grad_cam_multiplies_the_guided_gradient_by_the_fused_map():
    adapter = TwoLayers().adapter
    mask = GuidedGradCAM(adapter, 0, layer=["coarse", "fine"], fuse="mean", allow_no_relu=True).GetMask(X)
    fused = GradCAM(adapter, 0, layer=["coarse", "fine"], fuse="mean").GetMask(X)
    gradient = np.asarray(adapter.gradients(MinimalArray(X[None]), _request())[1].array)[0]
    np.testing.assert_allclose(mask, gradient * fused)


def _request():
    from saliency.core.adapter_request import Request
    from saliency.core.target import Target

    return Request(Target.of([0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": ["coarse", "fine"], "fuse": "sum"}, r"`fuse` \(='sum'\) must be one of 'max', 'mean', 'product'"),
        ({"layer": []}, r"`layer` \(=\[\]\) must name at least one layer"),
        ({"layer": ["coarse", None]}, r"`layer` \(=\['coarse', None\]\) must name .* each entry must be a layer"),
    ],
)
def test_errors(options, message):
    for method in (GradCAM, GuidedGradCAM):
        with pytest.raises(InputError, match=message):
            method(TwoLayers().adapter, 0).GetMask(X, **options)
