"""Networks of other libraries by name: folders, caches, errors and names of classes."""

import sys

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

import saliency
from saliency import nets
from saliency.nets.library_networks import LIBRARIES
from tests.nets import stand_in_timm
from tests.nets.stand_in_timm import Tiny, install, transform

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))


@pytest.fixture
def calls(monkeypatch):
    return install(monkeypatch)


def test_a_network_has_the_library_s_preprocessing_and_names(calls):
    before = torch.get_rng_state()
    network = nets.load("timm/tiny.one")
    assert torch.equal(torch.get_rng_state(), before)
    assert calls == [("tiny.one", True, True)] and not sys.modules["huggingface_hub"].constants.HF_HUB_OFFLINE
    assert (network.name, network.size, network.channels["fc"], network.model.training) == ("timm/tiny.one", (8, 10), 3, False)
    assert np.array_equal(network.prepare(PICTURE), transform(PICTURE).numpy())
    assert network.class_names == {0: "shark", 1: "tench", 2: "n3"}
    mask = saliency.Vanilla(network.model, 1).GetMask(network.prepare(PICTURE))
    assert mask.details["class_name"] == "tench" and mask.about.targets == ["class 1 (tench)"]


def test_the_whole_picture_is_resized_with_the_library_s_numbers(calls):
    whole = nets.load("timm/tiny").whole_picture().prepare(PICTURE)
    pixels = np.asarray(PICTURE.resize((10, 8), Image.Resampling.BICUBIC), np.float32) / np.float32(255)
    config = stand_in_timm.CONFIG
    expected = (pixels - np.float32(config["mean"])) / np.float32(config["std"])
    np.testing.assert_allclose(whole, expected.transpose(2, 0, 1), rtol=1e-6)


def test_weights_of_a_file_have_no_names(calls, tmp_path):
    torch.manual_seed(0)
    state = Tiny().state_dict()
    torch.save(state, tmp_path / "w.pth")
    network = nets.load("timm/tiny", tmp_path / "w.pth")
    assert calls == [("tiny", False, True)] and network.class_names == {}
    assert torch.equal(network.model.state_dict()["fc.weight"], state["fc.weight"])
    torch.save({"fc.bias": state["fc.bias"]}, tmp_path / "w.pth")
    with pytest.raises(saliency.InputError, match=r"lacks conv.bias, conv.weight, fc.weight; it must match Tiny"):
        nets.load("timm/tiny", tmp_path / "w.pth")


def test_a_folder_is_loaded_without_the_hub(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"0" * 100)
    assert nets.load("timm/./saved").class_names and calls == [("local-dir:saved", True, False)]
    with pytest.raises(saliency.InputError, match="model.safetensors.* has 100 bytes; at most 99"):
        nets.load("timm/./saved", max_model_bytes=99)


def test_a_name_is_downloaded_only_if_the_hub_can_be_reached(monkeypatch):
    calls = install(monkeypatch, cached=False)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(saliency.InputError, match=r"from the cache of the Hugging Face hub \(/cache\).*hub.invalid"):
        nets.load("timm/tiny")
    assert calls == [("tiny", True, True)]
    monkeypatch.setattr("saliency.nets.hub_access._connection_problem", lambda: None)
    with pytest.raises(saliency.InputError, match="cannot be loaded by timm: MissingFileError: tiny is not in the cache"):
        nets.load("timm/tiny")
    assert calls[1:] == [("tiny", True, True), ("tiny", True, False)]


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        ("timm/tinny", {}, "must be a network of timm 1.0, hf-hub:owner/name or a folder; nearest: timm/tiny"),
        ("timm/tiny.three", {}, "the weights 'three' of tiny must be one of one, two"),
        ("timm/", {}, "must continue with the name of a network or a folder"),
        ("timm/./nowhere", {}, "the folder nowhere does not exist"),
        ("timm/tiny", {"framework": "tf"}, "`framework` .='tf'. must be 'torch'"),
        ("timm/tiny", {"prompts": ["a cat"]}, "`prompts` must be None for `net` .='timm/tiny'., which is not a zero-shot"),
        ("DemoNet", {"prompts": ["a cat"]}, "`prompts` must be None for `net`"),
        ("google/vit-base", {}, "timm/name, hf/name or open_clip/name"),
    ],
)
def test_invalid_names_and_options_are_refused(calls, name, options, rule):
    with pytest.raises(saliency.InputError, match=rule):
        nets.load(name, **options)


@pytest.mark.parametrize("prefix", LIBRARIES)
def test_a_missing_library_prints_its_install_line(prefix, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[prefix].package, None)
    with pytest.raises(saliency.ModelError, match=rf"pip install 'saliency-masks\[{prefix}\]'"):
        nets.load(f"{prefix}/some/name", prompts=["a cat"])


def test_commands_accept_a_library_s_network(calls, tmp_path, capsys):
    from tests.cli.saliency_command import NAMES, run, table

    arguments = ["-layer", "fc", "-chn", 2, "-meth", "vanilla", "-stim", table(tmp_path, NAMES[:2]), "-out", tmp_path / "maps"]
    status, _, errors = run(capsys, "-net", "timm/tiny", *arguments)
    assert status == 0, errors
    assert [file.name for file in (tmp_path / "maps").glob("*.jpg")] == ["timm_tiny_fc_chn2_vanilla_RGB_fig1.jpg"]
