"""A layer's output and its gradient: the right layer, autograd's numbers, no graph in front of it, a model left as it was."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import saliency
from saliency import GradCAM, GuidedGradCAM, HiResCAM, ScoreCAM
from saliency.core.request import Request
from saliency.core.target import Target
from tests.torch.test_adapter import small, state_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 3, 16, 12)).astype(np.float32)
METHODS = [GradCAM, GuidedGradCAM, ScoreCAM]


class Net(nn.Module):
    """Layers in layers, a functional ReLU behind the last of them, and two uses of `twice`."""

    def __init__(self, end=None):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.body = nn.Sequential(
            nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()), nn.Conv2d(8, 6, 3)
        )
        self.twice = nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(6, 5)
        self.end = end or nn.Identity()

    def forward(self, x):
        x = self.twice(F.relu(self.twice(self.stem(x))))  # (N, 6, 8, 6)
        x = F.relu(self.body(x), inplace=True)  # (N, 6, 6, 4)
        return self.end(self.fc(x.mean((2, 3))))


class Turned(nn.Module):
    """A network for inputs of another order of axes, and another scale."""

    def __init__(self, model, channel_axis, middle=None):
        super().__init__()
        self.model, self.channel_axis, self.middle = model, channel_axis, middle

    def forward(self, x):
        x = x if self.middle is None else (x - self.middle) * 2
        return self.model(x[:, None] if self.channel_axis is None else x.movedim(self.channel_axis + 1, 1))


def net(end=None, kind=Net):
    torch.manual_seed(0)
    model = kind(end).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(0.5) if weights.ndim == 1 else weights.normal_(std=0.3)
        model.fc.weight.abs_()  # so that no map is empty
    return model


def by_hand(model, layer, y, x=X, read=lambda outputs, y: outputs[:, y]):
    """A layer's last output, and d score / d output, by autograd with the whole graph."""
    kept = []
    module = model.get_submodule(layer)
    with module.register_forward_hook(lambda module, inputs, output: kept.append(output.clone()) or kept[-1].clone()):
        outputs = model(torch.tensor(x))
    (gradients,) = torch.autograd.grad(read(outputs, y).sum(), kept[-1])
    return kept[-1].detach().numpy(), gradients.numpy()


def features(model, y, layer=None, x=X, **options):
    adapter = saliency.wrap(model, **options)
    _, found, gradients = adapter.features(torch.tensor(x), Request(Target.of([y] * len(x)), layer=layer))
    return found.numpy(), gradients.numpy()


def assert_features(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=3e-6 * np.abs(theirs).max())
    assert expected[1].any()


@pytest.mark.parametrize("layer", ["stem.0", "stem.1", "stem", "twice", "body.0.1", "body.0", "body.1", "body"])
def test_a_layer_s_output_and_gradient_are_autograd_s(layer):
    """Also where the layer stands in front of a ReLU in place, is called twice, or holds others."""
    expected = by_hand(net(), layer, 2)
    assert_features(features(net(), 2, layer), expected)
    model = net()
    assert_features(features(model, 2, model.get_submodule(layer)), expected)


def test_the_score_comes_with_them():
    model = net()
    scores, _, _ = saliency.wrap(model).features(torch.tensor(X), Request(Target.of([1, 4, [2, 3]]), layer="stem"))
    outputs = model(torch.tensor(X)).detach()
    torch.testing.assert_close(scores, torch.stack([outputs[0, 1], outputs[1, 4], outputs[2, 2] + outputs[2, 3]]))


@pytest.mark.parametrize(
    ("y", "layer"),
    [
        (3, "body"),
        (("body.1", 3), "body.0"),
        (("body.0.2", 3), "body.0.1"),
        (("body.0.0", 3, 2, 2), "twice"),
        (("twice", 3), None),
    ],
)
def test_the_last_layer_before_the_score_is_found(y, layer):
    if layer is None:  # `twice` is called twice, which no target may be
        with pytest.raises(saliency.TargetError, match="called 2 times"):
            features(net(), y)
    else:
        assert_features(features(net(), y), features(net(), y, layer))


