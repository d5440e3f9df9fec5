"""A user's gradient hooks apply at every image size, also where a faster algorithm differentiates the first convolution."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.torch.strided_convolution_gradient import find_strided_convolution


def tripled(gradient):
    return 3 * gradient


class Hooked(nn.Module):
    """Multiplies the gradient by a hook at one of several places."""

    def __init__(self, place):
        super().__init__()
        self.conv, self.norm, self.fc, self.place = nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(3), nn.Linear(8, 5), place
        if place == "module":
            self.conv.register_full_backward_hook(lambda _module, inputs, _outputs: (3 * inputs[0],))
        elif place == "model":
            self.register_full_backward_hook(lambda _module, inputs, _outputs: (3 * inputs[0],))

    def forward(self, x):
        tensors = {"input": x, "normalized": self.norm(x)}
        tensors["output"] = self.conv(tensors["normalized"] if self.place == "normalized" else x)
        if self.place in tensors and tensors[self.place].requires_grad:
            tensors[self.place].register_hook(tripled)
        node = tensors["output"].grad_fn
        if self.place == "node" and node is not None:
            node.register_hook(lambda inputs, _outputs: (tripled(inputs[0]), *inputs[1:]))
        elif self.place == "before the node" and node is not None:
            node.register_prehook(lambda gradients: (tripled(gradients[0]),))
        return self.fc(torch.relu(tensors["output"]).mean((2, 3)))


@pytest.mark.parametrize("place", ["input", "normalized", "output", "node", "before the node", "module", "model"])
@pytest.mark.parametrize("side", [63, 64, 80])
def test_hook_applies(place, side):
    torch.manual_seed(0)
    model, x = Hooked(place).eval(), np.random.default_rng(0).normal(size=(3, side, side)).astype(np.float32)
    leaf = torch.tensor(x)[None].requires_grad_()
    scores = model(leaf)[:, 2]
    if place not in ("model", "node", "before the node") and side >= 64:  # the faster algorithm is in use
        assert find_strided_convolution(scores, leaf) is not None
    expected = torch.autograd.grad(scores.sum(), leaf)[0][0].numpy()
    got = np.asarray(saliency.Vanilla(model, 2).GetMask(x))
    np.testing.assert_allclose(got, expected, atol=1e-5 * abs(expected).max())
    plain = Hooked(None).eval()
    plain.load_state_dict(model.state_dict())
    if place != "normalized":  # whose forward pass is another one
        np.testing.assert_allclose(got, 3 * plain_gradient(plain, x), atol=1e-5 * abs(expected).max())


def plain_gradient(model, x):
    leaf = torch.tensor(x)[None].requires_grad_()
    return torch.autograd.grad(model(leaf)[:, 2].sum(), leaf)[0][0].numpy()
