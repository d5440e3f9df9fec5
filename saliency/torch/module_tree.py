"""The modules and tensors of a model, including the layers of Keras models on the Torch backend.

Keras registers neither the layers of a functional model as submodules, nor their variables as parameters of these layers.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.modules import module as hooks

from saliency.core.keras.layers import children_of, is_keras, unique_path

Element = TypeVar("Element")

MOST_ATTEMPTS = 100
"""Number of iterations over dictionaries that other threads change at the same time."""


def named_modules(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Return a model's modules by name, the model first, as ``torch.nn.Module.named_modules`` does.

    The layers of a Keras model have their Keras paths, such as ``backbone/conv5``.
    """
    return dict(_walk(model) if "keras" in sys.modules else model.named_modules())


def all_modules(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return a model's modules, the model first; ``named_modules`` takes twice as long."""
    if "keras" in sys.modules:
        return list(named_modules(model).values())
    modules, visited = [model], {model}
    for module in modules:
        for child in module._modules.values() if module._modules else ():
            if child is not None and child not in visited:
                visited.add(child)
                modules.append(child)
    return modules


def child_modules(module: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the modules that a module holds directly."""
    if "keras" in sys.modules and is_keras(module):
        return [child for _, child in _named_children(module)]
    return [child for child in module._modules.values() if child is not None] if module._modules else []


def calls_are_plain(model: torch.nn.Module) -> bool:
    """Return whether a model has neither forward hooks nor scripted modules.

    A user's hooks would receive the tensors of a changed pass, and scripted modules optimize themselves for them.
    """
    if hooks._global_forward_hooks or hooks._global_forward_pre_hooks:
        return False
    modules = all_modules(model)
    return not any(one._forward_hooks or one._forward_pre_hooks or isinstance(one, torch.jit.ScriptModule) for one in modules)


def named_tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Return a model's parameters and buffers by name. Those of a Keras model are its layers' variables."""
    if not is_keras(model):
        yield from _unchanging(lambda: _own_tensors(model))
        return
    for path, module in _walk(model):
        if is_keras(module):
            layer: Any = module
            for variable in chain(layer._trainable_variables, layer._non_trainable_variables):
                yield variable.path, variable.value
        else:
            for name, tensor in chain(module.named_parameters(recurse=False), module.named_buffers(recurse=False)):
                yield f"{path}.{name}", tensor


def first_floating_tensor(model: torch.nn.Module) -> torch.Tensor | None:
    """Return the first parameter or buffer of a floating-point type; None if there is none."""
    if is_keras(model):
        tensors: Iterable[tuple[str, torch.Tensor]] = named_tensors(model)
        return next((tensor for _, tensor in tensors if tensor.is_floating_point()), None)
    for _ in range(MOST_ATTEMPTS):  # as in ``_unchanging``, without its list
        with suppress(RuntimeError):
            return _first_floating(_held_tensors(model))
    return _first_floating(_held_tensors(model))


def _first_floating(tensors: Iterable[torch.Tensor]) -> torch.Tensor | None:
    for tensor in tensors:
        if tensor.is_floating_point():
            return tensor
    return None


def named_weights(adapter: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the parameters and buffers of an adapter's module by name; types that NumPy lacks are yielded as bytes."""
    for name, tensor in named_tensors(adapter.model):
        values = tensor.detach().cpu()
        try:
            yield name, values.numpy()
        except TypeError:  # such as bfloat16
            yield name, values.contiguous().view(torch.uint8).numpy()


def set_weights(adapter: Any, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Change some of the parameters and buffers of an adapter's module."""
    with torch.no_grad():
        for name, tensor in named_tensors(adapter.model):
            if name in weights:
                tensor.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))


def _own_tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return chain(model.named_parameters(), model.named_buffers())


def _held_tensors(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the tensors of ``_own_tensors``, perhaps some of them twice; Torch's own iterators take ten times as long."""
    for held in ("_parameters", "_buffers"):
        modules, visited = [model], set[torch.nn.Module]()
        while modules:
            module = modules.pop()
            if isinstance(module, torch.jit.ScriptModule):  # keeps its tensors elsewhere
                yield from (tensor for _, tensor in _own_tensors(model))
                return
            if module not in visited:
                visited.add(module)
                for tensor in getattr(module, held).values():
                    if tensor is not None:
                        yield tensor
                modules.extend(child for child in reversed(module._modules.values()) if child is not None)


def _unchanging(read: Callable[[], Iterable[Element]]) -> list[Element]:
    """Return what an iteration over a model's dictionaries yields, while another thread's pass may replace their entries."""
    for _ in range(MOST_ATTEMPTS):
        with suppress(RuntimeError):  # Python's, if a dictionary changes during the iteration
            return list(read())
    return list(read())


def floating_types(model: torch.nn.Module) -> set[torch.dtype]:
    """Return the floating-point types of a model's tensors, and those in which Keras layers compute."""
    types = {tensor.dtype for _, tensor in named_tensors(model)}
    computed = {str(getattr(layer, "compute_dtype", None)) for layer in named_modules(model).values() if is_keras(layer)}
    types |= {getattr(torch, name) for name in computed if hasattr(torch, name)}
    return {dtype for dtype in types if dtype.is_floating_point}


def _walk(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    names: set[str] = set()
    visited: set[torch.nn.Module] = set()

    def visit(path: str, module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
        if module in visited:
            return
        visited.add(module)
        path = unique_path(path, names)
        names.add(path)
        yield path, module
        prefix = path and path + ("/" if is_keras(module) else ".")
        for name, child in _named_children(module):
            yield from visit(f"{prefix}{name}", child)

    return visit("", model)


def _named_children(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    if is_keras(module):
        yield from ((layer.name, layer) for layer in children_of(module))
        yield from (each for each in module.named_children() if each[0] != "_torch_params" and not is_keras(each[1]))
    else:
        yield from module.named_children()