TORCHVISION = {
    "squeezenet1_1": "classifier.1",
    "resnet18": "layer4.1",
    "densenet121": "features.norm5",
    "mobilenet_v3_small": "features.12",
    "shufflenet_v2_x0_5": "conv5.2",
    "mnasnet0_5": "layers.16",
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_last_layer_of_torchvision_s_networks(name):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    model = models.get_model(name, weights=None, num_classes=5).eval()
    x = RNG.normal(size=(2, 3, 64, 96)).astype(np.float32)
    layer = TORCHVISION[name]
    found, gradients = by_hand(model, layer, 1, x)
    if name == "squeezenet1_1":  # of the ReLU behind it, which has the last word
        found = np.maximum(found, 0)
        assert found.shape == (2, 5, 3, 5)
        gradients = np.broadcast_to(np.eye(5, dtype=np.float32)[1][:, None, None] / 15, found.shape)
    assert found.shape[2] < found.shape[3]
    assert_features(features(model, 1, x=x), (found, gradients))
    assert GradCAM(model, 1).GetMasks(x).shape == (2, 64, 96)


def test_a_vision_transformer_s_tokens_come_as_their_grid():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    model = models.VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5).eval()
    nn.init.normal_(model.heads.head.weight)  # torchvision's is zero, and so were the gradient
    x = RNG.normal(size=(2, 3, 32, 32)).astype(np.float32)
    last = "encoder.layers.encoder_layer_1.ln_1"  # behind it, the patches have no influence on the class token
    tokens, slopes = by_hand(model, last, 3, x)
    assert tokens.shape == (2, 17, 16)
    found, gradients = features(model, 3, x=x)
    for row, column in np.ndindex(4, 4):
        np.testing.assert_allclose(found[:, :, row, column], tokens[:, 1 + 4 * row + column], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(gradients[:, :, row, column], slopes[:, 1 + 4 * row + column], rtol=1e-4, atol=1e-7)
    assert gradients.any() and found.shape == (2, 16, 4, 4)
    assert not features(model, 3, "encoder", x)[1].any()
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
        expected = [np.moveaxis(array, -1, 1) for array in by_hand(model, layer, 3, x)]
        assert_features(features(model, 3, layer, x), expected)
    assert_features(features(model, 3, x=x), expected)


def test_a_video_transformer_s_channels_come_first():
    video = pytest.importorskip("torchvision.models.video")
    torch.manual_seed(0)
    model = video.SwinTransformer3d(
        [2, 4, 4], embed_dim=64, depths=[1, 1], num_heads=[2, 2], window_size=[2, 4, 4], num_classes=5
    )
    x = RNG.normal(size=(1, 3, 4, 32, 48)).astype(np.float32)
    expected = [np.moveaxis(array, -1, 1) for array in by_hand(model.eval(), "norm", 3, x)]
    assert expected[0].shape == (1, 128, 2, 4, 6)
    assert_features(features(model, 3, x=x), expected)


class Tokens(nn.Module):
    """A transformer whose parts are all modules, as timm's: attention, and queries and keys for each head, pass through them."""

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


@pytest.mark.parametrize(
    ("pool", "extra", "layer"),
    [("token", 1, "qkv"), ("token", 5, "qkv"), ("mean", 0, "proj"), ("mean", 4, "proj"), ("mean", 8, "proj")],
)
def test_attention_is_not_taken_for_a_map(pool, extra, layer):
    torch.manual_seed(0)
    model = Tokens(pool, extra).eval()
    found, gradients = features(model, 2)
    tokens, slopes = by_hand(model, layer, 2)
    assert found.shape == (3, tokens.shape[2], 4, 3)  # of 16 x 12 pixels, in patches of 4 x 4
    turned = [np.moveaxis(array[:, extra:].reshape(3, 4, 3, -1), -1, 1) for array in (tokens, slopes)]
    assert_features((found, gradients), turned)


def test_positions_in_a_row_are_not_taken_for_tokens():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 12, 3), nn.Flatten(2), nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(24, 5))
    assert_features(features(model, 2), by_hand(model, "0", 2))  # not (N, 12, 140) or (N, 12, 2), with 12 = 4 x 3 tokens


