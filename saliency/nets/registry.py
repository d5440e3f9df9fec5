"""Load networks by name; a framework is imported only when one of its networks is loaded."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import saliency.demo
from saliency.core.errors import InputError
from saliency.core.validation import shown, whole_number
from saliency.nets import catalog, library_networks, user_networks
from saliency.nets.bundled_networks import CLASS_NAMES, EMBEDDED_WEIGHTS, INPUT_SIZE, MEAN, STD
from saliency.nets.file_rules import DEFAULT_RULES, MAX_MODEL_BYTES, WEIGHTS_TIMEOUT, FileRules
from saliency.nets.frameworks import check_framework, default_framework, networks_of
from saliency.nets.network import Network
from saliency.nets.prompts import refuse_prompts
from saliency.nets.weights_check import check_weights_path

MODEL_SUFFIXES = {".keras": "tf", ".h5": "tf", ".hdf5": "tf", ".pt2": "torch", ".pt": "torch", ".pth": "torch"}
"""Suffix of a file that contains a whole model -> its framework."""


def load(
    name: str,
    weights: str | Path | None = None,
    framework: str | None = None,
    trust: bool = False,
    *,
    max_model_bytes: int = MAX_MODEL_BYTES,
    weights_timeout: float = WEIGHTS_TIMEOUT,
    prompts: Any = None,
) -> Network:
    """Load a network by name.

    Args:
        name: one of

            - ``DemoNet``, ``DemoViT`` or ``ShortcutNet``, whose weights are bundled;
            - a network of DNNBrain, as DNNBrain spells it (``AlexNet``);
            - a network of torchvision or ``keras.applications``, in any spelling (``squeezenet1_0``, ``ResNet50``);
            - a network of another library, ``timm/resnet18``, ``hf/google/vit-base-patch16-224`` (transformers) or
              ``open_clip/ViT-B-32/laion2b_s34b_b79k``, or a folder that the library wrote, ``hf/./folder``;
            - a file with a whole model: .keras, .h5, .hdf5, .pt2, .pt or .pth;
            - ``package.module:function`` or ``file.py:function``. The function is called; it returns a model, an object with
              DNNBrain's attributes, or a `Network`.
        weights: a weights file: safetensors or a plain Torch state dict; for Keras, a file that ``save_weights`` or ``save``
            wrote. None uses the bundled weights, files in ``$DNNBRAIN_DATA/models`` (Torch only) or the cache of
            the library, and otherwise downloads them.
        framework: ``"torch"`` or ``"tf"``. None uses the framework of the file or model; for a name, it uses Torch, or
            TensorFlow if only that is installed.
        trust: also load files that can run code when they are loaded: pickled modules, .pt2, .h5, ``Lambda`` layers.
        max_model_bytes: largest size in bytes of a file of a model or weights, and of the contents that it declares.
        weights_timeout: time limit in seconds for reading an HDF5 file that is not trusted. A process of its own reads it,
            because a damaged one can make the HDF5 library loop for ever.
        prompts: the classes of a zero-shot network: a list of prompts, or a mapping from names to a prompt, a list of prompts
            (their embeddings are averaged) or an embedding (features,). None for any other network.

    Raises:
        InputError: if the framework has no network of this name, a file needs ``trust``, is too large or is not read in time,
            or the weights are missing or do not match.
        ModelError: if the framework or a needed library cannot be imported, or a user's function fails.
    """
    rules = FileRules.checked(trust, max_model_bytes, weights_timeout)
    name = catalog.checked_name(name)
    check_weights_path(weights)
    if framework is not None:
        check_framework(framework)
    if library_networks.is_library_name(name):
        networks_of("torch")
        return library_networks.load(name, weights, rules, prompts, framework)
    refuse_prompts(prompts, name)
    if user_networks.FUNCTION_PATTERN.fullmatch(name):
        return _from_object(name, user_networks.call_user_function(name), weights, framework, rules)
    if (suffix := Path(name).suffix.lower()) in MODEL_SUFFIXES:
        return _from_file(Path(name), MODEL_SUFFIXES[suffix], weights, framework, rules)
    return _by_name(name, weights, framework or default_framework(), rules)


def framework_of(name: str) -> str | None:
    """Return the framework that ``load`` uses for a name by default; None if only calling the function shows it."""
    if user_networks.FUNCTION_PATTERN.fullmatch(name):
        return None
    if library_networks.is_library_name(name):
        return "torch"
    return MODEL_SUFFIXES.get(Path(name).suffix.lower(), default_framework())


def untrained(seed: int, framework: str | None = None, name: str = "DemoNet") -> Any:
    """Build a bundled network with random weights; the state of global random generators is preserved.

    Args:
        seed: random seed of the weights.
        framework: ``"torch"`` or ``"tf"``; None as in ``load``.
        name: ``DemoNet`` or ``DemoViT``.

    Returns:
        The model, a Torch module or a Keras model.

    Raises:
        InputError: if there is no such framework or network.
        ModelError: if the framework is not installed.
    """
    seed = whole_number("seed", seed, least=0, most=2**64 - 1)
    if not isinstance(name, str) or name not in ("DemoNet", "DemoViT"):
        raise InputError(f"`name` (={shown(name)}) must be 'DemoNet' or 'DemoViT'")
    return networks_of(default_framework() if framework is None else framework).untrained(seed, name)


def unfilled(name: str) -> Network:
    """Build one of DNNBrain's networks with random weights.

    The weights depend on the state of Torch's global random generator, which is preserved.

    Args:
        name: DNNBrain's name of the network.

    Raises:
        ModelError: if Torch or torchvision is not installed.
    """
    name = catalog.checked_name(name)
    if name not in catalog.DNNBRAIN:
        raise InputError(f"`name` (={shown(name)}) must be a network of DNNBrain: {', '.join(catalog.DNNBRAIN)}")
    network: Network = networks_of("torch").unfilled(name)
    return network


def of_object(made: Any, name: str) -> Network:
    """Describe a model as a network.

    Args:
        made: a model, an object with DNNBrain's attributes, or a `Network`, which is returned unchanged. A Torch model is
            set to eval mode.
        name: the name of the network.

    Raises:
        InputError: if ``made`` is none of these.
    """
    return _from_object(name, made, None, None, DEFAULT_RULES)


def _by_name(name: str, weights: str | Path | None, framework: str, rules: FileRules) -> Network:
    canonical = catalog.find_name(name, framework)
    if canonical is None:  # before the import of a framework that may not be installed
        if os.path.isdir(name):
            raise InputError(
                f"`net` ({name}) is a folder; a SavedModel has no named layers: use saliency.wrap(folder, trust=True) instead"
            )
        catalog.raise_unknown_name(name, framework)
    networks = networks_of(framework)
    if canonical not in EMBEDDED_WEIGHTS:
        network: Network = networks.load_by_name(canonical, weights, rules)
        return replace(network, name=name)
    file = Path(saliency.demo.__file__).parent / EMBEDDED_WEIGHTS[canonical] if weights is None else weights
    model = (networks.demo_vit if canonical == "DemoViT" else networks.demo_net)(file, rules)
    if weights is None:
        model.class_names = CLASS_NAMES
    paths, channels = networks.describe_layers(model)
    return Network(canonical, model, INPUT_SIZE, (MEAN,) * 3, (STD,) * 3, paths, networks.CHANNEL_AXIS, channels=channels)


def _from_file(file: Path, home: str, weights: str | Path | None, framework: str | None, rules: FileRules) -> Network:
    if framework not in (None, home):
        raise InputError(f"`framework` (={shown(framework)}) must be {home!r} for `net` ({file})")
    if not os.path.isfile(file):
        raise InputError(f"`net` ({file}) must be an existing file with a model")
    return _from_object(file.stem, networks_of(home).open_model_file(file, rules), weights, home, rules)


def _from_object(name: str, candidate: Any, weights: str | Path | None, framework: str | None, rules: FileRules) -> Network:
    if isinstance(candidate, Network):
        return candidate
    model, attributes = user_networks.read_attributes(candidate)
    home = user_networks.framework_of(model)
    if home is None:
        raise InputError(
            f"`net` (={shown(name)}) must be a Torch module or a Keras model, or have one as `model`; it is {type(candidate)}"
        )
    if framework not in (None, home):
        raise InputError(
            f"`framework` (={shown(framework)}) must be {home!r} for `net` (={shown(name)}), which is a model in {home!r}"
        )
    networks = networks_of(home)
    if weights is not None:
        networks.fill_weights(model, weights, rules)
    network: Network = networks.make_user_network(name, model, attributes)
    return network
