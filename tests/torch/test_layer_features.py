"""A layer's output and the gradient by it equal autograd's, for models of every kind."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import saliency
from saliency import HiResCAM
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.torch.nested_network import (
    METHODS,
    AxesMoved,
    NestedNetwork,
    X,
    assert_features,
    autograd_features,
    compute_features,
    nested_network,
)
from tests.torch.small_network import small_network


@pytest.mark.parametrize("layer", ["stem.0", "stem.1", "stem", "twice", "body.0.1", "body.0", "body.1", "body"])
def test_output_and_gradient_equal_autograd(layer):
    """Also for a layer before an in-place ReLU, one that is called twice, and one that contains others."""
    expected = autograd_features(nested_network(), layer, 2)
    assert_features(compute_features(nested_network(), 2, layer), expected)
    model = nested_network()
    assert_features(compute_features(model, 2, model.get_submodule(layer)), expected)


def test_scores_are_returned():
    model = nested_network()
    scores, _, _ = saliency.wrap(model).features(torch.tensor(X), Request(Target.of([1, 4, [2, 3]]), layer="stem"))
    outputs = model(torch.tensor(X)).detach()
    torch.testing.assert_close(scores, torch.stack([outputs[0, 1], outputs[1, 4], outputs[2, 2] + outputs[2, 3]]))


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.Sigmoid()])
@pytest.mark.parametrize("layer", [None, "twice"])
def test_logit_before_a_softmax(end, layer):
    expected = autograd_features(nested_network(), layer or "body", 2)
    for _ in range(2):
        assert_features(compute_features(nested_network(end), 2, layer), expected)
    assert_features(
        compute_features(nested_network(end), lambda outputs: outputs[:, 2], layer),
        autograd_features(nested_network(end), layer or "body", 2),
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_works_on_its_input_in_place(method):
    class Scaling(NestedNetwork):
        def forward(self, x):
            return super().forward(x.sub_(0.5).mul_(2))

    x = torch.tensor(X)
    expected = method(AxesMoved(nested_network(), 0, 0.5), 2).GetMasks(x)
    for layer in (None, "body"):
        np.testing.assert_allclose(
            method(nested_network(kind=Scaling), 2, layer=layer).GetMasks(x), expected, rtol=1e-4, atol=1e-6
        )
    assert np.array_equal(x, X)


@pytest.mark.parametrize("grad", [torch.no_grad, torch.enable_grad, nullcontext])
def test_a_model_that_sets_the_grad_mode_itself(grad):
    """For example, a frozen backbone without a graph, followed by a head with one."""
    mode = [nullcontext]

    class Frozen(NestedNetwork):
        def forward(self, x):
            with mode[-1]():
                x = self.body(self.twice(self.stem(x)))
            return self.fc(x.relu().mean((2, 3)))

    model = nested_network(kind=Frozen)
    expected = [autograd_features(model, layer, 2) for layer in ("stem", "body")]
    mode.append(grad)
    assert_features(compute_features(model, 2, "stem"), expected[0])
    for layer in (None, "body"):
        assert_features(compute_features(model, 2, layer), expected[1])


def test_a_layer_in_a_checkpoint():
    class Saving(NestedNetwork):
        def forward(self, x):
            return self.fc(checkpoint(lambda x: self.body(self.stem(x)), x, use_reentrant=False).mean((2, 3)))

    model = nested_network(kind=Saving)
    for layer in ("stem", "body"):
        assert_features(compute_features(model, 2, layer), autograd_features(model, layer, 2))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.02), (torch.float16, 0.003)])
def test_half_and_double_precision(dtype, tolerance):
    x = X[:, :, :8, :8]
    expected = autograd_features(small_network(), "relu", 2, x)
    for ours, theirs in zip(compute_features(small_network().to(dtype), 2, x=x), expected, strict=True):
        assert ours.dtype == (np.float64 if dtype == torch.float64 else np.float32)
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()
    expected = HiResCAM(small_network(), 2).GetMasks(x)
    assert np.abs(HiResCAM(small_network().to(dtype), 2).GetMasks(x) - expected).max() <= 3 * tolerance


def test_a_compiled_model():
    expected = autograd_features(nested_network(), "body", 2)
    model = torch.compile(nested_network(), backend="eager")
    for _ in range(2):
        assert_features(compute_features(model, 2), expected)
        assert_features(compute_features(model, 2, "_orig_mod.body"), expected)
        model(torch.tensor(X))  # compiled, from here on


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_an_exported_model_has_its_layers_when_it_is_unflattened():
    exported = torch.export.export(nested_network(), (torch.tensor(X),))
    for kind in (exported, torch.jit.trace(nested_network(), torch.tensor(X))):
        with pytest.raises(saliency.TargetError, match=r"`layer` \(=None\) must be named.*torch.export.unflatten"):
            compute_features(kind, 2)
        with pytest.raises(
            saliency.TargetError, match=r"layer 'body' was not called.*\(exported and traced models call no layers\)"
        ):
            compute_features(kind, 2, "body")
    assert_features(compute_features(torch.export.unflatten(exported), 2), autograd_features(nested_network(), "body", 2))
    with pytest.raises(
        saliency.TargetError, match=r"layer \(RecursiveScriptModule\) cannot be read, because it accepts no hooks"
    ):
        compute_features(torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())), 2, "0")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", [None, "twice"])
def test_many_inputs_and_targets_equal_one_at_a_time(method, layer):
    model, ys = nested_network(), [0, [1, 2], None]
    together = method(model, layer=layer, batch_size=2).GetMasks(X, ys)
    for x, y, mask in zip(X, ys, together, strict=True):
        np.testing.assert_allclose(mask, method(nested_network(), y, layer=layer).GetMask(x), rtol=2e-4, atol=1e-6)
    shared = method(model, layer=layer).GetMasks([X[0]] * 3, ys)
    for y, mask in zip(ys, shared, strict=True):
        np.testing.assert_allclose(mask, method(nested_network(), y, layer=layer).GetMask(X[0]), rtol=2e-4, atol=1e-6)
    assert len({np.asarray(mask).tobytes() for mask in shared}) == 3
