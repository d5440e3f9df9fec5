"""Targets that name a channel of a layer, where the channels are not on axis 1, against autograd on the layer's output."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency import Difference, GradCAM, IntegratedGradients, Occlusion, Vanilla
from saliency.compat.dnnbrain.algo import VanillaSaliencyImage
from saliency.core.errors import TargetError

ROWS, COLUMNS, CHANNELS = 3, 4, 8
CALLS = []
"""The networks of all forward passes; a network's own attributes are restored after each call."""


class Network(nn.Module):
    """A convolution whose output is arranged as ``layout`` says: axes n (samples), h, w, t (both of these), c; sorted or not."""

    def __init__(self, layout="ntc", class_tokens=0, is_sorted=False):
        super().__init__()
        torch.default_generator.manual_seed(0)
        self.patch, self.norm = nn.Conv2d(3, CHANNELS, 4, 4), nn.LayerNorm(CHANNELS)
        self.b, self.head = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, 5)
        self.act = nn.ReLU()
        self.layout, self.is_sorted = layout, is_sorted
        self.extra = nn.Parameter(torch.randn(1, class_tokens, CHANNELS))

    def forward(self, x):
        CALLS.append(self)
        t = self.act(self.patch(x)).permute(0, 2, 3, 1)
        if self.layout != "nhwc":
            t = torch.cat([self.extra.expand(len(x), -1, -1), t.flatten(1, 2)], 1)
        if self.is_sorted:
            t = t.sort(1).values
        t = t.transpose(0, 1) if self.layout == "tnc" else t
        t = torch.tanh(self.b(self.norm(t)))
        return self.head(t.mean({"ntc": 1, "tnc": 0, "nhwc": (1, 2)}[self.layout]))


def inputs(n=1):
    return np.random.default_rng(n).normal(size=(n, 3, 4 * ROWS, 4 * COLUMNS)).astype(np.float32)


def reference(model, x, read):
    """Return the gradient of what ``read`` returns for the layer's output, samples first and (tokens, channels) after them."""
    kept = []
    with model.b.register_forward_hook(lambda _m, _i, out: kept.append(out)):
        leaf = torch.tensor(x)[None].requires_grad_()
        model(leaf)
    tokens = (kept[0].transpose(0, 1) if model.layout == "tnc" else kept[0]).reshape(-1, CHANNELS)
    return torch.autograd.grad(read(tokens), leaf)[0][0].numpy()


@pytest.mark.parametrize(("layout", "extra"), [("ntc", 0), ("ntc", 1), ("tnc", 0), ("tnc", 2), ("nhwc", 0)])
def test_channels_units_and_differences(layout, extra):
    model, (x,) = Network(layout, extra).eval(), inputs()
    token = extra + 1 * COLUMNS + 2
    for y, read in [
        (("b", 5), lambda t: t[:, 5].mean()),
        (("b", 5, 1, 2), lambda t: t[token, 5]),
        (Difference(("b", 5), ("b", 2)), lambda t: t[:, 5].mean() - t[:, 2].mean()),
    ]:
        expected = reference(model, x, read)
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(Vanilla(model, y).GetMask(x), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("layout", ["ntc", "tnc", "nhwc"])
@pytest.mark.parametrize("n", [2, ROWS, ROWS * COLUMNS])
def test_any_number_of_samples_even_that_of_the_tokens(layout, n):
    model, x = Network(layout).eval(), inputs(n)
    masks = Vanilla(model, ("b", 5), batch_size=n).GetMasks(x)
    for i in (0, n - 1):
        expected = reference(model, x[i], lambda t: t[:, 5].mean())
        np.testing.assert_allclose(masks[i], expected, rtol=1e-4, atol=1e-7)


def test_all_kinds_of_passes_read_the_same_channel():
    model, (x,) = Network(class_tokens=1).eval(), inputs()
    by_hand = ("b", lambda t: t[..., 5].mean(1))
    for method, options in [
        (GradCAM, {"layer": "patch"}),
        (IntegratedGradients, {"x_steps": 4}),
        (Occlusion, {"size": 4, "stride": 4}),
        (Vanilla, {"at": "act"}),
    ]:
        masks = [method(model, y).GetMask(x, **options) for y in (("b", 5), by_hand)]
        np.testing.assert_allclose(masks[0], masks[1], rtol=1e-4, atol=1e-7)


def test_axes_are_found_once_and_never_for_a_convolution():
    def passes(layer):
        CALLS.clear()
        Vanilla(model, (layer, 5), batch_size=1).GetMask(x)
        return len(CALLS)

    model, (x,) = Network().eval(), inputs()
    assert [passes("patch"), passes("patch")] == [1, 1]
    assert [passes("act"), passes("act")] == [2, 1]
    assert [passes("b"), passes("b")] == [2, 1]


def test_feature_maps_of_a_plain_network_keep_axis_1():
    model, (x,) = Network().eval(), inputs()
    masks = [Vanilla(model, y).GetMask(x) for y in (("act", 5), ("act", lambda out: out[:, 5].mean((1, 2))))]
    np.testing.assert_allclose(masks[0], masks[1], rtol=1e-5, atol=1e-8)


def test_tokens_that_are_not_known_to_be_positions_are_refused():
    model, (x,) = Network(is_sorted=True).eval(), inputs()
    with pytest.raises(
        TargetError, match=r"layer 'b' \(output of shape \(1, 12, 8\)\).*which axis.*lambda t: t\[\.\.\., channel\]"
    ):
        Vanilla(model, ("b", 5)).GetMask(x)
    assert np.abs(Vanilla(model, ("b", lambda t: t[..., 5].mean(1))).GetMask(x)).max() > 0


def test_a_row_and_column_of_tokens_that_form_no_grid_are_refused():
    model, (x,) = Network().eval(), inputs()
    model.act.register_forward_hook(lambda _m, _i, out: out[:, :, :2])  # a crop
    assert np.abs(Vanilla(model, ("b", 5)).GetMask(x)).max() > 0
    with pytest.raises(TargetError, match="names a row and a column of layer 'b'.*does not show a grid"):
        Vanilla(model, ("b", 5, 1, 2)).GetMask(x)


def test_dnnbrain_counts_the_channels_of_tokens():
    class Holder:
        model, img_size = Network(class_tokens=1).eval(), (4 * ROWS, 4 * COLUMNS)

    image = VanillaSaliencyImage(Holder())
    image.set_layer("b", CHANNELS)
    with pytest.raises(TargetError, match="from 1 to 8"):
        image.set_layer("b", CHANNELS + 1)
    picture = np.random.default_rng(0).integers(0, 256, (3, 4 * ROWS, 4 * COLUMNS), np.uint8)
    assert (np.abs(image.backprop(picture)).sum(0) > 0).mean() > 0.5  # not of a single patch
