"""The grid of a layer's tokens is known from the forward pass, not guessed from their number."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.torch.nested_network import RNG
from tests.torch.token_networks import Transformer, grad_cam, tokens_and_gradients


@pytest.mark.parametrize("layer", [None, "blocks"])
@pytest.mark.parametrize("tokens_first", [False, True])
@pytest.mark.parametrize(
    ("front", "behind", "height", "width"), [(0, 0, 48, 48), (1, 0, 48, 60), (3, 20, 32, 32), (17, 9, 32, 48)]
)
def test_patches_among_other_tokens(layer, tokens_first, front, behind, height, width):
    torch.manual_seed(0)
    model, x = Transformer(front, behind, tokens_first).eval(), RNG.normal(size=(3, height, width)).astype(np.float32)
    rows, columns = height // 8, width // 8
    places = front + np.arange(rows * columns).reshape(rows, columns)
    expected = grad_cam(*tokens_and_gradients(model, "blocks", x), places)
    mask = GradCAM(model, 2, layer).GetMask(x, should_resize=False)
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6 * expected.max())
    assert mask.details["grid"].tolist() == [rows, columns] and mask.details["tokens_left_out"] == front + behind
    assert layer is not None or mask.details["layer"] == "blocks"


def test_several_targets_of_tokens_first():
    torch.manual_seed(0)
    model, x = Transformer(1, tokens_first=True).eval(), RNG.normal(size=(3, 32, 48)).astype(np.float32)
    masks = GradCAM(model).GetMasks([x] * 3, [0, 1, 2])
    for y, mask in enumerate(masks):
        np.testing.assert_allclose(mask, GradCAM(model, y).GetMask(x), rtol=1e-4, atol=1e-6)
    batch = RNG.normal(size=(4, 3, 32, 48)).astype(np.float32)
    expected = [GradCAM(model, 1).GetMask(one) for one in batch]
    np.testing.assert_allclose(GradCAM(model, 1).GetMasks(batch), expected, rtol=1e-3, atol=1e-5)


class Sequence(nn.Module):
    """A convolution, and a part that returns a sequence whose length is a grid of the input's proportions."""

    def __init__(self, part, length=16):
        super().__init__()
        self.conv, self.part = nn.Conv2d(3, 16, 4, 4), part
        self.query = nn.Parameter(torch.randn(1, length, 16))
        self.cross = nn.TransformerDecoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.gru, self.last = nn.GRU(16, 8, batch_first=True), nn.Linear(16, 5)
        self.short, self.mix = nn.Linear(8, 5), nn.Linear(64, length)

    def forward(self, x):
        h = self.conv(x).relu()  # (N, 16, 8, 8)
        if self.part == "columns":
            return self.short(self.gru(torch.cat([h.mean(2), h.amax(2)], 2).transpose(1, 2))[0]).mean(1)  # 16 steps
        tokens = h.flatten(2).transpose(1, 2)
        if self.part in ("queries", "queries as many as patches"):
            return self.last(self.cross(self.query.expand(len(x), -1, -1), tokens)).mean(1)
        if self.part == "token mixing":  # 16 numbers, each from all positions
            return self.last(self.mix(tokens.transpose(1, 2)).transpose(1, 2)).mean(1)
        return self.last(h.mean(3)[:, :, :4].repeat(1, 1, 4).transpose(1, 2)).mean(1)  # each row four times


@pytest.mark.parametrize("part", ["columns", "queries", "queries as many as patches", "token mixing", "rows"])
def test_a_sequence_is_no_image(part):
    torch.manual_seed(0)
    model = Sequence(part, 64 if "patches" in part else 16).eval()
    x, later = RNG.normal(size=(3, 32, 32)).astype(np.float32), "short" if part == "columns" else "last"
    with pytest.warns(UserWarning, match=f"the map is of layer 'conv'; the later layer '{later}' with tokens"):
        mask = GradCAM(model, 2).GetMask(x, should_resize=False)
    assert mask.details["layer"] == "conv" and mask.shape == (8, 8)
    with pytest.raises(saliency.TargetError, match=rf"layer '{later}' returns shape .*state the positions: grid="):
        GradCAM(model, 2, later).GetMask(x)


def test_an_error_names_the_layers_with_tokens():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Linear(3 * 64, 8), nn.Linear(8, 5)

        def forward(self, x):
            return self.head(self.embed(x.flatten(1)).reshape(len(x), 4, 2).repeat(1, 1, 4)).mean(1)

    with pytest.raises(saliency.TargetError, match=r"`layer` \(=None\) must be named.*: 'head' \(1, 4, 5\)"):
        GradCAM(Words(), 1).GetMask(np.ones((3, 8, 8), np.float32))


