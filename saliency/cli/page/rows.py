"""From stimuli to rows of the page."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from saliency import nets
from saliency.cli.channels import Channels
from saliency.cli.page.agreement import agreement
from saliency.cli.page.columns import Column, Maps
from saliency.cli.page.row import Row, number
from saliency.cli.page.scores import Scores
from saliency.cli.page.thumbnails import map_text, picture_text, within
from saliency.cli.preprocessing import prepared
from saliency.cli.run_log import Report
from saliency.cli.stimuli import Stimuli
from saliency.nets.preparation import Float32


class Rows:
    """A network and its methods, for any of the stimuli.

    Args:
        network: by name.
        stimuli: of the file.
        options: of the command.
        report: to which failures are told.

    Raises:
        Refused, ValueError: if the layer has no such channel, or a method does not take its options.
    """

    def __init__(self, network: nets.Network, stimuli: Stimuli, options: argparse.Namespace, report: Report) -> None:
        channels = Channels.of(network, options.layer)
        channels.check(options.chn)
        self._network, self._stimuli, self._side, self._report = network, stimuli, options.size, report
        self._maps = Maps(network, channels, options)
        self._scores = Scores(network, channels, options.chn, options.batch)
        self._signed = {column.method: column.signed for column in Column.all(options)}
        self._smoothings = [False] if options.smooth is None else [False, True]

    def of(self, numbers: range) -> list[Row]:
        """Return the rows of stimuli, by their numbers from 0; one that fails has a row that says why."""
        rows = [Row(i + 1, self._stimuli.names[i]) for i in numbers]
        read = [(row, *found) for row in rows if (found := self._read(row)) is not None]
        if read:
            self._fill([row for row, _, _ in read], [path for _, path, _ in read], [x for _, _, x in read])
        return rows

    def _read(self, row: Row) -> tuple[Path, Float32] | None:
        """Return a stimulus's file and input; of the picture itself, which may be large, only the thumbnail is kept."""
        before = len(self._report.failures)
        for picture in self._stimuli.read(range(row.number - 1, row.number), self._report):
            row.size = within(picture.image, self._side)
            row.picture = picture_text(picture.image, row.size)
            for _, x in prepared(self._network, [picture], self._report):
                return picture.path, x
        (failure,) = self._report.failures[before:]
        row.failure = f"{failure.code}: " + failure.message.removeprefix(f"{failure.path}: ")
        return None

    def _fill(self, rows: Sequence[Row], paths: Sequence[Path], inputs: Sequence[Float32]) -> None:
        for row, scores in zip(rows, self._scores.of(inputs), strict=True):
            row.scores = [number(score) for score in scores]
        for channel in self._maps.of(inputs):
            for i, row in enumerate(rows):
                self._add(row, {which: masks[i] for which, masks in channel.items()})
        self._maps.note(self._report)
        for i, (code, why) in self._maps.failed().items():
            rows[i].failure = f"{code}: {why}"
            self._report.fail(rows[i].name, paths[i], "gradient", code, why)

    def _add(self, row: Row, masks: Mapping[tuple[str, bool], npt.NDArray[Any]]) -> None:
        """Add a channel's maps, and how far they agree."""
        row.agreement.append([number(agreement([masks[m, smoothed] for m in self._signed])) for smoothed in self._smoothings])
        for method, signed in self._signed.items():
            row.maps.append([map_text(masks[method, smoothed], signed, row.size) for smoothed in self._smoothings])