class Windows(nn.Module):
    """Attention in windows, which stand on the batch axis."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix, self.head = nn.Conv2d(3, 8, 1), nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x):
        windows = self.conv(x).unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).permute(0, 2, 3, 4, 1)  # (N, 4, 3, 16, 8)
        return self.head(self.mix(windows.flatten(0, 2)).reshape(len(x), -1, 8).mean(1))


def test_windows_on_the_batch_axis_are_no_samples():
    torch.manual_seed(0)
    model = Windows()
    for x in (X, X[:1]):
        assert_features(features(model, 2, x=x), by_hand(model, "conv", 2, x))
        with pytest.raises(
            saliency.TargetError, match=rf"layer 'mix' gives the shape \({12 * len(x)}, 16, 8\) for {len(x)} input"
        ):
            features(model, 2, "mix", x)


@pytest.mark.parametrize(
    "end", [nn.Softmax(1), nn.Sigmoid(), nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (14, 10)), nn.Softmax(1))]
)
def test_what_comes_behind_the_logits_explains_none(end):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1))
    nn.init.ones_(plain[2].bias)
    segments = nn.Sequential(*plain, end)
    expected = by_hand(plain, "2", 3, read=lambda outputs, y: outputs[:, y].mean((1, 2)))
    for _ in range(2):
        assert_features(features(segments, 3), expected)
    np.testing.assert_allclose(GradCAM(segments, 3).GetMasks(X), GradCAM(plain, 3).GetMasks(X), rtol=1e-5)
    adapter, x = saliency.wrap(segments), torch.tensor(X)
    _, probabilities, _ = adapter.features(x, Request(Target.of([3] * 3, logits=False)))
    torch.testing.assert_close(probabilities, segments(x).detach())  # the last layer, if that is what is asked for
    assert_features([array.numpy() for array in adapter.features(x, Request(Target.of([3] * 3)))[1:]], expected)


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.Sigmoid()])
@pytest.mark.parametrize("layer", [None, "twice"])
def test_a_class_behind_a_softmax_is_explained_by_its_logit(end, layer):
    expected = by_hand(net(), layer or "body", 2)
    for _ in range(2):
        assert_features(features(net(end), 2, layer), expected)
    assert_features(features(net(end), lambda outputs: outputs[:, 2], layer), by_hand(net(end), layer or "body", 2))


class Heads(nn.Module):
    """Two answers, each from a layer of its own."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 5)

    def forward(self, x):
        return torch.cat([self.a(x).square().mean((1, 2, 3))[:, None], self.b(x).square().mean((1, 2, 3))[:, None]], 1)


def test_another_part_of_the_output_depends_on_another_layer():
    torch.manual_seed(0)
    model = Heads()
    adapter = saliency.wrap(model)
    for y, layer in ((0, "a"), (1, "b"), (0, "a"), (1, "b")):
        expected = by_hand(model, layer, y, read=lambda outputs, y: outputs[:, y])
        got = [array.numpy() for array in adapter.features(torch.tensor(X), Request(Target.of([y] * 3)))[1:]]
        assert_features(got, expected)


def test_an_input_that_nothing_reaches_keeps_the_layer_that_was_found():
    torch.manual_seed(0)
    model = Heads()
    for bias in (model.a.bias, model.b.bias):
        nn.init.zeros_(bias)
    mask = HiResCAM(model, 0, batch_size=1)
    with pytest.warns(saliency.ZeroGradientWarning, match=r"input \[1\] is zero"):
        masks = mask.GetMasks([X[0], np.zeros_like(X[0]), X[1]], should_resize=False)
    assert masks.shape == (3, 14, 10)  # a's
    with pytest.warns(saliency.ZeroGradientWarning):
        assert HiResCAM(model, 0).GetMask(np.zeros_like(X[0]), should_resize=False).shape == (12, 8)  # the last one's, b's


