"""Check the classes of a zero-shot network: names with prompts, or with embeddings of prompts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError

Prompts = dict[str, list[str] | npt.NDArray[np.float32]]
"""Name of a class -> its prompts, or its embedding (features,)."""


def checked_prompts(value: Any) -> Prompts:
    """Return the classes of a zero-shot network.

    Args:
        value: a list of prompts, each of which is also the name of its class; or a mapping from names to a prompt, a list of
            prompts, or an embedding (features,).

    Raises:
        InputError: if it is none of these, or empty.
    """
    if isinstance(value, str) or not isinstance(value, Sequence | Mapping):
        raise InputError(f"`prompts` ({type(value).__name__}) must be a list of prompts, or a mapping from names to prompts")
    classes = dict(value) if isinstance(value, Mapping) else {prompt: prompt for prompt in value if isinstance(prompt, str)}
    if len(classes) != len(value):
        raise InputError(f"`prompts` (={value!r}) must be different strings")
    if not classes:
        raise InputError("`prompts` (length 0) must have at least one class")
    return {_checked_name(name): _checked_class(name, prompts) for name, prompts in classes.items()}


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise InputError(f"`prompts` has the class {name!r}; its name must be a string that is not empty")
    return name


def _checked_class(name: str, prompts: Any) -> list[str] | npt.NDArray[np.float32]:
    texts = [prompts] if isinstance(prompts, str) else prompts
    if isinstance(texts, Sequence) and texts and all(isinstance(text, str) and text for text in texts):
        return list(texts)
    rule = "must be a prompt, a list of prompts, or an embedding: finite numbers (features,), not all 0"
    try:
        embedding = np.asarray(prompts, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"`prompts[{name!r}]` (={prompts!r}) {rule}") from error
    if embedding.ndim != 1 or not np.isfinite(embedding).all() or not embedding.any():
        raise InputError(f"`prompts[{name!r}]` {rule}; its shape is {embedding.shape}")
    return embedding


def refuse_prompts(prompts: Any, name: str) -> None:
    """Refuse prompts for a network that has classes of its own.

    Raises:
        InputError: if ``prompts`` is not None.
    """
    if prompts is not None:
        raise InputError(f"`prompts` must be None for `net` (={name!r}), which is not a zero-shot network")
