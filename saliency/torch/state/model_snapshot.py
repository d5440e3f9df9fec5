"""Record what a model's modules hold: parameters, buffers, submodules and all other attributes."""

from collections import deque
from collections.abc import Hashable, Iterable
from itertools import islice
from operator import itemgetter
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
)
from saliency.core.keras.layers import children_of, is_keras, random_state
from saliency.torch.state.dictionary_snapshots import DictionarySnapshots
from saliency.torch.state.hook_snapshot import remove_added_hooks
from saliency.torch.state.inference_tensors import without_inference_tensors
from saliency.torch.state.script_snapshot import ScriptSnapshot
from saliency.torch.state.tensor_snapshot import MAX_COPIED_BYTES, TensorSnapshot
from saliency.torch.state.uncopied_tensors import UncopiedTensors

MAX_DEPTH = 6
"""How many levels of containers and objects inside a module are recorded."""

MAX_ELEMENTS = 1000
"""Largest container whose elements are inspected; of larger ones, only the elements' identities are recorded."""

held_by_module = itemgetter("_parameters", "_buffers", "_modules")
NOT_INSPECTED = list(vars(torch.nn.Module()))  # mainly hooks, which other threads may add and remove

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
        self._copied: list[TensorSnapshot] = []  # and those that were created in inference mode
        self._uncopied: list[torch.Tensor] = []
        self._found: list[dict[Any, Any]] = []  # the dictionaries to record
        self._others: list[Snapshot] = []
        self._hooks: list[dict[Hashable, Any]] = []  # of modules
        self._recorded: dict[int, Any] = {}  # id -> the object, which keeps the id from being used again
        self._classes: dict[int, type] = {}
        self.has_scripts = self.has_inference_tensors = False
        self._add_module(model, MAX_DEPTH)
        for tensor in random_state() if is_keras(model) else ():
            self._add_tensor(tensor, copied=True)
        self._dictionaries, self.uncopied = DictionarySnapshots(self._found), UncopiedTensors(self._uncopied)
        self._earlier_hooks = {id(hooks): frozenset(hooks) for hooks in filter(None, self._hooks)}

    def uncopied_storage(self) -> set[int]:
        """Return the identities of the memory of the tensors whose values were not copied."""
        return self.uncopied.storage_ids().union(each.storage_id for each in self._copied if each.values is None)

    def restore(self) -> bool:
        """Restore everything except the values of tensors that were not copied; return whether anything had changed."""
        changed = [self._dictionaries.restore()]
        changed += [remove_added_hooks(each, self._earlier_hooks.get(id(each), ())) for each in filter(None, self._hooks)]
        changed += [each.restore() for each in (*self._others, *self._copied, self.uncopied)]
        return any(changed)

    def reset_versions(self) -> None:
        """Restore the versions of the tensors too, see ``reset_version``."""
        for each in self._copied:
            each.reset_version()
        self.uncopied.reset_versions()

    def replace_inference_tensors(self) -> None:
        """Replace tensors that were kept under ``torch.inference_mode()`` by copies for a graph, until ``restore``."""
        if self.has_inference_tensors:
            for dictionary, copy in self._dictionaries:
                for key, value in copy.items():
                    dictionary[key] = without_inference_tensors(value)
            for each in self._others:
                if isinstance(each, SequenceSnapshot):
                    each.convert(without_inference_tensors)

    def _add_module(self, module: torch.nn.Module, depth: int) -> None:
        if id(module) in self._recorded:
            return
        self._recorded[id(module)], is_of_torch = module, type(module).__module__.startswith("torch.nn.modules.")
        if not is_of_torch and isinstance(module, torch.jit.ScriptModule):
            self._add_script(module, depth)
            return
        attributes = vars(module)
        hooks, (parameters, buffers, modules) = attributes["_forward_hooks"], held_by_module(attributes)
        self._found += attributes, parameters, buffers, modules
        self._hooks.append(hooks)
        copied = not is_of_torch or bool(hooks or attributes["_forward_pre_hooks"])
        for tensor in (*parameters.values(), *buffers.values()):
            if tensor is not None:
                self._add_tensor(tensor, copied)
        for child in modules.values() if modules else ():
            if isinstance(child, torch.nn.Module):
                self._add_module(child, depth)
        if not is_of_torch:  # the classes of Torch have only bases of Torch, and hold no state
            for child in children_of(module) if is_keras(module) else ():
                self._add(child, module, depth + 1)  # as deep as the modules of Torch
            self._add_classes(type(module), module, depth)
        self._add_all(_inspected(attributes), module, depth)

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
        if id(tensor) in self._recorded or not TensorSnapshot.is_supported(tensor):
            return
        self._recorded[id(tensor)] = tensor
        if tensor.is_inference() or (copied and TensorSnapshot.is_copied(tensor, any_device=self.has_scripts)):
            snapshot = TensorSnapshot(tensor, copied, any_device=self.has_scripts)
            self.has_inference_tensors = self.has_inference_tensors or snapshot.is_inference
            self._copied.append(snapshot)
        else:
            self._uncopied.append(tensor)

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
            self._found.append(value)
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
            self._found.append(vars(value))
            self._add_elements(vars(value).values(), len(vars(value)), owner, depth)
        if hasattr(type(value), "__slots__"):
            slots = SlotsSnapshot(value)
            self._others.append(slots)
            self._add_all(slots.attributes.values(), owner, depth - 1)
        self._add_classes(type(value), owner, depth - 1)

    def _add_elements(self, elements: Iterable[Any], count: int, owner: Any, depth: int) -> None:
        if count <= MAX_ELEMENTS:
            self._add_all(list(elements), owner, depth - 1)


def _inspected(attributes: dict[str, Any]) -> list[Any]:
    """Return the attributes of a module that are not in ``NOT_INSPECTED``, which usually are the first ones."""
    count = len(NOT_INSPECTED)
    if list(islice(attributes, count)) == NOT_INSPECTED:
        return list(islice(attributes.values(), count, None))
    return [attributes[name] for name in attributes.keys() - NOT_INSPECTED]