def test_a_layer_counts_where_it_was_called_last():
    torch.manual_seed(0)
    shared = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(shared, nn.Conv2d(3, 3, 1), shared, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert_features(features(model, 2), by_hand(model, "0", 2))


def test_the_model_itself_is_no_layer_of_it():
    class Enlarged(nn.Sequential):
        def forward(self, x):
            return F.interpolate(super().forward(x), scale_factor=2)

    torch.manual_seed(0)
    model = Enlarged(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
    assert_features(features(model, 2), by_hand(model, "2", 2, read=lambda outputs, y: outputs[:, y].mean((1, 2))))


def test_axes_that_are_shortened_unevenly():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 3, 4, stride=(4, 1)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = RNG.normal(size=(2, 3, 16, 67)).astype(np.float32)
    assert features(model, 2, x=x)[0].shape == (2, 3, 4, 64)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_part_is_passed_over():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), torch.jit.script(nn.Conv2d(4, 4, 3)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found, gradients = features(model, 2)
    assert found.shape == (3, 4, 14, 10) and gradients.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_works_on_its_input_in_place(method):
    class Scaling(Net):
        def forward(self, x):
            return super().forward(x.sub_(0.5).mul_(2))

    x = torch.tensor(X)
    expected = method(Turned(net(), 0, 0.5), 2).GetMasks(x)
    for layer in (None, "body"):
        np.testing.assert_allclose(method(net(kind=Scaling), 2, layer=layer).GetMasks(x), expected, rtol=1e-4, atol=1e-6)
    assert np.array_equal(x, X)


@pytest.mark.parametrize("grad", [torch.no_grad, torch.enable_grad, nullcontext])
def test_a_model_that_sets_the_grad_mode_itself(grad):
    """As of a frozen backbone: the head behind it has a graph of its own."""
    mode = [nullcontext]

    class Frozen(Net):
        def forward(self, x):
            with mode[-1]():
                x = self.body(self.twice(self.stem(x)))
            return self.fc(x.relu().mean((2, 3)))

    model = net(kind=Frozen)
    expected = [by_hand(model, layer, 2) for layer in ("stem", "body")]
    mode.append(grad)
    assert_features(features(model, 2, "stem"), expected[0])
    for layer in (None, "body"):
        assert_features(features(model, 2, layer), expected[1])


def test_a_layer_in_a_checkpoint():
    class Saving(Net):
        def forward(self, x):
            return self.fc(checkpoint(lambda x: self.body(self.stem(x)), x, use_reentrant=False).mean((2, 3)))

    model = net(kind=Saving)
    for layer in ("stem", "body"):
        assert_features(features(model, 2, layer), by_hand(model, layer, 2))


class Watch(nn.Module):
    """Passes its input on, and notes whether a graph was recorded, and whether the gradient came by."""

    def __init__(self, notes):
        super().__init__()
        self.notes = notes

    def forward(self, x):
        self.notes.append(("graph", torch.is_grad_enabled() and x.requires_grad))
        return Noted.apply(x, self.notes)


class Noted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, notes):
        ctx.notes = notes
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        ctx.notes.append(("gradient", True))
        return gradient, None


def test_there_is_no_graph_in_front_of_the_layer_and_the_gradient_stops_there():
    before, behind, saved = [], [], []
    model = nn.Sequential(
        nn.Conv2d(3, 7, 3), Watch(before), nn.ReLU(), nn.Conv2d(7, 4, 3), Watch(behind), nn.ReLU(), nn.Flatten()
    )
    model.append(nn.Linear(4 * 12 * 8, 5))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(tuple(t.shape)) or t, lambda t: t):
        GradCAM(model, 1, "3").GetMasks(X)
    assert before == [("graph", False)]
    assert behind == [("graph", True), ("gradient", True)]
    assert (3, 4, 12, 8) in saved  # the ReLU's, behind the layer
    assert all(7 not in shape and shape[1:] != (3, 16, 12) for shape in saved)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("y", [1, ("relu", 2), ("nothing", 1), 99, "interrupt"])
