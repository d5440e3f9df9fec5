"""What a call keeps for the next one does not outlive a change of the model: its type, its layers, its weights and its hooks."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency import GradCAM, GuidedGradCAM, Vanilla, nets
from saliency.torch.layers import find_place
from saliency.torch.module_tree import first_floating_tensor
from saliency.torch.state.model_snapshot import ModelSnapshot

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

X = np.random.default_rng(3).normal(size=(2, 3, 12, 8)).astype(np.float32)


def network(seed=0):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
        return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 6, 2), nn.Tanh(), *head).eval()


def change_type(model):
    model.double()


def change_weights(model):
    model.load_state_dict(network(seed=1).state_dict())


def replace_the_layer(model):
    model[2] = network(seed=2)[2]


def replace_by_another_stride(model):
    model[2] = nn.Conv2d(5, 6, 1).requires_grad_(requires_grad=False)
    nn.init.constant_(model[2].weight, 0.3)
    nn.init.zeros_(model[2].bias)


def add_a_hook(model):
    model[2].register_forward_hook(lambda _module, _inputs, output: output * torch.linspace(-1, 1, 6)[:, None, None])


@pytest.mark.parametrize("layer", ["2", None], ids=["named", "found"])
@pytest.mark.parametrize("method", [GradCAM, GuidedGradCAM])
@pytest.mark.parametrize("change", [change_type, change_weights, replace_the_layer, replace_by_another_stride, add_a_hook])
def test_a_mask_follows_its_model(change, method, layer):
    """A mask that was used before the change equals one of a model that was never used before."""
    model, fresh = network(), network()
    used = method(model, 1, layer)
    before = used.GetMasks(X)
    change(model), change(fresh)
    found, expected = used.GetMasks(X), method(fresh, 1, layer).GetMasks(X)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert change is change_type or not np.allclose(found, before, rtol=1e-3)


def test_maps_of_many_sizes():
    """More sizes than an adapter keeps matrices for; the last size is the first one again."""
    mask, sizes = GradCAM(network(), 2, "2"), [*range(12, 24), 12]
    maps = [mask.GetMask(np.random.default_rng(4).normal(size=(3, 12, size))) for size in sizes]
    assert [one.shape for one in maps] == [(12, size) for size in sizes]
    np.testing.assert_array_equal(maps[0], maps[-1])


def test_the_first_tensor_is_the_first_of_torch():
    model = nets.load("DemoNet", framework="torch").model
    assert first_floating_tensor(model) is next(model.parameters())
    buffers = nn.Sequential(nn.Flatten(), nn.BatchNorm2d(3, affine=False))
    assert first_floating_tensor(buffers) is buffers[1].running_mean
    late = nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.Sequential(nn.Identity(), nn.Linear(2, 2)))
    assert first_floating_tensor(late) is late[1][1].weight  # parameters precede buffers
    scripted = nn.Sequential(torch.jit.script(nn.Linear(2, 2)), nn.Linear(2, 2))
    assert first_floating_tensor(scripted).data_ptr() == next(scripted.parameters()).data_ptr()
    circle = nn.Sequential(nn.Sequential(nn.Flatten()), nn.Linear(2, 2))
    circle[0].owner = circle
    assert first_floating_tensor(circle) is circle[1].weight
    assert first_floating_tensor(nn.Sequential(nn.Flatten())) is None


def test_a_layer_is_found_by_its_path():
    model = nn.Module()
    model.body, model.none = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())), None
    model.register_module("left_out", None)
    assert find_place(model, "body.1.0").module is model.body[1][0]
    assert find_place(model, "").module is model
    with pytest.raises(Exception, match="left_out"):
        find_place(model, "left_out")


def test_hooks_and_entries_of_dictionaries_that_were_empty_are_restored():
    """A snapshot of empty dictionaries notices what was added to them."""
    model = network()
    snapshot = ModelSnapshot(model)
    model[1].register_parameter("added", nn.Parameter(torch.ones(2)))
    model[3].register_buffer("kept", torch.ones(2))
    model[4].add_module("child", nn.ReLU())
    assert snapshot.restore()
    assert not model[1]._parameters
    assert not model[3]._buffers
    assert not model[4]._modules
    assert not snapshot.restore()


def test_gradients_follow_the_weights():
    model = network()
    mask = Vanilla(model, 1)
    before = mask.GetMasks(X)
    with torch.no_grad():
        model[6].weight[1] *= -2
    np.testing.assert_allclose(mask.GetMasks(X), -2 * before, rtol=1e-4, atol=1e-7)
