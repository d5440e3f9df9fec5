"""Torch's side of the contract."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.core.validation import host_numbers
from saliency.torch.features import Features
from saliency.torch.forward import Forward
from saliency.torch.incremental import CoveredForward, can_be_followed
from saliency.torch.input_gradient import features_and_gradients, gradients_of
from saliency.torch.layer_input import gradients_at
from saliency.torch.memory_format import MemoryFormat
from saliency.torch.model_state import check_servable, untouched
from saliency.torch.out_of_memory import shortages
from saliency.torch.query import ScoreQuery

Tensors: TypeAlias = tuple[torch.Tensor, ...]


class TorchAdapter(GradientAdapter):
    """A ``torch.nn.Module``, on whatever device and in whatever floating type its first parameter is.

    Half-precision models get their input cast at the door: noise, sums and masks are float32. The model runs in eval mode,
    eagerly; train flags, grad modes, parameters' gradients and random generators are as before when a call ends.

    Args:
        model: the module; its ``forward`` takes the input first, the others by name.
        relu_nodes: names of autograd nodes of your own that are ReLUs (``MyReLUBackward`` for a
            ``torch.autograd.Function`` named ``MyReLU``).
        channel_axis: of one input, without its batch axis; None if it has no channels, as (H, W).

    Raises:
        ModelError: if the model's tensors were made under ``torch.inference_mode()``.
    """

    xp = torch

    def __init__(self, model: torch.nn.Module, relu_nodes: Collection[str] = (), channel_axis: int | None = 0) -> None:
        check_servable(model)
        self.model, self.channel_axis = model, channel_axis
        self._relu_nodes = frozenset(relu_nodes)
        self._forward = Forward(model)
        self._features = Features(self._forward)
        self._format = MemoryFormat(model, channel_axis)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._first.device

    @property
    def dtype(self) -> torch.dtype:
        """What inputs, noise and masks are counted in: float32, or float64 if the model is."""
        return _counted_in(self._first)

    @property
    def _first(self) -> torch.Tensor:
        tensors = (t for t in chain(self.model.parameters(), self.model.buffers()) if t.is_floating_point())
        return next(tensors, torch.empty(0))

    def run_context(self) -> AbstractContextManager[None]:
        return self._format.run()

    def asarray(self, value: Any, name: str = "x_value") -> torch.Tensor:
        if not isinstance(value, torch.Tensor):
            numbers = host_numbers(value, name, self.channel_axis)
            value = torch.from_numpy(np.array(numbers, np.float32 if numbers.dtype == np.float32 else np.float64))
        else:
            value = value.to_dense() if value.layout != torch.strided else value
            if value.is_complex() or value.numel() == 0 or not bool(torch.isfinite(value).all()):
                raise InputError(f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only")
        first = self._first
        with torch.inference_mode(False):
            moved: torch.Tensor = value.detach().to(first.device, _counted_in(first))
            return moved.clone() if moved.is_inference() else moved

    def asfeed(self, value: Any, name: str) -> Any:
        if not hasattr(value, "shape") and not isinstance(value, list | tuple):
            return value
        try:
            tensor = torch.as_tensor(value if isinstance(value, torch.Tensor) else np.array(value), device=self.device)
        except (TypeError, ValueError) as error:
            raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array of numbers: {error}") from error
        return tensor.detach().to(self._first.dtype) if tensor.is_floating_point() else tensor

    def numpy(self, array: torch.Tensor) -> npt.NDArray[Any]:
        array = array.detach().to_dense() if array.layout != torch.strided else array.detach()
        host: npt.NDArray[Any] = (array.float() if array.dtype == torch.bfloat16 else array).cpu().numpy()
        return np.ascontiguousarray(host) if host.ndim else host  # the device's may be channels last

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> torch.Tensor:
        device = self.device
        numbers, generator = torch.empty((len(seeds), *shape), device=device, dtype=torch.float32), torch.Generator(device)
        for row, seed in zip(numbers, seeds, strict=True):
            row.normal_(generator=generator.manual_seed(seed))
        return numbers.to(self.dtype)

    def outputs(self, x: torch.Tensor, request: Request) -> Any:
        first = self._first
        with shortages(x), untouched(self.model, first.device, grad=False):
            return self._format.best(lambda x: self._forward.plain(x, request.target, request.feed), x.to(first.dtype))

    def occluded_outputs(
        self, x: torch.Tensor, cover: torch.Tensor, size: Sequence[int], target: Target
    ) -> CoveredForward | None:
        if self.channel_axis != 0 or not can_be_followed(self.model, x):
            return None
        first = self._first
        return CoveredForward(self._forward, x.to(first.dtype), cover.to(first.dtype), tuple(size), target)

    def gradients(self, x: torch.Tensor, request: Request) -> tuple[torch.Tensor, torch.Tensor]:
        query, forward = self._query(request), self._forward
        if request.at is None:
            scores, gradients = self._run(lambda x: gradients_of(forward, query, x), x, grad=True, backward=True)
        else:
            scores, gradients = self._run(lambda x: gradients_at(forward, query(x)), x, grad=False, backward=True)
        return scores, gradients

    def features(self, x: torch.Tensor, request: Request) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        query, evaluate = self._query(request), self._features.evaluate
        scores, output, gradients = self._run(lambda x: evaluate(query(x)), x, grad=False)
        return scores, output, gradients

    def default_layer_name(self, x: torch.Tensor, request: Request) -> str | None:
        return self._features.found_name(self._query(request)(x))

    def features_and_gradients(self, x: torch.Tensor, request: Request) -> tuple[torch.Tensor, ...]:
        compute = partial(features_and_gradients, self._forward, self._features, self._query(request))
        return self._run(compute, x, grad=True, backward=True) or super().features_and_gradients(x, request)

    def _query(self, request: Request) -> Callable[[torch.Tensor], ScoreQuery]:
        dtype = self._first.dtype
        return lambda x: ScoreQuery(x.to(dtype), request, self, self._relu_nodes)

    def _run(self, call: Callable[[torch.Tensor], Tensors], x: torch.Tensor, grad: bool, backward: bool = False) -> Tensors:
        """Return what the model answers about ``x``, counted as masks are; see ``untouched`` and ``MemoryFormat``."""
        first = self._first
        with shortages(x), untouched(self.model, first.device, grad):
            return tuple(one.to(_counted_in(first)) for one in self._format.best(call, x, backward))


def _counted_in(parameter: torch.Tensor) -> torch.dtype:
    return torch.float64 if parameter.dtype == torch.float64 else torch.float32
