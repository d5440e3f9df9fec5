"""The last spatial layer before the score is found."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency import GradCAM, GuidedGradCAM, HiResCAM, ScoreCAM
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.torch.nested_network import RNG, X, assert_features, autograd_features, compute_features, nested_network


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
            compute_features(nested_network(), y)
    else:
        assert_features(compute_features(nested_network(), y), compute_features(nested_network(), y, layer))


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
    found, gradients = autograd_features(model, layer, 1, x)
    if name == "squeezenet1_1":  # of the ReLU behind it, which has the last word
        found = np.maximum(found, 0)
        assert found.shape == (2, 5, 3, 5)
        gradients = np.broadcast_to(np.eye(5, dtype=np.float32)[1][:, None, None] / 15, found.shape)
    assert found.shape[2] < found.shape[3]
    assert_features(compute_features(model, 1, x=x), (found, gradients))
    assert GradCAM(model, 1).GetMasks(x).shape == (2, 64, 96)


@pytest.mark.parametrize(
    "end", [nn.Softmax(1), nn.Sigmoid(), nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (14, 10)), nn.Softmax(1))]
)
def test_layers_after_the_logits_are_skipped(end):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1))
    nn.init.ones_(plain[2].bias)
    segments = nn.Sequential(*plain, end)
    expected = autograd_features(plain, "2", 3, read=lambda outputs, y: outputs[:, y].mean((1, 2)))
    for _ in range(2):
        assert_features(compute_features(segments, 3), expected)
    np.testing.assert_allclose(GradCAM(segments, 3).GetMasks(X), GradCAM(plain, 3).GetMasks(X), rtol=1e-5)
    adapter, x = saliency.wrap(segments), torch.tensor(X)
    _, probabilities, _ = adapter.features(x, Request(Target.of([3] * 3, logits=False)))
    torch.testing.assert_close(probabilities, segments(x).detach())  # the last layer, if that is what is asked for
    assert_features([array.numpy() for array in adapter.features(x, Request(Target.of([3] * 3)))[1:]], expected)


class Heads(nn.Module):
    """Two outputs, each from a separate layer."""

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
        expected = autograd_features(model, layer, y, read=lambda outputs, y: outputs[:, y])
        got = [array.numpy() for array in adapter.features(torch.tensor(X), Request(Target.of([y] * 3)))[1:]]
        assert_features(got, expected)


def test_zero_gradient_keeps_the_found_layer():
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


def test_last_call_of_a_layer_counts():
    torch.manual_seed(0)
    shared = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(shared, nn.Conv2d(3, 3, 1), shared, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert_features(compute_features(model, 2), autograd_features(model, "0", 2))


def test_model_itself_is_not_a_layer():
    class Enlarged(nn.Sequential):
        def forward(self, x):
            return F.interpolate(super().forward(x), scale_factor=2)

    torch.manual_seed(0)
    model = Enlarged(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
    assert_features(
        compute_features(model, 2), autograd_features(model, "2", 2, read=lambda outputs, y: outputs[:, y].mean((1, 2)))
    )


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_part_is_skipped():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), torch.jit.script(nn.Conv2d(4, 4, 3)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found, gradients = compute_features(model, 2)
    assert found.shape == (3, 4, 14, 10) and gradients.any()


def test_one_forward_pass_for_several_targets_and_one_search():
    model, passes = nested_network(), []
    model.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    mask = GradCAM(model, layer="twice")
    mask.GetMasks([X[0]] * 4, [0, 1, 2, 3])
    assert passes == [1]
    mask = GradCAM(model)
    mask.GetMasks(X, 1)
    passes.clear()
    mask.GetMasks(X, 2)
    assert passes == [3]


@pytest.mark.parametrize("method", [GradCAM, GuidedGradCAM, ScoreCAM])
def test_found_layer_is_reported(method):
    (found,) = set(method(nested_network(), 1).GetMasks(X).details["layer"])
    for ours, theirs in zip(compute_features(nested_network(), 1), compute_features(nested_network(), 1, found), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert method(nested_network(), 1).GetSmoothedMask(X[0], nsamples=2, seed=0).details["layer"] == found
    assert "layer" not in method(nested_network(), 1, layer="body").GetMasks(X).details


@pytest.mark.filterwarnings("ignore:the mask of input")
def test_no_layer_has_an_influence():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    nn.init.zeros_(model[-1].weight)
    with pytest.warns(saliency.ZeroGradientWarning, match="gradient of the score is zero at every layer .* the last one, '0'"):
        saliency.GradCAM(model, 1).GetMask(np.ones((3, 8, 8)))


@pytest.mark.parametrize("padding", [(0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 1, 1)])
def test_a_padded_map_is_not_the_grid_of_the_input(padding):
    """The last layer with the input's positions is the one before the padding, on whichever sides it pads."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 4, 4), nn.ZeroPad2d(padding), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    ).eval()
    x = np.random.default_rng(0).normal(size=(3, 32, 32))
    mask = saliency.HiResCAM(model, 2).GetMask(x, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == ("0", (8, 8))
    np.testing.assert_allclose(mask, saliency.HiResCAM(model, 2, layer="0").GetMask(x, should_resize=False), atol=1e-7)
    with pytest.raises(saliency.TargetError, match="layer '1'"):
        saliency.HiResCAM(model, 2, layer="1").GetMask(x)
