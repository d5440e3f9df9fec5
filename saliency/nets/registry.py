"""From a name to a network. A name is looked up, never evaluated; a framework is imported when a network is."""

import difflib
from importlib import import_module
from pathlib import Path
from typing import Any

import saliency.demo
from saliency.core.errors import InputError, ModelError
from saliency.nets.embedded import EMBEDDED, INPUT_SIZE, MEAN, STD
from saliency.nets.network import Network

FRAMEWORKS = {"torch": ("torch", "saliency.nets.torch_networks"), "tf": ("tensorflow", "saliency.nets.keras_networks")}
"""Framework, named as the extra that brings it -> its module, and the module here whose networks are in it.

Each has ``demo_net(weights)``, ``untrained(seed)``, ``paths(model)``, ``other(name, weights)`` and ``CHANNEL_AXIS``.
"""


def load(name: str, weights: str | Path | None = None, framework: str = "torch") -> Network:
    """Return a network by name.

    Args:
        name: ``DemoNet``, ``ShortcutNet`` (both embedded), or a torchvision classification network, in torchvision's or
            DNNBrain's spelling (``squeezenet1_0``, ``SqueezeNet1_0``, ``AlexNet``, ``Vgg11``).
        weights: a file for the framework's ``load_weights``; the embedded networks have their own.
        framework: that the model is in: ``"torch"``, or ``"tf"`` for a Keras model of an embedded network.

    Raises:
        InputError: if the name is not known in this framework, or the weights are missing or do not fit.
        ModelError: if the framework is not installed, or torchvision is asked for and cannot be imported.
    """
    own = {key.lower(): key for key in EMBEDDED}
    if name.lower() not in own:
        for key in difflib.get_close_matches(_plain(name), own, n=1, cutoff=0.8):  # before a framework, which may be lacking
            raise InputError(f"`net` (={name!r}) must be a network's name; nearest: {own[key]}")
        found: Network = _networks(framework).other(name, weights)
        return found
    key, networks = own[name.lower()], _networks(framework)
    model = networks.demo_net(Path(saliency.demo.__file__).parent / EMBEDDED[key] if weights is None else weights)
    return Network(key, model, INPUT_SIZE, (MEAN,) * 3, (STD,) * 3, networks.paths(model), networks.CHANNEL_AXIS)


def untrained(seed: int, framework: str = "torch") -> Any:
    """Return DemoNet's model with random weights, which a seed sets; no global generator is moved.

    Raises:
        ModelError: if the framework is not installed.
    """
    return _networks(framework).untrained(seed)


def _networks(framework: str) -> Any:
    if framework not in FRAMEWORKS:
        raise InputError(f"`framework` (={framework!r}) must be one of {', '.join(FRAMEWORKS)}")
    needed, home = FRAMEWORKS[framework]
    try:
        import_module(needed)
    except ModuleNotFoundError as error:
        if error.name != needed:
            raise
        install = f"pip install 'saliency-masks[{framework}]'"
        raise ModelError(f"`framework` (={framework!r}) needs {needed}, which is not installed: {install}") from None
    return import_module(home)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
