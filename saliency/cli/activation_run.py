"""Run ``dnn_act``: check all options, compute activations in batches, then write them to one file."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saliency import nets
from saliency.cli.activation_batch import ActivationBatch
from saliency.cli.activation_files import ActivationFiles, check_output_path
from saliency.cli.activations import ActivationExtractor, mask_of_all_layers
from saliency.cli.cluster_activations import Activations, ActivationWorker
from saliency.cli.cluster_pieces import ClusterPieces
from saliency.cli.engine_options import RAY
from saliency.cli.local_pieces import LocalPieces
from saliency.cli.network import load_network
from saliency.cli.provenance import run_record
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import Prepared, StimulusReader
from saliency.cli.unit_selection import selected_units
from saliency.io import act
from saliency.io.checksum import file_checksum
from saliency.io.dmask import Dmask
from saliency.io.hdf5_layer import check_layer_names
from saliency.io.journal import OUTPUT, Journal, open_journal
from saliency.io.raw_layer import RawFileLayer

RECORDED_OPTIONS = ("prompts", "layer", "chn", "pool", "framework", "device", "batch", "frame", "no_exif", "float_range",
                    "max_pixels", "allow_outside", "allow_duplicates")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Compute the activations and write the file, or resume a run that ended early; return the exit status.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid.
        TooManyFailures: if more images failed than ``-max-errors`` allows.
    """
    check_output_path(Path(options.out))
    files, mask, stimuli = ActivationFiles(Path(options.out)), selected_units(options), Stimuli.of(options)
    log = RunLog("dnn_act", len(stimuli), options.max_errors)
    settings = run_settings(options, RECORDED_OPTIONS, stimuli, files=("stim", "dmask"))
    with open_journal(files.journal, settings, options.overwrite) as journal, files.parts.discard_unrecorded(journal):
        if not (journal.resumed or options.overwrite):
            files.check_absent()
        if files.is_written(journal):
            for record in journal.pieces.values():
                log.restore(record)
        else:
            network = load_network(options)
            mask = mask_of_all_layers(network) if mask is None else mask
            check_layer_names(files.out, mask.layers)
            extractor, stimuli = ActivationExtractor(network, mask, options), stimuli.for_network(network)
            record = run_record("dnn_act", options, network, _channels(mask), stimuli.names)
            record["pool"] = options.pool or "none"
            ActivationRun(options, network, extractor, stimuli, files, log, journal, record).run()
        status = log.finish(files.errors)
        files.remove_temporary_files()
        files.parts.remove()
        journal.finish()
        return status


def _channels(mask: Dmask) -> dict[str, Any]:
    """Return the channels of each layer, counting from 1, for the record of the run."""
    selected = {name: units.channels for name, units in mask.layers.items()}
    return {name: "all" if one is None else [int(i) + 1 for i in one] for name, one in selected.items()}


@dataclass
class ActivationRun:
    """The computation of a run, after its options, files and network have been checked."""

    options: argparse.Namespace
    network: nets.Network
    extractor: ActivationExtractor
    stimuli: Stimuli
    files: ActivationFiles
    log: RunLog
    journal: Journal
    record: Mapping[str, Any]

    def __post_init__(self) -> None:
        n, folder = len(self.stimuli), self.files.parts.path
        names = enumerate(self.extractor.shapes.items())
        self._parts = {name: RawFileLayer.for_file(folder / f"{i}.float32", (n, *shape)) for i, (name, shape) in names}

    def run(self) -> None:
        """Compute the activations that are missing, and write the file."""
        self._begin()
        batches = {start: self._batch(start) for start in range(0, len(self.stimuli), self.extractor.batch)}
        if self.options.engine == RAY:
            self._compute_on_cluster(batches)
        else:
            self._compute(batches)
        act.write(act.Activation(self._parts), self.files.out, self.record)
        self.journal.add(OUTPUT, {"file": file_checksum(self.files.out)})

    def _compute(self, batches: Mapping[int, range]) -> None:
        """Compute the missing batches in order."""
        reader = StimulusReader(self.stimuli, self.network, pixels=1)

        def compute(start: int, read: Sequence[Prepared]) -> dict[str, Any]:
            self._write_batch(ActivationBatch(self.extractor, read, batches[start]), batches[start])
            return {"parts": self._checksums(start)}

        LocalPieces(self.options, reader, batches).compute(self.log, self.journal, compute)

    def _compute_on_cluster(self, batches: Mapping[int, range]) -> None:
        """Compute the missing batches on a cluster; this process writes them as they are finished."""
        options = argparse.Namespace(**{**vars(self.options), "batch": self.extractor.batch})

        def write(start: int, layers: Activations) -> dict[str, Any]:
            for name, values in layers.items():
                self._parts[name].write_stimuli(start, values)
            return {"parts": self._checksums(start)}

        ClusterPieces(options, self.stimuli, ActivationWorker, batches).compute(self.log, self.journal, write)

    def _begin(self) -> None:
        """Start the run, or resume it with the batches that are intact."""
        self.journal.begin()
        self.files.remove_temporary_files()
        self.files.parts.open(keep=bool(self.journal.pieces))
        recorded = self.journal.pieces
        damaged = [start for start, record in recorded.items() if record["parts"] != self._checksums(start)]
        self.log.show_damaged(len(damaged), len(recorded), "batches")
        self.journal.discard([*damaged, OUTPUT])
        done = sum(len(self._batch(start)) for start in self.journal.pieces)
        self.files.check_free_space(sum(part.bytes_of(len(self.stimuli) - done) for part in self._parts.values()))
        self.log.show_resumed(done)

    def _batch(self, start: int) -> range:
        """Return the indices of the stimuli of a batch."""
        return range(start, min(start + self.extractor.batch, len(self.stimuli)))

    def _checksums(self, start: int) -> dict[str, Any]:
        """Return the checksums of a batch's values in the file of each layer."""
        return {name: part.checksum(self._batch(start)) for name, part in self._parts.items()}

    def _write_batch(self, batch: ActivationBatch, indices: range) -> None:
        """Write the activations of a batch; those that are not finite become NaN in all layers."""
        for name, values in batch.layers():
            self._parts[name].write_stimuli(indices.start, values)
        for index in batch.failed(self.log):
            for part in self._parts.values():
                part.write_stimuli(index, np.full((1, *part.shape[1:]), np.nan, np.float32))
