"""Compute the maps of all methods, plain and smoothed."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from saliency import nets
from saliency.cli.channel_choice import TargetRow
from saliency.cli.channel_maps import ChannelExplainer
from saliency.cli.channels import LayerChannels
from saliency.cli.piece_log import StimulusLog
from saliency.cli.report.method_options import settings_by_method

Masks = Mapping[tuple[str, bool], npt.NDArray[Any]]

OF_METHOD = ("method", "options", "units")
"""Entries of a record that differ between methods."""


class MethodMaps:
    """Compute the maps of all methods, plain and, with ``-smooth``, smoothed.

    Args:
        network: the network.
        channels: the channels of the layer.
        options: options of the command.

    Raises:
        CommandError, ValueError: if an option of a method is invalid.
    """

    def __init__(self, network: nets.Network, channels: LayerChannels, options: argparse.Namespace) -> None:
        settings = settings_by_method(options.set, options.meth)
        copies = {False: None} if options.smooth is None else {False: None, True: options.smooth}
        self._explainers = {
            (method, smoothed): ChannelExplainer(network, method, channels, n, options.batch, settings[method])
            for method in options.meth
            for smoothed, n in copies.items()
        }

    @property
    def names(self) -> list[str]:
        """The names of all methods; those that are smoothed end in ``, smoothed``."""
        return [f"{name}, smoothed" if smoothed else name for name, smoothed in self._explainers]

    def record(self) -> dict[str, Any]:
        """Return the records of all methods and of the model."""
        found = {name: one.record() for name, one in zip(self.names, self._explainers.values(), strict=True)}
        model = next(iter(found.values()))
        shared = {name: value for name, value in model.items() if name not in OF_METHOD}
        return {"methods": {name: {key: one[key] for key in OF_METHOD if key in one} for name, one in found.items()}, **shared}

    def compute(self, inputs: Sequence[npt.NDArray[Any]], rows: Sequence[TargetRow]) -> Iterator[Masks]:
        """Yield the masks of n inputs for each row: (method, smoothed) -> (n, *mask), NaN for an input that failed."""
        explainers = self._explainers.values()
        for masks in zip(*(one.explain(inputs, rows) for one in explainers), strict=True):
            yield dict(zip(self._explainers, (one.masks for one in masks), strict=True))

    def failures(self) -> dict[int, tuple[str, str]]:
        """Return the code and the reason for each input that a method has no mask for."""
        return {
            i: (code, f"{method}: {reason}")
            for (method, _), explainer in self._explainers.items()
            for i, (code, reason) in explainer.failures.items()
        }

    def log_notes(self, log: StimulusLog) -> None:
        """Add the notes since the last call to the log."""
        for (method, smoothed), explainer in self._explainers.items():
            for note, n in explainer.pop_notes().items():
                log.notes[f"{method}{', smoothed' if smoothed else ''}: {note}"] += n
