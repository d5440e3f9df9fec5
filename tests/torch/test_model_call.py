"""Torch models with several arguments or dictionaries as inputs, and with several outputs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import saliency  # noqa: E402
from saliency.core.errors import ForwardError, InputError  # noqa: E402

X = np.random.default_rng(0).normal(size=(3, 9, 9))
MASK = {"scale": np.float32([2.0])}


class Net(torch.nn.Module):
    """A classifier whose picture is its second argument."""

    def __init__(self, softmax=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head, self.softmax = torch.nn.Conv2d(3, 4, 3, 2), torch.nn.Linear(4, 5), softmax

    def forward(self, scale=None, pixel_values=None):
        features = torch.relu(self.conv(pixel_values))
        logits = self.head(features.mean((2, 3))) * (1 if scale is None else scale)
        return {"features": features, "logits": logits.softmax(-1) if self.softmax else logits}


class First(torch.nn.Module):
    """The same classifier, with the picture as its only argument and a single output."""

    def __init__(self, net, factor=1.0):
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x):
        return self.net(None if self.factor == 1 else self.factor, x)["logits"]


class OfDictionary(torch.nn.Module):
    """The same classifier, which accepts a dictionary."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, batch):
        return self.net(batch["scale"], batch["image"])


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.LayerCAM, saliency.IntegratedGradients, saliency.Occlusion])
@pytest.mark.parametrize("softmax", [False, True])
def test_the_explained_argument_is_named(method, softmax):
    net = Net(softmax)
    options = {"size": 3} if method is saliency.Occlusion else {}
    expected = method(First(net), 1).GetMask(X, **options)
    for chosen in ("pixel_values", 1):
        mask = method(saliency.wrap(net, input=chosen), 1).GetMask(X, **options)
        np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)
        assert mask.details["output"] == "logits"


def test_the_other_arguments_are_passed_by_name():
    net = Net()
    expected = saliency.Vanilla(First(net, 2.0), 3).GetMask(X)
    for model in (saliency.wrap(net, input="pixel_values"), saliency.wrap(OfDictionary(net), input="image")):
        np.testing.assert_allclose(saliency.Vanilla(model, 3).GetMask(X, MASK), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_models_name_their_arguments():
    class Two(torch.nn.Module):
        def forward(self, scale: torch.Tensor, image: torch.Tensor):
            return image.mean((2, 3)) * scale

    model = saliency.wrap(torch.jit.script(Two()), input="image")
    np.testing.assert_allclose(saliency.Vanilla(model, 1).GetMask(X, MASK)[1], 2 / 81, rtol=1e-5)


def test_a_chosen_output_is_the_one_that_a_function_reads():
    net = saliency.wrap(Net(), input="pixel_values", output="logits")
    expected = saliency.Vanilla(net, 3).GetMask(X)
    np.testing.assert_array_equal(saliency.Vanilla(net, lambda logits: logits[:, 3]).GetMask(X), expected)


def test_unknown_arguments():
    for chosen in (7, -1, "pixel_value_", "", 1.5):
        with pytest.raises(InputError, match="'scale', 'pixel_values'"):
            saliency.wrap(Net(), input=chosen)
    for chosen in ((X, 1), ("pixel_values", 1), ()):
        with pytest.raises(InputError, match=r"`input` \(=.*\) must hold names of inputs"):
            saliency.wrap(Net(), input=chosen)
    with pytest.raises(ForwardError, match=r"`input` \(='imag'\) is not an argument.*\(batch\).*dictionary with this key"):
        saliency.Vanilla(saliency.wrap(OfDictionary(Net()), input="imag"), 3).GetMask(X, MASK)
