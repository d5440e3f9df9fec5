"""Convert what users pass to tensors on a model's device."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from saliency.core.errors import InputError
from saliency.core.validation import host_numbers
from saliency.torch.forked_process import use_one_thread_if_forked
from saliency.torch.model_state import normal_mode


def input_tensor(value: Any, name: str, channel_axis: int | None, parameter: torch.Tensor) -> torch.Tensor:
    """Return an input as a tensor; see ``AdapterContract.asarray``.

    Args:
        value: array, tensor, nested list or PIL image.
        name: the name of the value in an error.
        channel_axis: the axis on which to put the channels of a PIL image.
        parameter: a parameter of the model, on its device and in its type.
    """
    use_one_thread_if_forked()
    if isinstance(value, torch.Tensor):
        value = _checked_tensor(value, name)
    else:
        numbers = host_numbers(value, name, channel_axis, torch.finfo(mask_dtype(parameter)).max)
        value = torch.from_numpy(np.array(numbers, np.float32 if numbers.dtype == np.float32 else np.float64))
    with normal_mode() if torch.is_inference_mode_enabled() else nullcontext():  # a block costs as much as the conversion
        moved: torch.Tensor = value.detach().to(parameter.device, mask_dtype(parameter))
        return moved.clone() if moved.is_inference() else moved


def feed_tensor(value: Any, name: str, parameter: torch.Tensor) -> Any:
    """Return another input of a model as a tensor, and anything that is not an array unchanged."""
    if not hasattr(value, "shape"):
        return value
    try:
        tensor = torch.as_tensor(value if isinstance(value, torch.Tensor) else np.array(value), device=parameter.device)
    except (TypeError, ValueError) as error:
        raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array of numbers: {error}") from error
    return tensor.detach().to(parameter.dtype) if tensor.is_floating_point() else tensor


def mask_dtype(parameter: torch.Tensor) -> torch.dtype:
    """Return the type of inputs, noise and masks: float32, or float64 if the model is in float64."""
    return torch.float64 if parameter.dtype == torch.float64 else torch.float32


def rounding_error(dtypes: Collection[torch.dtype], device: torch.device) -> float:
    """Return the largest relative rounding error of an operation in one of the types on a device."""
    accelerated = 2.0**-11 if device.type == "cuda" and torch.float64 not in dtypes else 0.0  # TF32
    return max([accelerated or 2.0**-24, *(torch.finfo(dtype).eps / 2 for dtype in dtypes)])


def _checked_tensor(value: torch.Tensor, name: str) -> torch.Tensor:
    """Return a tensor as a dense one.

    Raises:
        InputError: if it is complex or empty, or has NaN or infinity.
    """
    if value.is_meta:
        raise InputError(f"`{name}` (shape {tuple(value.shape)}) is on the meta device and has no values")
    value = value.to_dense() if value.layout != torch.strided else value
    if value.is_complex() or value.numel() == 0 or not bool(torch.isfinite(value).all()):
        problem = "it is complex" if value.is_complex() else "it contains NaN or infinity" if value.numel() else "it is empty"
        raise InputError(f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only; {problem}")
    return value


def host_array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """Return a tensor as a NumPy array."""
    tensor = tensor.detach().to_dense() if tensor.layout != torch.strided else tensor.detach()
    host: npt.NDArray[Any] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor.resolve_neg()).cpu().numpy()
    return np.ascontiguousarray(host) if host.ndim else host  # the tensor may be channels last in memory


def normal_rows(shape: tuple[int, ...], seeds: Sequence[int], device: torch.device) -> torch.Tensor:
    """Draw standard normal numbers, (seeds, *shape); each row depends on its seed only."""
    noise, generator = torch.empty((len(seeds), *shape), device=device, dtype=torch.float32), torch.Generator(device)
    for row, seed in zip(noise, seeds, strict=True):
        row.normal_(generator=generator.manual_seed(seed))
    return noise