class Stages(nn.Module):
    """Patches by a reshape, two stages with a merging of 2 x 2 tokens, windows, and a cyclic shift."""

    def __init__(self, window=2):
        super().__init__()
        self.embed, self.merge, self.window = nn.Linear(48, 8), nn.Linear(32, 12), window
        self.inner, self.norm, self.head = nn.Linear(12, 12), nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, x):
        n, _, height, width = x.shape
        h = x.reshape(n, 3, height // 4, 4, width // 4, 4).permute(0, 2, 4, 3, 5, 1).flatten(3)
        h = self.embed(h).roll((1, 2), (1, 2))
        h = self.merge(torch.cat([h[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1)).roll((-1, -1), (1, 2))
        rows, columns, w = height // 8, width // 8, self.window
        inside = h.reshape(n, rows // w, w, columns // w, w, 12).transpose(2, 3).reshape(-1, w * w, 12)
        inside = self.inner(inside).reshape(n, rows // w, columns // w, w, w, 12).permute(0, 3, 4, 1, 2, 5)
        tokens = self.norm(inside.reshape(n, -1, 12))  # (N, tokens, 12), in another order than the rows
        return self.head(tokens.mean(1))


def test_tokens_in_another_order():
    torch.manual_seed(0)
    model, x = Stages().eval(), RNG.normal(size=(3, 32, 64)).astype(np.float32)
    mask = GradCAM(model, 2).GetMask(x, should_resize=False)
    assert mask.details["layer"] == "norm" and mask.shape == (4, 8)
    before = saliency.wrap(model).features(torch.tensor(x)[None], Request(Target.of([2]), layer="norm"))[1][0]
    for row, column in [(0, 0), (1, 5), (3, 7)]:  # a patch, shifted by the cyclic shifts, moves its own token only
        changed = x.copy()
        changed[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 1
        after = saliency.wrap(model).features(torch.tensor(changed)[None], Request(Target.of([2]), layer="norm"))[1][0]
        moved = (after - before).abs().amax(0) > 1e-5
        center = np.argwhere(moved.numpy()).mean(0)
        assert moved.sum() <= 4 and np.abs(((center - [row, column] + 2) % [4, 8]) - 2).max() <= 2


class Spectrogram(nn.Module):
    """The axes of the input are exchanged before it is cut into patches, as in audio transformers."""

    def __init__(self):
        super().__init__()
        self.patch, self.norm, self.head = nn.Conv2d(1, 8, 4, 4), nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.norm(self.patch(x.transpose(2, 3)).flatten(2).transpose(1, 2)).square().mean(1))


def test_exchanged_axes_are_exchanged_back():
    torch.manual_seed(0)
    model, x = Spectrogram().eval(), RNG.normal(size=(1, 16, 24)).astype(np.float32)
    tokens, gradients = tokens_and_gradients(model, "norm", x)
    expected = grad_cam(tokens, gradients, np.arange(24).reshape(6, 4).T)
    mask = GradCAM(model, 2).GetMask(x, should_resize=False)
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)
    assert mask.shape == (4, 6) and mask.details["layer"] == "norm"


def test_tubelets_of_a_video():
    class Video(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.norm, self.head = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4)), nn.LayerNorm(8), nn.Linear(8, 5)
            self.first = nn.Parameter(torch.randn(1, 1, 8))

        def forward(self, x):
            tokens = self.patch(x).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1)
            return self.head(self.norm(tokens).square().mean(1))

    torch.manual_seed(0)
    model, x = Video().eval(), RNG.normal(size=(3, 8, 16, 12)).astype(np.float32)
    expected = grad_cam(*tokens_and_gradients(model, "norm", x), 1 + np.arange(48).reshape(4, 4, 3))
    mask = GradCAM(model, 2).GetMask(x, should_resize=False)
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)
    assert mask.details["grid"].tolist() == [4, 4, 3] and mask.details["tokens_left_out"] == 1


TORCHVISION = {
    "vit_b_32": ("encoder.layers.encoder_layer_11.ln_1", (2, 3), 1),
    "swin_t": ("permute", (2, 3), 0),
    "convnext_tiny": ("features", (2, 3), 0),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_grids_of_torchvision_s_networks(name):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    options = {"image_size": 96} if "vit" in name else {}
    model = models.get_model(name, weights=None, num_classes=5, **options).eval()
    for weights in model.parameters():
        if weights.ndim == 2 and not weights.any():  # torchvision's head of zeros
            nn.init.normal_(weights)
    shape = (1, 3, 96, 96) if options else (1, 3, 64, 96)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    layer, space, left_out = TORCHVISION[name]
    mask = GradCAM(model, 1).GetMasks(x, should_resize=False)
    assert mask.details["layer"][0] == layer and mask.details["tokens_left_out"][0] == left_out
    assert mask.shape[1:] == ((3, 3) if options else space)
