"""Which layers of a model have the input's spatial axes, in the order of a forward pass."""

import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Any

import torch

from saliency.torch.logits import Logits
from saliency.torch.partial_graph import hooked
from saliency.torch.spatial_layout import Grid


def spatial_layers(
    model: torch.nn.Module,
    run: Callable[[], Any],
    before: Collection[torch.nn.Module],
    grid: Grid,
    samples: int,
) -> list[torch.nn.Module]:
    """Return the layers whose last output has the input's spatial axes, in the order in which these outputs were made.

    Left out are attention (what has as many rows, columns or channels as the model has tokens) and what comes behind the
    logits.

    Args:
        model: whose parts they are; it is not one of them itself.
        run: runs it once; what it returns is explained by the logits of it, if it comes out of a softmax or sigmoid.
        before: layers at the first of whose calls the list ends.
        grid: tells an output's spatial axes.
        samples: number of inputs.
    """
    calls: dict[torch.nn.Module, tuple[tuple[int, ...], torch.Tensor | None]] = {}  # shape, and logits that it was made of
    ended: list[bool] = []
    thread = threading.get_ident()

    def note(module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread and not ended:
            calls.pop(module, None)
            if isinstance(output, torch.Tensor) and _is_spatial(module, output, grid, samples):
                calls[module] = tuple(output.shape), made_of.behind(output)

    def end(_module: torch.nn.Module, _inputs: Any) -> None:
        ended.append(True)

    with ExitStack() as stack:
        made_of = stack.enter_context(Logits())
        for module in model.modules():
            if module is not model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(hooked(module, note))
        for layer in before:
            stack.enter_context(layer.register_forward_pre_hook(end))
        last = made_of.behind(run())
    attention = _attention(grid, {shape for shape, _ in calls.values()})
    return [
        module
        for module, (shape, source) in calls.items()
        if shape not in attention and (source is None or source is not last)
    ]


def _attention(grid: Grid, shapes: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
    tokens = {shape[1] for shape in shapes if grid.takes_for_tokens(shape)}
    return {shape for shape in shapes if not grid.takes_for_tokens(shape) and tokens & set(shape[1:])}


def _is_spatial(module: torch.nn.Module, output: torch.Tensor, grid: Grid, samples: int) -> bool:
    if grid.of(output, samples) is None:
        return False
    turned = isinstance(module, torch.nn.Flatten) or type(module).__name__.endswith("1d")  # (N, channels, positions)
    return not grid.takes_for_tokens(output.shape) or not (turned or output.shape[2] == 1)
