"""Forward passes of inputs with a window covered, from what the clean inputs' pass gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils._pytree import tree_map

from saliency.core.target import Target
from saliency.torch.forward import Forward
from saliency.torch.incremental.boxes import Boxes
from saliency.torch.incremental.cost import Counting
from saliency.torch.incremental.patch import Patch, cut
from saliency.torch.incremental.step import Tape
from saliency.torch.incremental.tensor import Passing, Windowed, dense
from saliency.torch.model_state import untouched
from saliency.torch.out_of_memory import shortages


class CoveredForward:
    """See ``core.adapter.Covered``.

    Args:
        forward: of the model.
        x: the clean inputs, (N, channels, rows, columns), in the model's own type.
        cover: what covers them, as ``x``.
        size: rows and columns of a window.
        target: says what the outputs are.
    """

    def __init__(self, forward: Forward, x: torch.Tensor, cover: torch.Tensor, size: tuple[int, ...], target: Target) -> None:
        self._forward, self._size, self._target = forward, size, target
        self._clean = x.contiguous(memory_format=torch.channels_last)
        self._cover = cover.contiguous(memory_format=torch.channels_last)
        self._tape = Tape()
        self.saved_fraction = 0.0

    def outputs(self, rows: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], feed: Mapping[str, Any]) -> Any:
        with shortages(self._clean), untouched(self._forward.model, self._clean.device, grad=False):
            which = torch.from_numpy(rows).to(self._clean.device)
            boxes = Boxes(corners, self._size, tuple(self._clean.shape[2:]))
            patch = Patch(self._clean, which, boxes, cut(self._cover, which, boxes))
            passing, given = Passing.of(patch, self._tape)
            if self._tape.kept:
                return tree_map(dense, self._forward.plain(given, self._target, feed))
            with Counting(passing.cost, len(rows), Windowed):
                outputs = self._forward.plain(given, self._target, feed)
            self.saved_fraction = passing.cost.saved / passing.cost.plain
            return tree_map(dense, outputs)


def can_be_followed(model: torch.nn.Module, x: torch.Tensor) -> bool:
    """Tell whether inputs are pictures, and nothing but the model's own operators sees what passes.

    Hooks of a user's do, and scripted modules rewrite themselves after what they see. What is saved was measured on
    processors; accelerators may lose more by small operators than they save.
    """
    if x.ndim != 4 or x.device.type != "cpu":
        return False
    modules = list(model.modules())
    hooked = any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    return not hooked and not any(isinstance(module, torch.jit.ScriptModule) for module in modules)
