"""From a name to a network. A name is looked up, never evaluated; a framework is imported when a network is."""

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import saliency.demo
from saliency.core.errors import InputError, ModelError
from saliency.core.validation import boolean
from saliency.nets import catalogue, user_networks
from saliency.nets.embedded_networks import EMBEDDED, INPUT_SIZE, MEAN, STD
from saliency.nets.network import Network

FRAMEWORKS = {"torch": ("torch", "saliency.nets.torch_networks"), "tf": ("tensorflow", "saliency.nets.keras_networks")}
"""Framework, named as the extra that brings it -> its module, and the module here whose networks are in it.

Each has ``demo_net(weights, trust)``, ``untrained(seed)``, ``other(name, weights, trust)``, ``opened(file, trust)``,
``own(name, model, habits)``, ``fill(model, weights, trust)``, ``named(model)`` and ``CHANNEL_AXIS``; Torch's also has
``unfilled(name)``.
"""

FILES = {".keras": "tf", ".h5": "tf", ".hdf5": "tf", ".pt2": "torch", ".pt": "torch", ".pth": "torch"}
"""Ending of a file that holds a whole model -> its framework."""


def load(name: str, weights: str | Path | None = None, framework: str | None = None, trust: bool = False) -> Network:
    """Return a network by name.

    Args:
        name: ``DemoNet`` or ``ShortcutNet`` (both embedded); a network of DNNBrain's, in its spelling (``AlexNet``); of
            torchvision's or ``keras.applications``'s, in any spelling (``squeezenet1_0``, ``ResNet50``); a file that holds a
            whole model (`FILES`); or ``package.module:function`` or ``file.py:function``, whose code is run and returns a
            model, an object with DNNBrain's attributes, or a `Network`.
        weights: a file: safetensors or a plain Torch state dict, for Keras what its ``save_weights`` and ``save`` write. None
            takes the embedded ones; in Torch those in ``$DNNBRAIN_DATA/models`` or in torchvision's cache, in Keras those in
            its cache; and downloads them else.
        framework: ``"torch"`` or ``"tf"``; None takes the one that a file or a model is in, and for a name Torch,
            or TensorFlow where that alone is installed.
        trust: also load files that can run code when they are loaded: pickled modules, .pt2, .h5, ``Lambda`` layers.

    Raises:
        InputError: if the name is not known in this framework, a file may not be loaded without trust, or the weights are
            missing or do not fit.
        ModelError: if the framework is not installed, torchvision is asked for and cannot be imported, or a user's function
            fails.
    """
    trust = boolean("trust", trust)
    if framework is not None:
        _check(framework)
    if user_networks.FUNCTION.fullmatch(name):
        return _own(name, user_networks.made(name), weights, framework, trust)
    if (suffix := Path(name).suffix.lower()) in FILES:
        return _from_file(Path(name), FILES[suffix], weights, framework, trust)
    return _by_name(name, weights, framework or _usual(), trust)


def framework_of(name: str) -> str | None:
    """Return the framework that ``load`` takes for a name, if none is asked for; None where its code tells."""
    return None if user_networks.FUNCTION.fullmatch(name) else FILES.get(Path(name).suffix.lower(), _usual())


def _usual() -> str:
    return "tf" if find_spec("torch") is None and find_spec("tensorflow") is not None else "torch"


def untrained(seed: int, framework: str | None = None) -> Any:
    """Return DemoNet's model with random weights, which a seed sets; no global generator is moved. None as in ``load``.

    Raises:
        ModelError: if the framework is not installed.
    """
    return _networks(framework or _usual()).untrained(seed)


def unfilled(name: str) -> Network:
    """Return one of DNNBrain's networks with the random weights that Torch's global generator gives; it is not moved.

    Raises:
        ModelError: if Torch or torchvision is not installed.
    """
    found: Network = _networks("torch").unfilled(name)
    return found


def of_object(made: Any, name: str) -> Network:
    """Return the network of a model, of an object with DNNBrain's attributes, or of a `Network`: itself.

    Args:
        made: one of these; a Torch model is set to eval mode.
        name: what it is called.

    Raises:
        InputError: if it is none of these.
    """
    return _own(name, made, None, None, trust=False)


def _by_name(name: str, weights: str | Path | None, framework: str, trust: bool) -> Network:
    known = catalogue.find(name, framework)
    if known is None:  # told before a framework, which may be lacking, is imported
        if Path(name).is_dir():
            raise InputError(
                f"`net` ({name}) is a folder; a SavedModel has no layers by name: give it to saliency.wrap instead"
            )
        catalogue.refuse(name, framework)
    networks = _networks(framework)
    if known not in EMBEDDED:
        found: Network = networks.other(known, weights, trust)
        return replace(found, name=name)
    model = networks.demo_net(Path(saliency.demo.__file__).parent / EMBEDDED[known] if weights is None else weights, trust)
    paths, channels = networks.named(model)
    return Network(known, model, INPUT_SIZE, (MEAN,) * 3, (STD,) * 3, paths, networks.CHANNEL_AXIS, channels=channels)


def _from_file(file: Path, home: str, weights: str | Path | None, framework: str | None, trust: bool) -> Network:
    if framework not in (None, home):
        raise InputError(f"`framework` (={framework!r}) must be {home!r} for `net` ({file})")
    if not file.is_file():
        raise InputError(f"`net` ({file}) must be a file that holds a model; there is none of this name")
    return _own(file.stem, _networks(home).opened(file, trust), weights, home, trust)


def _own(name: str, made: Any, weights: str | Path | None, framework: str | None, trust: bool) -> Network:
    if isinstance(made, Network):
        return made
    model, habits = user_networks.split(made)
    found = user_networks.framework_of(model)
    if found is None:
        raise InputError(
            f"`net` (={name!r}) must be a Torch module or a Keras model, or have one as `model`; it is {type(made)}"
        )
    if framework not in (None, found):
        raise InputError(f"`net` (={name!r}) is a model in {found!r}; `framework` (={framework!r}) must be that")
    networks = _networks(found)
    if weights is not None:
        networks.fill(model, weights, trust)
    network: Network = networks.own(name, model, habits)
    return network


def _check(framework: str) -> None:
    if framework not in FRAMEWORKS:
        raise InputError(f"`framework` (={framework!r}) must be one of {', '.join(FRAMEWORKS)}")


def _networks(framework: str) -> Any:
    _check(framework)
    needed, home = FRAMEWORKS[framework]
    try:
        import_module(needed)
    except ModuleNotFoundError as error:
        if error.name != needed:
            raise
        install = f"pip install 'saliency-masks[{framework}]'"
        raise ModelError(f"`framework` (={framework!r}) needs {needed}, which is not installed: {install}") from None
    return import_module(home)
