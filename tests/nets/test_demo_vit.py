"""The vision transformer is the same network in Torch and in Keras, and detects digits."""

from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

import saliency
from saliency import nets
from saliency.demo.localization import prepare_inputs, scene_targets
from saliency.demo.scenes import load_scenes

TARGETS = scene_targets(load_scenes())[:8]


@pytest.fixture(scope="module")
def networks():
    found = [name for name in nets.FRAMEWORKS if find_spec({"tf": "tensorflow"}.get(name, name))]
    if not found:
        pytest.skip("needs a framework")
    return {name: nets.load("DemoViT", framework=name) for name in found}


def masks(network, method, **options):
    x = np.stack(prepare_inputs(network, TARGETS))
    mask = method(network.model).GetMasks(x, [target.digit for target in TARGETS], **options)
    return (np.moveaxis(mask, 1, -1) if network.channel_axis == 0 and mask.ndim == 4 else np.asarray(mask)), mask.details


@pytest.mark.needs("torch", "tensorflow")
@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.DeepLIFT, partial(saliency.LRP, rule="attn-lrp")])
def test_torch_and_keras_give_the_same_scores_and_maps(networks, method):
    (one, details), (other, others) = (masks(network, method) for network in networks.values())
    if "change" in details:
        np.testing.assert_allclose(details["change"], others["change"], atol=1e-4)
        np.testing.assert_allclose(details["gap"], 0, atol=1e-4)
    assert np.abs(one - other).max() < 1e-4 * np.abs(one).max()


@pytest.mark.needs("torch")
def test_it_can_be_exported_for_any_number_of_images(networks):
    import torch

    model, x = networks["torch"].model, torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3, 96, 96)).astype("f4"))
    program = torch.export.export(model, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(x), model(x))


def test_the_maps_of_a_transformer_are_on_the_grid_of_its_patches(networks):
    for network in networks.values():
        x = np.stack(prepare_inputs(network, TARGETS[:1]))
        mask = saliency.GradCAM(network.model, TARGETS[0].digit).GetMasks(x)
        assert mask.details["grid"].tolist() == [[12, 12]] and mask.shape == (1, 96, 96)


@pytest.mark.needs("torch", "tensorflow")
def test_the_attention_of_both_frameworks_is_the_same(networks):
    for method in (saliency.AttentionRelevance, saliency.AttentionRollout, saliency.LeGrad):
        one, other = (np.asarray(masks(network, method)[0]) for network in networks.values())
        assert np.abs(one - other).max() < 1e-4 and one.max() > 0.5


def test_random_weights_are_reproducible(networks):
    for name, network in networks.items():
        first, again, other = (nets.untrained(seed, name, "DemoViT") for seed in (0, 0, 1))
        x = prepare_inputs(network, TARGETS[:1])
        one, same, another = (np.asarray(saliency.Vanilla(net, 3).GetMasks(x)) for net in (first, again, other))
        assert np.array_equal(one, same) and not np.array_equal(one, another) and one.any()
    with pytest.raises(saliency.InputError, match="`name` .*'DemoNet' or 'DemoViT'"):
        nets.untrained(0, name="ShortcutNet")


def test_most_digits_of_the_bundled_scenes_are_detected(networks):
    network = next(iter(networks.values()))
    change = [float(masks(network, saliency.DeepLIFT)[1]["score"][i]) > 0 for i in range(len(TARGETS))]
    assert np.mean(change) > 0.5
