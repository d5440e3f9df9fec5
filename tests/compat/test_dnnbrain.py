"""DNNBrain's Python interface returns DNNBrain's arrays and images, and its tutorial runs."""

import hashlib
import json
import re

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

import saliency
from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage, ip, models
from saliency.compat.dnnbrain.algo import GuidedSaliencyImage as FromAlgo
from saliency.compat.dnnbrain.base import ip as from_base
from saliency.compat.dnnbrain.models import AlexNet, Googlenet, Resnet152, Vgg11
from saliency.core.errors import GradientError, InputError, TargetError
from tests.dnnbrain import FIXTURES
from tests.torch.snapshot import snapshot
from tests.torch.test_dnnbrain import LAYERS, TINY, TinyModel

MAPS, IMAGES = FIXTURES / "saliency", FIXTURES / "images"
KINDS = {"vanilla": VanillaSaliencyImage, "guided": GuidedSaliencyImage}
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


class Tiny:
    """A user-defined network, like the one in DNNBrain's documentation."""

    def __init__(self):
        self.model = TinyModel()
        weights = np.load(TINY / "tiny_net_weights.npz")
        self.model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        self.layer2loc = {name: tuple(path.split(".")) for name, path in LAYERS.items()}
        self.img_size = (16, 16)

    def test_transform(self, picture):
        pixels = np.array(picture.resize((16, 16), Image.Resampling.BILINEAR), np.float32) / np.float32(255)
        pixels = (pixels - np.array((0.485, 0.456, 0.406), np.float32)) / np.array((0.229, 0.224, 0.225), np.float32)
        return torch.tensor(pixels).permute(2, 0, 1)


@pytest.fixture(scope="module")
def tiny():
    return Tiny()


@pytest.fixture(scope="module")
def picture():
    return Image.open(TINY / "tiny.png")


@pytest.fixture(scope="module")
def alexnet():
    """DNNBrain's AlexNet, with the weights that the stored arrays were computed with."""
    if not MAPS.exists():
        pytest.skip("AlexNet's maps are not in this checkout")
    pytest.importorskip("torchvision")
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        dnn = AlexNet(pretrained=False)
    expected = json.loads((MAPS / "alexnet_seed0_sha256.json").read_text())["tensors"]
    if {
        name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in dnn.model.state_dict().items()
    } != expected:
        pytest.skip("this Torch version draws different random weights")
    return dnn


def assert_same(got, wanted, name):
    assert got.dtype == np.float32 and type(got) is np.ndarray and got.shape == wanted.shape, name
    assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max(), name


def test_the_submodules_are_dnnbrain_s():
    assert FromAlgo is GuidedSaliencyImage and from_base is ip


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


