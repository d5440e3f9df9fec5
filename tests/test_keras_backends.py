"""Keras on Torch: the same masks as Keras on TensorFlow, and the model as it was."""

import importlib

import numpy as np
import pytest

from tests.keras_masks import masks_of_two_inputs
from tests.torch.keras_backend import CHECKS

pytestmark = pytest.mark.needs("torch", "keras")


@pytest.fixture(scope="module")
def on_torch(fresh_process):
    """Return the check -> "passed" or its traceback, and the masks in the process whose Keras runs on Torch."""
    run = fresh_process("torch")
    assert isinstance(run.steps["Keras"], dict), run.steps["Keras"]
    with np.load(run.folder / "keras.npz") as masks:
        return run.steps["Keras"], dict(masks)


@pytest.mark.parametrize("name", CHECKS)
def test_on_torch(name, on_torch):
    assert on_torch[0][name] == "passed", on_torch[0][name]


@pytest.mark.needs("tensorflow")
def test_a_functional_model_s_masks_are_those_on_tensorflow(on_torch):
    importlib.import_module("tensorflow")
    masks, layer = masks_of_two_inputs()
    assert layer == "drop" == on_torch[0]["layer"]
    for name, mask in masks.items():
        other = on_torch[1][f"two inputs: {name}"]
        assert mask.any() and other.shape == mask.shape and other.dtype == mask.dtype, name
        assert np.abs(other - mask).max() < 1e-5 * np.abs(mask).max(), name
