"""Run ``saliency compare``: check all options, measure blocks of stimuli, then write the tables."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saliency.cli.channels import LayerChannels
from saliency.cli.compare.block_values import BlockValues, ReadStimulus
from saliency.cli.compare.files import ComparisonFiles
from saliency.cli.image_targets import ImageTargets
from saliency.cli.metric_names import chosen_metrics
from saliency.cli.network import load_network
from saliency.cli.object_columns import ObjectColumns
from saliency.cli.options import CommandError
from saliency.cli.outputs import writable_folder
from saliency.cli.preprocessing import preprocess_images
from saliency.cli.provenance import channel_words, run_record
from saliency.cli.report.method_maps import MethodMaps
from saliency.cli.run_log import RunLog, print_message
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_image import StimulusImage
from saliency.io.journal import Journal, open_journal
from saliency.io.picture_options import PictureError
from saliency.metrics import Comparison

BLOCK = 16  # stimuli that are computed and recorded together
RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "meth", "set", "smooth", "metric", "metric_set", "seed", "format",
                    "framework", "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
                    "allow_duplicates")  # fmt: skip


@dataclass
class ComparisonRun:
    """A run whose options, files and network have been checked."""

    options: argparse.Namespace
    stimuli: Stimuli
    objects: ObjectColumns | None
    values: BlockValues
    files: ComparisonFiles
    log: RunLog

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "ComparisonRun":
        """Check everything that can be checked before the computation.

        Raises:
            CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid; nothing has been written.
        """
        metrics = chosen_metrics(options.metric, options.metric_set)
        stimuli = Stimuli.of(options)
        network = load_network(options)
        targets = ImageTargets.of(network, options, stimuli)
        _check_one_choice(targets, targets.layer)
        objects = ObjectColumns.of(stimuli, network) if any(metric.needs == "objects" for metric in metrics) else None
        stimuli = stimuli if objects is not None else stimuli.for_network(network)
        log = RunLog("saliency compare", len(stimuli), options.max_errors)
        maps = MethodMaps(network, targets.layer, options)
        values = BlockValues(network, targets, maps, metrics, options.seed, log)
        return cls(options, stimuli, objects, values, ComparisonFiles(Path(options.out), options.format), log)

    def run(self) -> int:
        """Measure the stimuli that are missing, and write the files; return the exit status."""
        n = len(self.stimuli)
        with self._open_journal() as journal:
            for start in range(0, n, BLOCK):
                if str(start) in journal.records:
                    self.log.restore(journal.records[str(start)])
                    continue
                indices = range(start, min(start + BLOCK, n))
                values, targets = self.values.compute(self._read(indices))
                self.log.show_progress(indices.stop)
                found = {"values": values, "targets": targets, "directions": self.values.directions}
                journal.add(start, {**self.log.new_record(), **found})
            self._write([journal.records[str(start)] for start in range(0, n, BLOCK)])
            status = self.log.finish(self.files.errors)
            journal.finish()
            return status

    @contextmanager
    def _open_journal(self) -> Iterator[Journal]:
        """Start the run, or resume it after the blocks of its earlier part."""
        settings = run_settings(self.options, RECORDED_OPTIONS, self.stimuli)
        with (
            writable_folder(self.files.folder),
            open_journal(self.files.journal, settings, self.options.overwrite) as journal,
        ):
            if not journal.resumed and not self.options.overwrite:
                self.files.check_absent()
            self.files.remove_temporary_files()
            journal.begin()
            self.log.show_resumed(BLOCK * len(journal.pieces))
            yield journal

    def _read(self, indices: range) -> list[ReadStimulus]:
        """Read stimuli with their objects; log those that cannot be read."""
        object_masks: dict[int, Any] = {}

        def images() -> Iterator[StimulusImage]:
            for image in self.stimuli.read(indices, self.log):
                try:
                    object_masks[image.index] = None if self.objects is None else self.objects.read(image)
                except PictureError as error:
                    self.log.add_failure(image.name, image.path, "object", error.code, str(error))
                else:
                    yield image

        read = preprocess_images(self.values.network, images(), self.log, pixels=1)
        return [ReadStimulus(image, x, object_masks[image.index]) for image, x in read]

    def _write(self, blocks: Sequence[dict[str, Any]]) -> None:
        """Write the files from the records of all blocks, and print the notes."""
        self.files.remove_results()
        rows = [value for block in blocks for value in block["values"]]
        if not rows:
            return
        directions = {name: better for block in blocks for name, better in block["directions"].items()}
        methods = dict.fromkeys(name for name in (row[1] for row in rows) if name in self.values.maps.names)
        values = pd.DataFrame(rows, columns=["picture", "method", "metric", "value"])
        comparison = Comparison(values, tuple(methods), directions, self.options.seed)
        targets = {int(i): text for block in blocks for i, text in block["targets"].items()}
        self.files.write(comparison, self._named(values, targets), json.dumps(self._record()))
        for note in comparison.notes:
            print_message(f"saliency compare: note: {note}")
        if len(targets) == 1:
            print_message("saliency compare: note: a single image has no interval and no test")

    def _named(self, values: pd.DataFrame, targets: dict[int, str]) -> pd.DataFrame:
        """Return the values with the number, the stimID and the target of each stimulus."""
        places = values["picture"]
        front = {
            "number": places + 1,
            "stimID": [self.stimuli.names[i] for i in places],
            "target": [targets[i] for i in places],
        }
        return pd.DataFrame(front).join(values[["method", "metric", "value"]])

    def _record(self) -> dict[str, Any]:
        """Return the record of the computation, for the figure."""
        layers = {self.values.targets.layer.layer: channel_words(self.values.targets.choices)}
        own = {"metrics": self.options.metric, "metric_options": self.options.metric_set, "seed": self.options.seed}
        computation = {**own, **self.values.maps.record()}
        return run_record("saliency compare", self.options, self.values.network, layers, self.stimuli.names, computation)


def _check_one_choice(targets: ImageTargets, layer: LayerChannels) -> None:
    if len(targets.choices) > 1:
        words = " ".join(map(str, targets.choices))
        raise CommandError(
            f"-chn ({words}) must select one channel of {layer.layer} for each image: the maps of one are compared"
        )