@pytest.mark.parametrize("layer", [None, "conv", "fc", "nothing"])
def test_the_model_is_left_as_it_was(method, y, layer):
    def interrupt(outputs):
        raise KeyboardInterrupt

    model = small().train()
    model.bn.eval()
    model.conv.weight.requires_grad_(False)
    model(torch.tensor(X[:, :, :8, :8])).sum().backward()
    model.conv.register_forward_hook(lambda module, inputs, output: None)
    before = state_of(model)
    try:
        method(model, interrupt if y == "interrupt" else y).GetSmoothedMask(X[0, :, :8, :8], nsamples=2, seed=0, layer=layer)
    except (saliency.SaliencyError, KeyboardInterrupt):
        assert y in (("nothing", 1), 99, "interrupt") or layer in ("fc", "nothing") or method is GuidedGradCAM
    assert state_of(model) == before


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("method", METHODS)
def test_callers_without_gradients_and_frozen_models(context, method):
    model = net().requires_grad_(False)
    expected = method(net(), 1).GetMask(X[0])
    smooth = method(net(), 1).GetSmoothedMask(X[0], nsamples=3, seed=0)
    with context():
        for x in (X[0], torch.tensor(X[0])):
            np.testing.assert_array_equal(method(model, 1).GetMask(x), expected)
        np.testing.assert_array_equal(method(model, 1).GetSmoothedMask(X[0], nsamples=3, seed=0), smooth)
        assert torch.is_grad_enabled() is False
    assert expected.any()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.02), (torch.float16, 0.003)])
def test_models_of_other_precision(dtype, tolerance):
    x = X[:, :, :8, :8]
    expected = by_hand(small(), "relu", 2, x)
    for ours, theirs in zip(features(small().to(dtype), 2, x=x), expected, strict=True):
        assert ours.dtype == (np.float64 if dtype == torch.float64 else np.float32)
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()
    expected = HiResCAM(small(), 2).GetMasks(x)
    assert np.abs(HiResCAM(small().to(dtype), 2).GetMasks(x) - expected).max() <= 3 * tolerance


def test_a_compiled_model():
    expected = by_hand(net(), "body", 2)
    model = torch.compile(net(), backend="eager")
    for _ in range(2):
        assert_features(features(model, 2), expected)
        assert_features(features(model, 2, "_orig_mod.body"), expected)
        model(torch.tensor(X))  # compiled, from here on


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_an_exported_model_has_its_layers_when_it_is_unflattened():
    exported = torch.export.export(net(), (torch.tensor(X),))
    for kind in (exported, torch.jit.trace(net(), torch.tensor(X))):
        with pytest.raises(saliency.TargetError, match=r"`layer` \(=None\) must be named.*torch.export.unflatten"):
            features(kind, 2)
        with pytest.raises(
            saliency.TargetError, match=r"layer 'body' was not called.*\(exported and traced models call none\)"
        ):
            features(kind, 2, "body")
    assert_features(features(torch.export.unflatten(exported), 2), by_hand(net(), "body", 2))
    with pytest.raises(saliency.TargetError, match=r"layer \(RecursiveScriptModule\) can't be read"):
        features(torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())), 2, "0")


