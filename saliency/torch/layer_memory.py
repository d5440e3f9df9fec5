"""Remember what was found out about a model's layers, for all of its adapters, while its structure stays the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import torch

from saliency.core.layer_axes import LayerAxes
from saliency.core.position_grid import PositionGrid
from saliency.torch.module_tree import child_modules

SETTINGS = {bool, int, float, str, bytes, tuple, type(None)}
"""Types of a module's attributes on which its output may depend, such as a stride."""


@dataclass(frozen=True)
class FoundLayer:
    """The layer that a search found.

    Args:
        module: the layer.
        name: its name in the model.
        is_bottleneck: all paths to earlier layers lead through its positions, and no later layer with positions is on one.
        depends_on_input: a later layer on a path had no gradient at all, which may be different for another input.
    """

    module: "ReferenceType[torch.nn.Module]"
    name: str | None
    is_bottleneck: bool = False
    depends_on_input: bool = False


@dataclass
class LayerMemory:
    """What is known about the layers of a model with one structure.

    Args:
        structure: of the model, see ``model_structure``.
        grids: of the layers, by layer and kind of input.
        found: the layers that searches found, by the kind of input and target.
        axes: of the outputs of layers that targets read, None if they are not known, by the same as the grids.
        attentions: how the weights of attention are arranged, by the kind of input and target.
    """

    structure: "list[tuple[ReferenceType[torch.nn.Module], Any]]"
    grids: dict[Any, PositionGrid | None] = field(default_factory=dict)
    axes: dict[Any, LayerAxes | None] = field(default_factory=dict)
    found: dict[Any, FoundLayer] = field(default_factory=dict)
    attentions: dict[Any, Any] = field(default_factory=dict)

    def is_of(self, model: torch.nn.Module) -> bool:
        """Return whether a model has this structure."""
        modules = list(_modules(model))
        return len(modules) == len(self.structure) and all(
            known() is module and settings == _settings(module)
            for module, (known, settings) in zip(modules, self.structure, strict=True)
        )


_memories: "WeakKeyDictionary[torch.nn.Module, LayerMemory]" = WeakKeyDictionary()


def memory_of(model: torch.nn.Module) -> LayerMemory:
    """Return what is known about a model's layers; nothing if its structure has changed.

    The structure is the modules in order, and their attributes that are numbers, texts or tuples. The caller has set the model
    to eval mode.
    """
    memory = _memories.get(model)
    if memory is None or not memory.is_of(model):
        memory = _memories[model] = LayerMemory([(ref(module), _settings(module)) for module in _modules(model)])
    return memory


def _modules(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield the modules of a model, once per name; ``model.modules()`` takes several times as long."""
    stack = [model]
    while stack:
        module = stack.pop()
        yield module
        stack.extend(child_modules(module))


def _settings(module: torch.nn.Module) -> list[Any]:
    """Return the type of a module, its own ``forward`` if it has one, and its attributes that may change its output."""
    attributes = module.__dict__
    own = [id(attributes["forward"])] if "forward" in attributes else []
    return [type(module), *own, *[one for one in attributes.items() if type(one[1]) in SETTINGS]]
