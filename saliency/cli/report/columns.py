"""The columns of the page: the methods side by side, for one channel after the other."""

import argparse
from dataclasses import dataclass

import saliency
from saliency.cli.methods import METHODS
from saliency.core.methods.class_activation_map import ClassActivationMap


@dataclass(frozen=True)
class Column:
    """The maps of one method for one channel.

    Args:
        channel: the channel, counting from 1.
        method: name of the method, as in ``-meth``.
        signed: whether the maps are drawn with their sign.
    """

    channel: int
    method: str
    signed: bool

    @classmethod
    def all(cls, options: argparse.Namespace) -> "list[Column]":
        """Return all columns, from left to right. Class activation maps are always drawn without a sign."""
        kinds = {method: getattr(saliency, METHODS[method]) for method in options.meth}
        signed = {m: options.mode == "signed" and not issubclass(kind, ClassActivationMap) for m, kind in kinds.items()}
        return [cls(channel, method, signed[method]) for channel in options.chn for method in options.meth]
