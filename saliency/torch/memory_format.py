"""The order that a network's numbers have in memory: channels last, where its convolutions are faster so."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from itertools import chain, repeat
from typing import TypeVar

import torch

from saliency.core.errors import InputError
from saliency.torch.channels_last_weights import LastWeights
from saliency.torch.out_of_memory import is_shortage

T = TypeVar("T")

WORTH = {False: 100, True: 50}
"""Without a backward pass through the network, and with one: weights for each pixel of the batch, at most.

A convolution whose weights have the usual order copies them at every call. Measured on two processors at 224 x 224, with one
input and with six, against the usual order: ResNet-18 (219 weights a pixel) with a backward pass 1.12 and 0.92, without 1.03
and 0.79; SqueezeNet (11) 0.74 and 0.71, without 0.54 and 0.49. Copies that are kept for a run save another 7 % of ResNet-18's.
"""

LEAST = 64 * 64
"""Pixels of the batch at least: what is smaller is done in no time, and has the very numbers of the usual order."""


def pixels(x: torch.Tensor) -> int:
    """Return how many there are in a batch (N, channels, height, width)."""
    return len(x) * x.shape[2] * x.shape[3]


def is_large(x: torch.Tensor) -> bool:
    """Tell whether a batch (N, channels, height, width) is large enough for another way to be felt."""
    return pixels(x) >= LEAST


class MemoryFormat:
    """Gives a network its pictures channels last where that pays: in single precision, on a processor.

    The axes keep their order and the numbers differ by rounding alone. What asks for the usual order in memory, as
    ``x.view(len(x), -1)`` does, gets it, from then on.

    Args:
        model: whose convolutions count.
        channel_axis: of one input.
    """

    def __init__(self, model: torch.nn.Module, channel_axis: int | None) -> None:
        self._model, self._channels_first, self._refused = model, channel_axis == 0, False
        self._run = threading.local()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Copy weights once for all passes of the block but the first, in this thread; the copies are dropped behind it."""
        outer = getattr(self._run, "passes", None)
        weights = LastWeights(self._copied)
        self._run.passes = outer or chain([nullcontext()], repeat(weights))  # a run of one pass copies nothing twice
        try:
            yield
        finally:
            self._run.passes = outer

    def best(self, call: Callable[[torch.Tensor], T], x: torch.Tensor, backward: bool = False) -> T:
        """Return what ``call`` makes of ``x`` (N, *input) in the best order; ``backward`` if it goes all the way back."""
        if self._refused or not self._pays(x, backward):
            return call(x)
        try:
            with next(getattr(self._run, "passes", None) or repeat(nullcontext())):
                return call(x.contiguous(memory_format=torch.channels_last))
        except (RuntimeError, InputError) as error:
            if is_shortage(error):
                raise
        result = call(x)  # or it raises once more: then it was not for the order
        self._refused = True
        return result

    def _pays(self, x: torch.Tensor, backward: bool) -> bool:
        if not self._channels_first or x.ndim != 4 or x.device.type != "cpu" or not self._convolutions:
            return False
        if any(one.weight.dtype != torch.float32 for one in self._convolutions):
            return False
        return is_large(x) and sum(weight.numel() for weight in self._copied) <= WORTH[backward] * pixels(x)

    @property
    def _copied(self) -> list[torch.Tensor]:
        """Those weights whose two orders in memory differ."""
        return [one.weight for one in self._convolutions if one.kernel_size != (1, 1)]

    @cached_property
    def _convolutions(self) -> list[torch.nn.Conv2d]:
        mkldnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return [module for module in self._model.modules() if mkldnn and isinstance(module, torch.nn.Conv2d)]
