"""DNNBrain's tutorial runs with one import changed."""

import re

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

from saliency.compat.dnnbrain import GuidedSaliencyImage, ip
from saliency.compat.dnnbrain.algo import GuidedSaliencyImage as FromAlgo
from saliency.compat.dnnbrain.base import ip as from_base
from saliency.compat.dnnbrain.models import AlexNet
from tests.compat.dnnbrain.stored_maps import KINDS

TUTORIAL = """
import numpy as np

from PIL import Image
from dnnbrain.dnn.base import ip
from dnnbrain.dnn.models import AlexNet
from dnnbrain.dnn.algo import {Kind}SaliencyImage

# Prepare DNN and image
dnn = AlexNet()
image = Image.open('n03223299_27176.JPEG')

{kind} = {Kind}SaliencyImage(dnn)
{kind}.set_layer('fc3', 540)
img_out = np.abs({kind}.backprop(image))

# transform to PIL image and save out
img_out = ip.to_pil(img_out, True)
img_out.save('n03223299_27176_{kind}_saliency.JPEG')
"""


def test_the_submodules_are_dnnbrain_s():
    assert FromAlgo is GuidedSaliencyImage and from_base is ip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder for DNNBRAIN_DATA; AlexNet's weights take 240 MB and are deleted afterwards."""
    pytest.importorskip("torchvision")
    folder = tmp_path_factory.mktemp("dnnbrain_data")
    file = folder / "models" / "alexnet.pth"
    file.parent.mkdir()
    torch.save(AlexNet(pretrained=False).model.state_dict(), file)
    yield folder
    file.unlink()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tutorial_with_one_import_changed(kind, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNNBRAIN_DATA", str(weights))
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).resize((300, 250))
    photograph.save("n03223299_27176.JPEG")
    code = TUTORIAL.format(kind=kind, Kind=kind.capitalize())
    imports = f"from saliency.compat.dnnbrain import AlexNet, {kind.capitalize()}SaliencyImage, ip\n"
    code, changed = re.subn(r"(from dnnbrain\..*\n)+", imports, code)
    assert changed == 1
    names = {}
    exec(code, names)  # noqa: S102
    saved = Image.open(f"n03223299_27176_{kind}_saliency.JPEG")
    assert (saved.size, saved.mode) == ((224, 224), "RGB") and np.asarray(saved).max() > 100
    with_file = KINDS[kind](AlexNet(weights=weights / "models" / "alexnet.pth"), "fc3", 540).backprop(
        Image.open("n03223299_27176.JPEG")
    )
    np.testing.assert_array_equal(ip.to_pil(np.abs(with_file), True), names["img_out"])
