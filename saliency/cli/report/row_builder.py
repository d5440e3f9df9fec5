"""Compute the rows of the page."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.image_targets import NOT_FINITE, ImageTargets
from saliency.cli.options import CommandError
from saliency.cli.piece_log import StimulusLog
from saliency.cli.provenance import channel_words, run_record
from saliency.cli.report.agreement import agreement
from saliency.cli.report.columns import drawn_methods
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.report.row import Row, round_for_json
from saliency.cli.report.row_metrics import RowMetrics
from saliency.cli.report.row_reader import RowImage, RowReader
from saliency.cli.report.thumbnails import encode_map
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import StimulusReader
from saliency.nets.preparation import Float32


class ReadRow(NamedTuple):
    """A row whose image was read: its file, its input, the positions of its object, and the scores of all channels."""

    row: Row
    path: Path
    x: Float32
    object_mask: npt.NDArray[np.bool_] | None
    scores: npt.NDArray[Any]


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

    def __init__(self, network: nets.Network, stimuli: Stimuli, options: argparse.Namespace, log: StimulusLog) -> None:
        self.targets = ImageTargets.of(network, options, stimuli, shows_labels=True)
        if options.wrong and (self.targets.labels is None or not self.targets.layer.classifies):
            raise CommandError("-wrong needs classes in the stimulus file (-target COLUMN), and the output of a classifier")
        self._network, self.metrics = network, RowMetrics(network, self.targets, stimuli, options, log)
        self._stimuli = stimuli if self.metrics.objects is not None else stimuli.for_network(network, options.size)
        self._side, self._log, self._only_wrong = options.size, log, options.wrong
        self._maps = MethodMaps(network, self.targets.layer, options)
        self._drawn, self._methods = drawn_methods(options), options.meth
        self._smoothings = [False] if options.smooth is None else [False, True]

    def record(self, options: argparse.Namespace) -> dict[str, Any]:
        """Return the record of the computation, for the page."""
        layers = {self.targets.layer.layer: channel_words(self.targets.choices)}
        return run_record(
            "saliency report",
            options,
            self._network,
            layers,
            self._stimuli.names,
            {**self.metrics.record(options), **self._maps.record()},
        )

    @property
    def reader(self) -> RowReader:
        """The reader of the images."""
        reader = StimulusReader(self._stimuli, self._network, pixels=1, objects=self.metrics.objects)
        return RowReader(reader, self._side)

    def build(self, images: Sequence[RowImage]) -> list[Row]:
        """Return the rows of stimuli. A stimulus that fails has a row with the reason.

        Args:
            images: what was read of the stimuli.
        """
        rows = [self._row(image) for image in images]
        read = [(row, image.path, image.x, image.object_mask) for row, image in zip(rows, images, strict=True)]
        readable = [(row, path, x, mask) for row, path, x, mask in read if x is not None]
        scores = self.targets.scores.compute([x for _, _, x, _ in readable])
        scored = [ReadRow(*one, values) for one, values in zip(readable, scores, strict=True)]
        for one in scored:
            self._add_classes(one)
        chosen = [one for one in scored if one.row.is_wrong or not self._only_wrong]
        explained = [one for one in chosen if self._has_scores(one)]
        if explained:
            self._fill(explained)
        left_out = {one.row.number for one in scored} - {one.row.number for one in chosen}
        return [row for row in rows if row.number not in left_out]

    def _row(self, image: RowImage) -> Row:
        row = Row(image.index + 1, self._stimuli.names[image.index], image.size, image.picture)
        row.failure = image.failure
        return row

    def _add_classes(self, one: ReadRow) -> None:
        """Add the label and the prediction of a stimulus to its row."""
        row, layer, labels = one.row, self.targets.layer, self.targets.labels
        label = None if labels is None else labels.channels[row.number - 1]
        row.label = None if label is None else layer.name(label)
        if layer.classifies and np.isfinite(one.scores).all():
            top = int(one.scores.argmax()) + 1
            row.prediction, row.prediction_score = layer.name(top), round_for_json(one.scores[top - 1])
            row.is_wrong = None if label is None else top != label

    def _has_scores(self, one: ReadRow) -> bool:
        """Return whether a stimulus can be explained; otherwise log why not."""
        if self.targets.needs_top and not np.isfinite(one.scores).all():
            one.row.failure = f"NONFINITE_SCORE: {NOT_FINITE}"
            self._log.add_failure(one.row.name, one.path, "score", "NONFINITE_SCORE", NOT_FINITE)
            return False
        return True

    def _fill(self, read: Sequence[ReadRow]) -> None:
        """Add scores and maps to rows."""
        rows, inputs = [one.row for one in read], [one.x for one in read]
        targets = self.targets.rows([row.number - 1 for row in rows], inputs, np.stack([one.scores for one in read]))
        for i, one in enumerate(read):
            self._add_scores(one, [target.channels[i] for target in targets])
        for group, masks in enumerate(self._maps.compute(inputs, targets)):  # one group of columns at a time
            for i, row in enumerate(rows):
                self._add_maps(row, {method: array[i] for method, array in masks.items()})
            self.metrics.add(rows, [(one.x, one.object_mask) for one in read], targets[group].channels, masks)
        self._maps.log_notes(self._log)
        unmeasured = self.metrics.pop_failures()
        failures = {
            i: ("metric", "METRIC", unmeasured[row.number - 1]) for i, row in enumerate(rows) if row.number - 1 in unmeasured
        }
        failures |= {i: ("gradient", code, reason) for i, (code, reason) in self._maps.failures().items()}
        for i, (stage, code, reason) in failures.items():
            rows[i].failure = f"{code}: {reason}"
            self._log.add_failure(rows[i].name, read[i].path, stage, code, reason)

    def _add_scores(self, one: ReadRow, channels: Sequence[tuple[int, ...]]) -> None:
        """Add what the maps of a row explain, and its scores."""
        one.row.targets = [self.targets.caption(numbers, " rather than ") for numbers in channels]
        values = [one.scores[np.subtract(numbers, 1)] for numbers in channels]
        one.row.scores = [round_for_json(float(value[0] - value[1:].sum())) for value in values]

    def _add_maps(self, row: Row, masks: Mapping[tuple[str, bool], npt.NDArray[Any]]) -> None:
        """Add the maps of a group of columns and their agreement to a row."""
        agreements = [agreement([masks[method, smoothed] for method in self._methods]) for smoothed in self._smoothings]
        row.agreement.append([round_for_json(value) for value in agreements])
        for method, signed in self._drawn:
            row.maps.append([encode_map(masks[method, smoothed], signed, row.size) for smoothed in self._smoothings])
