"""A layer that is called several times: the call that depends on the explained input counts."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency

RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=(3, 16, 16)).astype(np.float32) for _ in range(2))


class Siamese(nn.Module):
    """Two images through one backbone, in either order; the second may be a constant of the model, or not recorded."""

    def __init__(self, order="first", frozen=False):
        super().__init__()
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()
        self.backbone, self.fc = nn.Sequential(*layers), nn.Linear(12, 2)
        self.order, self.frozen = order, frozen
        self.register_buffer("support", torch.tensor(B)[None])

    def embed(self, x):
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.backbone(x).mean((2, 3))

    def forward(self, image, other=None):
        other = self.support.expand(len(image), -1, -1, -1) if other is None else other
        if self.order == "first":
            one, two = self.embed(image), self.embed(other)
        else:
            two, one = self.embed(other), self.embed(image)
        return self.fc(torch.cat([one, two], 1))


def by_hand(model, layer, image):
    """Return the raw Grad-CAM of class 0, and the gradients by the layer's input and output, for one branch alone."""
    calls = []

    def keep(_module, inputs, output):
        calls.extend([inputs[0], output])

    x = torch.tensor(image)[None].requires_grad_()
    handle = model.get_submodule(layer).register_forward_hook(keep)
    one = model.backbone(x).mean((2, 3))
    handle.remove()
    with torch.no_grad():
        two = model.backbone(torch.tensor(B)[None]).mean((2, 3))
    score = model.fc(torch.cat([one, two], 1))[0, 0]
    before, after = torch.autograd.grad(score, calls)
    cam = (after.mean((2, 3), keepdim=True) * calls[1]).sum(1).clamp(min=0)
    return [tensor[0].detach().numpy() for tensor in (cam, before, after)]


SETTINGS = [(order, feed) for order in ("first", "last") for feed in ({"other": B}, {})]


@pytest.mark.parametrize("layer", ["backbone", "backbone.3", None])
@pytest.mark.parametrize(
    ("order", "feed"), SETTINGS, ids=[f"{order}-{'feed' if feed else 'constant'}" for order, feed in SETTINGS]
)
def test_the_map_is_that_of_the_explained_image(order, feed, layer):
    model = Siamese(order).eval()
    cam, before, after = by_hand(model, layer or "backbone", A)
    for _ in range(2):
        found = saliency.GradCAM(model, 0, layer=layer).GetMask(A, feed, should_resize=False)
        np.testing.assert_allclose(found, cam, rtol=1e-4, atol=1e-6)
    if layer:
        at = saliency.Vanilla(model, 0)
        np.testing.assert_allclose(at.GetMask(A, feed, at=layer), before, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(at.GetMask(A, feed, at=saliency.OutputOf(layer)), after, rtol=1e-4, atol=1e-7)
    guided = np.asarray(saliency.GuidedGradCAM(model, 0, layer=layer).GetMask(A, feed))
    factors = np.asarray(saliency.GuidedBackprop(model, 0).GetMask(A, feed))
    resized = np.asarray(saliency.GradCAM(model, 0, layer=layer).GetMask(A, feed)) * cam.max()
    np.testing.assert_allclose(guided, factors * resized, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_backbone_whose_graph_the_model_does_not_record(order):
    frozen, model = Siamese(order, frozen=True).eval(), Siamese(order).eval()
    found, expected = (saliency.GradCAM(one, 0, layer="backbone").GetMask(A, {"other": B}) for one in (frozen, model))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_several_images_and_their_partners():
    model = Siamese().eval()
    together = saliency.GradCAM(model, 0).GetMasks([A, B], feed_dict={"other": np.stack([B, A])})
    alone = [saliency.GradCAM(model, 0).GetMask(one, {"other": other}) for one, other in ((A, B), (B, A))]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


class Views(nn.Module):
    """The image and its reflection through one backbone."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.shared, self.fc = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(8, 2)

    def forward(self, x):
        hidden = torch.relu(self.stem(x))
        views = (torch.relu(self.shared(view)).mean((2, 3)) for view in (hidden, hidden.flip(-1)))
        return self.fc(torch.cat(list(views), 1))


def test_two_calls_on_parallel_paths_are_refused():
    for run in (
        lambda: saliency.GradCAM(Views(), 0, layer="shared").GetMask(A),
        lambda: saliency.GuidedGradCAM(Views(), 0, layer="shared").GetMask(A),
        lambda: saliency.Vanilla(Views(), 0, at="shared").GetMask(A),
        lambda: saliency.Vanilla(Views(), 0, at=saliency.OutputOf("shared")).GetMask(A),
    ):
        with pytest.raises(saliency.TargetError, match="layer 'shared' is called 2 times on parallel paths from the input"):
            run()


def test_the_default_layer_is_the_last_one_with_a_single_call():
    mask = saliency.GradCAM(Views(), 0).GetMask(A)
    assert mask.details["layer"] == "stem"
    np.testing.assert_array_equal(mask, saliency.GradCAM(Views(), 0, layer="stem").GetMask(A))


def test_a_layer_of_another_input_is_refused():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.one, self.two, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.Linear(8, 2)

        def forward(self, image, other):
            maps = torch.relu(self.one(image)), torch.relu(self.two(other))
            return self.fc(torch.cat([one.mean((2, 3)) for one in maps], 1))

    model = Two().eval()
    with pytest.raises(saliency.TargetError, match="layer 'two' does not depend on the explained input"):
        saliency.GradCAM(model, 0, layer="two").GetMask(A, {"other": B})
    gradient = saliency.Vanilla(model, 0, at=saliency.OutputOf("two")).GetMask(A, {"other": B})  # not a map of the image
    np.testing.assert_array_equal(gradient != 0, (model.two(torch.tensor(B)[None]) > 0)[0])
    assert saliency.GradCAM(model, 0).GetMask(A, {"other": B}).details["layer"] == "one"


def test_calls_that_follow_each_other_count_as_the_last():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(torch.relu(self.conv(torch.relu(self.conv(x)))).mean((2, 3)))

    model = Twice().eval()
    x = torch.tensor(A)[None]
    last = model.conv(torch.relu(model.conv(x))).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.fc(torch.relu(last).mean((2, 3)))[0, 0], last)
    found = saliency.Vanilla(model, 0, at=saliency.OutputOf("conv")).GetMask(A)
    np.testing.assert_allclose(found, gradient[0], rtol=1e-5)
