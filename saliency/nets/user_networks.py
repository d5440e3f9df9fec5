"""Call a user's function that returns a network and read the attributes of the result."""

import importlib
import importlib.util
import inspect
import os
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
from saliency.core.wrap import refuse_other_backends
from saliency.nets.preparation import Float32, apply_transform

FUNCTION_PATTERN = re.compile(r"(?P<home>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")
"""Matches ``package.module:function`` and ``file.py:function``."""


@dataclass(frozen=True)
class NetworkAttributes:
    """DNNBrain's attributes of a user's network; None for each that it does not have.

    Args:
        layers: name of a layer -> path of its module, or a tuple of path parts (``layer2loc``).
        size: (height, width) of its input in pixels (``img_size``).
        preprocess: function from an RGB picture to an input (``test_transform``).
    """

    layers: Mapping[str, Any] | None = None
    size: tuple[int, int] | None = None
    preprocess: Callable[[Image.Image], Float32] | None = None


def call_user_function(name: str) -> Any:
    """Import a user's function, call it without arguments and return the result.

    Args:
        name: ``package.module:function`` or ``file.py:function``. A class is also called; any other object is returned.

    Raises:
        InputError: if the file, module or function does not exist.
        ModelError: if the function or its imports raise an error.
    """
    parts = FUNCTION_PATTERN.fullmatch(name)
    if parts is None:
        raise InputError(f"`net` (={name!r}) must be package.module:function or file.py:function")
    is_file = parts["home"].endswith(".py")
    try:
        with _folder_on_sys_path(Path(parts["home"])) if is_file else nullcontext():
            module = _import_file(Path(parts["home"])) if is_file else _import_module(name, parts["home"])
            function = getattr(module, parts["name"], None)
            if function is None:
                raise InputError(f"`net` (={name!r}): {parts['home']} has no function {parts['name']}")
            return function() if inspect.isroutine(function) or inspect.isclass(function) else function
    except (InputError, ModelError):
        raise
    except Exception as error:  # whatever the user's code raises
        raise ModelError(f"`net` (={name!r}) raises {type(error).__name__}: {error}") from error


def read_attributes(network: Any) -> tuple[Any, NetworkAttributes]:
    """Return the model of a user's network and its attributes.

    Args:
        network: a model, or an object with a model as ``model``. It may have DNNBrain's attributes ``layer2loc``,
            ``img_size`` (pixels, or height and width) and ``test_transform`` (from a picture to (3, height, width)).

    Raises:
        ModelError: if it is a Keras model on another backend than TensorFlow.
    """
    model = network if framework_of(network) else getattr(network, "model", None)
    refuse_other_backends(model, supported=("tensorflow",))
    size, transform = getattr(network, "img_size", None), getattr(network, "test_transform", None)
    preprocess = partial(apply_transform, transform=transform) if callable(transform) else None
    if size is None and preprocess is not None:
        shape = preprocess(Image.new("RGB", (256, 256))).shape
        size = shape[:2] if shape[-1] in (1, 3) else shape[1:]
    rows, columns = (size, size) if isinstance(size, int) else tuple(size or (0, 0))
    input_size = (int(rows), int(columns)) if rows else None
    return model, NetworkAttributes(getattr(network, "layer2loc", None), input_size, preprocess)


def framework_of(model: Any) -> str | None:
    """Return the framework of a model, or None if the object is not a model."""
    torch = sys.modules.get("torch")  # a framework that is not imported cannot have created the model
    if torch is not None and isinstance(model, torch.nn.Module):
        return "torch"
    classes = type(model).__mro__
    is_keras = any(one.__name__ == "Model" and one.__module__.partition(".")[0] in ("keras", "tf_keras") for one in classes)
    return "tf" if is_keras else None


@contextmanager
def _folder_on_sys_path(file: Path) -> Iterator[None]:
    """Make the modules in a file's folder importable, as when Python runs the file."""
    folder = str(file.absolute().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _import_file(file: Path) -> ModuleType:
    if not os.path.isfile(file):
        raise InputError(f"`net` ({file}) must be an existing Python file")
    spec = importlib.util.spec_from_file_location(f"net_{file.stem}", file)
    assert spec is not None and spec.loader is not None  # noqa: S101 - the name ends in .py
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _import_module(name: str, home: str) -> ModuleType:
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        if error.name is None or not (home + ".").startswith(error.name + "."):
            raise
        hint = "for a file, give file.py:function"
        raise InputError(f"`net` (={name!r}): the module {error.name} does not exist; {hint}") from error
