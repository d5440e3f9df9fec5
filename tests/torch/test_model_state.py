"""A call preserves the model, the grad mode and the random generators, also with threads."""

import sys

import numpy as np
import pytest
import torch

import saliency
from saliency import GuidedBackprop, Vanilla
from tests.threads import run_in_threads
from tests.torch.small_network import FunctionModule, X, autograd_gradient, small_network
from tests.torch.snapshot import snapshot


def interrupted(out):
    raise KeyboardInterrupt


@pytest.mark.parametrize("rule", [Vanilla, GuidedBackprop, saliency.Deconvnet])
@pytest.mark.parametrize("y", [1, ("conv", 2), ("nothing", 1), 99, interrupted])
@pytest.mark.parametrize("mode", ["train", "eval", "mixed"])
def test_model_state_is_preserved(rule, y, mode):
    model = small_network().train(mode == "train")
    if mode == "mixed":
        model.bn.train()
        model.conv.weight.requires_grad_(False)
    model(torch.tensor(X)).sum().backward()
    before = snapshot(model)
    try:
        rule(model, y).GetSmoothedMask(X[0], nsamples=3)
    except (saliency.TargetError, KeyboardInterrupt):
        assert y not in (1, ("conv", 2))
    except saliency.ModelError:
        assert y == ("conv", 2) and rule is not Vanilla  # there is no ReLU in front of conv
    assert snapshot(model) == before


def test_interrupt_while_setting_eval_mode(monkeypatch):
    class Stubborn(torch.nn.Linear):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "training" and value is False:
                raise KeyboardInterrupt

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4), Stubborn(4, 2), torch.nn.ReLU())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Vanilla(model, 0).GetMask(X[0])
        assert all(module.training for module in model.modules())


def test_a_model_and_its_part_in_two_threads():
    part = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5), torch.nn.Flatten())
    whole = torch.nn.Sequential(part, torch.nn.Linear(144, 5)).train()
    statistics, expected, wrong = part[1].running_mean.clone(), Vanilla(part, 3).GetMasks(X), []

    def work(model, y):
        for _ in range(40):
            mask = Vanilla(model, y).GetMasks(X)
            if model is part and not np.array_equal(mask, expected):
                wrong.append(1)

    run_in_threads(work, [(part, 3), (whole, 2), (whole, 1)])
    assert not wrong and torch.equal(part[1].running_mean, statistics)
    assert all(module.training for module in whole.modules())
    if "torch._dynamo" in sys.modules:
        assert sys.modules["torch._dynamo.eval_frame"]._stance.stance == "default"


def test_a_model_in_train_mode_is_explained_as_in_eval_mode():
    np.testing.assert_array_equal(Vanilla(small_network().train(), 2).GetMasks(X), autograd_gradient(small_network(), 2))


def test_in_place_model_does_not_modify_the_input():
    class Model(torch.nn.Module):
        def forward(self, x):
            x.sub_(1.0).mul_(2.0)
            return x.square().mean((2, 3))

    x = torch.tensor(X[0])
    for y in (1, None):
        mask = Vanilla(Model(), y).GetMask(x)
        top = int(((X[0] - 1) ** 2).mean((1, 2)).argmax()) if y is None else y
        expected = np.zeros_like(X[0])
        expected[top] = 8 * (X[0, top] - 1) / 64
        np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)
    assert np.array_equal(x.numpy(), X[0])


def test_random_model_preserves_the_generator():
    before = torch.get_rng_state()
    Vanilla(FunctionModule(lambda x: (x + torch.randn_like(x)).square().mean((2, 3))), 1).GetMask(X[0])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients_and_frozen_models(context):
    model = small_network().requires_grad_(False)
    expected = autograd_gradient(small_network(), 1)[0]
    with context():
        for x in (X[0], torch.tensor(X[0])):
            np.testing.assert_allclose(Vanilla(model, 1).GetMask(x), expected, rtol=1e-4, atol=1e-6)
        smooth = Vanilla(model, 1).GetSmoothedMask(X[0], seed=0)
        assert torch.is_grad_enabled() is False
    np.testing.assert_array_equal(smooth, Vanilla(small_network(), 1).GetSmoothedMask(X[0], seed=0))


def test_threads_are_independent():
    model = small_network().train()
    expected = {Vanilla: autograd_gradient(small_network(), 2), GuidedBackprop: GuidedBackprop(model, 2).GetMasks(X)}
    wrong = []

    def work(mask, y):
        for _ in range(15):
            got = mask(model, y).GetMasks(X)
            if y == 2 and not np.array_equal(got, expected[mask]):
                wrong.append(mask.__name__)

    run_in_threads(work, [(Vanilla, 2), (GuidedBackprop, 2), (Vanilla, ("conv", 1)), (GuidedBackprop, 2)])
    assert wrong == []
    assert all(module.training for module in model.modules())
