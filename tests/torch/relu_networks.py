"""A small network with replaceable ReLUs, and a reference that applies a rule to each ReLU.

The reference implements each ReLU as an `autograd.Function` with the rule in its backward pass: the papers' definition, by
another mechanism than the library's.
"""

import torch
from torch.nn import functional as F


class ReferenceReLU(torch.autograd.Function):
    rule = "vanilla"
    ceiling = float("inf")

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, ReferenceReLU.ceiling)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        gate = ((x > 0) & (x < ReferenceReLU.ceiling)).to(gradient.dtype)
        if ReferenceReLU.rule == "vanilla":
            return gradient * gate
        if ReferenceReLU.rule == "guided":
            return gradient.clamp(min=0) * gate
        return gradient.clamp(min=0)


class ReluNetwork(torch.nn.Module):
    """Two branches, a skip connection around a ReLU, and five ReLUs in total; `relus` holds them in order."""

    def __init__(self, relus):
        super().__init__()
        self.relus = relus if isinstance(relus, torch.nn.ModuleList) else None
        self.functions = None if self.relus is not None else relus
        generator = torch.Generator().manual_seed(1)
        shapes = {"a": (6, 2, 3, 3), "b": (6, 6, 3, 3), "c": (6, 6, 3, 3), "d": (10, 6 * 49), "e": (10, 10), "f": (4, 10)}
        for name, shape in shapes.items():
            weights = torch.randn(shape, generator=generator) / (torch.tensor(shape[1:]).prod() ** 0.5)
            self.register_parameter(name, torch.nn.Parameter(weights))

    def relu(self, i, x):
        return (self.relus or self.functions)[i](x)

    def forward(self, x):
        h = F.conv2d(x, self.a, padding=1)
        h = self.relu(0, h * 1.0) + 0.5 * h  # the ReLU's input is used again
        left, right = F.conv2d(h, self.b, padding=1), F.conv2d(h, self.c, padding=1)
        h = self.relu(1, left) - self.relu(2, right)
        h = self.relu(3, F.linear(h.flatten(1), self.d))
        return F.linear(self.relu(4, F.linear(h, self.e)), self.f)


def image():
    return torch.randn(3, 2, 7, 7, generator=torch.Generator().manual_seed(2))


def reference_gradient(rule, ceiling=float("inf"), rules=None):
    """Return the gradient of class 2 by the definition; `rules` says for each ReLU whether the rule applies."""
    ReferenceReLU.rule, ReferenceReLU.ceiling = rule, ceiling
    x = image().requires_grad_()

    def relu(i):
        def call(h):
            return ReferenceReLU.apply(h) if rules is None or rules[i] else torch.relu(h).clamp(max=ceiling)

        return call

    (gradient,) = torch.autograd.grad(ReluNetwork([relu(i) for i in range(5)])(x)[:, 2].sum(), x)
    return gradient.numpy()
