"""Check that a model can be differentiated."""

from typing import Any

import torch
from torch.nn.parameter import is_lazy

from saliency.core.errors import ModelError
from saliency.core.keras.layers import is_keras
from saliency.torch.module_tree import named_tensors
from saliency.torch.train_mode_operators import converted_operators, train_mode_operators


def check_model(model: torch.nn.Module, train_mode: bool = False) -> None:
    """Reject a model that cannot be explained as it is.

    Args:
        model: the model.
        train_mode: accept operators in train mode.

    Raises:
        ModelError: if the model was created or loaded under ``torch.inference_mode()``, has lazy layers without weights, or
            was exported or traced in train mode, or optimized for inference, or is on the meta device.
    """
    if is_keras(model) and not getattr(model, "built", True):
        raise ModelError(
            f"the model ({type(model).__name__}) has no weights yet: call it once on a batch of inputs, such as "
            "model(keras.ops.zeros((1, 224, 224, 3))), and then load its weights"
        )
    for name, tensor in named_tensors(model):
        if is_lazy(tensor):
            raise ModelError(
                f"the model's `{name}` is lazy and has no shape yet: call the model once on a batch of inputs, such as "
                "model(torch.zeros(1, 3, 224, 224)), and then load its weights"
            )
        if tensor.is_meta:
            raise ModelError(f"the model's `{name}` is on the meta device and has no values: load the weights first")
        if tensor.is_inference():
            raise ModelError(
                f"the model's `{name}` is an inference tensor, which has no gradients: create or load the model outside "
                "torch.inference_mode(); torch.no_grad() is allowed"
            )
    converted = converted_operators(model)
    if converted:
        raise ModelError(
            f"torch.jit.optimize_for_inference converted the model's operators ({', '.join(converted)}) to a form without "
            "gradients: pass the module as it was before, scripted, traced or frozen"
        )
    operators = [] if train_mode else train_mode_operators(model)
    if operators:
        raise ModelError(
            f"the model was exported or traced in train mode: {', '.join(f'`{name}`' for name in operators)} stays in train "
            "mode at every call, whatever the mode of the module. Call model.eval() before torch.export.export, "
            "torch.jit.trace or torch.fx.symbolic_trace. To accept them, as for Monte Carlo dropout, pass "
            "saliency.wrap(model, train_mode=True)"
        )


def mixed_types_hint(model: torch.nn.Module, x: torch.Tensor) -> str:
    """Return a hint for a failed forward pass of a model with parameters of several floating-point types, or an empty string.

    Args:
        model: the model.
        x: its input.
    """
    names: dict[torch.dtype, str] = {}
    for name, parameter in named_tensors(model):
        if isinstance(parameter, torch.nn.Parameter) and parameter.is_floating_point():
            names.setdefault(parameter.dtype, name)
    if len(names) < 2:
        return ""
    types = ", ".join(f"`{name}` is {dtype}" for dtype, name in names.items())
    return (
        f". The input has the type of the model's first parameter ({x.dtype}), but the parameters differ in type ({types}): "
        "convert the model to one type, or pass a module that casts the input in its forward method"
    )


def check_dense(output: Any) -> None:
    """Check that a model's output, if it is a tensor, is a dense one of real numbers.

    Raises:
        ModelError: if it is sparse, nested or complex.
    """
    if isinstance(output, torch.Tensor) and output.is_complex():
        raise ModelError(
            f"the model's output holds complex numbers ({output.dtype}); a class needs real ones: pass "
            "`y` as a callable that reads a real score from this output, such as its absolute value"
        )
    if is_dense(output):
        return
    kind, method = ("nested", "to_padded_tensor") if output.is_nested else ("sparse", "to_dense")
    raise ModelError(
        f"the model's output is a {kind} tensor; explaining a class needs a dense one (N, classes): pass `y` as a callable "
        f"that reads its score from this output, for instance after {method}"
    )


def is_dense(value: Any) -> bool:
    """Return whether a value is no sparse or nested tensor."""
    return not isinstance(value, torch.Tensor) or (value.layout == torch.strided and not value.is_nested)
