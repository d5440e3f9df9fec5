"""keras-vis's two bugs, fixed by default and kept with ``exact``; raw maps; utilities; the model's state is preserved."""

import importlib

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

import saliency
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
from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.numerics.cubic_spline import resize_by_splines
from tests.compat.test_keras_vis import X, close, gold, network
from tests.compat.test_keras_vis_models import channels_first
from tests.tf.eager.keras_networks import snapshot

L = keras.layers
RNG = np.random.default_rng(6)


@pytest.fixture(scope="module")
def model():
    return network()


def scaled_sum_network(weight):
    """A network whose score is a weight times the sum of the input, after an identity convolution."""
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            L.Conv2D(1, 1, use_bias=False, name="same"),
            L.Flatten(name="flat"),
            L.Dense(1, use_bias=False),
        ]
    )
    model.set_weights([np.ones((1, 1, 1, 1)), np.full((30, 1), weight)])
    return model


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")
def test_negative_evidence_is_not_shown_as_positive():
    x = RNG.uniform(1, 2, size=(6, 5, 1)).astype(np.float32)
    fixed, exact_map = (visualize_cam(scaled_sum_network(-1.0), -1, 0, x, "same", exact=exact) for exact in (False, True))
    assert not fixed.any()
    np.testing.assert_allclose(exact_map, normalize(x[..., 0]), atol=1e-5)
    for exact in (False, True):  # for a positive gradient both agree
        np.testing.assert_allclose(
            visualize_cam(scaled_sum_network(1.0), -1, 0, x, "same", exact=exact), normalize(x[..., 0]), atol=1e-5
        )


def test_the_layer_directly_before_is_found(model):
    options = {"grad_modifier": "absolute"}
    fixed, exact_map = (visualize_cam(model, "c2", 3, X, **options, exact=exact) for exact in (False, True))
    np.testing.assert_array_equal(fixed, visualize_cam(model, "c2", 3, X, "p1", **options))
    np.testing.assert_array_equal(exact_map, visualize_cam(model, "c2", 3, X, "c1", **options, exact=True))
    assert np.abs(fixed - exact_map).max() > 0.05
    short = scaled_sum_network(1.0)
    x = RNG.uniform(1, 2, size=(6, 5, 1)).astype(np.float32)
    assert visualize_cam(short, 1, 0, x).any()
    with pytest.raises(TargetError, match=r"there is no convolution or pooling before 1"):
        visualize_cam(short, 1, 0, x, exact=True)


def test_wrapped_convolutions_are_found():
    model = keras.Sequential(
        [keras.Input((3, 8, 2)), L.TimeDistributed(L.Conv1D(2, 3), name="each"), L.ReLU(), L.Flatten(), L.Dense(2)]
    )
    x = RNG.normal(size=(3, 8, 2)).astype(np.float32)
    got = visualize_cam(model, -1, 0, x, grad_modifier="absolute")
    np.testing.assert_array_equal(got, visualize_cam(model, -1, 0, x, "each", grad_modifier="absolute"))


def test_raw_maps(model):
    gradient = np.asarray(saliency.Vanilla(model, 1).GetMask(X))
    got = visualize_saliency(model, -1, 1, X, grad_modifier=None, keepdims=True, normalize=False)
    np.testing.assert_array_equal(got, gradient)
    got = visualize_saliency(model, -1, 1, X, normalize=False)
    np.testing.assert_array_equal(got, np.abs(gradient).max(-1))
    np.testing.assert_allclose(normalize(got), gold("sal default cls1"), atol=1e-6)
    raw = saliency.GradCAM(model, 2, layer="c2", modifier="absolute").GetMask(X, should_resize=False)
    got = visualize_cam(model, -1, 2, X, "c2", grad_modifier="absolute", normalize=False)
    np.testing.assert_allclose(got, resize_by_splines(np.asarray(raw)[None], (12, 12))[0], atol=1e-7)
    assert got.any()


