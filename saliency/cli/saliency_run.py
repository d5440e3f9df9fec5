"""Run ``dnn_saliency``: check all options, then compute and draw six stimuli per figure."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from saliency import nets
from saliency.cli.channel_choice import TargetRow
from saliency.cli.channel_maps import ChannelExplainer
from saliency.cli.figure import SaliencyFigure
from saliency.cli.image_targets import ImageTargets
from saliency.cli.map_files import CHANNELS_SUFFIX, merge_map_files, open_map_writer
from saliency.cli.map_images import MapImages, figure_scale
from saliency.cli.network import load_network
from saliency.cli.outputs import OutputFiles, writable_folder
from saliency.cli.preflight import check_color_map, check_display
from saliency.cli.preprocessing import preprocess_images, seen_picture
from saliency.cli.provenance import channel_words, run_record
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_image import StimulusImage
from saliency.core.display.color_scale import SIGNED_COLORS
from saliency.io.checksum import file_checksum
from saliency.io.journal import OUTPUT, Journal, open_journal
from saliency.io.npz import NpzWriter
from saliency.nets.preparation import Float32

STIMULI_PER_FIGURE = 6
DRAWN_SIDE = 200  # pixels, about the size of an image in a figure
RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "meth", "set", "smooth", "mode", "cmap", "vmin", "vmax", "units",
                    "percentile", "overlay", "dnnbrain", "dpi", "format", "save", "framework",
                    "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
                    "allow_duplicates")  # fmt: skip


@dataclass
class SaliencyRun:
    """A run whose options, files and network have been checked."""

    options: argparse.Namespace
    explainer: ChannelExplainer
    targets: ImageTargets
    network: nets.Network
    stimuli: Stimuli
    files: OutputFiles | None  # None if the figures are shown and not saved
    log: RunLog

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "SaliencyRun":
        """Check everything that can be checked before the computation.

        Raises:
            CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid; nothing has been written.
        """
        check_color_map(options.cmap or SIGNED_COLORS)
        if options.show:
            check_display()
        stimuli = Stimuli.of(options)
        network = load_network(options)
        stimuli = stimuli.for_network(network, DRAWN_SIDE)
        targets = ImageTargets.of(network, options, stimuli)
        explainer = ChannelExplainer(network, options.meth, targets.layer, options.smooth, options.batch, options.set)
        figures = -(-len(stimuli) // STIMULI_PER_FIGURE)
        files = None if options.out is None else OutputFiles.of(options, network.name, targets, figures)
        log = RunLog("dnn_saliency", len(stimuli), options.max_errors)
        return cls(options, explainer, targets, network, stimuli, files, log)

    def run(self) -> int:
        """Make the figures that are missing; return the exit status."""
        n = len(self.stimuli)
        with self._open_journal() as journal:
            for k, start in enumerate(range(0, n, STIMULI_PER_FIGURE), start=1):
                if journal is not None and str(k) in journal.records:
                    self.log.restore(journal.records[str(k)])
                    continue
                indices = range(start, min(start + STIMULI_PER_FIGURE, n))
                self._make_figure(k, indices)
                self.log.show_progress(indices.stop)
                self._record_figure(k, journal)
            status = self.log.finish(self.files.errors if self.files is not None else None)
            if journal is not None and self.files is not None:
                if self.options.save == "h5":
                    self._merge_maps(self.files, journal)
                journal.finish()
            return status

    @contextmanager
    def _open_journal(self) -> Iterator[Journal | None]:
        """Start the run, or resume it with the figures of its earlier part that are intact."""
        if self.files is None:
            yield None
            return
        with ExitStack() as stack:
            stack.enter_context(writable_folder(self.files.folder))
            settings = run_settings(self.options, RECORDED_OPTIONS, self.stimuli)
            journal = stack.enter_context(open_journal(self.files.journal, settings, self.options.overwrite))
            if not journal.resumed and not self.options.overwrite:
                self.files.check_absent()
            self.files.remove_temporary_files()
            journal.begin()
            damaged, recorded = self.files.damaged_pieces(journal), len(journal.pieces)
            self.log.show_damaged(len(damaged), recorded, "figures")
            journal.discard(damaged)
            self.log.show_resumed(STIMULI_PER_FIGURE * len(journal.pieces))
            self._check_free_space(self.files, journal)
            yield journal

    def _check_free_space(self, files: OutputFiles, journal: Journal) -> None:
        """Check that the disk has space for the maps, unless an earlier part of this run wrote them all."""
        if self.options.save is not None and OUTPUT not in journal.records:
            size, n = self.explainer.map_bytes() * len(self.targets.choices), len(self.stimuli)
            files.check_free_space(size * max(0, n - STIMULI_PER_FIGURE * len(journal.pieces)), size * n)

    @cached_property
    def _record(self) -> dict[str, Any]:
        """The record of the computation, for the files."""
        layers = {self.targets.layer.layer: channel_words(self.targets.choices)}
        return run_record("dnn_saliency", self.options, self.network, layers, self.stimuli.names, self.explainer.record())

    def _record_figure(self, k: int, journal: Journal | None) -> None:
        if journal is not None and self.files is not None:
            files = {path.name: file_checksum(path) for path in self.files.pieces(k) if path.exists()}
            journal.add(k, {**self.log.new_record(), "files": files})

    def _make_figure(self, k: int, indices: range) -> None:
        """Make the k-th figure, counting from 1, and save its maps."""
        preprocessed = list(preprocess_images(self.network, self.stimuli.read(indices, self.log), self.log))
        with_target, targets = self.targets.split([image for image, _ in preprocessed], [x for _, x in preprocessed], self.log)
        if not with_target:
            self._remove_older(k)
            return
        images, inputs = zip(*(preprocessed[i] for i in with_target), strict=True)
        rows, captions = self._explain(k, images, inputs, targets)
        self.log.notes.update(self.explainer.pop_notes())
        for i, (code, reason) in self.explainer.failures.items():
            self.log.add_failure(images[i].name, images[i].path, "gradient", code, reason)
        good = {image.index: i for i, image in enumerate(images) if i not in self.explainer.failures}
        if good:
            order = [good.get(index) for index in indices]  # None leaves a gap
            stimuli, *maps = [[None if i is None else row[i] for i in order] for row in rows.values()]
            texts = {label: ["" if i is None else row[i] for i in order] for label, row in captions.items()}
            self._draw(k, stimuli, dict(zip(list(rows)[1:], maps, strict=True)), texts)

    def _explain(
        self, k: int, images: Sequence[StimulusImage], inputs: Sequence[Float32], targets: Sequence[TargetRow]
    ) -> tuple[dict[str, list[Any]], dict[str, list[str]]]:
        """Save the maps of the k-th figure; return the images and the captions of its rows by their labels."""
        seen = [image.rgb if self.options.dnnbrain else seen_picture(self.network, image.rgb) for image in images]
        rows: dict[str, list[Any]] = {"stim": list(seen)}
        captions: dict[str, list[str]] = {}
        converter = self._map_images()
        with self._map_writer(k, images) as writer:
            for maps in self.explainer.explain(inputs, targets):
                choice, label = maps.row.choice, self.targets.row_name(maps.row.choice)
                rows[label] = [converter.image(np.nan_to_num(mask), one) for mask, one in zip(maps.masks, seen, strict=True)]
                captions[label] = [self.targets.caption(one) if choice.varies else "" for one in maps.row.channels]
                if writer is not None:
                    writer.add(choice.name, maps.masks)
                    if choice.varies:
                        writer.add(f"{choice.name}{CHANNELS_SUFFIX}", np.array(maps.row.channels, np.int64))
        return rows, captions

    def _remove_older(self, k: int) -> None:
        """Remove the files of an earlier run for a figure without images."""
        for path in () if self.files is None else self.files.pieces(k):
            if path.exists():
                path.unlink()

    @contextmanager
    def _map_writer(self, k: int, images: Sequence[StimulusImage]) -> Iterator[NpzWriter | None]:
        """Yield a writer for the maps of the k-th figure, or None if maps are not saved."""
        if self.options.save is None or self.files is None:
            yield None
            return
        names, numbers = [image.name for image in images], [image.index + 1 for image in images]
        with open_map_writer(self.files.maps(k), names, numbers, self._record) as writer:
            yield writer

    def _map_images(self) -> MapImages:
        chosen = self.options
        limits = chosen.vmin, chosen.vmax
        return MapImages(chosen.mode, chosen.percentile, chosen.units, chosen.overlay, chosen.cmap, limits, chosen.dnnbrain)

    def _draw(
        self, k: int, stimuli: Sequence[Image.Image | None], rows: dict[str, list[Any]], captions: dict[str, list[str]]
    ) -> None:
        figure = SaliencyFigure(len(rows) + 1, len(stimuli), self.options.show)
        figure.draw(stimuli, rows, figure_scale(vars(self.options)), captions)
        if self.files is not None:
            names = self.stimuli.names[STIMULI_PER_FIGURE * (k - 1) : STIMULI_PER_FIGURE * k]
            comment = json.dumps({**self._record, "arguments": self.files.comment, "stimuli": list(names)})
            figure.save(self.files.figure(k), comment, self.options.dpi)
        if self.options.show:
            figure.show()

    def _merge_maps(self, files: OutputFiles, journal: Journal) -> None:
        """Merge all maps into one file and remove the parts, unless an earlier part of this run did."""
        parts = [path for path in map(files.maps, range(1, files.figures + 1)) if path.exists()]
        if parts and OUTPUT not in journal.records:
            merge_map_files(parts, self.stimuli.names, files.merged_maps, self._record)
            journal.add(OUTPUT, {"file": file_checksum(files.merged_maps)})
        for part in parts:
            part.unlink()
