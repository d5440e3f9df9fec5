"""Load networks of timm, transformers and open_clip by name: ``timm/...``, ``hf/...`` and ``open_clip/...``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError, ModelError, SaliencyError, one_line
from saliency.nets.file_rules import FileRules
from saliency.nets.network import Network
from saliency.nets.prompts import checked_prompts
from saliency.nets.user_networks import FUNCTION_PATTERN

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
"""Suffixes of files in a folder whose sizes are checked before a library reads them."""


@dataclass(frozen=True)
class Library:
    """A library of Torch networks.

    Args:
        package: the package to import.
        extra: the install extra.
        loader: the module whose ``load(name, source, weights, rules, prompts)`` loads a network. The source is a name of the
            library, or a folder; the prompts are None or at least one class.
    """

    package: str
    extra: str
    loader: str


LIBRARIES = {
    "timm": Library("timm", "timm", "saliency.nets.timm_networks"),
    "hf": Library("transformers", "hf", "saliency.nets.hf_networks"),
    "open_clip": Library("open_clip", "open_clip", "saliency.nets.open_clip_networks"),
}
"""What a name begins with -> its library."""


@dataclass(frozen=True)
class LibraryName:
    """The name of a network of a library.

    Args:
        full: the whole name, such as ``timm/resnet18``.
        library: the library.
        source: the name in the library, or a folder.
        is_folder: whether it is a folder.
    """

    full: str
    library: Library
    source: str
    is_folder: bool

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn every error of the library into an ``InputError`` that names the network."""
        try:
            yield
        except (SaliencyError, MemoryError):
            raise
        except Exception as error:  # each library raises different types
            problem = f"cannot be loaded by {self.library.package}: {one_line(error)}"
            raise InputError(f"`net` (={self.full!r}) {problem}") from error


def is_library_name(name: str) -> bool:
    """Return whether a name begins with a library, such as ``timm/``, and is neither a file nor a function in one."""
    is_function = FUNCTION_PATTERN.fullmatch(name) is not None
    return name.partition("/")[0] in LIBRARIES and "/" in name and not is_function and not os.path.isfile(name)


def load(
    name: str, weights: str | Path | None, rules: FileRules, prompts: Any = None, framework: str | None = None
) -> Network:
    """Load a network of a library.

    Args:
        name: a name for which ``is_library_name`` is true.
        weights, rules, prompts, framework: see ``registry.load``. Torch must be installed.

    Raises:
        InputError: if the network, its weights or its preprocessing are missing or do not match.
        ModelError: if the library is not installed.
    """
    parsed = _parse(name, rules)
    classes = None if prompts is None else checked_prompts(prompts)
    if framework not in (None, "torch"):
        raise InputError(f"`framework` (={framework!r}) must be 'torch' for `net` (={name!r})")
    _import_library(parsed)
    network: Network = import_module(parsed.library.loader).load(parsed, weights, rules, classes)
    return network


def _parse(name: str, rules: FileRules) -> LibraryName:
    prefix, _, source = name.partition("/")
    if not source:
        raise InputError(f"`net` (={name!r}) must continue with the name of a network or a folder, such as {prefix}/./folder")
    folder = Path(source).expanduser()
    if not folder.is_dir():
        if source.startswith((".", "/", "~")):
            raise InputError(f"`net` (={name!r}): the folder {folder} does not exist")
        return LibraryName(name, LIBRARIES[prefix], source, False)
    for file in sorted(folder.iterdir()):
        if file.suffix in WEIGHT_SUFFIXES:
            rules.check_size("net", file)
    return LibraryName(name, LIBRARIES[prefix], str(folder), True)


def _import_library(name: LibraryName) -> None:
    package, extra = name.library.package, f"pip install 'saliency-masks[{name.library.extra}]'"
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        problem = "which is not installed" if error.name == package else f"which needs {error.name}"
        raise ModelError(f"`net` (={name.full!r}) needs {package}, {problem}: {extra}") from error
    except (ImportError, RuntimeError) as error:  # such as a torchvision that was built for another Torch
        raise ModelError(f"`net` (={name.full!r}) needs {package}, whose import fails: {one_line(error)}") from error
