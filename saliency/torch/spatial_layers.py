"""Find the layers of a model whose outputs have the input's spatial axes."""

import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Any

import torch

from saliency.torch.layers import forward_hooks
from saliency.torch.pre_softmax_logits import LogitRecorder
from saliency.torch.spatial_layout import SpatialLayout


def find_spatial_layers(
    model: torch.nn.Module,
    run: Callable[[], Any],
    stop_layers: Collection[torch.nn.Module],
    layout: SpatialLayout,
    samples: int,
) -> list[torch.nn.Module]:
    """Return the layers whose last output has the input's spatial axes, in the order of these outputs.

    Attention maps are excluded: outputs with as many rows, columns or channels as the model has tokens. Layers after the
    logits are excluded, too.

    Args:
        model: the model; it does not count as a layer itself.
        run: runs the model once and returns an output; if a softmax or sigmoid made it, its logits are the score's.
        stop_layers: the first call of one of these layers ends the list.
        layout: locates an output's spatial axes.
        samples: number of inputs.
    """
    calls: dict[torch.nn.Module, tuple[tuple[int, ...], torch.Tensor | None]] = {}  # shape, and logits if any
    stopped: list[bool] = []
    thread = threading.get_ident()

    def record(module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread and not stopped:
            calls.pop(module, None)
            if isinstance(output, torch.Tensor) and _is_spatial(module, output, layout, samples):
                calls[module] = tuple(output.shape), recorder.source_of(output)

    def stop(_module: torch.nn.Module, _inputs: Any) -> None:
        stopped.append(True)

    with ExitStack() as stack:
        recorder = stack.enter_context(LogitRecorder())
        for module in model.modules():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(forward_hooks(module, record))
        for layer in stop_layers:
            stack.enter_context(layer.register_forward_pre_hook(stop))
        logits = recorder.source_of(run())
    attention = _attention_shapes(layout, {shape for shape, _ in calls.values()})
    return [
        module
        for module, (shape, source) in calls.items()
        if shape not in attention and (source is None or source is not logits)
    ]


def _attention_shapes(layout: SpatialLayout, shapes: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
    tokens = {shape[1] for shape in shapes if layout.is_token_shape(shape)}
    return {shape for shape in shapes if not layout.is_token_shape(shape) and tokens & set(shape[1:])}


def _is_spatial(module: torch.nn.Module, output: torch.Tensor, layout: SpatialLayout, samples: int) -> bool:
    if layout.arrange(output, samples) is None:
        return False
    is_1d = isinstance(module, torch.nn.Flatten) or type(module).__name__.endswith("1d")  # (N, channels, positions)
    return not layout.is_token_shape(output.shape) or not (is_1d or output.shape[2] == 1)
