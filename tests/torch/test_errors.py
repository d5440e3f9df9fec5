"""Errors and warnings about inputs, targets and models."""

import numpy as np
import pytest
import torch

import saliency
from saliency import Vanilla
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.torch.small_network import FunctionModule, SmallNetwork, X, small_network


def test_error_for_a_model_made_under_inference_mode():
    with torch.inference_mode():
        model = small_network()
    with pytest.raises(saliency.ModelError, match=r"`conv.weight` is an inference tensor"):
        Vanilla(model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: Vanilla(m, 0).GetMask(X[0, :1]), r"failed for `x_value` of shape \(1, 8, 8\), 1 at a time: .*3 channels"),
        (lambda m: Vanilla(m, 0).GetMask(X[0, :, :6]), r"failed for `x_value` of shape \(3, 6, 8\)"),
        (lambda m: Vanilla(m, 0).GetMask(X), r"failed for `x_value` of shape \(4, 3, 8, 8\)"),
        (lambda m: Vanilla(m, 0).GetMask(X[0], {"color": [1]}), r"unexpected keyword argument 'color'"),
        (lambda m: Vanilla(m, 5).GetMask(X[0]), r"class or channel 5 is not in the model's output, which has 5 \(0 to 4\)"),
        (lambda m: Vanilla(m, ("conv", 6)).GetMask(X[0]), r"channel 6 is not in layer 'conv', which has 6"),
        (lambda m: Vanilla(m, ("conv", 0, 8, 0)).GetMask(X[0]), r"row 8 is not in layer 'conv', which has 8 \(0 to 7\)"),
        (lambda m: Vanilla(m, ("conv", 0, 0, -1)).GetMask(X[0]), r"column -1 is not in layer 'conv'"),
        (lambda m: Vanilla(m, ("fc", 0, 1, 1)).GetMask(X[0]), r"names a row and a column, but layer 'fc' has the shape \(N, 5\)"),
        (lambda m: Vanilla(m, ("cnov", 0)).GetMask(X[0]), r"`layer` \(='cnov'\) .* nearest: conv"),
        (lambda m: Vanilla(m, (torch.nn.ReLU(), 0)).GetMask(X[0]), r"`layer` \(ReLU\) must be a part of the model"),
        (lambda m: Vanilla(m, lambda out: out.sum()).GetMask(X[0]), r"one number per sample, shape \(1,\); it returned shape \(\)"),
        (lambda m: Vanilla(m, lambda out: 3.0).GetMask(X[0]), r"one number per sample, shape \(1,\); it returned a float"),
        (lambda m: Vanilla(m, lambda out: out[:, 0].detach()).GetMask(X[0]), r"does not depend on the input"),
        (lambda m: Vanilla(m, lambda out: m.fc.weight.sum()[None]).GetMask(X[0]), r"does not depend on `x_value`: no path"),
        (lambda m: Vanilla(m, 0).GetMask(X[0] / 0 * 0), r"`x_value` holds"),
        (lambda m: Vanilla(m, 0).GetMask(torch.full((3, 8, 8), torch.nan)), r"`x_value` .* must hold finite"),
        (lambda m: Vanilla(m, 0).GetMask(torch.zeros(3, 8, 8, dtype=torch.complex64)), r"`x_value` .* finite real numbers"),
        (lambda m: Vanilla(FunctionModule(lambda x: x.sum()), 0).GetMask(X[0]), r"shape \(\) for 1 input\(s\); it must be \(1, ...\)"),
        (lambda m: Vanilla(FunctionModule(lambda x: x.mean((2, 3))[:0]), 0).GetMasks(X), r"shape \(0, 3\) for 4 input"),
        (lambda m: Vanilla(FunctionModule(lambda x: x.mean((2, 3)) + torch.nan), 0).GetMask(X[0]), r"the score is nan"),
        (lambda m: Vanilla(SmallNetwork, 0), r"the class .*SmallNetwork, not an instance of it"),
    ],
)  # fmt: skip
def test_error_messages(call, message):
    with np.errstate(all="ignore"), pytest.raises(saliency.SaliencyError, match=message):
        call(small_network())


def test_error_for_a_layer_called_twice_or_never():
    model = torch.nn.Sequential(shared := torch.nn.Conv2d(3, 3, 1), shared, torch.nn.Flatten())
    with pytest.raises(
        saliency.TargetError, match="called 2 times in one forward pass; a target needs a layer that is called once"
    ):
        Vanilla(model, (shared, 0)).GetMask(X[0])
    model = small_network()
    model.spare = torch.nn.Linear(2, 2)
    with pytest.raises(saliency.TargetError, match="'spare' was not called"):
        Vanilla(model, ("spare", 0)).GetMask(X[0])


