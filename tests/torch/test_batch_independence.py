"""Modules whose samples influence each other are evaluated one at a time; others keep their batches."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import saliency
from tests.torch.small_network import FunctionModule

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 3, 8, 8)).astype(np.float32)


class Changed(nn.Module):
    """A small network behind a change of its batch of images."""

    def __init__(self, change):
        super().__init__()
        torch.manual_seed(0)
        self.change, self.conv, self.fc = change, nn.Conv2d(3, 8, 3), nn.Linear(8 * 36, 4)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(self.change(x))).flatten(1))


class WordsFirst(nn.Module):
    """Attention without `batch_first`: over the samples, in the place of over the words."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.fc = layer, nn.Linear(8, 4)

    def forward(self, x):
        hidden = self.layer(x.flatten(2))
        return self.fc((hidden[0] if isinstance(hidden, tuple) else hidden).mean(1))


def int8(x):
    scale = x.abs().max() / 127
    return x + ((x / scale).round() * scale - x).detach()  # straight-through: it has a gradient


MIXING = {
    "extremes": lambda: Changed(lambda x: (x - x.min()) / (x.max() - x.min())),
    "mean": lambda: Changed(lambda x: x - 0.5 * x.mean(0)),
    "number": lambda: Changed(lambda x: x / len(x)),
    "int8": lambda: Changed(int8),
    "batch statistics": lambda: Changed(lambda x: functional.batch_norm(x, None, None, training=True)),
    "norm without statistics": lambda: Changed(nn.BatchNorm2d(3, track_running_stats=False)),
    "attention": lambda: WordsFirst(nn.TransformerEncoderLayer(8, 2, 16)),
    "recurrence": lambda: WordsFirst(nn.GRU(8, 8)),
}

METHODS = {
    "gradient": lambda model, **o: saliency.Vanilla(model, 1, **o).GetMasks(IMAGES),
    "smoothed": lambda model, **o: saliency.Vanilla(model, 1, **o).GetSmoothedMask(IMAGES[0], seed=0),
    "integrated": lambda model, **o: saliency.IntegratedGradients(model, 1, **o).GetMask(IMAGES[0]),
    "top classes": lambda model, **o: saliency.InputXGradient(model, **o).GetMasks(IMAGES),
    "targets": lambda model, **o: saliency.Vanilla(model, **o).GetMasks([IMAGES[0]] * 2 + [IMAGES[1]] * 2 + [IMAGES[2]] * 2, [0, 1, 2, 3, 0, 1]),
    "rise": lambda model, **o: saliency.RISE(model, 1, **o).GetMask(IMAGES[0], nmasks=20, seed=0),
}  # fmt: skip


def make(kind):
    torch.manual_seed(0)
    model = MIXING[kind]()
    if not isinstance(model, Changed):
        model = nn.Sequential(FunctionModule(lambda x: x.mean(1)), model)
    return model.eval()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", MIXING)
def test_the_numbers_are_those_of_one_at_a_time(kind, method):
    model = make(kind)
    with pytest.warns(saliency.BatchWarning, match="batch_size=1") as caught:
        found = METHODS[method](model)
    assert len(caught) == 1
    np.testing.assert_array_equal(found, METHODS[method](make(kind), batch_size=1))
    METHODS[method](model)  # another warning would be an error


def test_class_activation_maps():
    model = make("mean")
    with pytest.warns(saliency.BatchWarning):
        found = saliency.GradCAM(model, layer="conv").GetMasks(IMAGES)
    np.testing.assert_array_equal(found, [saliency.GradCAM(model, layer="conv").GetMask(one) for one in IMAGES])


def test_a_model_that_accepts_one_input_at_a_time():
    class OneOnly(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(8, 10, batch_first=True), nn.Linear(10, 4)

        def forward(self, x):
            zero = torch.zeros(1, 1, 10)
            return self.fc(self.lstm(x, (zero, zero))[0][:, -1])

    torch.manual_seed(0)
    model, x = OneOnly(), IMAGES[0, 0]
    with pytest.warns(saliency.BatchWarning, match=r"fails for 25 inputs .*hidden.* as with batch_size=1"):
        found = saliency.IntegratedGradients(model, 1).GetMask(x)
    np.testing.assert_array_equal(found, saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x))


def test_a_wrong_input_still_raises_the_model_s_error():
    with pytest.raises(
        saliency.ForwardError if hasattr(saliency, "ForwardError") else saliency.InputError, match="3 at a time"
    ):
        saliency.Vanilla(Changed(nn.Identity()), 1).GetMasks(IMAGES[:, :2])


INDEPENDENT = {
    "plain": lambda: Changed(nn.Identity()),
    "batch norm": lambda: Changed(nn.BatchNorm2d(3)),
    "group norm": lambda: Changed(nn.GroupNorm(3, 3)),
    "own extremes": lambda: Changed(lambda x: x / x.abs().amax((1, 2, 3), keepdim=True)),
    "attention": lambda: WordsFirst(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)),
    "recurrence": lambda: WordsFirst(nn.LSTM(8, 8, batch_first=True)),
    "bfloat16": lambda: Changed(nn.Identity()).bfloat16(),
    "half": lambda: Changed(nn.Identity()).half(),
    "double": lambda: Changed(nn.Identity()).double(),
    "saturated": lambda: Changed(lambda x: 100 * x),
    "large numbers": lambda: Changed(lambda x: x + 1e4),
}


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # of saturated probabilities
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", INDEPENDENT)
def test_independent_samples_are_not_mistaken(kind, seed):
    model = INDEPENDENT[kind]()
    if not isinstance(model, Changed):
        model = nn.Sequential(FunctionModule(lambda x: x.mean(1)), model)
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    for logits in (True, False):
        head = nn.Sequential(model, nn.Softmax(1)).eval()
        saliency.Vanilla(head, 1, logits=logits).GetMasks(IMAGES)
        saliency.IntegratedGradients(nn.Sequential(model, nn.Softmax(1)), 1, logits=logits).GetMask(IMAGES[seed % 3])


def passes_of(run):
    sizes = []
    model = Changed(nn.Identity())
    model.register_forward_pre_hook(lambda _module, args: sizes.append(len(args[0])))
    run(model)
    return sizes


def test_one_input_and_one_pass_cost_nothing():
    assert passes_of(lambda model: saliency.Vanilla(model, 1).GetMask(IMAGES[0])) == [1]


def test_a_check_is_one_pass_of_two_inputs_once_for_a_model():
    def twice(model):
        saliency.Vanilla(model, 1).GetMasks(IMAGES)
        saliency.IntegratedGradients(model, 2).GetMask(IMAGES[0], x_steps=5)

    assert passes_of(twice) == [3, 2, 5]
