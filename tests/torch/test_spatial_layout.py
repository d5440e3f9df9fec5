"""Outputs of transformers, of channels-last layers and of signals are arranged on the input's axes."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM, GuidedGradCAM
from tests.torch.nested_network import (
    METHODS,
    RNG,
    AxesMoved,
    X,
    assert_features,
    autograd_features,
    compute_features,
    nested_network,
)


def test_vision_transformer_tokens_form_an_image():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    model = models.VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5).eval()
    nn.init.normal_(model.heads.head.weight)  # torchvision's is zero, and so were the gradient
    x = RNG.normal(size=(2, 3, 32, 32)).astype(np.float32)
    last = "encoder.layers.encoder_layer_1.ln_1"  # behind it, the patches have no influence on the class token
    tokens, slopes = autograd_features(model, last, 3, x)
    assert tokens.shape == (2, 17, 16)
    found, gradients = compute_features(model, 3, x=x)
    for row, column in np.ndindex(4, 4):
        np.testing.assert_allclose(found[:, :, row, column], tokens[:, 1 + 4 * row + column], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(gradients[:, :, row, column], slopes[:, 1 + 4 * row + column], rtol=1e-4, atol=1e-7)
    assert gradients.any() and found.shape == (2, 16, 4, 4)
    assert not compute_features(model, 3, "encoder", x)[1].any()
    with pytest.warns(saliency.ZeroGradientWarning):
        GradCAM(model, 3, "encoder").GetMask(x[0])


def test_swin_s_channels_come_first():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    model = models.SwinTransformer(
        [4, 4], embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=[4, 4], num_classes=5
    ).eval()
    x = RNG.normal(size=(2, 3, 32, 48)).astype(np.float32)
    for layer in ("features.1", "norm"):  # (N, 8, 12, 16) and (N, 4, 6, 32)
        expected = [np.moveaxis(array, -1, 1) for array in autograd_features(model, layer, 3, x)]
        assert_features(compute_features(model, 3, layer, x), expected)
    assert_features(compute_features(model, 3, x=x), expected)


def test_a_video_transformer_s_channels_come_first():
    video = pytest.importorskip("torchvision.models.video")
    torch.manual_seed(0)
    model = video.SwinTransformer3d(
        [2, 4, 4], embed_dim=64, depths=[1, 1], num_heads=[2, 2], window_size=[2, 4, 4], num_classes=5
    )
    x = RNG.normal(size=(1, 3, 4, 32, 48)).astype(np.float32)
    expected = [np.moveaxis(array, -1, 1) for array in autograd_features(model.eval(), "norm", 3, x)]
    assert expected[0].shape == (1, 128, 2, 4, 6)
    assert_features(compute_features(model, 3, x=x), expected)


class Tokens(nn.Module):
    """A transformer built from modules only, as timm's: attention, queries and keys pass through modules."""

    def __init__(self, pool, extra):
        super().__init__()
        self.pool, self.extra = pool, extra
        self.patches = nn.Conv2d(3, 12, 4, stride=4)
        self.first = nn.Parameter(torch.randn(1, extra, 12))
        self.norm, self.qkv, self.proj = nn.LayerNorm(12), nn.Linear(12, 36), nn.Linear(12, 12)
        self.q_norm, self.k_norm, self.attend, self.drop = nn.Identity(), nn.Identity(), nn.Softmax(-1), nn.Dropout(0.1)
        self.average, self.head = nn.Sequential(nn.AdaptiveAvgPool1d(1)), nn.Linear(12, 5)

    def forward(self, x):
        tokens = torch.cat([self.first.expand(len(x), -1, -1), self.patches(x).flatten(2).transpose(1, 2)], 1)
        q, k, v = self.qkv(self.norm(tokens)).reshape(len(x), -1, 3, 2, 6).permute(2, 0, 3, 1, 4)  # (N, heads, tokens, 6)
        q, k = self.q_norm(q), self.k_norm(k)
        v = (self.drop(self.attend(q @ k.transpose(2, 3))) @ v).transpose(1, 2).flatten(2)
        tokens = tokens + self.proj(v)
        if self.pool == "token":
            return self.head(tokens[:, 0])
        return self.head(self.average(tokens[:, self.extra :].transpose(1, 2)).flatten(1))