@pytest.mark.parametrize("method", METHODS)
def test_inputs_with_channels_last_or_none(method):
    expected = method(net(), 2).GetMasks(X)
    last = method(saliency.wrap(Turned(net(), 2), channel_axis=-1), 2).GetMasks(X.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(last, expected.transpose(0, 2, 3, 1) if method is GuidedGradCAM else expected, rtol=1e-5)
    torch.manual_seed(0)
    grey = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 35, 5))
    none = method(saliency.wrap(Turned(grey, None), channel_axis=None), 2).GetMasks(X[:, 0])
    one = method(grey, 2).GetMasks(X[:, :1])
    np.testing.assert_allclose(none, one[:, 0] if method is GuidedGradCAM else one, rtol=1e-5)
    assert none.shape == (3, 16, 12) and none.any()


def test_tokens_of_inputs_with_channels_last():
    torch.manual_seed(0)
    model = Tokens("mean", 1).eval()
    expected = features(model, 2)
    got = features(Turned(model, 2), 2, x=X.transpose(0, 2, 3, 1), channel_axis=-1)
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
    assert_features(features(model, 2, "conv", x, channel_axis=-1), by_hand(model, "conv", 2, x))  # (N, 7, 20)
    turned = [np.moveaxis(array, -1, 1) for array in by_hand(model, "linear", 2, x)]
    assert_features(features(model, 2, x=x, channel_axis=-1), turned)  # (N, 20, 9)
    assert GradCAM(saliency.wrap(Turned(model, 1)), 2, "model.conv").GetMask(x[0].T).shape == (20,)
    model = nn.Sequential(
        nn.Conv1d(3, 20, 2, stride=2), nn.AdaptiveAvgPool1d(1), nn.Flatten()
    )  # as many channels as positions
    x = RNG.normal(size=(2, 3, 20)).astype(np.float32)
    assert_features(features(model, 2, x=x), by_hand(model, "0", 2, x))  # (N, 20, 10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", [None, "twice"])
def test_many_inputs_and_targets_equal_one_at_a_time(method, layer):
    model, ys = net(), [0, [1, 2], None]
    together = method(model, layer=layer, batch_size=2).GetMasks(X, ys)
    for x, y, mask in zip(X, ys, together, strict=True):
        np.testing.assert_allclose(mask, method(net(), y, layer=layer).GetMask(x), rtol=2e-4, atol=1e-6)
    shared = method(model, layer=layer).GetMasks([X[0]] * 3, ys)
    for y, mask in zip(ys, shared, strict=True):
        np.testing.assert_allclose(mask, method(net(), y, layer=layer).GetMask(X[0]), rtol=2e-4, atol=1e-6)
    assert len({np.asarray(mask).tobytes() for mask in shared}) == 3


def test_several_targets_take_one_forward_pass_and_the_layer_is_looked_for_once():
    model, passes = net(), []
    model.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    mask = GradCAM(model, layer="twice")
    mask.GetMasks([X[0]] * 4, [0, 1, 2, 3])
    assert passes == [1]
    mask = GradCAM(model)
    mask.GetMasks(X, 1)
    passes.clear()
    mask.GetMasks(X, 2)
    assert passes == [3]


