"""Record what a model's modules hold: parameters, buffers, submodules and all other attributes."""

from collections import deque
from collections.abc import Iterable
from functools import cached_property
from operator import is_not
from typing import Any

import numpy as np
import torch

from saliency.core.class_snapshot import ClassSnapshot, stateful_classes
from saliency.core.container_snapshot import (
    ArraySnapshot,
    GeneratorSnapshot,
    SequenceSnapshot,
    SetSnapshot,
    SlotsSnapshot,
    Snapshot,
    may_hold_state,
    restore_mapping,
)
from saliency.core.keras.layers import children_of, is_keras, random_state
from saliency.torch.state.hook_snapshot import HookSnapshot
from saliency.torch.state.script_snapshot import ScriptSnapshot
from saliency.torch.state.tensor_snapshot import MAX_COPIED_BYTES, TensorSnapshot

MAX_DEPTH = 6
"""How many levels of containers and objects inside a module are recorded."""

MAX_ELEMENTS = 1000
"""Largest container whose elements are inspected; of larger ones, only the elements' identities are recorded."""

HELD_BY_MODULE = ("_parameters", "_buffers", "_modules")
NOT_INSPECTED = set(vars(torch.nn.Module()))  # mainly hooks, which other threads may add and remove

NOTHING: dict[Any, Any] = {}
"""The copy of a dictionary without entries."""

IMMUTABLE = {bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size}


