"""Maps of images, and pictures of the maps, equal those that DNNBrain wrote."""

import numpy as np
import pytest

pytest.importorskip("torch")

from PIL import Image

from saliency.compat.dnnbrain import ip
from tests.compat.dnnbrain.stored_maps import IMAGES, KINDS, MAPS, assert_same
from tests.torch.test_dnnbrain import TINY


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # six of the maps are zero, in DNNBrain too
@pytest.mark.parametrize("kind", KINDS)
def test_all_maps_of_a_user_defined_network(tiny, picture, kind):
    maps = np.load(TINY / "tiny_saliency.npz")
    names = [name for name in maps if name.startswith(kind)]
    assert len(names) == 36
    image = KINDS[kind](tiny)
    for name in names:
        _, layer, channel = name.split("__")
        image.set_layer(layer, int(channel))
        assert image.get_layer() == (layer, int(channel))
        assert_same(image.backprop(picture), maps[name], name)


def test_all_arrays_of_alexnet(alexnet):
    """Includes gradients with respect to the input of an inner layer."""
    files = sorted(MAPS.glob("*__*__*__*.npy"))
    assert len(files) == 14
    for file in files:
        kind, image, layer, channel, *to = file.stem.split("__")
        to_layer = to[0].removeprefix("to-") if to else None
        found = KINDS[kind](alexnet, layer, int(channel)).backprop(Image.open(IMAGES / f"{image}.png"), to_layer)
        assert_same(found, np.load(file), file.name)


def test_the_pictures_of_maps(alexnet):
    files = sorted(MAPS.glob("*__topil_*.png"))
    assert len(files) == 4
    for file in files:
        name, _, mode = file.stem.rpartition("__topil_")
        theirs = np.abs(np.load(MAPS / f"{name}.npy"))
        picture = ip.to_pil(theirs if mode == "RGB" else theirs.max(0), True)
        wanted = Image.open(file)
        assert picture.mode == wanted.mode
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(wanted), file.name)
        kind, image, layer, channel = name.split("__")
        ours = np.abs(KINDS[kind](alexnet, layer, int(channel)).backprop(Image.open(IMAGES / f"{image}.png")))
        ours = np.asarray(ip.to_pil(ours if mode == "RGB" else ours.max(0), True)).astype(int)
        assert np.abs(ours - np.asarray(wanted)).max() <= 1, file.name


def test_alexnet_s_attributes(alexnet):
    x = alexnet.test_transform(Image.open(IMAGES / "synthA.png"))
    np.testing.assert_allclose(x, np.load(MAPS / "input__synthA.npy")[0], atol=1e-6)
    assert alexnet.eval() is alexnet and alexnet(x[None]).shape == (1, 1000) and alexnet.img_size == (224, 224)
    assert alexnet.layers[0] == "conv1" and alexnet.layers[-1] == "fc3" and len(alexnet.layers) == 18
    assert alexnet.layer2loc["conv5_maxpool"] == ("features", "12")
    assert alexnet.layer2module("fc1") is alexnet.model.classifier[1]
    with pytest.raises(KeyError):
        alexnet.layer2module("fc4")
