"""The values of layers for inputs."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.batch_independence import InteractingSamples, evaluate_checked
from saliency.core.batching import BatchPlan
from saliency.core.errors import InputError, TargetError
from saliency.core.mask_runner import checked_batch_size, default_batch_size
from saliency.core.model_inputs import ModelInputs
from saliency.core.progress import Progress
from saliency.core.shape_hints import add_shape_hints
from saliency.core.types import Array
from saliency.core.validation import boolean
from saliency.core.wrap import wrap


def activations(
    model: Any,
    layer: Any,
    x: Any,
    feed_dict: Mapping[str, Any] | None = None,
    *,
    several: bool = False,
    batch_size: Any = "auto",
) -> Any:
    """Return the output of a layer, or of several layers, for one or several inputs.

    Args:
        model: a model that ``saliency.wrap`` accepts, or its adapter.
        layer: name of a layer, or the layer itself; a path behind the name, such as ``"backbone/0"``, is an entry of the
            output of a layer that returns a dictionary, a dataclass, a tuple or a list. Or a list of layers, which share the
            forward passes.
        x: one input without a batch axis, as for ``GetMask``; with ``several``, an array (N, *input) or a list of N inputs, as
            for ``GetMasks``.
        feed_dict: the model's other inputs by name; arrays have a batch axis only with ``several``.
        several: whether ``x`` holds several inputs.
        batch_size: as for ``SaliencyMask``.

    Returns:
        A NumPy array with the shape and the axis order of the layer's output in the framework, with spatial axes or without:
        such as (channels, rows, columns) in Torch, (rows, columns, channels) in Keras, or (features,). With ``several``, the
        first axis is that of the inputs, (N, ...). For a list of layers, a list of arrays.

    Raises:
        InputError: if an argument is invalid.
        TargetError: if the model has no such layer, it is not called exactly once, or its output is not one array (N, ...).
    """
    adapter, single = wrap(model), not boolean("several", several)
    layers = tuple(layer) if isinstance(layer, list | tuple) else (layer,)
    if not layers or any(one is None for one in layers):
        raise InputError(f"`layer` (={layer!r}) must be a layer, its name, or a list of at least one of them")
    y = layers, _unchanged
    inputs = ModelInputs.single(adapter, x, y, feed_dict) if single else ModelInputs.of(adapter, x, y, None, feed_dict)
    plan = BatchPlan(checked_batch_size(batch_size) or default_batch_size(inputs.x_values[0], adapter), Progress())
    arrays = [one[0] if single else one for one in _evaluate(adapter, inputs, plan)]
    return arrays if isinstance(layer, list | tuple) else arrays[0]


def _unchanged(outputs: Any) -> Any:
    return outputs


def _evaluate(adapter: GradientAdapter, inputs: ModelInputs, plan: BatchPlan) -> list[npt.NDArray[Any]]:
    """Return the arrays (N, ...) of the layers that the inputs' target names."""
    batches: list[list[npt.NDArray[Any]]] = []
    start = 0
    with add_shape_hints(adapter), closing(plan.progress), adapter.run_context():
        while start < len(inputs.ys):
            stop, per_input = inputs.batch(start, plan.size)
            try:
                request, x = inputs.to_device(adapter, slice(start, stop), per_input, False, False, plan)
                arrays = plan.evaluate(partial(_evaluate_part, adapter, x, request, plan), stop - start, 1, adapter.xp)
            except InteractingSamples:
                plan.restart_one_at_a_time()
                continue
            batches.append([adapter.numpy(array) for array in arrays])
            start = stop
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _evaluate_part(
    adapter: GradientAdapter, x: Array, request: Request, plan: BatchPlan, samples: slice, _per_input: int
) -> tuple[Array, ...]:
    part = slice(samples.start, samples.stop)
    request = Request(request.target, request.feed_of(part))
    return evaluate_checked(partial(_layer_outputs, adapter), adapter, x[part], request, plan.independence)


def _layer_outputs(adapter: GradientAdapter, x: Array, request: Request) -> tuple[Array, ...]:
    outputs: tuple[Array, ...] = adapter.outputs(x, request)
    for layer, output in zip(request.target.layers, outputs, strict=True):
        shape = tuple(getattr(output, "shape", ()))
        if shape[:1] != (x.shape[0],):
            raise TargetError(
                f"layer {layer!r} returns the shape {shape} for {x.shape[0]} input(s); its first axis must be that of the "
                f"inputs, ({x.shape[0]}, ...)"
            )
    return outputs
