"""A user's own network: from the name of a function, or of a file, to a model and its habits."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from saliency.core.errors import InputError, ModelError
from saliency.nets.preparation import Float32, by_transform

FUNCTION = re.compile(r"(?P<home>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")
"""``package.module:function`` or ``file.py:function``."""


@dataclass(frozen=True)
class Habits:
    """What a user's network says of itself; None where it does not.

    Args:
        layers: names of layers -> paths of modules, or tuples of their parts.
        size: (height, width) of its input in pixels.
        preprocess: from an RGB picture to an input.
    """

    layers: Mapping[str, Any] | None = None
    size: tuple[int, int] | None = None
    preprocess: Callable[[Image.Image], Float32] | None = None


def made(name: str) -> Any:
    """Return what a user's function returns.

    Args:
        name: as `FUNCTION` says; the function takes no arguments, and may be a class. Its code runs.

    Raises:
        InputError: if there is no such file, module or function.
        ModelError: if the function, or what is imported for it, raises an error.
    """
    parts = FUNCTION.fullmatch(name)
    if parts is None:
        raise InputError(f"`net` (={name!r}) must be package.module:function or file.py:function")
    is_file = parts["home"].endswith(".py")
    try:
        with _beside(Path(parts["home"])) if is_file else nullcontext():
            module = _from_file(Path(parts["home"])) if is_file else _imported(name, parts["home"])
            function = getattr(module, parts["name"], None)
            if function is None:
                raise InputError(f"`net` (={name!r}): {parts['home']} has no {parts['name']}")
            return function() if inspect.isroutine(function) or inspect.isclass(function) else function
    except (InputError, ModelError):
        raise
    except Exception as error:  # whatever the user's code raises
        raise ModelError(f"`net` (={name!r}) raises {type(error).__name__}: {error}") from error


def split(made: Any) -> tuple[Any, Habits]:
    """Return a model and its habits.

    Args:
        made: a model, or an object whose ``model`` is one; either may have DNNBrain's ``layer2loc``, ``img_size`` (pixels, or
            height and width) and ``test_transform`` (from a picture to (3, height, width)).
    """
    model = made if framework_of(made) else getattr(made, "model", None)
    size, transform = getattr(made, "img_size", None), getattr(made, "test_transform", None)
    preprocess = partial(by_transform, transform=transform) if callable(transform) else None
    if size is None and preprocess is not None:
        shape = preprocess(Image.new("RGB", (256, 256))).shape
        size = shape[:2] if shape[-1] in (1, 3) else shape[1:]
    rows, columns = (size, size) if isinstance(size, int) else tuple(size or (0, 0))
    return model, Habits(getattr(made, "layer2loc", None), (int(rows), int(columns)) if rows else None, preprocess)


def framework_of(model: Any) -> str | None:
    """Return the framework of a model, or None if it is none; a framework that is not loaded can't have made one."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        return "torch"
    kinds = type(model).__mro__
    is_keras = any(kind.__name__ == "Model" and kind.__module__.partition(".")[0] in ("keras", "tf_keras") for kind in kinds)
    return "tf" if is_keras else None


@contextmanager
def _beside(file: Path) -> Iterator[None]:
    """Find the modules that stand beside a file, as when Python runs it."""
    folder = str(file.absolute().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise InputError(f"`net` ({file}) must be a Python file; there is none of this name")
    spec = importlib.util.spec_from_file_location(f"net_{file.stem}", file)
    assert spec is not None and spec.loader is not None  # noqa: S101 - the name ends in .py
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imported(name: str, home: str) -> ModuleType:
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        if error.name is None or not (home + ".").startswith(error.name + "."):
            raise
        raise InputError(f"`net` (={name!r}): there is no module {error.name}; for a file, give file.py:function") from error
