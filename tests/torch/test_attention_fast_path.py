"""Padded transformers: the scores that are evaluated and those that are differentiated are of one function."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.torch.process_settings import ProcessSetting

RNG = np.random.default_rng(0)
X, BASELINE = RNG.normal(size=(8, 16)).astype(np.float32), RNG.normal(size=(8, 16)).astype(np.float32)
FEED = {"pad": np.arange(8) > 4}


class PaddedEncoder(nn.Module):
    """Embedded words (N, L, E), of which some are padding; the mean over all positions."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
        self.head = nn.Linear(16, 3)

    def forward(self, x, pad):
        return self.head(self.encoder(x, src_key_padding_mask=pad).mean(1))


class PaddedAttention(nn.Module):
    """A single encoder layer, without the encoder that packs the padded words."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x, pad):
        return self.head(self.encoder(x, src_key_padding_mask=pad).mean(1))


def make(kind):
    torch.manual_seed(0)
    return kind().eval()


def scripted(kind):
    with pytest.warns(DeprecationWarning):
        return torch.jit.script(make(kind))


MODELS = {
    "encoder": lambda: make(PaddedEncoder),
    "layer": lambda: make(PaddedAttention),
    "scripted": lambda: scripted(PaddedEncoder),
}


def score_with_graph(model, x):
    """Return the score of class 1, computed while Torch records a graph."""
    dtype = next(model.parameters()).dtype
    return model(torch.tensor(x, dtype=dtype)[None], torch.tensor(FEED["pad"])[None])[0, 1].item()


@pytest.mark.parametrize("name", MODELS)
def test_evaluation_and_gradient_are_of_one_function(name):
    model = MODELS[name]()
    expected = score_with_graph(model, X)
    adapter = saliency.wrap(model, channel_axis=-1)
    assert float(saliency.Vanilla(adapter, 1).GetMask(X, FEED).details["score"]) == pytest.approx(expected, abs=1e-5)
    assert float(saliency.Occlusion(adapter, 1).GetMask(X, FEED, size=1).details["score"]) == pytest.approx(expected, abs=1e-5)
    change = expected - score_with_graph(model, BASELINE)
    mask = saliency.IntegratedGradients(adapter, 1).GetMask(X, FEED, x_baseline=BASELINE, x_steps=200, details=True)
    assert float(mask.details["change"]) == pytest.approx(change, abs=1e-5)
    assert mask.sum() == pytest.approx(change, abs=5e-3)
    adaptive = saliency.IntegratedGradients(adapter, 1).GetMask(X, FEED, x_baseline=BASELINE, tolerance=0.01)
    assert float(adaptive.details["points"]) <= 31
    assert torch.backends.mha.get_fastpath_enabled()


def test_gradient_against_finite_differences():
    model, direction, step = make(PaddedEncoder).double(), np.random.default_rng(1).normal(size=X.shape), 1e-5
    mask = np.asarray(saliency.Vanilla(saliency.wrap(model, channel_axis=-1), 1).GetMask(X, FEED))
    slope = (score_with_graph(model, X + step * direction) - score_with_graph(model, X - step * direction)) / (2 * step)
    assert (mask * direction).sum() == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("layer", ["encoder.layers.1", "encoder.layers.1.linear1", "encoder.layers.0.linear2"])
def test_gradient_at_a_layer_of_a_padded_encoder(layer):
    model, leaves = make(PaddedEncoder), []

    def replace_input(_module, args):
        leaves.append(args[0].detach().requires_grad_())
        return leaves[-1], *args[1:]

    handle = model.get_submodule(layer).register_forward_pre_hook(replace_input)
    score = model(torch.tensor(X)[None].requires_grad_(), torch.tensor(FEED["pad"])[None])[0, 1]
    handle.remove()
    expected = torch.autograd.grad(score, leaves[0])[0][0].numpy()
    got = np.asarray(saliency.Vanilla(model, 1, at=layer).GetMask(X, FEED))
    np.testing.assert_allclose(got, expected, atol=1e-6 * abs(expected).max(), rtol=1e-4)


def test_target_in_a_layer_of_a_padded_encoder():
    model, layer = make(PaddedEncoder), "encoder.layers.1.linear2"
    mask = saliency.Occlusion(saliency.wrap(model, channel_axis=-1), (layer, lambda hidden: hidden[:, 0, 0]))
    assert np.asarray(mask.GetMask(X, FEED, size=1)).any()


def test_setting_is_restored_after_an_exception():
    model = make(PaddedEncoder)
    with pytest.raises(saliency.InputError):
        saliency.Vanilla(model, 1).GetMask(X[:, :5], FEED)
    assert torch.backends.mha.get_fastpath_enabled()


def test_setting_holds_until_the_last_of_several_threads_has_finished():
    values = {"setting": "theirs"}
    setting = ProcessSetting(lambda: values["setting"], lambda value: values.update(setting=value), "ours")
    inside, finish = threading.Event(), threading.Event()

    def hold():
        with setting.changed():
            inside.set()
            finish.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(KeyboardInterrupt), setting.changed():
        raise KeyboardInterrupt
    assert values["setting"] == "ours"
    finish.set()
    thread.join()
    assert values["setting"] == "theirs"


def test_value_that_the_user_sets_in_the_meantime_stays():
    values = {"setting": "theirs"}
    setting = ProcessSetting(lambda: values["setting"], lambda value: values.update(setting=value), "ours")
    with setting.changed():
        values["setting"] = "new"
    assert values["setting"] == "new"
