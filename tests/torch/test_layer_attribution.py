"""Attribution at a layer: Captum's numbers, explicit references, shared layers and paths that bypass the layer."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency import GradientSHAP, InputXGradient, IntegratedGradients, OutputOf
from saliency.core.errors import InputError, TargetError
from tests.torch.small_network import FunctionModule
from tests.torch.snapshot import snapshot

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 3, 9, 9)).astype(np.float32)
BASELINE = RNG.normal(size=(3, 9, 9)).astype(np.float32)
CLASSES = [3, 1, 1]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    layers = {"first": nn.Conv2d(3, 4, 3), "relu": nn.ReLU(), "second": nn.Conv2d(4, 5, 3, stride=2), "tanh": nn.Tanh()}
    network = nn.Sequential()
    for name, layer in {**layers, "flat": nn.Flatten(), "classes": nn.Linear(45, 4)}.items():
        network.add_module(name, layer)
    return network.eval()


def largest_difference(ours, theirs):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and theirs.any()
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("of_input", [False, True])
def test_captum_s_layer_methods(model, of_input):
    captum = pytest.importorskip("captum.attr")
    at, layer, before = "second" if of_input else OutputOf("second"), model.second, snapshot(model)
    inputs, baseline = torch.tensor(X, requires_grad=True), torch.tensor(BASELINE)[None]
    ours, theirs = {"x_baseline": BASELINE}, {"target": CLASSES, "attribute_to_layer_input": of_input}

    product = captum.LayerGradientXActivation(model, layer).attribute(inputs, **theirs)
    assert largest_difference(InputXGradient(model, at=at).GetMasks(X, CLASSES), product) < 1e-5
    for steps in (1, 12):
        gradients = captum.LayerIntegratedGradients(model, layer).attribute(inputs, baseline, n_steps=steps, **theirs)
        mask = IntegratedGradients(model, at=at).GetMasks(X, CLASSES, x_steps=steps, **ours)
        assert largest_difference(mask, gradients) < 1e-5
        influence = captum.InternalInfluence(model, layer).attribute(inputs, baseline, n_steps=steps, **theirs)
        method = IntegratedGradients(model, at=at, path="input", multiply_by_inputs=False, batch_size=7)
        assert largest_difference(method.GetMasks(X, CLASSES, x_steps=steps, **ours), influence) < 1e-5
    for rule, name in (("gauss-legendre", "gausslegendre"), ("trapezoid", "riemann_trapezoid")):
        conductance = captum.LayerConductance(model, layer).attribute(inputs, baseline, n_steps=12, method=name, **theirs)
        for size in (1, 8, 64):
            method = IntegratedGradients(model, at=at, path="input", rule=rule, batch_size=size)
            assert largest_difference(method.GetMasks(X, CLASSES, x_steps=12, **ours), conductance) < 1e-5
    assert snapshot(model) == before


def test_gradient_shap_on_a_path_in_the_input_equals_captum_s_for_the_same_draws(model, monkeypatch):
    captum = pytest.importorskip("captum.attr")
    from saliency.core.noise import sample_seeds

    fractions = [np.random.default_rng((one, 1)).random() for one in sample_seeds(4, 6)]
    layer_shap = pytest.importorskip("captum.attr._core.layer.layer_gradient_shap")
    monkeypatch.setattr(layer_shap.np.random, "uniform", lambda *_: np.array(fractions))
    copies, baselines = torch.tensor(X[:1]).repeat(6, 1, 1, 1), torch.tensor(BASELINE)[None].repeat(6, 1, 1, 1)
    method = layer_shap.LayerInputBaselineXGradient(model, model.second)
    theirs = method.attribute(copies.requires_grad_(), baselines, target=2).mean(0)
    mask = GradientSHAP(model, 2, at=OutputOf("second"), path="input").GetMask(X[0], x_baseline=BASELINE, x_steps=6, seed=4)
    assert captum and largest_difference(mask, theirs) < 1e-5


def test_details_measure_completeness(model):
    score = {name: model(torch.tensor(x))[:, 2].detach().numpy() for name, x in (("x", X), ("baseline", BASELINE[None]))}
    for at in ("relu", OutputOf("relu"), "second"):
        for path in ("layer", "input"):
            bound = 1e-5 if at == "second" and path == "layer" else 0.05  # the others cross kinks
            mask = IntegratedGradients(model, 2, at=at, path=path).GetMasks(X, x_baseline=BASELINE, details=True, x_steps=100)
            details = mask.details
            np.testing.assert_allclose(details["score"], score["x"], atol=1e-6)
            np.testing.assert_allclose(details["change"], score["x"] - score["baseline"], atol=1e-6)
            np.testing.assert_allclose(details["gap"], mask.reshape(3, -1).sum(1) - details["change"], atol=1e-6)
            assert np.abs(details["gap"]).max() < bound * np.abs(details["change"]).max()
    mask = IntegratedGradients(model, 2, at="second", tolerance=1e-4).GetMasks(X)
    assert (np.abs(mask.details["gap"]) <= 1e-4 * np.abs(mask.details["change"])).all()


def test_gradient_shap_at_a_layer_has_the_mean_of_integrated_gradients(model):
    baselines = [BASELINE, 0.0]
    expected = IntegratedGradients(model, 2, at="second").GetMasks(X, x_baseline=baselines)
    masks = [GradientSHAP(model, 2, at="second").GetMasks(X, x_baseline=baselines, x_steps=25, seed=i) for i in range(12)]
    error = np.std(masks, axis=0, ddof=1) / np.sqrt(12)
    assert (np.abs(np.mean(masks, axis=0) - expected) <= 6 * error + 1e-6).all()
    noisy = [GradientSHAP(model, 2, at="second", spread=0.1).GetMasks(X, seed=1, x_steps=4), masks[0]]
    assert noisy[0].shape == noisy[1].shape and not np.array_equal(*noisy)
    one = GradientSHAP(model, 2, at="second", spread=0.1, batch_size=2).GetMask(X[1], seed=1, x_steps=4)
    np.testing.assert_allclose(noisy[0][1], one, atol=1e-6)


def test_several_targets_of_an_input_share_its_passes(model):
    together = IntegratedGradients(model, at="second", x_steps=5).GetMasks([X[0]] * 4, range(4))
    alone = [IntegratedGradients(model, y, at="second", x_steps=5).GetMask(X[0]) for y in range(4)]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    smoothed = InputXGradient(model, 2, at="second").GetSmoothedMask(X[0], nsamples=4, seed=0)
    assert smoothed.shape == (4, 7, 7) and smoothed.any()


class Shared(nn.Module):
    """Two calls of one layer, and a path from the input that bypasses it."""

    def __init__(self):
        super().__init__()
        self.shared, self.end = nn.Linear(4, 4), nn.Linear(4, 2)

    def after(self, h, x):
        return self.end(self.shared(h).tanh() * x)

    def forward(self, x):
        return self.after(self.shared(x).tanh(), x)


def test_the_last_call_is_replaced_and_other_paths_keep_the_input():
    torch.manual_seed(0)
    model, x = Shared().eval(), torch.tensor(RNG.normal(size=(2, 4)).astype(np.float32))
    nodes, weights = np.polynomial.legendre.leggauss(5)
    with torch.no_grad():
        end, start = model.shared(x).tanh(), model.shared(torch.zeros(4)).tanh()
    expected = 0.0
    for node, weight in zip(nodes / 2 + 0.5, weights / 2, strict=True):
        h = (start + float(node) * (end - start)).requires_grad_()
        (gradient,) = torch.autograd.grad(model.after(h, x)[:, 1].sum(), h)
        expected = expected + weight * gradient * (end - start)
    mask = IntegratedGradients(model, 1, at="shared", x_steps=5).GetMasks(x)
    np.testing.assert_allclose(mask, expected, atol=1e-6)


def test_a_linear_rest_gives_the_difference_of_the_values_times_the_weights():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)).eval()
    words = FunctionModule(lambda x: model(x.long()))
    words.inner = model
    mask = IntegratedGradients(words, 1, at=OutputOf("inner.0"), x_steps=3).GetMask(np.array([4.0, 2.0]))
    table, weights = model[0].weight.detach(), model[2].weight[1].detach().reshape(2, 3)
    np.testing.assert_allclose(mask, (table[[4, 2]] - table[[0, 0]]) * weights, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"at": "second", "path": "both"}, InputError, r"`path` \(='both'\) must be \"layer\" or \"input\""),
        ({"at": "second", "path": "input", "tolerance": 0.1}, InputError, r"`tolerance` \(=0.1\) has no gap"),
        ({"at": "second", "path": "input", "details": True, "multiply_by_inputs": False}, InputError, r"`details` \(=True\)"),
        ({"at": "third"}, TargetError, r"`at` \(='third'\) must be one of the model's 6 layers; nearest:"),
        ({"at": "second", "multiply_by_inputs": "no"}, InputError, r"`multiply_by_inputs` \(='no'\) must be True or False"),
    ],
)
def test_errors(model, options, error, message):
    before = snapshot(model)
    with pytest.raises(error, match=message):
        IntegratedGradients(model, 1).GetMasks(X, **options)
    assert snapshot(model) == before
