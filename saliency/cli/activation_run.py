"""One run of ``dnn_act``: everything is checked first, then the stimuli go by in batches, and all become one file."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli import network, unit_selection
from saliency.cli.activation_files import ActFiles, check_output
from saliency.cli.activations import Activations, all_layers
from saliency.cli.journal import Journal, journal
from saliency.cli.options import Refused
from saliency.cli.preprocessing import prepared
from saliency.cli.run_log import Report
from saliency.cli.run_settings import about
from saliency.cli.stimuli import Picture, Stimuli
from saliency.io import act
from saliency.io.hdf5_layer import check_layer_names
from saliency.io.raw_layer import RawFileLayer
from saliency.nets.preparation import Float32

Array = npt.NDArray[Any]
ABOUT = ("layer", "chn", "pool", "framework", "device", "batch", "frame", "no_exif", "float_range", "max_pixels",
         "allow_outside", "allow_duplicates")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Make the file, or what is missing of it; return the exit status.

    Raises:
        Refused, ValueError, RuntimeError, OSError: with one line that says what is wrong.
        TooManyFailed: if more pictures failed than may.
    """
    check_output(Path(options.out))
    files, mask, stimuli = ActFiles(Path(options.out)), unit_selection.chosen(options), Stimuli.of(options)
    report = Report("dnn_act", len(stimuli), options.max_errors)
    told = about(options, ABOUT, stimuli, read=("stim", "dmask"))
    with journal(files.journal, told, options.overwrite) as done, files.without_parts_of(done):
        if not (done.resumed or options.overwrite):
            files.check()
        if _is_written(done, files):
            report.restore(done.records)
        else:
            loaded = network.load(options)
            mask = all_layers(loaded) if mask is None else mask
            check_layer_names(files.out, mask.layers)
            ActRun(loaded, Activations(loaded, mask, options), stimuli, files, report, done).run()
        status = report.end(files.errors)
        files.clean()
        files.remove_parts()
        done.end()
        return status


def _is_written(done: Journal, files: ActFiles) -> bool:
    """Tell whether this run was killed between its last record and its end."""
    return done.resumed and bool(done.records) and "written" in done.records[-1] and files.out.exists()


@dataclass
class ActRun:
    """A command whose options, files and network have been found good."""

    network: nets.Network
    layers: Activations
    stimuli: Stimuli
    files: ActFiles
    report: Report
    done: Journal

    def __post_init__(self) -> None:
        n, folder = len(self.stimuli), self.files.parts
        names = enumerate(self.layers.shapes.items())
        self._parts = {name: RawFileLayer.for_file(folder / f"{i}.float32", (n, *shape)) for i, (name, shape) in names}

    def run(self) -> None:
        """Compute what is not there yet, and write the file."""
        n, each = len(self.stimuli), self.layers.batch
        start = self._begin()
        for at in range(start, n, each):
            numbers = range(at, min(at + each, n))
            self._batch(numbers, list(prepared(self.network, self.stimuli.read(numbers, self.report), self.report)))
            self.report.finished(numbers.stop)
            self.done.add(self.report.record())
        act.write(act.Activation(self._parts), self.files.out)
        self.done.add({**self.report.record(), "written": True})

    def _begin(self) -> int:
        """Begin the run, or take it up where it ended; return how many stimuli are done."""
        self.done.begin()
        self.files.clean()
        self.report.restore(self.done.records)
        done = min(len(self.done.records) * self.layers.batch, len(self.stimuli))
        if not done:
            self.files.remove_parts()
            self.files.parts.mkdir()
        elif all(part.has_stimuli(done) for part in self._parts.values()):
            self.report.going_on(done)
        else:
            raise Refused(f"{self.files.parts} lacks what {self.files.journal.name} has for done; remove both to begin anew")
        return done

    def _batch(self, numbers: range, inputs: Sequence[tuple[Picture, Float32]]) -> None:
        """Write the activation to stimuli; a row of NaN to those without an input, or that give a value that is no number."""
        pictures = [picture for picture, _ in inputs]
        rows = [picture.number - numbers.start for picture in pictures]
        x = self.layers.inputs([one for _, one in inputs]) if inputs else None
        unsound: dict[int, str] = {}
        for name, part in self._parts.items():
            values = np.full((len(numbers), *part.shape[1:]), np.nan, np.float32)
            if pictures:
                values[rows] = self.layers.of(name, x)
                finite = np.isfinite(values[rows]).all(axis=(1, 2, 3))
                unsound |= dict.fromkeys(np.flatnonzero(~finite).tolist(), name)
            part.write_stimuli(numbers.start, values)
        for i, name in sorted(unsound.items()):
            self._drop(pictures[i], name)

    def _drop(self, picture: Picture, layer: str) -> None:
        for part in self._parts.values():
            part.write_stimuli(picture.number, np.full((1, *part.shape[1:]), np.nan, np.float32))
        told = f"layer {layer} gives values that are infinite or no numbers"
        self.report.fail(picture.name, picture.path, "forward", "NONFINITE_ACT", told)
