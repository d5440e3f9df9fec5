"""Measure the stimuli of a comparison."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saliency.cli.channels import LayerChannels
from saliency.cli.compare.block_values import BlockValues
from saliency.cli.image_targets import ImageTargets
from saliency.cli.metric_names import chosen_metrics
from saliency.cli.network import load_network
from saliency.cli.object_columns import ObjectColumns
from saliency.cli.options import CommandError
from saliency.cli.piece_log import PieceLog, StimulusLog
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import Prepared, StimulusReader


@dataclass
class StimulusMeasurement:
    """The measurement of stimuli, whose options and network have been checked."""

    stimuli: Stimuli
    objects: ObjectColumns | None
    values: BlockValues
    log: StimulusLog

    @classmethod
    def prepare(cls, options: argparse.Namespace, stimuli: Stimuli, log: StimulusLog) -> "StimulusMeasurement":
        """Check everything that can be checked before the computation.

        Raises:
            CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid.
        """
        metrics, network = chosen_metrics(options.metric, options.metric_set), load_network(options)
        targets = ImageTargets.of(network, options, stimuli)
        _check_one_choice(targets, targets.layer)
        objects = ObjectColumns.of(stimuli, network) if any(metric.needs == "objects" for metric in metrics) else None
        stimuli = stimuli if objects is not None else stimuli.for_network(network)
        maps = MethodMaps(network, targets.layer, options)
        return cls(stimuli, objects, BlockValues(network, targets, maps, metrics, options.seed, log), log)

    @property
    def reader(self) -> StimulusReader:
        """The reader of the images and their objects."""
        return StimulusReader(self.stimuli, self.values.network, pixels=1, objects=self.objects)

    def compute(self, read: Sequence[Prepared]) -> dict[str, Any]:
        """Return the values of stimuli, what was explained for each, and the directions of the metrics, for the journal."""
        values, targets = self.values.compute(read)
        return {"values": values, "targets": targets, "directions": dict(self.values.directions)}


def _check_one_choice(targets: ImageTargets, layer: LayerChannels) -> None:
    if len(targets.choices) > 1:
        words = " ".join(map(str, targets.choices))
        raise CommandError(
            f"-chn ({words}) must select one channel of {layer.layer} for each image: the maps of one are compared"
        )


class MeasurementWorker:
    """Measure stimuli in a worker of a Ray cluster, which loads the network for itself."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._log = PieceLog()
        self._measurement = StimulusMeasurement.prepare(options, Stimuli.of(options), self._log)

    def __call__(self, indices: range) -> tuple[dict[str, Any], PieceLog]:
        """Return the record of some stimuli."""
        read = list(self._measurement.reader.read(indices, self._log))
        return self._measurement.compute(read), self._log.pop()
