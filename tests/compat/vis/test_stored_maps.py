"""The functions return keras-vis's own arrays for the network in the fixture."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

from saliency.compat.keras_vis import find_layer_idx, visualize_cam, visualize_saliency
from saliency.compat.vis import grad_modifiers
from tests.compat.vis.keras_networks import CAM, FIXTURE, RAW, SALIENCY, X, close, network


def test_every_stored_array_is_tested():
    cases = {name.removeprefix("gold|") for name in FIXTURE.files if name.startswith("gold|")}
    assert cases == {*SALIENCY, *CAM, "batch of 2 (returns first, joint normalise)"}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("case", SALIENCY)
def test_saliency_equals_keras_viss(model, case, exact):
    options = {"layer_idx": -1, "filter_indices": 1, **SALIENCY[case]}
    close(visualize_saliency(model, seed_input=X, **options, exact=exact), case)
    close(visualize_saliency(model, seed_input=X[None], **options, exact=exact), case)


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # one of the maps is correctly zero
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("case", CAM)
def test_class_activation_maps_equal_keras_viss(model, case, exact):
    close(visualize_cam(model, -1, 1, X, **CAM[case], exact=exact), case)


def test_layers_by_name_object_and_index(model):
    for layer in ("out", 6, model.layers[-1], find_layer_idx(model, "out"), None):
        close(visualize_saliency(model, layer, 1, X), "sal default cls1")
    for layer in ("c2", -5, model.layers[2], find_layer_idx(model, "c2")):
        close(visualize_saliency(model, layer, 3, X, **RAW), "conv filter c2[3]")
        np.testing.assert_array_equal(
            visualize_cam(model, -1, 1, X, layer, grad_modifier="relu"),
            visualize_cam(model, -1, 1, X, 2, grad_modifier="relu"),
        )


def test_a_batch_gives_a_map_per_input_and_exact_keras_viss_first(model):
    both = np.stack([X, X[::-1]])
    close(visualize_saliency(model, -1, 1, both, **RAW, exact=True), "batch of 2 (returns first, joint normalise)")
    got = visualize_saliency(model, -1, 1, both)
    close(got[0], "sal default cls1")
    np.testing.assert_allclose(got[1], visualize_saliency(model, -1, 1, X[::-1]), rtol=0, atol=1e-6)


def test_exact_maps_of_a_batch_use_the_mean_gradient(model):
    both = np.stack([X, X[::-1]])
    one, other = (visualize_cam(model, -1, [0, 2], x, 2, "guided", exact=True) for x in both)
    joint = visualize_cam(model, -1, [0, 2], both, 2, "guided", exact=True)
    assert joint.shape == one.shape and np.abs(joint - one).max() > 1e-3
    several = visualize_cam(model, -1, [0, 2], both, 2, "guided")
    np.testing.assert_allclose(several, [one, other], atol=1e-6)


def test_modifiers_are_available_by_name_and_as_functions(model):
    for name, modifier in grad_modifiers.MODIFIERS.items():
        assert getattr(grad_modifiers, name) is modifier is grad_modifiers.get(name)
        np.testing.assert_array_equal(
            visualize_saliency(model, -1, 1, X, grad_modifier=modifier),
            visualize_saliency(model, -1, 1, X, grad_modifier=name),
        )
    np.testing.assert_array_equal(grad_modifiers.invert(np.float32([-1e-7, 0, 1])), np.float32([1e7, 1e7, 1 / (1 + 1e-7)]))


def test_keras_2_gives_the_same_maps():
    package = pytest.importorskip("tf_keras")
    model = network(package)
    close(visualize_saliency(model, -1, 1, X), "sal default cls1")
    close(visualize_saliency(model, 2, 3, X, **RAW), "conv filter c2[3]")
    close(visualize_cam(model, -1, 1, X, grad_modifier="relu"), "cam gm=relu")
