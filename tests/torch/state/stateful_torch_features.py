"""Modules that use features of Torch with a state of their own: parametrizations, hooks, scripts, observers."""

from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune

Pair = namedtuple("Pair", "hidden cell")


class Parameters(nn.Module):
    """Parameters that a forward pass clips, masks or freezes, and gradients that it computes."""

    def __init__(self):
        super().__init__()
        self.conv, self.embedding = nn.Conv2d(3, 3, 3, padding=1), nn.Embedding(5, 4, max_norm=0.5)
        self.scale, self.frozen = nn.Parameter(torch.full((200, 200), 2.0)), nn.Parameter(torch.ones(1))

    def forward(self, x):
        self.conv.weight.data *= 0.9
        self.conv.bias.data = self.conv.bias.data * 0.5
        self.frozen.requires_grad_(False)
        with torch.no_grad():
            self.scale.clamp_(max=1.5).mul_(0.9)
        with torch.enable_grad():
            (self.scale.sum() * self.conv.bias.sum()).backward()
        return self.conv(x) * self.scale[0, 0] + self.embedding(torch.arange(5)).sum()


class Modes(nn.Module):
    """Flags of submodules, and submodules that are exchanged."""

    def __init__(self):
        super().__init__()
        self.dropout, self.act, self.norm = nn.Dropout(0.5), nn.Tanh(), nn.BatchNorm2d(3)

    def forward(self, x):
        self.dropout.train()
        x = self.act(self.dropout(x))
        self.act = nn.Sigmoid()
        norm = self.norm
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=True)


class OldSpectralNorm(nn.Module):
    """The vectors take a power iteration in each pass, if the flag says so."""

    def __init__(self):
        super().__init__()
        self.conv = nn.utils.spectral_norm(nn.Conv2d(3, 3, 3, padding=1))

    def forward(self, x):
        self.conv.train()
        return self.conv(x)


class Hooked(nn.Module):
    """Hooks that keep an activation as an attribute of their layer, and pruned weights."""

    def __init__(self):
        super().__init__()
        self.conv = prune.l1_unstructured(nn.Conv2d(3, 3, 3, padding=1), "weight", 0.3)
        self.conv.register_forward_hook(lambda module, _inputs, output: setattr(module, "activation", output))

    def forward(self, x):
        return self.conv(x)


class Surrogate(torch.autograd.Function):
    """A step function that counts its backward passes."""

    @staticmethod
    def forward(ctx, x, module):
        ctx.module = module
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        ctx.module.backwards += 1
        ctx.module.grad_norm.add_(grad.norm())
        return grad / (1 + ctx.saved_tensors[0] ** 2), None


class CountsBackward(nn.Module):
    """State that the backward pass changes."""

    def __init__(self):
        super().__init__()
        self.backwards = 0
        self.register_buffer("grad_norm", torch.zeros(()))

    def forward(self, x):
        return Surrogate.apply(x, self)


class Scripted(nn.Module):
    """TorchScript keeps the attributes itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.total + self.last + self.calls
        self.total.add_(1.0)
        self.last = self.last + 1.0
        self.calls += 1
        return x


class Quantization(nn.Module):
    """Observers and a fake quantization, all of which observe in eval mode too."""

    def __init__(self):
        super().__init__()
        ao = torch.ao.quantization
        self.observers = nn.ModuleList(
            [
                ao.MinMaxObserver(),
                ao.MovingAverageMinMaxObserver(),
                ao.PerChannelMinMaxObserver(ch_axis=1),
                ao.HistogramObserver(),
            ]
        )
        self.fake = ao.FakeQuantize(ao.MovingAverageMinMaxObserver)
        self.fused = ao.FusedMovingAvgObsFakeQuantize()

    def forward(self, x):
        for observer in self.observers:
            x = observer(x)
        return self.fused(self.fake(x))


def spectral_norm():
    return parametrizations.spectral_norm(nn.Conv2d(3, 3, 3, padding=1))
