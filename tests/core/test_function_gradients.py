"""Functions with a vector-Jacobian product, and the adapter of the documentation, in every method."""

from pathlib import Path

import numpy as np
import pytest

import saliency
from tests.quick_methods import QUICK_METHODS

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own_gradients.md"
RULES = ("GuidedBackprop", "Deconvnet", "GuidedGradCAM")


@pytest.fixture(scope="module")
def page():
    """The names that the page defines."""
    names = {}
    for block in PAGE.read_text(encoding="utf-8").split("```python\n")[1:]:
        exec(block.partition("```")[0], names)  # noqa: S102 - our own page
    return names


def differences(function, x, step=1e-6):
    """Return the gradient of a function by central differences."""
    moved = (step * np.eye(x.size)).reshape(-1, *x.shape)
    return ((function(x + moved) - function(x - moved)) / (2 * step)).reshape(x.shape)


def test_gradients_are_finite_differences(page):
    x = page["x"][:, :6, :6]
    model = saliency.wrap(page["f"], vjp=page["vjp"], channel_axis=0, dtype="float64")
    for y, score in [
        (1, lambda out: out[:, 1]),
        ([0, 2], lambda out: out[:, 0] + out[:, 2]),
        (saliency.Difference(3, 1), lambda out: out[:, 3] - out[:, 1]),
    ]:
        mask = saliency.Vanilla(model, y).GetMask(x)
        np.testing.assert_allclose(mask, differences(lambda x, score=score: score(page["f"](x)), x), atol=1e-8)


def test_an_output_with_positions_and_several_targets_of_an_input(page):
    def dense(x):
        return np.stack([x[:, 0] ** 2, x[:, 1] * x[:, 2]], axis=1)

    def vjp(x, cotangent):
        return np.stack([2 * x[:, 0] * cotangent[:, 0], x[:, 2] * cotangent[:, 1], x[:, 1] * cotangent[:, 1]], axis=1)

    x = page["x"][:, :4, :5]
    model = saliency.wrap(dense, vjp=vjp, channel_axis=0, dtype="float64")
    masks = saliency.Vanilla(model).GetMasks([x, x, x], [saliency.Region(0), saliency.Region(1), [0, 1]])
    for mask, score in zip(masks, [lambda out: out[:, 0], lambda out: out[:, 1], lambda out: out.sum(1)], strict=True):
        np.testing.assert_allclose(mask, differences(lambda x, score=score: score(dense(x)).mean((1, 2)), x), atol=1e-8)
    whole = saliency.wrap(lambda x: (x**3).sum((1, 2, 3)), vjp=lambda x, c: 3 * x**2 * c[:, None, None, None], channel_axis=0)
    np.testing.assert_allclose(saliency.Vanilla(whole, 0).GetMask(x), 3 * x**2, rtol=1e-5)


@pytest.mark.parametrize("name", ["DeepLIFT", "DeepSHAP", "LRP"])
def test_methods_that_need_the_model_s_operations_are_refused(page, name):
    with pytest.raises(saliency.ModelError, match="(DeepLIFT needs|pass) a Torch module"):
        QUICK_METHODS[name](page["NumpyAdapter"](), 2).GetMask(page["x"])


@pytest.mark.parametrize("name", [name for name in QUICK_METHODS if name not in ("DeepLIFT", "DeepSHAP", "LRP")])
def test_every_method_on_a_function_and_on_the_adapter_of_the_page(page, name):
    wrapped = saliency.wrap(page["f"], vjp=page["vjp"], features=page["features"], channel_axis=0, dtype="float64")
    masks = [
        saliency.SaliencyMask.GetMasks(QUICK_METHODS[name](model, 2), [page["x"], page["x"] / 2])
        for model in (page["NumpyAdapter"](), *([] if name.startswith(RULES) else [wrapped]))
    ]
    assert np.abs(masks[0]).max() > 0
    for mask in masks[1:]:
        np.testing.assert_allclose(mask, masks[0], rtol=1e-5, atol=1e-7)
    if name.startswith(RULES):
        with pytest.raises(saliency.ModelError, match="whose ReLUs are not known"):
            QUICK_METHODS[name](wrapped, 2).GetMask(page["x"])


def test_what_a_vjp_cannot_explain_is_refused(page):
    model = saliency.wrap(page["f"], vjp=page["vjp"], channel_axis=0)
    for mask, message in [
        (saliency.Vanilla(model, lambda out: out[:, 0]), "not for a callable `y`"),
        (saliency.GradCAM(model, 1), "does not provide a layer's output"),
        (saliency.Vanilla(model, 1, at="conv"), "has no layers by name"),
    ]:  # fmt: skip
        with pytest.raises(saliency.ModelError, match=message):
            mask.GetMask(page["x"])
    for vjp, message in [
        (lambda x, c: x[0], r"`vjp` must return floats of the shape of x, \(1, 3, 16, 16\)"),
        (lambda x: x, "`vjp` failed for x"),
        (3, r"`vjp` \(int\) must be a function"),
    ]:  # fmt: skip
        with pytest.raises(saliency.InputError, match=message):
            saliency.Vanilla(saliency.wrap(page["f"], vjp=vjp, channel_axis=0), 1).GetMask(page["x"])
