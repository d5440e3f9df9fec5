"""Networks and an image that several tests of DNNBrain's Python interface share."""

import hashlib
import json

import pytest


@pytest.fixture(scope="module")
def tiny():
    from tests.compat.dnnbrain.tiny_network import Tiny

    return Tiny()


@pytest.fixture(scope="module")
def picture():
    from PIL import Image

    from tests.torch.test_dnnbrain import TINY

    return Image.open(TINY / "tiny.png")


@pytest.fixture(scope="module")
def alexnet():
    """DNNBrain's AlexNet, with the weights that the stored arrays were computed with."""
    from saliency.compat.dnnbrain.models import AlexNet
    from tests.compat.dnnbrain.random_network import random_network
    from tests.compat.dnnbrain.stored_maps import MAPS

    if not MAPS.exists():
        pytest.skip("AlexNet's maps are not in this checkout")
    pytest.importorskip("torchvision")
    dnn = random_network(AlexNet)
    expected = json.loads((MAPS / "alexnet_seed0_sha256.json").read_text())["tensors"]
    weights = dnn.model.state_dict()
    if {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in weights.items()} != expected:
        pytest.skip("this Torch version draws different random weights")
    return dnn