def test_missing_weights_raise_an_error_with_their_path(tmp_path, monkeypatch):
    pytest.importorskip("torchvision")
    monkeypatch.setenv("DNNBRAIN_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(InputError, match=r"models/vgg11.pth"):
        Vgg11()
    with pytest.raises(InputError, match="`weights` .* must be None if `pretrained` is False"):
        Vgg11(pretrained=False, weights="vgg11.pth")


def test_a_container_layer_is_guided_inside_and_differentiated_by_its_own_input():
    """Differs from DNNBrain, which guides nothing inside the container and returns the gradient of its first ReLU."""
    pytest.importorskip("torchvision")
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        dnn = Resnet152(pretrained=False)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    image = GuidedSaliencyImage(dnn, "layer1_bottleneck1", 3)
    got = image.backprop(picture, "layer1_bottleneck1")
    with torch.no_grad():
        m = dnn.model
        h = m.layer1[0](m.maxpool(m.relu(m.bn1(m.conv1(dnn.test_transform(picture)[None])))))
    wanted = saliency.GuidedBackprop(m.layer1[1], lambda out: out[:, 2].mean((1, 2))).GetMask(h[0])
    assert_same(got, np.asarray(wanted), "container")


def test_googlenet_has_image_gradients_and_guided_functional_relus():
    """Differs from DNNBrain, which returns the gradient of the first layer's ReLU, the same for both methods."""
    pytest.importorskip("torchvision")
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        dnn = Googlenet(pretrained=False)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    found = [kind(dnn, "inception4a", 1).backprop(picture) for kind in KINDS.values()]
    assert [one.shape for one in found] == [(3, 224, 224)] * 2
    assert all(one.any() for one in found) and not np.allclose(*found, atol=1e-3 * np.abs(found[0]).max())
    assert VanillaSaliencyImage(dnn, "inception4a", 1).backprop(picture, "inception3b").shape == (256, 28, 28)


@pytest.mark.parametrize("name", ["AlexNet", "Googlenet", "InceptionV3", "Resnet152", "Vgg11", "Vgg19_bn", "VggFace"])
def test_every_network_has_its_layers(name):
    pytest.importorskip("torchvision")
    with torch.device("meta"):
        dnn = getattr(models, name)(pretrained=False)
    assert not dnn.model.training and dnn.img_size == ((299, 299) if name == "InceptionV3" else (224, 224))
    assert dnn.layer2module(dnn.layers[0]) is not dnn.layer2module(dnn.layers[-1])
    assert all(isinstance(keys, tuple) for keys in dnn.layer2loc.values())
    assert dnn.layer2module(dnn.layers[-1]).out_features == (2622 if name == "VggFace" else 1000)


def test_the_gradient_by_a_fully_connected_layer_s_input_is_an_array(tiny, picture):
    """Differs from DNNBrain, which returns one number, the gradient of the bias."""
    np.testing.assert_array_equal(
        VanillaSaliencyImage(tiny, "fc2", 3).backprop(picture, "fc2"), tiny.model.classifier[2].weight[2].detach()
    )
    assert GuidedSaliencyImage(tiny, "fc2", 3).backprop(picture, "fc1").shape == (96,)


@pytest.mark.needs("tensorflow")
def test_a_keras_model_gives_torch_s_maps():
    from saliency import nets

    picture, found = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)), {}
    for framework in ("torch", "tf"):
        image = GuidedSaliencyImage(nets.load("DemoNet", framework=framework), "relu6", 3)
        found[framework] = [image.backprop(picture, to_layer) for to_layer in (None, "conv4")]
    for ours, theirs in zip(found["tf"], found["torch"], strict=True):
        np.testing.assert_allclose(np.moveaxis(ours, -1, 0), theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def test_smoothed_is_the_mean_over_noisy_copies(tiny, picture):
    image = GuidedSaliencyImage(tiny, "fc2", 2)
    x = tiny.test_transform(picture)
    adapter = saliency.wrap(tiny.model)
    got = image.backprop_smooth(picture, 5, 0.2, seed=3)
    mask = saliency.GuidedBackprop(adapter, ("classifier.2", 1))
    assert_same(got, np.asarray(mask.GetSmoothedMask(x, stdev_spread=0.2, nsamples=5, magnitude=False, seed=3)), "smooth")
    np.testing.assert_array_equal(got, image.backprop_smooth(picture, 5, 0.2, seed=3))
    assert not np.array_equal(image.backprop_smooth(picture, 5, 0.2), image.backprop_smooth(picture, 5, 0.2))
    np.testing.assert_allclose(image.backprop_smooth(picture, 4, 0), image.backprop(picture), rtol=1e-5, atol=1e-7)
    assert image.backprop_smooth(picture, 2, to_layer="conv2").shape == image.backprop(picture, "conv2").shape == (4, 8, 8)


@pytest.mark.parametrize(
    ("n_iter", "sigma", "match"),
    [
        (0, 0.1, "`n_iter` (=0)"),
        (2.5, 0.1, "`n_iter` (=2.5)"),
        (2, -1, "`sigma_multiplier` (=-1)"),
        (2, None, "`sigma_multiplier` (=None)"),
    ],
)
def test_invalid_smoothing_options_raise(tiny, picture, n_iter, sigma, match):
    with pytest.raises(InputError, match=re.escape(match)):
        VanillaSaliencyImage(tiny, "fc2", 2).backprop_smooth(picture, n_iter, sigma)


@pytest.mark.parametrize(
    ("layer", "channel", "match"),
    [
        ("fc4", 1, "no layer 'fc4'; nearest: fc"),
        ("fc2", 0, "`channel` (=0) must be an integer from 1 to 5 for layer fc2"),
        ("fc2", -1, "`channel` (=-1)"),
        ("fc2", 6, "`channel` (=6)"),
        ("conv1_relu", 5, "`channel` (=5) must be an integer from 1 to 4 for layer conv1_relu"),
        ("fc2", 1.5, "`channel` (=1.5)"),
        ("fc2", True, "`channel` (=True)"),
    ],
)
def test_set_layer_checks_at_once(tiny, layer, channel, match):
    image = VanillaSaliencyImage(tiny, "fc2", 2)
    with pytest.raises(TargetError, match=re.escape(match)):
        image.set_layer(layer, channel)
    assert image.get_layer() == ("fc2", 2)
    with pytest.raises(TargetError, match=re.escape(match)):
        VanillaSaliencyImage(tiny, layer, channel)


def test_missing_layers_raise(tiny, picture):
    image = VanillaSaliencyImage(tiny)
    for call in (image.get_layer, lambda: image.backprop(picture), lambda: image.backprop_smooth(picture, 2)):
        with pytest.raises(InputError, match=r"call set_layer\(layer, channel\) first"):
            call()
    with pytest.raises(InputError, match=r"`from_layer` \(='fc2'\) and `from_chn` \(=None\) must be given together"):
        VanillaSaliencyImage(tiny, "fc2")
    with pytest.raises(InputError, match="must be a Torch module"):
        VanillaSaliencyImage(3)
    image.set_layer("conv1", 1)
    with pytest.raises(GradientError, match="does not depend on the input of layer 'classifier.0'"):
        image.backprop(picture, "fc1")
    with pytest.raises(TargetError, match="no layer 'fc7'"):
        image.backprop(picture, "fc7")


def test_image_types_and_modes(tiny, picture):
    image = VanillaSaliencyImage(tiny, "fc2", 2)
    wanted = image.backprop(picture)
    chw = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    for same in (chw, torch.tensor(chw), picture.convert("RGBA")):
        np.testing.assert_array_equal(image.backprop(same), wanted)
    gray = picture.convert("L")
    by_gray = image.backprop(gray)
    for same in (gray.convert("RGB"), gray.convert("LA"), gray.convert("P"), np.array(gray), torch.tensor(np.array(gray)),
                 Image.fromarray(np.array(gray).astype(np.uint16) * 257)):  # fmt: skip
        np.testing.assert_array_equal(image.backprop(same), by_gray)
    assert image.backprop(picture.convert("CMYK")).any() and image.backprop(picture.convert("1")).any()
    for wrong, match in (
        (chw / 255, r"`image` \(float64\) must be 8-bit"),
        (np.moveaxis(chw, 0, -1), r"`image` \(shape \(14, 20, 3\)\) must be"),
        ("tiny.png", r"`image` \(str\) must be"),
        (gray.convert("F"), r"`image` \(mode F\) must have 8 or 16 bits"),
    ):
        with pytest.raises(InputError, match=match):
            image.backprop(wrong)


def test_the_model_s_state_is_preserved(tiny, picture):
    tiny.model.eval()
    before = snapshot(tiny.model)
    image = GuidedSaliencyImage(tiny, "fc2", 2)
    image.backprop(picture, "conv2_relu")
    image.backprop_smooth(picture, 2)
    with pytest.raises(InputError):
        image.backprop("nothing")
    assert snapshot(tiny.model) == before


def test_to_pil():
    rng = np.random.default_rng(0)
    floats = rng.normal(size=(3, 4, 5)).astype(np.float32)
    scaled = ((floats - floats.min()) / (floats.max() - floats.min()) * 255).astype(np.uint8)  # truncated, not rounded
    np.testing.assert_array_equal(np.moveaxis(np.asarray(ip.to_pil(floats, True)), -1, 0), scaled)
    np.testing.assert_array_equal(
        np.asarray(ip.to_pil(torch.tensor(floats, requires_grad=True), True)), np.moveaxis(scaled, 0, -1)
    )
    assert np.asarray(ip.to_pil(np.array([[0, 0.999, 1.0]]), True)).tolist() == [[0, 254, 255]]
    assert ip.to_pil(floats[0], True).mode == "L" and ip.to_pil(floats[0]).mode == "F"
    for constant in (0.0, -2.5, 7):
        assert not np.asarray(ip.to_pil(np.full((3, 2, 2), constant), True)).any()
    bytes_ = rng.integers(0, 256, (3, 4, 5), np.uint8)
    picture = ip.to_pil(bytes_)
    assert picture.mode == "RGB" and ip.to_pil(picture) is picture
    np.testing.assert_array_equal(ip.to_array(picture), bytes_)
    np.testing.assert_array_equal(ip.to_array(ip.to_pil(picture, True)).max(), 255)
    for wrong, normalization, match in (
        (floats, False, r"`image` \(float32, 3 channels\) must be uint8"),
        (np.array([[np.nan, 1.0]]), True, "must hold finite numbers"),
        (np.zeros((4, 5, 3)), True, r"`image` \(shape \(4, 5, 3\)\)"),
        ([[1, 2]], True, r"`image` \(list\)"),
        (np.zeros((2, 2), complex), False, r"`image` \(complex128\) must have a dtype that PIL supports"),
    ):
        with pytest.raises(InputError, match=match):
            ip.to_pil(wrong, normalization)


def test_to_array_and_to_tensor():
    bytes_ = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
    assert ip.to_array(bytes_) is bytes_
    assert ip.to_array(ip.to_pil(bytes_).convert("RGBA")).shape == (4, 4, 5)
    assert ip.to_array(Image.new("L", (5, 4))).shape == (4, 5)
    tensor = ip.to_tensor(bytes_)
    bytes_[0, 0, 0] = 7
    assert tensor[0, 0, 0] == 7 and tensor.dtype == torch.uint8  # the same memory
    assert ip.to_tensor(tensor) is tensor and ip.to_tensor(ip.to_pil(bytes_)).shape == (3, 4, 5)
    np.testing.assert_array_equal(ip.to_tensor(bytes_[:, ::-1]), bytes_[:, ::-1])
    with pytest.raises(InputError, match=r"\(list\)"):
        ip.to_tensor([1])


def test_an_error_in_test_transform_is_reported():
    class Broken(Tiny):
        def test_transform(self, picture):
            return super().test_transform(picture)[3]

    vanilla = VanillaSaliencyImage(Broken())
    vanilla.set_layer("conv1", 1)
    with pytest.raises(InputError, match="`test_transform` must turn a picture into finite numbers.* it raises IndexError: "):
        vanilla.backprop(Image.new("RGB", (20, 20)))
