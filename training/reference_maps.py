"""Reference implementations of saliency methods in plain Torch, independent of the package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]
from torch import Tensor, nn

from saliency.nets.demo_net import DemoNet

Map = NDArray[np.float64]
Method = Callable[[DemoNet, Tensor, int], Map]


def _gradient(net: DemoNet, x: Tensor, digit: int) -> Tensor:
    """Compute the gradient of one digit's summed logit with respect to x (N, 3, 96, 96)."""
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(net(x)[:, digit].sum(), x)[0]


def _sum_channels(values: Tensor) -> Map:
    """Sum |value| over channels: (1, 3, 96, 96) to (96, 96)."""
    return np.asarray(values.abs().sum(dim=(0, 1)), dtype=np.float64)


def vanilla_gradient(net: DemoNet, x: Tensor, digit: int) -> Map:
    """Compute the plain gradient (Simonyan et al., 2013): (96, 96)."""
    return _sum_channels(_gradient(net, x, digit))


def guided_backprop(net: DemoNet, x: Tensor, digit: int) -> Map:
    """Compute guided backpropagation (Springenberg et al., 2014), with negative gradients zeroed at every ReLU: (96, 96)."""

    def clamp_gradient(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.register_hook(lambda gradient: gradient.clamp(min=0))  # type: ignore[no-untyped-call]

    handles = [m.register_forward_hook(clamp_gradient) for m in net.modules() if isinstance(m, nn.ReLU)]
    try:
        return _sum_channels(_gradient(net, x, digit))
    finally:
        for handle in handles:
            handle.remove()


def integrated_gradients(net: DemoNet, x: Tensor, digit: int, steps: int = 50) -> Map:
    """Compute integrated gradients (Sundararajan et al., 2017) by the midpoint rule, from the gray baseline 0: (96, 96)."""
    factors = (torch.arange(steps) + 0.5).div(steps).view(-1, 1, 1, 1)
    return _sum_channels(x * _gradient(net, factors * x, digit).mean(dim=0, keepdim=True))


def occlusion(net: DemoNet, x: Tensor, digit: int, window: int = 15, stride: int = 4) -> Map:
    """Compute occlusion by gray (Zeiler and Fergus, 2014): a pixel's mean drop of the logit over its windows; (96, 96)."""
    starts = range(-(window // 2), x.shape[-1] - window // 2, stride)
    boxes = [(max(r, 0), r + window, max(c, 0), c + window) for r in starts for c in starts]
    occluded = x.repeat(len(boxes), 1, 1, 1).contiguous(memory_format=torch.channels_last)  # (windows, 3, 96, 96)
    for i, (top, bottom, left, right) in enumerate(boxes):
        occluded[i, :, top:bottom, left:right] = 0
    with torch.no_grad():
        logits = torch.cat([net(part)[:, digit] for part in torch.split(occluded, 32)])
        drops = net(x)[0, digit] - logits
    total, count = np.zeros((2, *x.shape[-2:]))
    for drop, (top, bottom, left, right) in zip(drops.tolist(), boxes, strict=True):
        total[top:bottom, left:right] += drop
        count[top:bottom, left:right] += 1
    return np.asarray(total / count)


def grad_cam(net: DemoNet, x: Tensor, digit: int) -> Map:
    """Compute Grad-CAM (Selvaraju et al., 2017) at the last convolution block, resized bilinearly: (96, 96)."""
    features = net.features(x.detach().requires_grad_(True))  # (1, 64, 24, 24)
    score = net.fc1(net.pool3(features).flatten(1))[0, digit]
    weights = torch.autograd.grad(score, features)[0].mean(dim=(2, 3), keepdim=True)  # (1, 64, 1, 1)
    cam = (weights * features).sum(dim=1, keepdim=True).relu()
    resized = nn.functional.interpolate(cam, size=x.shape[-2:], mode="bilinear", align_corners=False)
    return np.asarray(resized.detach()[0, 0], dtype=np.float64)


def sobel_edges(_net: DemoNet, x: Tensor, _digit: int) -> Map:
    """Compute a control map that depends on neither network nor digit: Sobel edges; (96, 96)."""
    picture = np.asarray(x[0], dtype=np.float64)
    return np.asarray(sum(np.hypot(ndimage.sobel(c, 0), ndimage.sobel(c, 1)) for c in picture))


def random_map(_net: DemoNet, x: Tensor, _digit: int) -> Map:
    """Compute a control map of seeded noise; (96, 96)."""
    return np.random.default_rng(int(x.abs().sum() * 1000)).random(tuple(x.shape[-2:]))


METHODS: dict[str, Method] = {
    "vanilla gradient": vanilla_gradient,
    "guided backprop": guided_backprop,
    "integrated gradients": integrated_gradients,
    "occlusion": occlusion,
    "Grad-CAM": grad_cam,
    "control: Sobel edges": sobel_edges,
    "control: random map": random_map,
}
