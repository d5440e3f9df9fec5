"""Torch modules give the maps that keras-vis computed."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

from saliency.compat.keras_vis import apply_modifications, find_layer_idx, get_num_filters, visualize_cam, visualize_saliency
from saliency.core.errors import TargetError
from tests.compat.vis.keras_networks import SALIENCY, X, close
from tests.compat.vis.torch_network import channels_first, channels_moved_first

RNG = np.random.default_rng(5)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", [case for case in SALIENCY if "custom" not in case])
def test_torch_gives_keras_viss_arrays(case):
    options = {"layer_idx": "out", "filter_indices": 1, **SALIENCY[case]}
    options["layer_idx"] = {"out": "out", 2: "c2"}[options["layer_idx"]]
    got = visualize_saliency(channels_first(), seed_input=channels_moved_first(X)[None], **options)
    close(np.moveaxis(got, 0, -1) if got.ndim == 3 else got, case)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    "options", [{"grad_modifier": "relu"}, {"backprop_modifier": "guided"}, {"grad_modifier": "absolute", "normalize": False}]
)
def test_torch_and_keras_give_the_same_map(model, options):
    on_torch = visualize_cam(channels_first(), "out", 2, channels_moved_first(X)[None], "c2", **options)
    np.testing.assert_allclose(on_torch, visualize_cam(model, "out", 2, X, "c2", **options), rtol=1e-4, atol=1e-6)
    assert on_torch.any()


@pytest.mark.needs("torch")
def test_torch_layers_have_names_and_minus_1_is_the_output():
    module = channels_first()
    x = channels_moved_first(X)[None]
    for layer in (-1, None, "out", module.out, find_layer_idx(module, "out")):
        close(visualize_saliency(module, layer, 1, x), "sal default cls1")
    got = visualize_saliency(module, -1, 1, x, module.r3, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(got, module.out.weight[1].detach())
    assert visualize_cam(module, -1, 1, x, grad_modifier="relu").shape == (12, 12)  # finds the layer
    with pytest.raises(TargetError, match=r"`layer_idx` \(=3\) must be a layer's name, or -1"):
        visualize_saliency(module, 3, 1, x)
    with pytest.raises(TargetError, match="nearest"):
        visualize_saliency(module, "oud", 1, x)


@pytest.mark.needs("torch")
def test_a_torch_module_of_two_inputs_takes_a_mapping():
    import torch

    class Two(torch.nn.Module):
        def forward(self, x, other):
            return (x * other).cumsum(1)

    one, other = RNG.normal(size=(2, 2, 4)).astype(np.float32)
    got = visualize_saliency(Two(), -1, 1, {"x": one, "other": other}, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(got, other * [1, 1, 0, 0])


@pytest.mark.needs("torch")
def test_utilities_on_torch_modules():
    module = channels_first()
    assert [get_num_filters(module.get_submodule(name)) for name in ("c1", "hidden")] == [6, 16]
    assert find_layer_idx(module, "c2") == "c2" and apply_modifications(module) is module
    with pytest.raises(TargetError, match=r"`layer_name` \(='no'\)"):
        find_layer_idx(module, "no")
