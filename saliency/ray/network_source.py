"""Where workers load a network from: a name, a file or an importable function; never an object of the driver."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saliency import nets
from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.io.checksum import file_checksum
from saliency.nets.catalog import NAMES, find_name, raise_unknown_name
from saliency.nets.library_networks import is_library_name
from saliency.nets.registry import MODEL_SUFFIXES
from saliency.nets.user_networks import FUNCTION_PATTERN
from saliency.ray.worker import gpu_is_assigned


@dataclass(frozen=True)
class NetworkSource:
    """A network that each worker loads for itself.

    Args:
        network: a name or a file that ``saliency.nets.load`` accepts, ``module:function``, ``file.py:function``, or a function
            at the top level of a module, which returns a model or a ``Network``.
        options: options of ``saliency.nets.load``, such as ``weights`` and ``trust``.

    Raises:
        InputError: if it is none of these, such as a model, a lambda, a function inside of another one, or an unknown name.
    """

    network: str | Callable[[], Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.network, str):
            self._check_name(self.network)
            return
        name = getattr(self.network, "__qualname__", None)
        if name is None or not callable(self.network):
            raise InputError(
                f"`network` ({type(self.network).__name__}) must be a name, a file or a function that returns a model: "
                "each worker loads a network of its own"
            )
        if "<" in name:
            raise InputError(
                f"`network` (={name}) exists in this process only: define it at the top level of a module that the workers "
                "can import, and pass it or 'module:function'"
            )
        if self.options:
            raise InputError(f"`network_options` ({', '.join(self.options)}) need a network by name; {name} is a function")

    def _check_name(self, network: str) -> None:
        """Check that a name is known, in the driver, which may have no framework."""
        if self._file_of(network) is None and self.module is None and not is_library_name(network):
            given = self.options.get("framework")
            frameworks = [given] if isinstance(given, str) and given in NAMES else list(NAMES)
            if all(find_name(network, one) is None for one in frameworks):
                raise_unknown_name(network, frameworks[0])

    @staticmethod
    def _file_of(network: str) -> str | None:
        """Return the file that a network is loaded from, or None."""
        function = FUNCTION_PATTERN.fullmatch(network)
        home = function["home"] if function else network
        is_file = home.endswith(".py") if function else Path(home).suffix.lower() in MODEL_SUFFIXES
        return home if is_file else None

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """Absolute path of each file that the workers must be able to read -> its checksum here.

        Raises:
            InputError: if one does not exist here.
        """
        found = []
        if isinstance(self.network, str) and (home := self._file_of(self.network)) is not None:
            found.append(("network", home))
        if self.options.get("weights") is not None:
            found.append(("weights", str(self.options["weights"])))
        for name, file in found:
            if not os.path.isfile(file):
                raise InputError(f"`{name}` ({file}) must be a file, but it does not exist")
        return {str(Path(file).absolute()): file_checksum(Path(file)) for _, file in found}

    @property
    def module(self) -> str | None:
        """The module that the workers must be able to import, if they need one; Ray sends the functions of a script itself."""
        if not isinstance(self.network, str):
            return None if self.network.__module__ == "__main__" else self.network.__module__
        function = FUNCTION_PATTERN.fullmatch(self.network)
        return None if function is None or function["home"].endswith(".py") else function["home"]

    def load(self, device: str | None = None) -> nets.Network:
        """Load the network on a device; None is the GPU of a worker that has one, and otherwise the CPU.

        Raises:
            InputError, ModelError: see ``saliency.nets.load``.
        """
        if isinstance(self.network, str):
            network = nets.load(self.network, **self.options)
        else:
            network = nets.of_object(self.network(), self.network.__qualname__)
        if hasattr(network.model, "to") and hasattr(network.model, "named_modules"):  # TensorFlow uses a GPU by itself
            network.model.to(device or ("cuda" if gpu_is_assigned() else "cpu"))
        elif device is not None:
            raise InputError(f"`device` (={shown(device)}) needs a Torch network; TensorFlow uses the GPUs of the worker")
        return network
