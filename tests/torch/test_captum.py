"""Vanilla and guided maps equal Captum's, on the embedded network and on an ImageNet network where it is at hand."""

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


@pytest.mark.parametrize(
    "source",
    [demo, pytest.param(squeezenet, marks=pytest.mark.skipif(not REAL.exists(), reason="the real network is not here"))],
)
def test_vanilla_and_guided_equal_captum(source):
    network, x, classes = source()
    inputs = torch.tensor(x, requires_grad=True)
    vanilla = captum.Saliency(network.model).attribute(inputs, target=classes, abs=False)
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        guided = captum.GuidedBackprop(network.model).attribute(inputs, target=classes)
    for ours, theirs in ((saliency.Vanilla, vanilla), (saliency.GuidedBackprop, guided)):
        theirs = theirs.detach().numpy()
        got = ours(network.model).GetMasks(x, y=classes)
        assert np.abs(got - theirs).max() <= 1e-5 * np.abs(theirs).max()
        assert np.abs(theirs).max() > 0
