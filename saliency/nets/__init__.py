"""Load networks by name, with their layer names, preprocessing and weights."""

import importlib as _importlib
import typing as _typing

from saliency.nets.frameworks import FRAMEWORKS

if _typing.TYPE_CHECKING:
    from saliency.nets.network import Network
    from saliency.nets.registry import load, of_object, unfilled, untrained

__all__ = ["FRAMEWORKS", "Network", "load", "of_object", "unfilled", "untrained"]


def __getattr__(name: str) -> _typing.Any:
    """Import a public name on first use, so that a command's help does not wait for the code that loads networks."""
    if name not in __all__:
        raise AttributeError(f"module 'saliency.nets' has no attribute {name!r}")
    module = "network" if name == "Network" else "registry"
    globals()[name] = getattr(_importlib.import_module(f"saliency.nets.{module}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
