"""Multipliers through normalizations: scales and shifts, of which the statistics of the input count as constants."""

from typing import Any

import torch

from saliency.torch.relevance.recorder import OperatorRecord


def batch_norm_scale(record: OperatorRecord) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the scale and the shift of each channel of a batch norm; None if it computes its statistics from its input."""
    x, weight, bias, *statistics = record.args
    if isinstance(statistics[0], bool) or statistics[2] is True:
        return None
    mean, variance, epsilon = statistics[0].detach(), statistics[1].detach(), statistics[-1]
    scale = (variance + epsilon).rsqrt()
    scale = scale if weight is None else scale * weight.detach()
    shift = -mean * scale if bias is None else torch.addcmul(bias.detach(), mean, scale, value=-1)
    return scale.to(x.dtype), shift.to(x.dtype)


def per_channel(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return values of channels in a shape that broadcasts to (N, channels, ...)."""
    return values.reshape(-1, *[1] * (like.ndim - 2))


def scaled_and_shifted(values: torch.Tensor, scale: torch.Tensor | None, shift: torch.Tensor) -> torch.Tensor:
    """Return values times a scale, None for 1, plus a shift."""
    return values + shift if scale is None else values * scale + shift


def pass_norm(record: OperatorRecord, multipliers: torch.Tensor) -> torch.Tensor:
    """Return the multipliers of the input of a norm that computes its statistics from its input.

    The mean is a linear function of the input, and the standard deviation counts as constant.

    Source:
        Achtibat et al., AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers, arXiv:2402.05602.
    """
    x, weight, axes, shape, centered = _norm_geometry(record)
    epsilon = record.args[-1]
    weighted = (multipliers if weight is None else multipliers * weight).reshape(shape)
    values = x.reshape(shape)
    second_moment = (values - values.mean(axes, keepdim=True) if centered else values).square().mean(axes, keepdim=True)
    scaled = weighted * (second_moment + (torch.finfo(x.dtype).eps if epsilon is None else epsilon)).rsqrt()
    found = scaled - scaled.mean(axes, keepdim=True) if centered else scaled
    return found.reshape(x.shape)


def _norm_geometry(record: OperatorRecord) -> tuple[torch.Tensor, torch.Tensor | None, tuple[int, ...], Any, bool]:
    """Return a norm's input and weight, the axes of its statistics, the input's shape for them, and whether it centers."""
    x = record.args[0].detach()
    if record.name in ("native_layer_norm", "_fused_rms_norm"):
        weight, axes = record.args[2], tuple(range(x.ndim - len(record.args[1]), x.ndim))
        return x, detached(weight), axes, x.shape, record.name == "native_layer_norm"
    weight = detached(record.args[1])
    weight = None if weight is None else per_channel(weight, x)
    if record.name == "native_group_norm":
        return x, weight, (2,), (x.shape[0], record.args[6], -1), True
    return x, weight, (0, *range(2, x.ndim)), x.shape, True


def detached(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """Return a tensor without its graph, or None."""
    return None if tensor is None else tensor.detach()
