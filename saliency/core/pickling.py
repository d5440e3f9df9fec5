"""Pickle and copy adapters and masks, with errors that name the part that cannot be pickled."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from inspect import signature
from types import FunctionType
from typing import Any

from saliency.core.errors import InputError, ModelError

CREATE_IN_EACH = "create the model and the mask in each process"

BOUND_TO_A_PROCESS = {
    ("_thread", "lock"): CREATE_IN_EACH,
    ("_thread", "RLock"): CREATE_IN_EACH,
    ("builtins", "generator"): CREATE_IN_EACH,
    ("tensorflow", "Session"): "create the session and the mask in each process",
    ("tensorflow", "InteractiveSession"): "create the session and the mask in each process",
    ("tensorflow", "_UserObject"): "pass the folder of the SavedModel to saliency.wrap instead",
    ("tensorflow", "Function"): "create the function in each process, or pass a Keras model or the folder of a SavedModel",
}
"""Package and name of types whose objects belong to one process, and what to do instead."""

PICKLERS_OF_FUNCTIONS = ("cloudpickle", "dill", "copy")
"""Parts of the names of modules that also pickle, or copy, functions without a name in a module."""


class ByAttributes:
    """An object that is pickled by its attributes. Layers among them, other than Torch's, must be given by name."""

    def __copy__(self) -> Any:
        created = object.__new__(type(self))
        vars(created).update(vars(self))
        return created

    def __getstate__(self) -> dict[str, Any]:
        check_attributes(vars(self))
        for name, value in (part for attribute in vars(self).items() for part in _parts(*attribute)):
            if hasattr(value, "_flatten_layers"):
                raise InputError(
                    f"`{name}` ({type(value).__name__}) is a layer object, of which a pickle or a deep copy contains another "
                    f"layer than the model's: pass the layer's name ({getattr(value, 'name', '')!r})"
                )
        return dict(vars(self))


class ByConstructor:
    """An object that is pickled by the arguments of its constructor; caches, locks and weak references stay behind."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        """Create the object, and keep the arguments."""
        created = super().__new__(cls)
        created._arguments = args, options
        return created

    def __reduce__(self) -> tuple[Any, ...]:
        args, options = self._arguments
        check_attributes(signature(type(self)).bind(*args, **options).arguments)
        names = vars(self).get("class_names")  # set after the construction
        state = () if names is None else ({"class_names": names},)
        return partial(type(self), **options), args, *state


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Refuse values that no pickler, or only another one than ``pickle``, can pickle; those in Torch modules too.

    Raises:
        InputError: if a value is a lambda or a local function and the pickler is ``pickle``.
        ModelError: if a value belongs to one process.
    """
    for name, value in attributes.items():
        for part, held in _parts(name, value):
            _check(part, held)


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    if hasattr(value, "named_modules"):
        for path, module in value.named_modules():
            for attribute, held in vars(module).items():
                yield f"{name}.{path}.{attribute}".replace("..", "."), held
    elif isinstance(value, list | tuple):
        for i, held in enumerate(value):
            yield f"{name}[{i}]", held


def _check(name: str, value: Any) -> None:
    kind = type(value)
    way_on = BOUND_TO_A_PROCESS.get((kind.__module__.partition(".")[0], kind.__name__))
    if way_on is not None:
        raise ModelError(
            f"`{name}` ({kind.__name__}) belongs to this process, so that it cannot be pickled or copied: {way_on}"
        )
    if isinstance(value, FunctionType) and "<" in value.__qualname__ and not _pickler_accepts_functions():
        raise InputError(
            f"`{name}` ({value.__qualname__}) cannot be pickled, because it is not defined at the top level of a module: "
            "define it there, or pickle with cloudpickle (as joblib does)"
        )


def _pickler_accepts_functions() -> bool:
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if any(name in str(frame.f_globals.get("__name__")) for name in PICKLERS_OF_FUNCTIONS):
            return True
        frame = frame.f_back
    return False
