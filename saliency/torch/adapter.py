"""Torch's side of the contract."""

import threading
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from saliency.core.adapter import GradientAdapter, Rule
from saliency.core.errors import GradientError, InputError, LogitWarning, ModelError
from saliency.core.numbers import host_numbers
from saliency.core.target import Target
from saliency.torch.forward import forward
from saliency.torch.guard import check_servable, untouched
from saliency.torch.in_place import InPlaceOnViews
from saliency.torch.logits import HIDDEN, ending
from saliency.torch.rules import apply_rule, opaque_nodes


class TorchAdapter(GradientAdapter):
    """A ``torch.nn.Module``, on whatever device and in whatever floating type its first parameter is.

    Half-precision models get their input cast at the door: noise, sums and masks are float32. The model runs in eval mode,
    eagerly; train flags, grad modes, parameters' gradients and random generators are as before when a call ends.

    Args:
        model: the module; its ``forward`` takes the input first, the others by name.
        relu_nodes: names of autograd nodes of your own that are ReLUs (``MyReLUBackward`` for a
            ``torch.autograd.Function`` named ``MyReLU``).

    Raises:
        ModelError: if the model's tensors were made under ``torch.inference_mode()``.
    """

    xp = torch
    channel_axis = 0

    def __init__(self, model: torch.nn.Module, relu_nodes: Collection[str] = ()) -> None:
        check_servable(model)
        self.model = model
        self._relu_nodes = frozenset(relu_nodes)
        self._squashed = threading.local()  # a guess that saves a forward pass: did the last output end in a softmax?

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._first.device

    @property
    def dtype(self) -> torch.dtype:
        """What inputs, noise and masks are counted in: float32, or float64 if the model is."""
        return torch.float64 if self._first.dtype == torch.float64 else torch.float32

    @property
    def _first(self) -> torch.Tensor:
        tensors = (t for t in chain(self.model.parameters(), self.model.buffers()) if t.is_floating_point())
        return next(tensors, torch.empty(0))

    def asarray(self, value: Any, name: str = "x_value") -> torch.Tensor:
        if not isinstance(value, torch.Tensor):
            value = torch.from_numpy(np.array(host_numbers(value, name, self.channel_axis), dtype=np.float64))
        else:
            value = value.to_dense() if value.layout != torch.strided else value
            if value.is_complex() or value.numel() == 0 or not bool(torch.isfinite(value).all()):
                raise InputError(f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only")
        with torch.inference_mode(False):
            moved: torch.Tensor = value.detach().to(self.device, self.dtype)
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
        array = array.detach()
        host: npt.NDArray[Any] = (array.float() if array.dtype == torch.bfloat16 else array).cpu().numpy()
        return host

    def normal(self, shape: tuple[int, ...], seeds: Sequence[int]) -> torch.Tensor:
        device = self.device
        numbers, generator = torch.empty((len(seeds), *shape), device=device, dtype=torch.float32), torch.Generator(device)
        for row, seed in zip(numbers, seeds, strict=True):
            row.normal_(generator=generator.manual_seed(seed))
        return numbers.to(self.dtype)

    def outputs(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        with untouched(self.model, self.device, grad=False):
            return forward(self.model, x.to(self._first.dtype, copy=True), target, feed, tap=target.logits)

    def gradients(
        self,
        x: torch.Tensor,
        target: Target,
        feed: Mapping[str, Any],
        rule: Rule | None = None,
        allow_no_relu: bool = False,
    ) -> torch.Tensor:
        with untouched(self.model, self.device, grad=True), ExitStack() as stack:
            leaf = (x.clone() if x.is_inference() else x.detach()).requires_grad_()
            if rule is not None:
                stack.enter_context(InPlaceOnViews())
            outputs = self._with_graph(leaf.to(self._first.dtype), target, feed)
            score = target.scores(outputs, len(leaf), self).sum()
            if not bool(torch.isfinite(score)):
                raise GradientError(f"the score is {score.item()}; it must be finite")
            if not score.requires_grad:
                raise GradientError("the score does not depend on the input: it was detached, or is a constant")
            if rule is not None:
                apply_rule(score, leaf, rule, self._relu_nodes, opaque_nodes(self.model), allow_no_relu)
            return self._differentiate(score, leaf)

    def _with_graph(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        wanted = target.logits and target.layer is None
        tap = wanted and getattr(self._squashed, "last", False)
        outputs = forward(self.model, x, target, feed, tap)
        end = ending(outputs) if wanted and not tap else None
        if end == "hidden":
            warnings.warn(HIDDEN, LogitWarning, stacklevel=10)
        elif end == "squashed":
            self._squashed.last = True
            outputs = forward(self.model, x, target, feed, tap=True)
        return outputs

    def _differentiate(self, score: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
        try:
            (gradient,) = torch.autograd.grad(score, leaf, allow_unused=True)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise ModelError(f"Torch can't differentiate this model: {str(error).splitlines()[0]}") from error
        if gradient is None:
            raise GradientError("the score does not depend on the input: no path leads from it to `x_value`")
        return gradient
