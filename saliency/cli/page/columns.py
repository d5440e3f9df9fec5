"""The columns of the page: channel by channel, its methods side by side."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

import saliency
from saliency import nets
from saliency.cli.channel_maps import ChannelMaps
from saliency.cli.channels import Channels
from saliency.cli.methods import METHODS
from saliency.cli.page.method_options import by_method
from saliency.cli.run_log import Report
from saliency.core.methods.class_activation_map import ClassActivationMap

Masks = Mapping[tuple[str, bool], npt.NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """A method's maps for a channel.

    Args:
        channel: its number, from 1.
        method: of ``-meth``.
        signed: whether its maps are drawn with their sign.
    """

    channel: int
    method: str
    signed: bool

    @classmethod
    def all(cls, options: argparse.Namespace) -> "list[Column]":
        """Return all columns in their order; class activation maps have no sign to be drawn."""
        kinds = {method: getattr(saliency, METHODS[method]) for method in options.meth}
        signed = {m: options.mode == "signed" and not issubclass(kind, ClassActivationMap) for m, kind in kinds.items()}
        return [cls(channel, method, signed[method]) for channel in options.chn for method in options.meth]


class Maps:
    """All methods, plain and, where that is asked for, smoothed.

    Args:
        network: by name.
        channels: of the layer.
        options: of the command.

    Raises:
        Refused, ValueError: if a method does not take its options.
    """

    def __init__(self, network: nets.Network, channels: Channels, options: argparse.Namespace) -> None:
        given = by_method(options.set, options.meth)
        smooth = {False: None} if options.smooth is None else {False: None, True: options.smooth}
        self._channels: Sequence[int] = options.chn
        self._maps = {
            (method, smoothed): ChannelMaps(network, method, channels, copies, options.batch, given[method])
            for method in options.meth
            for smoothed, copies in smooth.items()
        }

    def of(self, inputs: Sequence[npt.NDArray[Any]]) -> Iterator[Masks]:
        """Yield the masks of n inputs for one channel after the other: (method, smoothed) -> (n, *mask), NaN for a failure."""
        for found in zip(*(maps.of(inputs, self._channels) for maps in self._maps.values()), strict=True):
            yield dict(zip(self._maps, (one.masks for one in found), strict=True))

    def failed(self) -> dict[int, tuple[str, str]]:
        """Return the code and the reason for each of the inputs that a method had no mask for."""
        return {
            i: (code, f"{method}: {why}") for (method, _), maps in self._maps.items() for i, (code, why) in maps.failed.items()
        }

    def note(self, report: Report) -> None:
        """Add what was noticed since the last time to a report."""
        for (method, smoothed), maps in self._maps.items():
            for told, n in maps.take_notes().items():
                report.notes[f"{method}{', smoothed' if smoothed else ''}: {told}"] += n
