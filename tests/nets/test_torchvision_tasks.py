"""torchvision's networks for segmentation and videos: preprocessing, weights and names of classes."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision.models")

import torch
from PIL import Image
from torchvision import models

import saliency
from saliency import nets
from saliency.nets import catalog
from saliency.nets.torchvision_networks import build_model, torchvision_preparation

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 40, 61, 3), np.uint8)


def prepared_by(name):
    return nets.Network(name, None, **torchvision_preparation(name))


@pytest.mark.parametrize("name", ["fcn_resnet50", "lraspp_mobilenet_v3_large"])
def test_a_picture_for_segmentation_is_prepared_as_torchvision_s_transforms_do(name):
    picture = Image.fromarray(PIXELS[0])
    network, transforms = prepared_by(name), models.get_model_weights(name).DEFAULT.transforms()
    assert np.array_equal(network.prepare(picture), transforms(picture).numpy())
    assert network.whole_picture().prepare(picture).shape == (3, 520, 520)


@pytest.mark.parametrize("name", ["r3d_18", "mvit_v2_s"])
def test_a_clip_is_prepared_as_torchvision_s_transforms_do(name):
    network, transforms = prepared_by(name), models.get_model_weights(name).DEFAULT.transforms()
    expected = transforms(torch.tensor(PIXELS).permute(0, 3, 1, 2).contiguous()).numpy()
    assert np.array_equal(network.prepare(PIXELS), expected) and expected.shape == (3, 16, *network.size)
    assert np.array_equal(network.prepare([Image.fromarray(frame) for frame in PIXELS]), expected)


@pytest.mark.parametrize(
    ("clip", "rule"),
    [
        (Image.fromarray(PIXELS[0]), "must be a clip: a list of pictures"),
        (PIXELS[0], r"an array of shape \(40, 61, 3\)\) must be a clip"),
        (PIXELS[:15], r"a clip of 15 frames\) must have at least 16 frames"),
        ([*PIXELS[:15], PIXELS[0, :30]], r"frames of \(61, 30\) and \(61, 40\) pixels"),
    ],
)
def test_anything_but_a_clip_is_refused(clip, rule):
    with pytest.raises(saliency.InputError, match=rule):
        prepared_by("mvit_v1_b").prepare(clip)


@pytest.mark.parametrize("name", [*catalog.TORCHVISION_SEGMENTATION, *catalog.TORCHVISION_VIDEO])
def test_every_network_is_built_without_a_download(name, offline):
    with torch.device("meta"):
        model = build_model(name, torchvision_preparation(name)["size"][0])
    assert not any(path.startswith("aux_classifier") for path, _ in model.named_modules())


def test_weights_in_the_cache_bring_the_names_of_the_classes(tmp_path, offline):
    name = "lraspp_mobilenet_v3_large"
    cache = tmp_path / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(build_model(name, 520).state_dict(), cache / "lraspp_mobilenet_v3_large-d234d4ea.pth")
    network = nets.load(name)
    assert network.class_names[8] == "cat" and len(network.class_names) == 21
    mask = saliency.Vanilla(network.model, 8).GetMask(np.ones((3, 32, 32), np.float32))
    assert mask.details["output"] == "out" and mask.details["class_name"] == "cat"
    assert nets.load(name, cache / "lraspp_mobilenet_v3_large-d234d4ea.pth").class_names == {}
