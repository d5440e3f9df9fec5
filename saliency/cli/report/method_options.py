"""Parse ``-set`` for several methods: ``ig.x_steps=50`` for one, ``layer=conv6`` for each method that has the option."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import saliency
from saliency.cli.methods import METHODS
from saliency.cli.options import CommandError, name_value
from saliency.core.method_options import option_names

MethodSetting = tuple[str | None, str, Any]


def parse_method_setting(word: str) -> MethodSetting:
    """Parse ``name=value`` or ``method.name=value``.

    Returns:
        The method, or None; the name; the value.

    Raises:
        argparse.ArgumentTypeError: if there is no name, or no such method.
    """
    front, equals, value = word.partition("=")
    method, dot, name = front.rpartition(".")
    if dot and method not in METHODS:
        raise argparse.ArgumentTypeError(
            f"invalid value {word!r}: there is no method {method!r}; choose from {', '.join(METHODS)}"
        )
    return (method or None, *name_value(f"{name}{equals}{value}"))


def settings_by_method(settings: Sequence[MethodSetting], methods: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    """Return the options of each method.

    Args:
        settings: the settings of ``-set``.
        methods: the methods of ``-meth``.

    Raises:
        CommandError: if a setting is for a method that is not in ``methods``, or is an option of none of them.
    """
    options: dict[str, dict[str, Any]] = {method: {} for method in methods}
    for method, name, value in settings:
        if method is not None and method not in methods:
            raise CommandError(f"-set {method}.{name}=... is for a method that is not in -meth ({' '.join(methods)})")
        matching = [
            one for one in methods if method in (None, one) and name in option_names(getattr(saliency, METHODS[one]).masks)
        ]
        if not matching:
            raise CommandError(f"-set {name}=... is not an option of {method or ' or '.join(methods)}")
        for one in matching:
            options[one][name] = value
    return options
