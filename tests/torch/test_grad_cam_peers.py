"""Class activation maps equal Captum's and pytorch-grad-cam's, on the bundled network and on SqueezeNet if available."""

from functools import partial

import numpy as np
import pytest
import torch

import saliency
from tests.torch.test_captum import REAL, captum, demo, squeezenet

pytest.importorskip("torchvision")
peers = pytest.importorskip("pytorch_grad_cam")
NEAR = 1e-5  # of the largest value
HERE = pytest.mark.skipif(not REAL.exists(), reason="the weights of SqueezeNet are not available")
LAYERS = [
    (demo, "relu6"),
    (demo, "relu3"),
    pytest.param(squeezenet, "features.12", marks=HERE),
    pytest.param(squeezenet, "features.7", marks=HERE),
]


def deviation(ours, theirs):
    assert ours.shape == theirs.shape and len(np.unique(theirs)) > 20 and all(one.any() for one in theirs)
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def raw(kind, model, layer, x, scores):
    """Return pytorch-grad-cam's maps before they are scaled and resized, (N, *space); `scores` has a function for each sample."""
    module = model.get_submodule(layer)
    with kind(model, [module]) as cam:
        outputs = cam.activations_and_grads(torch.tensor(x))
        gradients = None
        if cam.uses_gradients:
            sum(score(output) for score, output in zip(scores, outputs, strict=True)).backward()
            gradients = cam.activations_and_grads.gradients[0].numpy()
        activations = cam.activations_and_grads.activations[0].numpy()
        return np.maximum(cam.get_cam_image(torch.tensor(x), module, scores, activations, gradients, False), 0)


def reading(classes, scale=1.0):
    return [lambda output, c=c: scale * output[c] for c in classes]


@pytest.mark.parametrize("name", ["GradCAM", "HiResCAM", "LayerCAM", "XGradCAM"])
@pytest.mark.parametrize(("source", "layer"), LAYERS)
def test_gradient_maps_equal_pytorch_grad_cam(source, layer, name):
    network, x, classes = source()
    theirs = raw(getattr(peers, name), network.model, layer, x, reading(classes))
    ours = getattr(saliency, name)(network.model, layer=layer).GetMasks(x, classes, should_resize=False)
    assert deviation(ours, theirs) <= NEAR


@pytest.mark.parametrize(("source", "layer"), LAYERS[::2])
def test_grad_cam_plus_plus_equals_pytorch_grad_cam(source, layer):
    """The score is scaled by 10,000, because theirs adds 1e-6 to a denominator that contains the square of a gradient."""
    network, x, classes = source()
    theirs = raw(peers.GradCAMPlusPlus, network.model, layer, x, reading(classes, 1e4))
    own = [
        saliency.GradCAMPlusPlus(network.model, lambda outputs, c=c: 1e4 * outputs[:, c], layer).GetMask(
            one, should_resize=False
        )
        for one, c in zip(x, classes, strict=True)
    ]
    assert deviation(np.stack(own), theirs) <= NEAR


@pytest.mark.parametrize(
    ("source", "layer", "step"), [(demo, "relu6", 1), pytest.param(squeezenet, "features.3", 3, marks=HERE)]
)
def test_score_cam_equals_pytorch_grad_cam(source, layer, step, monkeypatch):
    """Channels are resized with `align_corners=False`, as the method's authors do and pytorch-grad-cam does not.

    In double precision, because a channel's weight is the exponential of a score, and float32 rounding depends on the batch size.
    """
    monkeypatch.setattr(torch.nn, "UpsamplingBilinear2d", partial(torch.nn.Upsample, mode="bilinear", align_corners=False))
    network, x, classes = source()
    x, classes = np.ascontiguousarray(x[:2:step, :, ::step, ::step], np.float64), classes[:2:step]
    network.model.double()
    theirs = raw(peers.ScoreCAM, network.model, layer, x, reading(classes))
    ours = saliency.ScoreCAM(network.model, layer=layer).GetMasks(x, classes, should_resize=False)
    assert deviation(ours, theirs) <= NEAR


@pytest.mark.parametrize(("source", "layer"), LAYERS)
def test_grad_cam_equals_captum(source, layer):
    network, x, classes = source()
    method = captum.LayerGradCam(network.model, network.model.get_submodule(layer))
    theirs = method.attribute(torch.tensor(x), target=classes, relu_attributions=True).detach()
    ours = saliency.GradCAM(network.model, layer=layer)
    assert deviation(ours.GetMasks(x, classes, should_resize=False), theirs[:, 0].numpy()) <= NEAR
    scaled = torch.nn.functional.interpolate(theirs / theirs.amax((1, 2, 3), keepdim=True), x.shape[2:], mode="bilinear")
    assert deviation(ours.GetMasks(x, classes), scaled[:, 0].numpy()) <= NEAR


@pytest.mark.parametrize(("source", "layer"), LAYERS)
def test_guided_grad_cam_equals_captum(source, layer):
    network, x, classes = source()
    method = captum.GuidedGradCam(network.model, network.model.get_submodule(layer))
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        theirs = method.attribute(torch.tensor(x, requires_grad=True), target=classes, interpolate_mode="bilinear")
    ours = saliency.GuidedGradCAM(network.model, layer=layer).GetMasks(x, classes)
    assert deviation(ours, theirs.detach().numpy()) <= NEAR
