"""One run of ``dnn_saliency``: everything is checked first, then the stimuli go by, six to a figure."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from saliency import nets
from saliency.cli import map_files, network, preflight
from saliency.cli.channel_maps import ChannelMaps
from saliency.cli.channels import Channels
from saliency.cli.figure import Sheet, saliency_image, strength
from saliency.cli.journal import Journal, journal
from saliency.cli.outputs import Outputs, folder
from saliency.cli.preprocessing import prepared
from saliency.cli.run_log import Report
from saliency.cli.run_settings import about
from saliency.cli.stimuli import Picture, Stimuli

IN_A_FIGURE = 6
ABOUT = ("layer", "chn", "meth", "set", "smooth", "mode", "cmap", "vmin", "vmax", "units", "save", "framework",
         "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside", "allow_duplicates")  # fmt: skip


@dataclass
class SaliencyRun:
    """A command whose options, files and network have been found good."""

    options: argparse.Namespace
    maps: ChannelMaps
    network: nets.Network
    stimuli: Stimuli
    outputs: Outputs | None  # None if the figures are shown and not saved
    report: Report

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "SaliencyRun":
        """Check everything that can be checked before the work.

        Raises:
            Refused, ValueError, RuntimeError, OSError: with one line that says what is wrong; nothing has been written.
        """
        preflight.colour_map(options.cmap)
        if options.show:
            preflight.display()
        stimuli = Stimuli.of(options)
        loaded = network.load(options)
        channels = Channels.of(loaded, options.layer)
        channels.check(options.chn)
        maps = ChannelMaps(loaded, options.meth, channels, options.smooth, options.batch, options.set)
        figures = -(-len(stimuli) // IN_A_FIGURE)
        outputs = None if options.out is None else Outputs.of(options, loaded.name, figures)
        return cls(options, maps, loaded, stimuli, outputs, Report("dnn_saliency", len(stimuli), options.max_errors))

    def run(self) -> int:
        """Make what is not there yet; return the exit status."""
        n, each = len(self.stimuli), IN_A_FIGURE
        with self._begun() as done:
            for k, start in enumerate(range(0, n, each), start=1):
                if done is not None and k <= len(done.records):
                    continue
                self._figure(k, list(self.stimuli.read(range(start, min(start + each, n)), self.report)))
                self.report.finished(min(start + each, n))
                if done is not None:
                    done.add(self.report.record())
            status = self.report.end(self.outputs.errors if self.outputs is not None else None)
            if done is not None and self.outputs is not None:
                if self.options.save == "h5":
                    self._join(self.outputs, done)
                done.end()
            return status

    @contextmanager
    def _begun(self) -> Iterator[Journal | None]:
        """Begin the run, or take it up where it ended; what failed is told after an interrupt too."""
        if self.outputs is None:
            yield None
            return
        with ExitStack() as stack:
            stack.enter_context(folder(self.outputs.folder))
            told = about(self.options, ABOUT, self.stimuli)
            done = stack.enter_context(journal(self.outputs.journal, told, self.options.overwrite))
            if not done.resumed and not self.options.overwrite:
                self.outputs.check()
            self.outputs.clean()
            done.begin()
            self.report.restore(done.records)
            self.report.going_on(IN_A_FIGURE * len(done.records))
            yield done

    def _figure(self, k: int, group: Sequence[Picture]) -> None:
        """Make the k-th figure and its maps."""
        found = list(prepared(self.network, group, self.report))
        if not found:
            return
        group, inputs = [picture for picture, _ in found], [x for _, x in found]
        images: dict[str, list[Any]] = {}
        with self._saving(k, group) as saved:
            for maps in self.maps.of(inputs, self.options.chn):
                images[f"chn{maps.channel}"] = [self._image(mask) for mask in maps.masks]
                if saved is not None:
                    saved.add(f"chn{maps.channel}", maps.masks)
        self.report.notes.update(self.maps.take_notes())
        for i, (code, why) in self.maps.failed.items():
            self.report.fail(group[i].name, group[i].path, "gradient", code, why)
        good = {one.number: i for i, one in enumerate(group) if i not in self.maps.failed}
        if good:
            first = (k - 1) * IN_A_FIGURE
            places = [good.get(number) for number in range(first, min(first + IN_A_FIGURE, len(self.stimuli)))]
            rows = {label: [None if i is None else row[i] for i in places] for label, row in images.items()}
            self._draw(k, [None if i is None else group[i].image for i in places], rows)

    @contextmanager
    def _saving(self, k: int, group: Sequence[Picture]) -> Iterator[map_files.MapFile | None]:
        """Write the maps of the k-th figure, if maps are saved."""
        if self.options.save is None or self.outputs is None:
            yield None
            return
        with map_files.writing(self.outputs.maps(k), [one.name for one in group], [one.number + 1 for one in group]) as saved:
            yield saved

    def _image(self, mask: Any) -> Any:
        drawable = strength if self.options.units else saliency_image
        return drawable(np.nan_to_num(mask), self.options.mode)

    def _draw(self, k: int, pictures: Sequence[Image.Image | None], rows: dict[str, list[Any]]) -> None:
        sheet = Sheet(len(rows) + 1, len(pictures), self.options.show)
        sheet.fill(pictures, rows, {name: getattr(self.options, name) for name in ("cmap", "vmin", "vmax")})
        if self.outputs is not None:
            sheet.save(self.outputs.figure(k), self.outputs.comment)
        if self.options.show:
            sheet.show()

    def _join(self, outputs: Outputs, done: Journal) -> None:
        """Put all maps into one file; where a run was killed behind this, some of the parts may be gone already."""
        parts = [path for path in map(outputs.maps, range(1, outputs.figures + 1)) if path.exists()]
        if parts and "joined" not in done.records[-1]:
            map_files.join(parts, self.stimuli.names, outputs.joined)
            done.add({**self.report.record(), "joined": True})
        for part in parts:
            part.unlink()
