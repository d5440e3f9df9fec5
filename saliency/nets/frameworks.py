"""The frameworks of networks by name; one is imported only when one of its networks is loaded."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from saliency.core.errors import InputError, ModelError
from saliency.core.validation import shown

FRAMEWORKS = {"torch": ("torch", "saliency.nets.torch_networks"), "tf": ("tensorflow", "saliency.nets.keras_networks")}
"""Framework (also the name of the install extra) -> its module, and the module with its networks.

Each networks module has ``demo_net(weights, rules)``, ``demo_vit(weights, rules)``, ``untrained(seed)``,
``load_by_name(name, weights, rules)``, ``open_model_file(file, rules)``, ``make_user_network(name, model, attributes)``,
``fill_weights(model, weights, rules)``, ``describe_layers(model)`` and ``CHANNEL_AXIS``; the Torch module also has
``unfilled(name)``.
"""


def default_framework() -> str:
    """Return the framework of a name that several have: Torch, or TensorFlow if only that is installed."""
    return "tf" if find_spec("torch") is None and find_spec("tensorflow") is not None else "torch"


def check_framework(framework: Any) -> None:
    """Check the name of a framework.

    Raises:
        InputError: if there is no such framework.
    """
    if not isinstance(framework, str) or framework not in FRAMEWORKS:
        raise InputError(f"`framework` (={shown(framework)}) must be one of {', '.join(FRAMEWORKS)}")


def networks_of(framework: str) -> Any:
    """Import a framework and return the module with its networks.

    Raises:
        InputError: if there is no such framework.
        ModelError: if it is not installed.
    """
    check_framework(framework)
    package, networks_module = FRAMEWORKS[framework]
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        install = f"pip install 'saliency-masks[{framework}]'"
        raise ModelError(f"`framework` (={framework!r}) needs {package}, which is not installed: {install}") from None
    return import_module(networks_module)
