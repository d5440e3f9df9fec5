"""Layer indices, numbers of filters, array utilities, and the modules' paths."""

import importlib

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

from saliency.compat import keras_vis
from saliency.compat.keras_vis import (
    apply_modifications,
    find_layer_idx,
    get_num_filters,
    normalize,
    overlay,
    visualize_cam,
    visualize_saliency,
)
from saliency.compat.vis.utils.utils import normalize as utils_normalize
from saliency.core.errors import InputError, TargetError
from tests.compat.vis.keras_networks import X, close

L = keras.layers
RNG = np.random.default_rng(6)


def test_a_changed_activation_applies_to_maps_and_to_predict():
    model = keras.Sequential([keras.Input((3,)), L.Dense(4, activation="softmax")])
    x = RNG.normal(size=(1, 3)).astype(np.float32)
    raw = {"grad_modifier": None, "normalize": False, "exact": True}
    squashed, probabilities = visualize_saliency(model, -1, 1, x, keepdims=True, **raw), model.predict(x, verbose=0)
    model.layers[-1].activation = keras.activations.linear
    assert apply_modifications(model) is model
    got = visualize_saliency(model, -1, 1, x, keepdims=True, **raw)
    np.testing.assert_allclose(got, model.get_weights()[0][:, 1], rtol=1e-6)
    assert np.abs(got - squashed).max() > 1e-3
    logits = model.predict(x, verbose=0)
    np.testing.assert_allclose(tf.nn.softmax(logits), probabilities, rtol=1e-5)
    assert np.abs(logits - probabilities).max() > 1e-2


def test_layer_indices(model):
    assert [find_layer_idx(model, name) for name in ("c1", "relu", "out")] == [0, 3, 6]
    with pytest.raises(TargetError, match="`layer_name`"):
        find_layer_idx(model, "no")
    for index in (7, -8):
        match = rf"`layer_idx` \(={index}\) must be in the range of the model's 7 layers: 0 to 6, or from the end -7 to -1"
        with pytest.raises(TargetError, match=match):
            visualize_saliency(model, index, 1, X)
    with pytest.raises(TargetError, match=r"`penultimate_layer_idx` \(=9\)"):
        visualize_cam(model, -1, 1, X, 9)


def test_number_of_filters(model):
    assert [get_num_filters(layer) for layer in model.layers] == [6, 6, 8, 8, 72, 16, 5]
    with pytest.raises(InputError, match=r"`layer` \(ReLU\) does not define its number of filters"):
        get_num_filters(L.ReLU())


def test_normalize_and_overlay():
    array = np.array([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_allclose(normalize(array), (array - 1) / 4, atol=1e-7)
    np.testing.assert_allclose(normalize(array, -1, 1), (array - 1) / 2 - 1, atol=1e-7)
    assert utils_normalize is normalize
    one, other = np.full((2, 2, 3), 200, np.uint8), np.full((2, 2, 3), 100, np.uint8)
    blended = overlay(one, other, 0.25)
    assert blended.dtype == np.uint8 and (blended == 125).all() and (overlay(one, other) == 150).all()
    for wrong, message in (((one, other, 2), r"`alpha` \(=2\)"), ((one, other[:1]), r"must have the shape of `array2`")):
        with pytest.raises(InputError, match=message):
            overlay(*wrong)


PATHS = {
    "visualization": "visualize_saliency visualize_saliency_with_losses visualize_cam visualize_cam_with_losses overlay get_num_filters",
    "losses": "ActivationMaximization Loss",
    "grad_modifiers": "negate absolute invert relu small_values get",
    "backprop_modifiers": "guided rectified relu deconv",
    "utils.utils": "find_layer_idx apply_modifications normalize",
}


@pytest.mark.parametrize("path", PATHS)
def test_modules_have_keras_viss_paths_and_names(path):
    module = importlib.import_module(f"saliency.compat.vis.{path}")
    for name in PATHS[path].split():
        assert getattr(module, name) is getattr(keras_vis, name, getattr(module, name))


def test_modifiers_can_be_imported(model):
    from saliency.compat.vis.backprop_modifiers import deconv, guided

    raw = {"grad_modifier": None, "keepdims": True}
    close(visualize_saliency(model, -1, 1, X, backprop_modifier=guided, **raw), "sal bm=guided")
    close(visualize_saliency(model, -1, 1, X, backprop_modifier=deconv, **raw), "sal bm=deconv")


def test_small_integers_are_normalized_without_overflow():
    np.testing.assert_allclose(normalize(np.array([-128, 0, 127], np.int8)), [0, 128 / 255, 1], atol=1e-6)
    assert normalize(np.array([1, 3], np.float32), -1, 1).dtype == np.float32
    widest = np.array([-65504, 0, 65504], np.float16)  # their range is no float16
    np.testing.assert_allclose(normalize(widest, -65504, 65504), widest, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda model: normalize([1.0, np.nan]), "`array` holds 1 of 2 values that are NaN or infinite"),
        (lambda model: normalize([1.0, 2.0], None), r"`min_value` \(=None\) must be a finite number"),
        (lambda model: normalize(np.ones(2, np.float16), -1e30), r"`min_value` \(=-1e\+30\) must be .* from -65504 to 65504"),
        (lambda model: overlay(np.zeros(2), np.zeros(2), 1.5), r"`alpha` \(=1.5\) must be a finite number, from 0 to 1"),
        (lambda model: overlay(np.zeros(2), ["a", "b"]), r"`array2` \(list of <U1\) must be an array of real numbers"),
        (lambda model: overlay(np.zeros(2, int), np.full(2, 2.0**70)), r"the overlay \(from .*e\+20\) must fit into .* int64"),
        (lambda model: visualize_saliency(model, -1, 1, X, keepdims="no"), r"`keepdims` \(='no'\) must be True or False"),
        (lambda model: visualize_saliency(model, -1, 1, X, exact=[0]), r"`exact` \(=\[0\]\) must be True or False"),
        (lambda model: visualize_cam(model, -1, 1, X, normalize=None), r"`normalize` \(=None\) must be True or False"),
        (
            lambda model: visualize_saliency(model, 10**5000, 1, X),
            r"`layer_idx` \(=a value of type int\) must be in the range",
        ),
        (lambda model: visualize_saliency(model, -1, 1, [[1], [1, 2]]), r"`seed_input` \(list\) must be an array of numbers"),
    ],
)
def test_a_wrong_option_raises_one_error(model, call, match):
    with pytest.raises((InputError, TargetError), match=match):
        call(model)


@pytest.mark.parametrize("weight", [None, "1", float("nan"), 1e40])
def test_a_loss_needs_a_finite_weight(model, weight):
    losses = [(keras_vis.ActivationMaximization(model.layers[-1], 1), weight)]
    with pytest.raises(InputError, match=r"`weight` \(=.*\) must be a finite number"):
        keras_vis.visualize_saliency_with_losses(model, losses, X)