def test_threads_do_not_hear_of_each_other():
    model = net().train()
    jobs = [(1, "stem"), (2, "stem"), (2, None), (("body.0.0", 3), "twice")]
    expected = [features(net(), y, layer) for y, layer in jobs]
    wrong = []

    def work(y, layer, right):
        for _ in range(15):
            if not all(np.array_equal(a, b) for a, b in zip(features(model, y, layer), right, strict=True)):
                wrong.append((y, layer))

    threads = [threading.Thread(target=work, args=(*job, right)) for job, right in zip(jobs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert all(module.training for module in model.modules())


def test_a_layer_that_another_thread_calls_meanwhile():
    class Meanwhile(Net):
        alone = True

        def forward(self, x):
            x = self.body(self.stem(x))
            if not self.alone:
                other = threading.Thread(target=lambda: self.body(torch.ones(1, 6, 5, 5)))
                other.start()
                other.join()
            return self.fc(x.mean((2, 3)))

    model = net(kind=Meanwhile)
    expected = by_hand(model, "body", 2)
    model.alone = False
    for layer in (None, "body"):
        assert_features(features(model, 2, layer), expected)


class Odd(nn.Module):
    """Layers that give what no map can be made of."""

    def __init__(self):
        super().__init__()
        self.conv, self.spare = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.both, self.index, self.behind, self.aside = nn.LSTM(8, 8), nn.Identity(), nn.Identity(), nn.Identity()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 5)

    def forward(self, x):
        x = self.conv(x)
        self.both(x.flatten(2)[..., :8])
        self.index(x)
        self.index(x.argmax(1))
        self.aside(x[:, :, :0])
        self.aside(x.mean())
        return self.fc(self.pool(self.behind(x)).flatten(1))


@pytest.mark.parametrize(
    ("y", "layer", "message"),
    [
        (0, "cnov", r"`layer` \(='cnov'\) must be one of the model's 8 layers; nearest: conv"),
        (0, 3, r"`layer` \(=3\) must be one of the model's 8 layers"),
        (0, nn.ReLU(), r"`layer` \(ReLU\) must be a part of the model"),
        (0, "fc", r"layer 'fc' gives the shape \(3, 5\) for 3 input\(s\); a map needs \(N, channels, \*space\)"),
        (0, "pool", r"layer 'pool' gives the shape \(3, 4, 1, 1\) .* more than one position"),
        (0, "both", r"layer 'both' gives a tuple; a map needs one tensor"),
        (0, "index", r"layer 'index' gives a torch.int64; a map needs one tensor"),
        (0, "aside", r"layer 'aside' gives the shape \(\) for 3 input\(s\)"),
        (0, "spare", r"layer 'spare' was not called in the forward pass"),
        (("conv", 1), "behind", r"the score does not depend on layer 'behind': no path"),
        (("conv", 1), None, r"`layer` \(=None\) must be named: no layer with the input's spatial axes was called before"),
        (5, None, r"class or channel 5 is not in the model's output, which has 5 \(0 to 4\)"),
        (lambda outputs: outputs[:, 0] * torch.nan, None, "the score is nan; it must be finite"),
        (lambda outputs: outputs[:, 0] * torch.nan, "conv", "the score is nan; it must be finite"),
        (lambda outputs: outputs, None, r"`y` must return one number per sample, shape \(3,\); it returned shape \(3, 5\)"),
        (lambda outputs: outputs[:, 0].detach(), None, r"none of the model's layers with the .* axes has an influence"),
        (lambda outputs: outputs[:, 0].detach(), "conv", "the score does not depend on layer 'conv': it was detached"),
    ],
)
def test_bad_input_is_told_by_name_value_and_rule(y, layer, message):
    model = Odd()
    with pytest.raises(saliency.SaliencyError, match=message):
        GradCAM(model, y, layer).GetMasks(X)
    if isinstance(layer, str) and layer in dict(model.named_children()):
        with pytest.raises(
            saliency.SaliencyError, match=message.replace(f"'{layer}'", rf"\({type(getattr(model, layer)).__name__}\)")
        ):
            GradCAM(model, y, getattr(model, layer)).GetMasks(X)


def test_a_model_without_spatial_layers_is_told():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 5))
    for method in METHODS:
        with pytest.raises(saliency.TargetError, match=r"`layer` \(=None\) must be named"):
            method(model, 1).GetMask(X[0])


@pytest.mark.parametrize("method", [GradCAM, GuidedGradCAM, ScoreCAM])
def test_the_layer_that_was_found_is_told(method):
    (found,) = set(method(net(), 1).GetMasks(X).details["layer"])
    for ours, theirs in zip(features(net(), 1), features(net(), 1, found), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert method(net(), 1).GetSmoothedMask(X[0], nsamples=2, seed=0).details["layer"] == found
    assert "layer" not in method(net(), 1, layer="body").GetMasks(X).details
