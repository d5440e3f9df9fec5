"""Read the names of classes from a file of ``-class-names``."""

import json
from pathlib import Path
from typing import Any

from saliency.cli.options import CommandError
from saliency.core.errors import InputError
from saliency.core.validation import checked_class_names

IMAGENET = "imagenet"
"""The word that selects the names of ImageNet's 1000 classes, which torchvision has."""


def read_class_names(file: str, count: int) -> dict[int, str]:
    """Return the names of a network's classes, which count from 0.

    Args:
        file: a text file with a name per line; a ``.json`` file with a list of names or a mapping from classes to names, such
            as Keras's ``imagenet_class_index.json``; or ``imagenet``.
        count: number of the network's classes.

    Raises:
        CommandError: if the file cannot be read, has no valid form, or has not a name for each class.
    """
    names = _imagenet_names() if file == IMAGENET else _read_file(Path(file))
    if len(names) != count or max(names) >= count:
        raise CommandError(f"-class-names ({file}) has {len(names)} names, but the network has {count} classes")
    return names


def _read_file(file: Path) -> dict[int, str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        is_json = file.suffix.lower() == ".json"
        value: Any = json.loads(text) if is_json else [line.strip() for line in text.strip().splitlines()]
        if isinstance(value, dict):  # the names of Keras are pairs: a synset, and a name
            value = {int(key): name[-1] if isinstance(name, list) else name for key, name in value.items()}
        return checked_class_names(value)
    except OSError as error:
        raise CommandError(f"-class-names ({file}) cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, InputError) as error:  # also JSON and UTF-8 errors
        rule = "a name per line, or in a .json file a list of names or a mapping from classes to names"
        raise CommandError(f"-class-names ({file}) must hold {rule}: {error}") from None


def _imagenet_names() -> dict[int, str]:
    try:
        from torchvision.models import SqueezeNet1_0_Weights
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CommandError(f"-class-names {IMAGENET} needs torchvision, which cannot be imported: {reason}") from None
    return dict(enumerate(SqueezeNet1_0_Weights.DEFAULT.meta["categories"]))