@pytest.mark.parametrize(("pool", "extra"), [("token", 1), ("token", 5), ("mean", 0), ("mean", 4), ("mean", 8), ("mean", 40)])
def test_layers_inside_attention_are_not_found(pool, extra):
    """Neither queries, keys and values, nor the projection of their result: the layer is the norm before them."""
    torch.manual_seed(0)
    model = Tokens(pool, extra).eval()
    found, gradients = compute_features(model, 2)
    tokens, slopes = autograd_features(model, "norm", 2)
    assert found.shape == (3, tokens.shape[2], 4, 3)  # of 16 x 12 pixels, in patches of 4 x 4
    turned = [np.moveaxis(array[:, extra:].reshape(3, 4, 3, -1), -1, 1) for array in (tokens, slopes)]
    assert_features((found, gradients), turned)


def test_flattened_positions_are_not_tokens():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 12, 3), nn.Flatten(2), nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(24, 5))
    assert_features(
        compute_features(model, 2), autograd_features(model, "0", 2)
    )  # not (N, 12, 140) or (N, 12, 2), with 12 = 4 x 3 tokens


class Windows(nn.Module):
    """Attention in windows on the batch axis."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix, self.head = nn.Conv2d(3, 8, 1), nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x):
        windows = self.conv(x).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).permute(0, 2, 3, 4, 1)  # (N, 4, 3, 16, 8)
        return self.head(self.mix(windows.flatten(0, 2)).reshape(len(x), -1, 8).mean(1))


def test_windows_on_the_batch_axis_are_not_samples():
    torch.manual_seed(0)
    model = Windows()
    for x in (X, X[:1]):
        assert_features(compute_features(model, 2, x=x), autograd_features(model, "conv", 2, x))
        with pytest.raises(
            saliency.TargetError, match=rf"layer 'mix' returns shape \({12 * len(x)}, 16, 8\) for {len(x)} input"
        ):
            compute_features(model, 2, "mix", x)


def test_axes_that_are_shortened_unevenly():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 3, 4, stride=(4, 1)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = RNG.normal(size=(2, 3, 16, 67)).astype(np.float32)
    assert compute_features(model, 2, x=x)[0].shape == (2, 3, 4, 64)


@pytest.mark.parametrize("method", METHODS)
def test_inputs_with_channels_last_or_none(method):
    expected = method(nested_network(), 2).GetMasks(X)
    last = method(saliency.wrap(AxesMoved(nested_network(), 2), channel_axis=-1), 2).GetMasks(X.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(last, expected.transpose(0, 2, 3, 1) if method is GuidedGradCAM else expected, rtol=1e-5)
    torch.manual_seed(0)
    gray = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 35, 5))
    none = method(saliency.wrap(AxesMoved(gray, None), channel_axis=None), 2).GetMasks(X[:, 0])
    one = method(gray, 2).GetMasks(X[:, :1])
    np.testing.assert_allclose(none, one[:, 0] if method is GuidedGradCAM else one, rtol=1e-5)
    assert none.shape == (3, 16, 12) and none.any()


def test_tokens_of_inputs_with_channels_last():
    torch.manual_seed(0)
    model = Tokens("mean", 1).eval()
    expected = compute_features(model, 2)
    got = compute_features(AxesMoved(model, 2), 2, x=X.transpose(0, 2, 3, 1), channel_axis=-1)
    assert_features(got, expected)


def test_signals():
    class Signal(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear, self.head = nn.Conv1d(3, 7, 3, padding=1), nn.Linear(7, 9), nn.Linear(9, 5)

        def forward(self, x):  # (N, 20, 3)
            return self.head(self.linear(self.conv(x.transpose(1, 2)).relu().transpose(1, 2)).mean(1))

    torch.manual_seed(0)
    model = Signal()
    x = RNG.normal(size=(2, 20, 3)).astype(np.float32)
    assert_features(
        compute_features(model, 2, "conv", x, channel_axis=-1), autograd_features(model, "conv", 2, x)
    )  # (N, 7, 20)
    turned = [np.moveaxis(array, -1, 1) for array in autograd_features(model, "linear", 2, x)]
    assert_features(compute_features(model, 2, x=x, channel_axis=-1), turned)  # (N, 20, 9)
    assert GradCAM(saliency.wrap(AxesMoved(model, 1)), 2, "model.conv").GetMask(x[0].T).shape == (20,)
    model = nn.Sequential(
        nn.Conv1d(3, 20, 2, stride=2), nn.AdaptiveAvgPool1d(1), nn.Flatten()
    )  # as many channels as positions
    x = RNG.normal(size=(2, 3, 20)).astype(np.float32)
    assert_features(compute_features(model, 2, x=x), autograd_features(model, "0", 2, x))  # (N, 20, 10)
