"""Masks equal Captum's, on the bundled network and on an ImageNet network if its weights are available."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import saliency
from saliency import nets

captum = pytest.importorskip("captum.attr")
REAL = Path(__file__).parents[3] / "shared" / "real"
SCENES = Path(saliency.__file__).parent / "demo" / "scenes"


def pictures(network, files):
    return np.stack([network.prepare(Image.open(file)) for file in files])


def squeezenet():
    pytest.importorskip("torchvision")
    network = nets.load("SqueezeNet1_0", REAL / "squeezenet1_0.safetensors")
    return network, pictures(network, [REAL / "images" / f"{name}.jpg" for name in ("ouzel", "goldfish")]), [20, 1]


def demo():
    network = nets.load("DemoNet")
    return network, pictures(network, sorted(SCENES.glob("scene_0[0-2].png"))), [3, 1, 7]


def channels_last(x):
    """Use the memory format of our masks, because it determines how a convolution rounds."""
    return torch.tensor(x).contiguous(memory_format=torch.channels_last)


BOTH = [
    demo,
    pytest.param(
        squeezenet, marks=pytest.mark.skipif(not REAL.exists(), reason="the weights of SqueezeNet are not available")
    ),
]


@pytest.mark.parametrize("source", BOTH)
def test_vanilla_and_guided_equal_captum(source):
    network, x, classes = source()
    inputs = channels_last(x).requires_grad_()
    vanilla = captum.Saliency(network.model).attribute(inputs, target=classes, abs=False)
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        guided = captum.GuidedBackprop(network.model).attribute(inputs, target=classes)
    for ours, theirs in ((saliency.Vanilla, vanilla), (saliency.GuidedBackprop, guided)):
        theirs = theirs.detach().numpy()
        got = ours(network.model).GetMasks(x, y=classes)
        assert np.abs(got - theirs).max() <= 1e-5 * np.abs(theirs).max()
        assert np.abs(theirs).max() > 0


@pytest.mark.parametrize("source", BOTH)
def test_occlusion_averaged_equals_captum(source):
    """Window and strides divide the image: otherwise Captum's last window exceeds the border, and ours ends at it."""
    network, x, classes = source()
    side = x.shape[-1] // 4
    theirs = captum.Occlusion(network.model).attribute(
        torch.tensor(x), (3, side, 2 * side), (3, side, side), baselines=0.5, target=classes
    )
    got = saliency.Occlusion(network.model).GetMasks(x, classes, size=(side, 2 * side), stride=side, value=0.5, average=True)
    assert np.abs(got - theirs.numpy()).max() <= 1e-5 * np.abs(theirs.numpy()).max()
    assert len(np.unique(got[0])) > 4


@pytest.mark.parametrize("source", BOTH)
def test_input_x_gradient_equals_captum(source):
    network, x, classes = source()
    theirs = captum.InputXGradient(network.model).attribute(channels_last(x).requires_grad_(), target=classes)
    theirs = theirs.detach().numpy()
    got = saliency.InputXGradient(network.model).GetMasks(x, y=classes)
    assert np.abs(got - theirs).max() <= 1e-5 * np.abs(theirs).max()
    assert np.abs(theirs).max() > 0


def test_gradient_shap_equals_captum_within_its_error():
    network, x, classes = demo()
    line = captum.IntegratedGradients(network.model).attribute(
        torch.tensor(x[:1]), target=classes[0], n_steps=60, internal_batch_size=12
    )
    mask = saliency.GradientSHAP(network.model, classes[0], x_steps=12)
    masks = np.array([mask.GetMask(x[0], seed=seed) for seed in range(12)])
    error = np.linalg.norm(masks.std(axis=0, ddof=1)) / np.sqrt(12)
    assert error < 0.2 * np.linalg.norm(line)
    assert np.linalg.norm(masks.mean(0) - line[0].numpy()) < 1.5 * error
