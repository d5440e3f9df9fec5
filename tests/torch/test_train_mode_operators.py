"""Models that were exported or traced in train mode are refused, with the names of the operators."""

import functools
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import saliency
from saliency.torch.train_mode_operators import train_mode_operators

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Network(nn.Module):
    """Dropouts of several kinds, a batch norm and an attention."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.dropout, self.head = (
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(8),
            nn.Dropout2d(0.5),
            nn.Linear(8, 5),
        )

    def forward(self, x):
        hidden = self.dropout(self.norm(self.conv(x))).flatten(2)
        p = 0.1 if self.training else 0.0
        hidden = functional.scaled_dot_product_attention(hidden, hidden, hidden, dropout_p=p)
        return self.head(functional.dropout(hidden, 0.3, self.training).mean(2))


class StochasticDepth(nn.Module):
    def forward(self, x):
        keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(0.8) if self.training else 1
        return (x * keep).mean((2, 3))


class Recurrent(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.lstm = nn.LSTM(8, 4, 2, dropout=dropout, batch_first=True)

    def forward(self, x):
        return self.lstm(x.mean(1))[0][:, -1]


def exported(model):
    return torch.export.export(model, (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))


def traced(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(model, X, check_trace=False)


@functools.cache
def program(kind, training):
    """Return a new model's program, exported once for all tests: an export takes half a second."""
    return exported(kind().train(training))


CAPTURES = {
    "exported": lambda *model: program(*model).module(),
    "decomposed": lambda *model: program(*model).run_decompositions().module(),
    "unflattened": lambda *model: torch.export.unflatten(program(*model)),
    "a part": lambda *model: nn.Sequential(nn.Identity(), program(*model).module()),
    "traced": lambda kind, training: traced(kind().train(training)),
    "fx": lambda kind, training: torch.fx.symbolic_trace(kind().train(training)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("kind", [Network, StochasticDepth, lambda: Recurrent(0.5)], ids=["network", "depth", "recurrent"])
def test_capture_in_train_mode_is_refused_and_in_eval_mode_accepted(kind, capture):
    if capture == "fx" and kind is not Network:
        pytest.skip("fx keeps the recurrent layer as a module, and cannot trace len(x)")
    saliency.wrap(CAPTURES[capture](kind, False))
    if capture == "decomposed" and kind not in (Network, StochasticDepth):
        return  # Torch decomposes a recurrent layer without its dropout
    with pytest.raises(saliency.ModelError, match=r"train mode: `\w+`.*model.eval\(\)"):
        saliency.wrap(CAPTURES[capture](kind, True))


def test_all_operators_are_named():
    names = {"batch_norm", "feature_dropout", "scaled_dot_product_attention", "dropout"}
    assert set(train_mode_operators(program(Network, True).module())) == names


def test_exported_program_itself():
    with pytest.raises(saliency.ModelError, match="`feature_dropout`"):
        saliency.Vanilla(program(Network, True), 0)


@pytest.mark.filterwarnings("ignore")
def test_train_mode_without_effect_is_accepted():
    harmless = nn.Sequential(nn.Dropout(0.0), nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten())
    assert train_mode_operators(exported(harmless.train()).module()) == []
    assert train_mode_operators(exported(Recurrent(0.0).train()).module()) == []


def test_scripted_model_follows_its_mode():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(Network().train())
    expected = saliency.Vanilla(script, 2).GetMask(X[0])
    np.testing.assert_array_equal(saliency.Vanilla(script, 2).GetMask(X[0]), expected)
    assert train_mode_operators(script) == []


@pytest.mark.filterwarnings("ignore")
def test_train_mode_can_be_accepted():
    adapter = saliency.wrap(exported(nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.Dropout(0.5)).train()), train_mode=True)
    sizes = []
    for seed in range(12):
        torch.manual_seed(seed)
        sizes.append(np.abs(saliency.Vanilla(adapter, 1).GetMask(X[0].numpy())).sum())
    assert {size > 0 for size in sizes} == {True, False}  # the class is dropped in some passes