def regression():
    """A steering model: the right part of an image minus the left part; the middle has weight zero."""
    wheel = np.zeros((4, 6, 1), np.float32)
    wheel[:, :2], wheel[:, 4:] = -1 - np.arange(4)[:, None, None], 1 + np.arange(4)[:, None, None]
    model = keras.Sequential([keras.Input((4, 6, 1)), L.Flatten(), L.Dense(1, use_bias=False)])
    model.set_weights([wheel.reshape(-1, 1)])
    return model, wheel[..., 0]


def test_regression_increase_decrease_maintain():
    model, wheel = regression()
    x = np.ones((4, 6, 1))
    increase = visualize_saliency(model, -1, 0, x, grad_modifier=None)
    decrease = visualize_saliency(model, -1, 0, x, grad_modifier="negate")
    maintain = visualize_saliency(model, -1, 0, x, grad_modifier="small_values")
    np.testing.assert_allclose(increase, (wheel + 4) / 8, atol=1e-6)
    np.testing.assert_allclose(decrease, (4 - wheel) / 8, atol=1e-6)
    np.testing.assert_allclose(maintain, wheel == 0, atol=1e-6)
    raw = visualize_saliency(model, -1, 0, x, grad_modifier="small_values", normalize=False)
    np.testing.assert_allclose(raw, np.abs(1 / (wheel + np.float32(1e-7))), rtol=1e-6)


def test_a_network_without_relus_rejects_guided_unless_exact():
    model, _ = regression()
    x = np.ones((4, 6, 1))
    with pytest.raises(ModelError, match="no ReLU"):
        visualize_saliency(model, -1, 0, x, backprop_modifier="guided")
    got = visualize_saliency(model, -1, 0, x, backprop_modifier="guided", exact=True)
    np.testing.assert_array_equal(got, visualize_saliency(model, -1, 0, x))
    x = RNG.uniform(1, 2, size=(6, 5, 1))
    guided, plain = (visualize_cam(scaled_sum_network(1.0), -1, 0, x, backprop_modifier=one) for one in ("guided", None))
    np.testing.assert_array_equal(guided, plain)  # in any network, there may be no ReLU after a map's layer


def test_the_model_s_state_is_preserved(model):
    model(X[None])
    before = snapshot(model)
    visualize_saliency(model, -1, 1, X, "c2", "guided")
    visualize_cam(model, -1, 1, X, grad_modifier="relu")
    assert snapshot(model) == before


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


@pytest.mark.needs("torch")
def test_utilities_on_torch_modules():
    module = channels_first()
    assert [get_num_filters(module.get_submodule(name)) for name in ("c1", "hidden")] == [6, 16]
    assert find_layer_idx(module, "c2") == "c2" and apply_modifications(module) is module
    with pytest.raises(TargetError, match=r"`layer_name` \(='no'\)"):
        find_layer_idx(module, "no")


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


def test_invalid_seed_inputs_raise(model):
    with pytest.raises(InputError, match=r"`seed_input` \(=None\) must be given"):
        visualize_saliency(model, -1, 1, None)
    with pytest.raises(InputError, match=r"shape \(12, 12\)\) must have 4 axes, or 3 without the batch axis"):
        visualize_saliency(model, -1, 1, X[..., 0])
    close(visualize_saliency(model, -1, 1, X.tolist()), "sal default cls1")
    close(visualize_saliency(model, -1, 1, tf.constant(X)), "sal default cls1")


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


CALLS = []


class Counted(L.Layer):
    def call(self, x):
        CALLS.append(x.shape)
        return x


def test_repeated_calls_are_traced_once():
    model = keras.Sequential([keras.Input((3,)), Counted(), L.Dense(4)])
    losses = [(keras_vis.ActivationMaximization(model.layers[-1], i), -1) for i in (0, 1)]
    calls = [
        lambda: visualize_saliency(model, -1, 1, np.ones(3)),
        lambda: keras_vis.visualize_saliency_with_losses(model, losses, np.ones(3)),
    ]
    for call in calls:
        call()
        before = len(CALLS)
        call()
        assert len(CALLS) == before
