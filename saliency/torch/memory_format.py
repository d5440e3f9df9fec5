"""Run a model on channels-last images if its convolutions are faster that way."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import repeat
from types import FrameType
from typing import Any, TypeAlias, TypeVar

import torch

from saliency.core.call_value import CallValue
from saliency.core.errors import InputError
from saliency.torch.channels_last_weights import ChannelsLastWeights
from saliency.torch.out_of_memory import is_out_of_memory

T = TypeVar("T")

MAX_WEIGHTS_PER_PIXEL = {False: 100, True: 50}
"""Largest number of weights per pixel of the batch at which channels last pays: without a backward pass, and with one.

A convolution with contiguous weights converts them at every call. Measured on two processors at 224 x 224, with one input and
with six, as a fraction of the time for contiguous images: ResNet-18 (219 weights a pixel) with a backward pass 1.12 and 0.92,
without 1.03 and 0.79; SqueezeNet (11) 0.74 and 0.71, without 0.54 and 0.49. Weights that are converted once for a run save
another 7 % of ResNet-18's time.
"""

MIN_PIXELS = 64 * 64
"""Smallest number of pixels of the batch; smaller batches are fast anyway, and keep the exact numbers of contiguous memory."""


_Contexts: TypeAlias = Mapping[bool, AbstractContextManager[Any]]
"""The context of a pass; for a pass that computes plain gradients, with the key True."""

NO_CONTEXTS: _Contexts = dict.fromkeys((False, True), nullcontext())


def count_pixels(x: torch.Tensor) -> int:
    """Return the number of pixels in a batch (N, channels, height, width)."""
    return len(x) * x.shape[2] * x.shape[3]


def is_large(x: torch.Tensor) -> bool:
    """Return whether a batch (N, channels, height, width) is large enough for a faster algorithm to matter."""
    return count_pixels(x) >= MIN_PIXELS


class MemoryFormat:
    """Run a model on channels-last images if that pays: in single precision, on a CPU.

    The axes keep their order, and the numbers differ by rounding only. A model that requires contiguous memory, as
    ``x.view(len(x), -1)`` does, receives contiguous images from its first failure on.

    Args:
        model: the model with the convolutions.
        channel_axis: of one input.
    """

    def __init__(self, model: torch.nn.Module, channel_axis: int | None) -> None:
        self._model, self._channels_first, self._model_needs_contiguous = model, channel_axis == 0, False
        self._contexts: CallValue[Iterator[_Contexts]] = CallValue()  # those of each pass of a run

    def share_weights(self, run: FrameType) -> Callable[[], None]:
        """Convert weights once for all passes of a run in this thread, except the first pass.

        Args:
            run: the frame of the run.

        Returns:
            A function that drops the copies of the weights.
        """
        return self._contexts.provide(self._contexts.current() or self._contexts_of_passes(), run)

    def _contexts_of_passes(self) -> Iterator[_Contexts]:
        yield NO_CONTEXTS  # a run of one pass converts nothing twice
        weights = ChannelsLastWeights(self._weights_to_convert)
        yield from repeat({False: weights, True: weights.with_batch_norms()})

    def call(
        self, function: Callable[[torch.Tensor], T], x: torch.Tensor, backward: bool = False, plain_gradients: bool = False
    ) -> T:
        """Call a function on a batch in the faster memory format.

        Args:
            function: a computation with the model.
            x: (N, *input).
            backward: whether the computation has a backward pass through the whole network.
            plain_gradients: whether it only computes gradients without a rule, so that nothing depends on the operators.
        """
        if self._model_needs_contiguous or not self._is_faster(x, backward):
            return function(x)
        try:
            with next(self._contexts.current() or repeat(NO_CONTEXTS))[plain_gradients]:
                return function(x.contiguous(memory_format=torch.channels_last))
        except (RuntimeError, InputError) as error:
            if is_out_of_memory(error):
                raise
        result = function(x)  # raises again if the memory format was not the reason
        self._model_needs_contiguous = True
        return result

    def _is_faster(self, x: torch.Tensor, backward: bool) -> bool:
        if not self._channels_first or x.ndim != 4 or x.device.type != "cpu" or not self._has_windows:
            return False
        if any(tensor.dtype != torch.float32 for one in self._convolutions for tensor in _parameters(one)):
            return False
        weights = sum(_count_weights(one) for one in self._convolutions if one.kernel_size != (1, 1))
        return is_large(x) and weights <= MAX_WEIGHTS_PER_PIXEL[backward] * count_pixels(x)

    @cached_property
    def _has_windows(self) -> bool:
        """Return whether a convolution does more than to cut patches, as in a vision transformer, which is slower that way."""
        return any(one.kernel_size == (1, 1) or one.kernel_size != one.stride for one in self._convolutions)

    @property
    def _weights_to_convert(self) -> list[torch.Tensor]:
        """Return the weights whose two memory formats differ.

        Parametrized weights are excluded: reading one computes a new tensor, and in train mode it changes a spectral norm's
        vectors.
        """
        weights = (one._parameters.get("weight") for one in self._convolutions if one.kernel_size != (1, 1))
        return [weight for weight in weights if weight is not None]

    @cached_property
    def _convolutions(self) -> list[torch.nn.Conv2d]:
        mkldnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return [module for module in self._model.modules() if mkldnn and isinstance(module, torch.nn.Conv2d)]


def _parameters(convolution: torch.nn.Conv2d) -> Iterable[torch.Tensor]:
    """Return a convolution's parameters; those of parametrizations are held by modules in it."""
    if convolution._modules:
        return convolution.parameters()
    return [tensor for tensor in convolution._parameters.values() if tensor is not None]


def _count_weights(convolution: torch.nn.Conv2d) -> int:
    """Return a convolution's number of weights, without computing a parametrized weight."""
    weight = convolution._parameters.get("weight")
    if weight is not None:
        return weight.numel()
    return convolution.out_channels * convolution.in_channels // convolution.groups * math.prod(convolution.kernel_size)
