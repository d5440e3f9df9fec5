"""A call leaves a model's buffers, attributes, parameters and flags as they were, bit for bit."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.state.fingerprint import fingerprint
from tests.torch.state.stateful_modules import ZOO

X = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype("f4")

METHODS = {
    "vanilla": lambda model: saliency.Vanilla(model, 1).GetMask(X[0]),
    "guided": lambda model: saliency.GuidedBackprop(model, 1).GetMask(X[0]),
    "path": lambda model: saliency.IntegratedGradients(model, 1, batch_size=2).GetMask(X[0], x_steps=5),
    "smooth": lambda model: saliency.Vanilla(model, 1, batch_size=2).GetSmoothedMask(X[0], nsamples=5, seed=0),
    "occlusion": lambda model: saliency.Occlusion(model, 1).GetMask(X[0], size=4, stride=4),
    "cam": lambda model: saliency.GradCAM(model, 1).GetMask(X[0]),
    "at": lambda model: saliency.Vanilla(model, 1).GetMask(X[0], at="last"),
}

pytestmark = pytest.mark.filterwarnings("ignore")


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, end):
        ctx.end = end
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        ctx.end.fail("backward")
        return grad, None


class End(nn.Module):
    """Fail in a given place, once."""

    armed = None, None

    def fail(self, place):
        if self.armed[0] == place:
            raise self.armed[1]

    def forward(self, x):
        x = Failing.apply(x, self)
        self.fail("forward")
        return x


def make_model(name, train):
    torch.manual_seed(0)
    layers = {"first": nn.Conv2d(3, 3, 3, padding=1), "relu": nn.ReLU(), "state": ZOO[name](), "last": nn.Conv2d(3, 4, 3)}
    model = nn.Sequential(*layers.values(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), End())
    for number, key in enumerate(layers):
        model._modules[key] = model._modules.pop(str(number))
    for number in ("4", "5", "6"):
        model._modules[number] = model._modules.pop(number)
    return model.train(train)


@pytest.mark.parametrize("name", ZOO)
def test_the_modules_have_a_state(name):
    model = make_model(name, train=True)
    before = fingerprint(model)
    x = torch.tensor(X, requires_grad=True)
    torch.autograd.grad(model.eval()(x).sum() if name != "spectral norm" else model(x).sum(), x)
    assert fingerprint(model.train()) != before or name == "weight norm"


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", ZOO)
def test_every_method_restores_the_state_and_repeats_its_mask(name, train):
    model = make_model(name, train)
    before = fingerprint(model)
    for method in METHODS:
        masks = [METHODS[method](model) for _ in range(3)]
        assert fingerprint(model) == before, method
        assert all(np.array_equal(masks[0], each) for each in masks[1:]), method
    assert not any(type(each).__name__ == "PatchTensor" for each in vars(model).values())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("place", ["forward", "backward"])
@pytest.mark.parametrize("name", ZOO)
def test_exceptions_and_interrupts_restore_the_state(name, place, error):
    model = make_model(name, train=True)
    for repeat in range(2):
        for method in ("vanilla", "path", "smooth", "at"):
            model[-1].armed = place, error("no")
            before = fingerprint(model)
            with pytest.raises((error, saliency.SaliencyError)):
                METHODS[method](model)
            assert fingerprint(model) == before, method
            model[-1].armed = None, None
            if repeat == 0:
                METHODS[method](model)


@pytest.mark.parametrize("name", sorted(set(ZOO) - {"modes", "quantization"}))  # whose samples meet in statistics of the batch
def test_every_pass_starts_from_the_state_as_found(name):
    model = make_model(name, train=False)
    model(torch.tensor(X[1:])[:1] + 1)  # a state that is not the initial one
    sizes = (1,) if name == "recurrent" else (1, 2, 5)  # its state has the user's batch size
    masks = [saliency.IntegratedGradients(model, 1, batch_size=n).GetMask(X[0], x_steps=5) for n in sizes]
    for mask in masks[1:]:
        np.testing.assert_allclose(mask, masks[0], rtol=1e-4, atol=1e-6)
    x = torch.tensor(X[:1], requires_grad=True)
    mask = saliency.Vanilla(model, 1).GetMask(X[0])
    (expected,) = torch.autograd.grad(model(x)[0, 1], x)  # the user's own pass is the first to change the state
    np.testing.assert_allclose(mask, expected[0], rtol=1e-5, atol=1e-7)
