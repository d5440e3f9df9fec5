"""From a model to its adapter; a framework is asked for only when it is already loaded."""

import sys
from importlib import import_module
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.function import FunctionAdapter

ADAPTERS = {"torch": "saliency.torch"}
"""Framework's module -> the module here whose ``adapt(model, **options)`` returns an adapter, or None."""


def wrap(model: Any, **options: Any) -> GradientAdapter:
    """Return the adapter of a model.

    Args:
        model: a ``torch.nn.Module``, a ``torch.export.ExportedProgram``, any other function of a batch (for the methods that
            need no gradient), or an adapter (returned as it is).
        **options: the adapter's own, for example ``saliency.torch.TorchAdapter``'s.

    Raises:
        InputError: if no adapter takes such a model.
    """
    if isinstance(model, GradientAdapter):
        if options:
            raise InputError(f"options ({', '.join(options)}) are for a model; this is an adapter, made already")
        return model
    for framework, home in ADAPTERS.items():
        if framework in sys.modules:
            adapter = import_module(home).adapt(model, **options)
            if isinstance(adapter, GradientAdapter):
                return adapter
    if callable(model) and not isinstance(model, type):
        return FunctionAdapter(model, **options)
    raise InputError(
        f"`model` ({_kind(model)}) must be a torch.nn.Module, an exported Torch program, a function of a batch or an adapter"
    )


def _kind(model: Any) -> str:
    kind = model if isinstance(model, type) else type(model)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}, not an instance of it" if isinstance(model, type) else name
