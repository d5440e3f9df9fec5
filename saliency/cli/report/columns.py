"""The columns of the page: the methods side by side, for one channel after the other."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import saliency
from saliency.cli.channel_choice import ChannelChoice
from saliency.cli.methods import METHODS
from saliency.core.methods.class_activation_map import ClassActivationMap

SIGNED, STRENGTH = "signed", "strength"
"""Values of ``-mode``."""


@dataclass(frozen=True)
class Column:
    """The maps of one method for what one value of ``-chn`` selects.

    Args:
        choice: what selects the channel of each image.
        method: name of the method, as in ``-meth``.
        signed: whether the maps are drawn with their sign.
    """

    choice: ChannelChoice
    method: str
    signed: bool

    @classmethod
    def all(cls, options: argparse.Namespace, choices: Sequence[ChannelChoice]) -> "list[Column]":
        """Return all columns, from left to right."""
        return [cls(choice, method, signed) for choice in choices for method, signed in drawn_methods(options)]


def drawn_methods(options: argparse.Namespace) -> list[tuple[str, bool]]:
    """Return each method and whether it is drawn with its sign, for each value of ``-mode``.

    Class activation maps have no negative values, and are always drawn without a sign.
    """
    drawn = {
        (method, mode == SIGNED and not issubclass(getattr(saliency, METHODS[method]), ClassActivationMap)): None
        for method in options.meth
        for mode in options.mode
    }
    return list(drawn)
