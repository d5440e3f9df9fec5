"""Networks of transformers and open_clip by name: weights, preprocessing, names of classes, prompts and errors."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image
from torch.nn.functional import normalize

import saliency
from saliency import nets
from tests.nets.stand_in_hf import CONFIG, TinyCLIP, TinyForImageClassification, install, transform

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))


def seeded(kind):
    """Return a model as the stand-ins build it."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return kind()


def test_a_classifier_has_its_processor_and_names(monkeypatch):
    calls, before = install(monkeypatch), torch.get_rng_state()
    network = nets.load("hf/owner/tiny")
    assert torch.equal(torch.get_rng_state(), before)
    assert calls == [("config", "owner/tiny", True), ("processor", "owner/tiny", True)]
    assert (network.name, network.size, network.channels["fc"], network.model.training) == ("hf/owner/tiny", (8, 10), 3, False)
    assert np.array_equal(network.prepare(PICTURE), transform(PICTURE).numpy())
    assert network.class_names == {0: "shark", 1: "tench"}
    mask = saliency.Vanilla(network.model, 1).GetMask(network.prepare(PICTURE))
    assert mask.details["class_name"] == "tench" and mask.details["output"] == "logits"
    x = torch.tensor(network.prepare(PICTURE)[None], requires_grad=True)
    seeded(TinyForImageClassification)(x)["logits"][0, 1].backward()
    np.testing.assert_allclose(mask, x.grad[0], rtol=1e-5, atol=1e-9)


def test_a_processor_that_crops_has_numbers_for_the_whole_picture(monkeypatch):
    install(monkeypatch, crops=True)
    whole = nets.load("hf/owner/tiny").whole_picture().prepare(PICTURE)
    pixels = np.asarray(PICTURE.resize((10, 8), Image.Resampling.BICUBIC), np.float32) / np.float32(255)
    expected = (pixels - np.float32(CONFIG["mean"])) / np.float32(CONFIG["std"])
    np.testing.assert_allclose(whole, expected.transpose(2, 0, 1), rtol=1e-6)


def test_weights_of_a_file(monkeypatch, tmp_path):
    install(monkeypatch)
    state = {name: value + 1 for name, value in seeded(TinyForImageClassification).state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    loaded = nets.load("hf/owner/tiny", tmp_path / "w.pth").model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    torch.save({"fc.bias": state["fc.bias"]}, tmp_path / "w.pth")
    rule = r"w.pth\) lacks 3 of the weights of TinyForImageClassification, such as conv.bias, conv.weight, fc.weight"
    with pytest.raises(saliency.InputError, match=rule):
        nets.load("hf/owner/tiny", tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("architecture", "rule"),
    [
        ("TinyTextModel", "must be a network of images; TinyTextModel is not"),
        ("Unknown", "must name a class of transformers 5.0 as `architectures` in its configuration; it is 'Unknown'"),
        ("Pipeline", "must name a class of transformers 5.0"),
        ("", "it is ''"),
    ],
)
def test_other_classes_of_transformers_are_refused(monkeypatch, architecture, rule):
    install(monkeypatch, architecture)
    with pytest.raises(saliency.InputError, match=rule):
        nets.load("hf/owner/tiny")


LOADS = {
    "hf/owner/clip": [("config", "owner/clip", True), ("processor", "owner/clip", True)],
    "open_clip/ViT-tiny/one": [("ViT-tiny", {"pretrained": "one", "require_pretrained": True}, True)],
}


@pytest.mark.parametrize("name", LOADS)
def test_a_zero_shot_network_scores_prompts(monkeypatch, name):
    calls = install(monkeypatch, "TinyCLIP")
    network = nets.load(name, prompts=["a cat", "two dogs"])
    assert calls[: len(LOADS[name])] == LOADS[name] and np.array_equal(network.prepare(PICTURE), transform(PICTURE).numpy())
    assert network.class_names == {0: "a cat", 1: "two dogs"} and network.size == (8, 10)
    model, x = seeded(TinyCLIP), transform(PICTURE)[None]
    texts = model.get_text_features(torch.tensor([5, 8]))
    expected = np.exp(1.5).item() * normalize(model.features(x)) @ normalize(texts).T
    torch.testing.assert_close(network.model(x), expected)
    assert saliency.Vanilla(network.model, 1).GetMask(x[0].numpy()).details["class_name"] == "two dogs"
    with pytest.raises(saliency.InputError, match="is a zero-shot network, which has no classes of its own"):
        nets.load(name)


def test_open_clip_with_weights_of_a_file(monkeypatch, tmp_path):
    calls = install(monkeypatch)
    state = {name: value + 1 for name, value in seeded(TinyCLIP).state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    network = nets.load("open_clip/ViT-tiny", tmp_path / "w.pth", prompts=["a cat"])
    assert calls == [("ViT-tiny", {"pretrained": None, "load_weights": False, "pretrained_text": False}, True)]
    assert torch.equal(network.model.model.fc.weight, state["fc.weight"])


@pytest.mark.parametrize(
    ("name", "weights", "rule"),
    [
        ("open_clip/ViT-tniy/one", None, "must be a network of open_clip, .* nearest: open_clip/ViT-tiny"),
        (
            "open_clip/ViT-tiny",
            None,
            "needs the tag of its weights: pass open_clip/ViT-tiny/TAG with one of the tags one, two",
        ),
        ("open_clip/ViT-tiny/three", None, "needs the tag of its weights"),
        ("open_clip/ViT-tiny/one", "w.pth", "names the weights 'one': leave them out, or pass no `weights`"),
    ],
)
def test_names_of_open_clip_that_are_refused(monkeypatch, name, weights, rule):
    install(monkeypatch)
    with pytest.raises(saliency.InputError, match=rule):
        nets.load(name, weights, prompts=["a cat"])
