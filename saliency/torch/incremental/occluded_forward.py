"""Run a model on inputs with an occluded window, based on the results for the clean inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils._pytree import tree_map

from saliency.core.incremental.box_batch import BoxBatch
from saliency.core.target import Target
from saliency.torch.forward import ForwardRunner
from saliency.torch.incremental.cost import CostCounterMode
from saliency.torch.incremental.incremental_pass import IncrementalPass
from saliency.torch.incremental.operator_cache import OperatorCache
from saliency.torch.incremental.patch import Patch, gather
from saliency.torch.incremental.patch_tensor import PatchTensor, to_full_maps
from saliency.torch.model_state import preserve_model_state
from saliency.torch.module_tree import named_modules
from saliency.torch.out_of_memory import translate_out_of_memory


class OccludedForward:
    """Compute the outputs of occluded inputs incrementally; see ``core.types.OccludedOutputs``.

    Args:
        forward: of the model.
        x: the clean inputs, (N, channels, rows, columns), in the model's own type.
        cover: the values inside a window, with the shape of ``x``.
        size: rows and columns of a window.
        target: the target of the outputs.
    """

    def __init__(
        self, forward: ForwardRunner, x: torch.Tensor, cover: torch.Tensor, size: tuple[int, ...], target: Target
    ) -> None:
        self._forward, self._size, self._target = forward, size, target
        self._clean = x.contiguous(memory_format=torch.channels_last)
        self._cover = cover.contiguous(memory_format=torch.channels_last)
        self._cache = OperatorCache()
        self.saved_fraction = 0.0

    def outputs(self, rows: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], feed: Mapping[str, Any]) -> Any:
        clean, model = self._clean, self._forward.model
        with translate_out_of_memory(clean), preserve_model_state(model, clean.device, grad=False):
            indices = torch.from_numpy(rows).to(clean.device)
            boxes = BoxBatch(corners, self._size, tuple(clean.shape[2:]))
            patch = Patch(clean, indices, boxes, gather(self._cover, indices, boxes))
            forward_pass, x = IncrementalPass.start(patch, self._cache)
            if self._cache.operators:
                return tree_map(to_full_maps, self._forward.run(x, self._target, feed, outputs_only=True))
            with CostCounterMode(forward_pass.cost, len(rows), PatchTensor):
                outputs = self._forward.run(x, self._target, feed)
            self.saved_fraction = forward_pass.cost.saved_fraction
            return tree_map(to_full_maps, outputs)


def supports_incremental(model: torch.nn.Module, x: torch.Tensor) -> bool:
    """Return whether the inputs are images on a CPU, and the model has neither hooks nor scripted modules.

    A user's hooks would receive patch tensors, and scripted modules optimize themselves for the types that they receive. The
    savings were measured on CPUs; accelerators may lose more by small operators than they save.
    """
    if x.ndim != 4 or x.device.type != "cpu":
        return False
    modules = list(named_modules(model).values())
    has_hooks = any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    return not has_hooks and not any(isinstance(module, torch.jit.ScriptModule) for module in modules)
