"""Compute the rows of the page."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from saliency import nets
from saliency.cli.channels import LayerChannels
from saliency.cli.preprocessing import preprocess_images
from saliency.cli.report.agreement import agreement
from saliency.cli.report.columns import Column
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.report.row import Row, round_for_json
from saliency.cli.report.scores import ChannelScores
from saliency.cli.report.thumbnails import encode_map, encode_picture, thumbnail_size
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import Stimuli
from saliency.nets.preparation import Float32


class RowBuilder:
    """Compute rows with a network and its methods.

    Args:
        network: the network.
        stimuli: the stimuli of the file.
        options: options of the command.
        log: the log of the run.

    Raises:
        CommandError, ValueError: if the layer does not have a channel, or an option of a method is invalid.
    """

    def __init__(self, network: nets.Network, stimuli: Stimuli, options: argparse.Namespace, log: RunLog) -> None:
        channels = LayerChannels.of(network, options.layer)
        channels.check(options.chn)
        self._network, self._stimuli = network, stimuli.for_network(network, options.size)
        self._side, self._log = options.size, log
        self._maps = MethodMaps(network, channels, options)
        self._scores = ChannelScores(network, channels, options.chn, options.batch)
        self.channel_names = {number: channels.name(number) for number in options.chn}
        self._signed = {column.method: column.signed for column in Column.all(options)}
        self._smoothings = [False] if options.smooth is None else [False, True]

    def build(self, indices: range) -> list[Row]:
        """Return the rows of stimuli. A stimulus that fails has a row with the reason.

        Args:
            indices: indices of the stimuli, counting from 0.
        """
        rows = [Row(i + 1, self._stimuli.names[i]) for i in indices]
        read = [(row, *found) for row in rows if (found := self._read(row)) is not None]
        if read:
            self._fill([row for row, _, _ in read], [path for _, path, _ in read], [x for _, _, x in read])
        return rows

    def _read(self, row: Row) -> tuple[Path, Float32] | None:
        """Return the file and the input of a stimulus. Keep only the thumbnail of its image, which may be large."""
        before = len(self._log.failures)
        for image in self._stimuli.read(range(row.number - 1, row.number), self._log):
            row.size = thumbnail_size(image.rgb, self._side)
            row.picture = encode_picture(image.rgb, row.size)
            for _, x in preprocess_images(self._network, [image], self._log, pixels=1):
                return image.path, x
        (failure,) = self._log.failures[before:]
        row.failure = f"{failure.code}: " + failure.message.removeprefix(f"{failure.path}: ")
        return None

    def _fill(self, rows: Sequence[Row], paths: Sequence[Path], inputs: Sequence[Float32]) -> None:
        """Add scores and maps to rows."""
        for row, scores in zip(rows, self._scores.compute(inputs), strict=True):
            row.scores = [round_for_json(score) for score in scores]
        for masks in self._maps.compute(inputs):  # one channel at a time
            for i, row in enumerate(rows):
                self._add_channel(row, {method: array[i] for method, array in masks.items()})
        self._maps.log_notes(self._log)
        for i, (code, reason) in self._maps.failures().items():
            rows[i].failure = f"{code}: {reason}"
            self._log.add_failure(rows[i].name, paths[i], "gradient", code, reason)

    def _add_channel(self, row: Row, masks: Mapping[tuple[str, bool], npt.NDArray[Any]]) -> None:
        """Add the maps of a channel and their agreement to a row."""
        agreements = [agreement([masks[method, smoothed] for method in self._signed]) for smoothed in self._smoothings]
        row.agreement.append([round_for_json(value) for value in agreements])
        for method, signed in self._signed.items():
            row.maps.append([encode_map(masks[method, smoothed], signed, row.size) for smoothed in self._smoothings])