class ModelSnapshot:
    """The state of a model at the start of a call.

    The attributes of modules are recorded by identity. So are the elements of lists, dictionaries, sets and deques in them,
    and the attributes of other objects in them and of their classes, except loggers, trainers and the like
    (``OTHER_PACKAGES``).

    Args:
        model: the model.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self.tensors: list[TensorSnapshot] = []
        self._mappings: list[tuple[dict[Any, Any], dict[Any, Any]]] = []  # each with a copy
        self._others: list[Snapshot] = []
        self._hooks: list[HookSnapshot] = []
        self._recorded: dict[int, Any] = {}  # id -> the object, which keeps the id from being used again
        self._classes: dict[int, type] = {}
        self.has_scripts = self.has_inference_tensors = False
        self._add_module(model, MAX_DEPTH)
        for tensor in random_state() if is_keras(model) else ():
            self._add_tensor(tensor, copied=True)

    @cached_property
    def uncopied(self) -> list[TensorSnapshot]:
        """Return the tensors whose values were not copied."""
        return [tensor for tensor in self.tensors if tensor.values is None]

    def restore(self) -> bool:
        """Restore everything except the values of tensors that were not copied; return whether anything had changed."""
        changed = [restore_mapping(mapping, copy) for mapping, copy in self._mappings if mapping or copy]
        changed += [each.restore() for each in self._hooks if each.hooks]
        changed += [each.restore() for each in self._others]
        changed += [each.restore() for each in self.tensors]
        return any(changed)

    def replace_inference_tensors(self) -> None:
        """Replace tensors that were kept under ``torch.inference_mode()`` by copies for a graph, until ``restore``."""
        if self.has_inference_tensors:
            for mapping, copy in self._mappings:
                for key, value in copy.items():
                    mapping[key] = _without_inference_tensors(value)
            for each in self._others:
                if isinstance(each, SequenceSnapshot):
                    each.convert(_without_inference_tensors)

    def _add_module(self, module: torch.nn.Module, depth: int) -> None:
        if id(module) in self._recorded:
            return
        self._recorded[id(module)] = module
        if isinstance(module, torch.jit.ScriptModule):
            self._add_script(module, depth)
            return
        attributes = vars(module)
        self._mappings.append((attributes, attributes.copy()))
        self._hooks.append(HookSnapshot(module))
        copied = not _is_built_in(module)
        for name in HELD_BY_MODULE:
            held = attributes[name]
            if not held:
                self._mappings.append((held, NOTHING))
                continue
            self._mappings.append((held, held.copy()))
            for value in held.values():
                if isinstance(value, torch.nn.Module):
                    self._add_module(value, depth)
                elif value is not None:
                    self._add_tensor(value, copied)
        for child in children_of(module) if is_keras(module) else ():
            self._add(child, module, depth + 1)  # as deep as the modules of Torch
        self._add_all([attributes[name] for name in attributes.keys() - NOT_INSPECTED], module, depth)
        self._add_classes(type(module), module, depth)

    def _add_classes(self, kind: type, owner: Any, depth: int) -> None:
        """Record what all instances of a class and of its bases share."""
        if id(kind) not in self._classes:
            for each in stateful_classes(kind):
                if id(each) not in self._classes:
                    snapshot = ClassSnapshot(each)
                    self._others.append(snapshot)
                    self._add_all(snapshot.attributes.values(), owner, depth)
            self._classes.update((id(each), each) for each in kind.__mro__)

    def _add_script(self, module: torch.jit.ScriptModule, depth: int) -> None:
        self.has_scripts = True
        snapshot = ScriptSnapshot(module)
        self._others.append(snapshot)
        self._add_all(snapshot.values, module, depth)
        for child in module.children():
            self._add_module(child, depth)

    def _add_tensor(self, tensor: torch.Tensor, copied: bool) -> None:
        if id(tensor) not in self._recorded and TensorSnapshot.is_supported(tensor):
            self._recorded[id(tensor)] = tensor
            snapshot = TensorSnapshot(tensor, copied, any_device=self.has_scripts)
            self.has_inference_tensors = self.has_inference_tensors or snapshot.is_inference
            self.tensors.append(snapshot)

    def _add_all(self, values: Iterable[Any], owner: Any, depth: int) -> None:
        for value in values:
            kind = type(value)
            if kind not in IMMUTABLE and not (kind is tuple and IMMUTABLE.issuperset(map(type, value))):
                self._add(value, owner, depth)

    def _add(self, value: Any, owner: Any, depth: int) -> None:
        """Record an object that a module holds, directly or inside others."""
        if id(value) in self._recorded or not depth:
            return
        if isinstance(value, torch.nn.Module):
            self._add_module(value, depth - 1)
            return
        if isinstance(value, torch.Tensor):
            self._add_tensor(value, copied=True)
            return
        self._recorded[id(value)] = value
        if isinstance(value, dict):
            self._mappings.append((value, dict(value)))
            self._add_elements(value.values(), len(value), owner, depth)
        elif isinstance(value, list | deque):
            self._others.append(SequenceSnapshot(value))
            self._add_elements(value, len(value), owner, depth)
        elif isinstance(value, tuple):
            self._add_elements(value, len(value), owner, depth)
        elif isinstance(value, set):
            self._others.append(SetSnapshot(value))
        elif isinstance(value, np.ndarray):
            if value.nbytes <= MAX_COPIED_BYTES:
                self._others.append(ArraySnapshot(value))
        elif isinstance(value, torch.Generator):
            self._others.append(GeneratorSnapshot(value.get_state, value.set_state))
        elif (generator := GeneratorSnapshot.of(value)) is not None:
            self._others.append(generator)
        elif may_hold_state(value):
            self._add_object(value, owner, depth)

    def _add_object(self, value: Any, owner: Any, depth: int) -> None:
        if hasattr(value, "__dict__"):
            self._mappings.append((vars(value), vars(value).copy()))
            self._add_elements(vars(value).values(), len(vars(value)), owner, depth)
        if hasattr(type(value), "__slots__"):
            slots = SlotsSnapshot(value)
            self._others.append(slots)
            self._add_all(slots.attributes.values(), owner, depth - 1)
        self._add_classes(type(value), owner, depth - 1)

    def _add_elements(self, elements: Iterable[Any], count: int, owner: Any, depth: int) -> None:
        if count <= MAX_ELEMENTS:
            self._add_all(list(elements), owner, depth - 1)


def _without_inference_tensors(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone() if value.is_inference() else value
    if isinstance(value, tuple):
        elements = [_without_inference_tensors(each) for each in value]
        if any(map(is_not, elements, value)):
            return type(value)(*elements) if hasattr(value, "_fields") else type(value)(elements)
    return value


def _is_built_in(module: Any) -> bool:
    """Return whether a module is one of Torch's layers, which do not change their own tensors in eval mode."""
    kind = type(module).__module__
    return kind.startswith("torch.nn.modules.") and not (module._forward_hooks or module._forward_pre_hooks)