def test_a_nan_in_the_gradient_is_an_error():
    x = X[0] * (X[0] > 0)
    with pytest.raises(saliency.GradientError, match="NaN"):
        Vanilla(FunctionModule(lambda x: x.abs().sqrt().mean((2, 3))), 0).GetMask(x)


class OneInputOnly(torch.nn.Module):
    """Its first hidden state is that of one input."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(6, 10, batch_first=True)

    def forward(self, x):
        zero = torch.zeros(1, 1, 10)
        return self.lstm(x, (zero, zero))[0][:, -1]


class MixedTypes(torch.nn.Module):
    """Half-precision convolutions after a parameter in single precision."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Parameter(torch.zeros(4))
        self.conv = torch.nn.Conv2d(3, 4, 3).half()

    def forward(self, x):
        return self.conv(x).float().mean((2, 3)) + self.embedding


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: torch.nn.Sequential(torch.nn.LazyConv2d(4, 3)), r"`0.weight` is lazy .* call the model once on a batch"),
        (lambda: torch.nn.Sequential(torch.nn.LazyBatchNorm2d()), r"`0.weight` is lazy"),
        (lambda: small_network(torch.nn.LazyLinear(2)), r"`head.weight` is lazy"),
        (lambda: small_network().to("meta"), r"`conv.weight` is on the meta device and has no values"),
    ],
)  # fmt: skip
def test_error_for_a_model_without_values(model, message):
    with pytest.raises(saliency.ModelError, match=message):
        Vanilla(model())


def test_lazy_model_that_was_called_once():
    model = torch.nn.Sequential(torch.nn.LazyConv2d(4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(3))
    model(torch.tensor(X))
    assert np.asarray(Vanilla(model, 1).GetMask(X[0])).any()


@pytest.mark.parametrize("method", [saliency.IntegratedGradients, saliency.Occlusion])
def test_a_model_of_one_input_is_evaluated_one_at_a_time(method):
    x = np.random.default_rng(0).normal(size=(12, 6))
    options = {"size": 1} if method is saliency.Occlusion else {}
    first_row = FunctionModule(lambda x: x.mean((2, 3))[:1])
    for model, y, one in ((saliency.wrap(OneInputOnly(), channel_axis=-1), 1, x), (first_row, 0, X[0])):
        with pytest.warns(saliency.BatchWarning, match="batch_size=1"):
            mask = method(model, y).GetMask(one, **options)
        expected = method(model, y, batch_size=1).GetMask(one, **options)
        assert np.asarray(expected).any()
        np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)


def test_error_names_the_batch_size_of_one():
    request = Request(Target.of([0, 0]))
    with pytest.raises(saliency.InputError, match=r"2 at a time: .* one input at a time only, pass batch_size=1"):
        saliency.wrap(OneInputOnly()).outputs(torch.zeros(2, 12, 6), request)
    first_row = saliency.wrap(FunctionModule(lambda x: x.mean((2, 3))[:1]))
    with pytest.raises(saliency.ModelError, match=r"shape \(1, 3\) for 2 input\(s\).*pass batch_size=1"):
        first_row.scores(torch.zeros(2, 3, 8, 8), request)


def test_error_names_the_types_of_the_parameters():
    with pytest.raises(
        saliency.InputError,
        match=r"first parameter \(torch.float32\).*`embedding` is torch.float32, `conv.weight` is torch.float16",
    ):
        Vanilla(MixedTypes(), 1).GetMask(torch.ones(3, 8, 8, dtype=torch.float16))
    with pytest.raises(saliency.InputError) as caught:
        Vanilla(small_network(), 1).GetMask(X[0, :1])
    assert "first parameter" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "method"),
    [
        (lambda z: z.to_sparse(), "to_dense"),
        (lambda z: torch.nested.as_nested_tensor(list(z), layout=torch.jagged), "to_padded_tensor"),
    ],
)
@pytest.mark.parametrize("mask", [Vanilla, saliency.Occlusion, saliency.GradCAM])
def test_error_for_a_sparse_or_nested_output(mask, head, method):
    with pytest.raises(saliency.ModelError, match=f"explaining a class needs a dense one.*{method}"):
        options = {"size": 4} if mask is saliency.Occlusion else {}
        mask(small_network(FunctionModule(head)), 1).GetMask(X[0], **options)
