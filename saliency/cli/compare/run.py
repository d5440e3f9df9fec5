"""Run ``saliency compare``: check all options, measure blocks of stimuli, then write the tables."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saliency.cli.cluster_pieces import ClusterPieces
from saliency.cli.compare.files import ComparisonFiles
from saliency.cli.compare.stimulus_measurement import MeasurementWorker, StimulusMeasurement
from saliency.cli.engine_options import RAY
from saliency.cli.local_pieces import LocalPieces
from saliency.cli.outputs import writable_folder
from saliency.cli.provenance import channel_words, run_record
from saliency.cli.run_log import RunLog, print_message
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.io.journal import Journal, open_journal
from saliency.metrics import Comparison

BLOCK = 16  # stimuli that are computed and recorded together
RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "meth", "set", "smooth", "metric", "metric_set", "seed", "format",
                    "framework", "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
                    "allow_duplicates")  # fmt: skip


@dataclass
class ComparisonRun:
    """A run whose options, files and network have been checked."""

    options: argparse.Namespace
    measurement: StimulusMeasurement
    files: ComparisonFiles
    log: RunLog

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "ComparisonRun":
        """Check everything that can be checked before the computation.

        Raises:
            CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid; nothing has been written.
        """
        stimuli = Stimuli.of(options)
        log = RunLog("saliency compare", len(stimuli), options.max_errors)
        measurement = StimulusMeasurement.prepare(options, stimuli, log)
        return cls(options, measurement, ComparisonFiles(Path(options.out), options.format), log)

    def run(self) -> int:
        """Measure the stimuli that are missing, and write the files; return the exit status."""
        n = len(self.measurement.stimuli)
        blocks = {start: range(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)}
        with self._open_journal() as journal:
            self._measure(blocks, journal)
            self._write([journal.records[str(start)] for start in blocks])
            status = self.log.finish(self.files.errors)
            journal.finish()
            return status

    def _measure(self, blocks: Mapping[int, range], journal: Journal) -> None:
        """Measure the missing blocks."""
        options, measurement = self.options, self.measurement
        if options.engine == RAY:
            on_cluster = ClusterPieces(options, measurement.stimuli, MeasurementWorker, blocks)
            on_cluster.compute(self.log, journal, lambda _, record: record)
        else:
            here = LocalPieces(options, measurement.reader, blocks)
            here.compute(self.log, journal, lambda _, read: measurement.compute(read))

    @contextmanager
    def _open_journal(self) -> Iterator[Journal]:
        """Start the run, or resume it after the blocks of its earlier part."""
        settings = run_settings(self.options, RECORDED_OPTIONS, self.measurement.stimuli)
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

    def _write(self, blocks: Sequence[dict[str, Any]]) -> None:
        """Write the files from the records of all blocks, and print the notes."""
        self.files.remove_results()
        rows = [value for block in blocks for value in block["values"]]
        if not rows:
            return
        directions = {name: better for block in blocks for name, better in block["directions"].items()}
        methods = dict.fromkeys(name for name in (row[1] for row in rows) if name in self.measurement.values.maps.names)
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
            "stimID": [self.measurement.stimuli.names[i] for i in places],
            "target": [targets[i] for i in places],
        }
        return pd.DataFrame(front).join(values[["method", "metric", "value"]])

    def _record(self) -> dict[str, Any]:
        """Return the record of the computation, for the figure."""
        measured = self.measurement.values
        layers = {measured.targets.layer.layer: channel_words(measured.targets.choices)}
        own = {"metrics": self.options.metric, "metric_options": self.options.metric_set, "seed": self.options.seed}
        computation, names = {**own, **measured.maps.record()}, self.measurement.stimuli.names
        return run_record("saliency compare", self.options, measured.network, layers, names, computation)
