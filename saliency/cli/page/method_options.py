"""``-set`` where there are several methods: ``ig.x_steps=50`` of one, ``layer=conv6`` of each that takes it."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import saliency
from saliency.cli.methods import METHODS
from saliency.cli.options import Refused, setting
from saliency.core.method_options import option_names

MethodSetting = tuple[str | None, str, Any]


def method_setting(word: str) -> MethodSetting:
    """Read ``name=value`` or ``method.name=value``; return the method, or None, and the two.

    Raises:
        argparse.ArgumentTypeError: if there is no name, or no such method.
    """
    front, equals, value = word.partition("=")
    method, dot, name = front.rpartition(".")
    if dot and method not in METHODS:
        raise argparse.ArgumentTypeError(f"(={word!r}) names the method {method!r}; it must be one of {', '.join(METHODS)}")
    return (method or None, *setting(f"{name}{equals}{value}"))


def by_method(settings: Sequence[MethodSetting], methods: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    """Return each method's own options.

    Raises:
        Refused: if one is for a method that is not asked for, or is no option of any.
    """
    found: dict[str, dict[str, Any]] = {method: {} for method in methods}
    for method, name, value in settings:
        if method is not None and method not in methods:
            raise Refused(f"-set {method}.{name} is for a method that -meth ({' '.join(methods)}) does not name")
        takers = [
            one for one in methods if method in (None, one) and name in option_names(getattr(saliency, METHODS[one]).masks)
        ]
        if not takers:
            raise Refused(f"-set {name} is no option of {method or ' or '.join(methods)}")
        for taker in takers:
            found[taker][name] = value
    return found
