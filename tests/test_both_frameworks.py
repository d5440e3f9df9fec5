"""Torch and TensorFlow in one process: whichever comes first, and to the same masks."""

import importlib
from itertools import product

import numpy as np
import pytest

import saliency
from saliency import nets
from saliency.demo.gallery_methods import SMOOTHGRAD_SUFFIX
from saliency.demo.localization import prepare_inputs, scene_targets
from saliency.demo.scenes import HERE, load_scenes
from tests import noise
from tests.framework_import_order import import_order, largest_difference
from tests.quick_methods import QUICK_METHODS, RELEVANCE

pytestmark = pytest.mark.needs("torch", "tensorflow")

MASKS = QUICK_METHODS | RELEVANCE
ASKED = scene_targets(load_scenes()[:24])[:2]


def test_either_may_be_imported_first(fresh_process):
    """This process imported Torch first (see tests/conftest.py), and a new process TensorFlow."""
    importlib.import_module("torch"), importlib.import_module("tensorflow")
    order, difference = fresh_process("tf").steps["both frameworks"]
    assert order == ["tensorflow", "torch"] == import_order()[::-1]
    assert largest_difference() < 1e-4 and difference < 1e-4


def in_float64(framework):
    if framework == "torch":
        return nets.load("DemoNet").model.double()
    from saliency.nets.demo_net_keras import build_demo_net
    from saliency.nets.keras_weights import load_weights

    model = build_demo_net("float64")
    load_weights(model, HERE / "clean.safetensors")
    return model


@pytest.fixture(scope="module")
def models():
    """Return (framework, precision) -> network, model."""
    loaded = {framework: nets.load("DemoNet", framework=framework) for framework in nets.FRAMEWORKS}
    narrow = {(framework, "float32"): (network, network.model) for framework, network in loaded.items()}
    return narrow | {(framework, "float64"): (network, in_float64(framework)) for framework, network in loaded.items()}


@pytest.fixture
def same_noise(monkeypatch):
    from saliency.tf import KerasAdapter
    from saliency.torch import TorchAdapter

    monkeypatch.setattr(TorchAdapter, "normal", noise.normal)
    monkeypatch.setattr(KerasAdapter, "normal", noise.normal)


@pytest.mark.parametrize(("name", "precision"), [*product(MASKS, ["float64"]), *product(QUICK_METHODS, ["float32"])])
def test_the_demo_s_masks_are_the_same(name, precision, models, same_noise, fresh_process):
    found, digits = {}, [question.digit for question in ASKED]
    for framework in nets.FRAMEWORKS:
        network, model = models[framework, precision]
        mask, x = MASKS[name](model), prepare_inputs(network, ASKED)
        smooth = {"magnitude": False, "seed": 0, "nsamples": 3}
        masks = mask.GetSmoothedMasks(x, digits, **smooth) if name.endswith(SMOOTHGRAD_SUFFIX) else mask.GetMasks(x, digits)
        found[framework] = np.moveaxis(masks, -1, 1) if framework == "tf" and masks.ndim == 4 else masks
        assert masks.dtype == precision
    ours, torch_s = found["tf"].reshape(len(ASKED), -1), found["torch"].reshape(len(ASKED), -1)
    gaps = np.abs(ours - torch_s).max(1) / np.abs(torch_s).max(1)
    assert gaps.max() < (1e-10 if precision == "float64" else 5e-3)  # in float32 a ReLU near 0, or a tie, may go another way
    if precision == "float64":
        with np.load(fresh_process("torch").folder / "keras.npz") as of_keras_on_torch:
            other = of_keras_on_torch[f"DemoNet: {name}"]
        other = (np.moveaxis(other, -1, 1) if other.ndim == 4 else other).reshape(len(ASKED), -1)
        gaps = np.abs(other - torch_s).max(1) / np.abs(torch_s).max(1)
        assert gaps.max() < 1e-4  # Keras computes dense layers in float32 there


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.GuidedBackprop, saliency.Deconvnet])
@pytest.mark.parametrize("at", ["conv2", "relu6", "pool3", "fc1"])
def test_gradients_by_a_layer_s_input_are_the_same(at, method, models):
    found, digits = {}, [question.digit for question in ASKED]
    for framework in nets.FRAMEWORKS:
        network, model = models[framework, "float64"]
        options = {} if method is saliency.Vanilla else {"allow_no_relu": True}  # behind some there is none
        masks = method(model).GetMasks(prepare_inputs(network, ASKED), digits, at=at, **options)
        found[framework] = np.moveaxis(masks, -1, 1) if framework == "tf" and masks.ndim == 4 else masks
    assert found["torch"].any()
    np.testing.assert_allclose(found["tf"], found["torch"], rtol=1e-9, atol=1e-12)
