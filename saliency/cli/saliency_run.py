"""One run of ``dnn_saliency``: everything is checked first, then the stimuli go by in groups of six, a figure each."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from saliency import nets
from saliency.cli import checks
from saliency.cli.channel_maps import ChannelMaps
from saliency.cli.errors_table import Failure, write_failures
from saliency.cli.figure import empty_figure, fill, keep, saliency_image
from saliency.io.picture import PictureError, read_picture

ERRORS = "errors.csv"
IN_A_FIGURE = 6


@dataclass
class SaliencyRun:
    """A command whose options, files, network and folder have been found good."""

    options: argparse.Namespace
    maps: ChannelMaps
    network: nets.Network
    stimuli: list[tuple[str, Path]]  # stimID, file
    failures: list[Failure] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "SaliencyRun":
        """Check everything that can be checked before the work.

        Raises:
            Refused, ValueError, RuntimeError, OSError: with one line that says what is wrong; nothing has been written.
        """
        checks.colour_map(options.cmap)
        if options.show:
            checks.display()
        stimuli = checks.stimuli(options.stim)
        network = replace(nets.load(options.net, options.weights), resize=None)  # the whole picture, as the figure shows it
        checks.channels(network, options.layer, options.chn)
        run = cls(options, ChannelMaps(network, options.meth, options.layer), network, stimuli)
        if options.out is not None:
            figures = -(-len(stimuli) // IN_A_FIGURE)
            checks.folder(Path(options.out), [*map(run._name, range(1, figures + 1)), ERRORS], options.overwrite)
        return run

    def run(self) -> int:
        """Make the figures; return the exit status."""
        n = len(self.stimuli)
        try:
            for k, start in enumerate(range(0, n, IN_A_FIGURE), start=1):
                group = list(self._pictures(self.stimuli[start : start + IN_A_FIGURE]))
                if group:
                    self._figure(k, group)
                print(f"Finish: {min(start + IN_A_FIGURE, n)}/{n}", flush=True)
        finally:  # what failed is told after an interrupt too
            self._write_failures()
        for note, count in (+self.notes).items():
            print(f"dnn_saliency: note: {count} of {n}: {note}", file=sys.stderr)
        if self.failures:
            see = f", see {Path(self.options.out) / ERRORS}" if self.options.out is not None else ""
            print(f"{n - len(self.failures)} done, {len(self.failures)} failed{see}", file=sys.stderr)
        return 1 if self.failures else 0

    def _pictures(self, stimuli: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Path, Image.Image]]:
        for name, path in stimuli:
            try:
                if not checks.is_inside(name):
                    raise PictureError("OUTSIDE_PATH", path, "leads out of the folder of path=")
                picture, notes = read_picture(path)
            except PictureError as error:
                self._fail(name, path, "read", error.code, str(error))
            else:
                self.notes.update(notes)
                yield name, path, picture

    def _figure(self, k: int, group: list[tuple[str, Path, Image.Image]]) -> None:
        inputs = [self.network.prepare(picture) for _, _, picture in group]
        images, finite = {}, np.ones(len(group), bool)
        for number in self.options.chn:
            masks, empty = self.maps.masks(inputs, number)  # (n, 3, H, W)
            self.notes.update({f"no gradient reaches the picture from channel {number} (its map is black)": empty})
            finite &= np.isfinite(masks.reshape(len(masks), -1)).all(axis=1)
            images[f"chn{number}"] = [saliency_image(mask, self.options.mode) for mask in np.nan_to_num(masks)]
        good = np.flatnonzero(finite).tolist()
        for i in np.flatnonzero(~finite):
            self._fail(*group[i][:2], "gradient", "NONFINITE_GRAD", "the network's gradient is NaN or infinite")
        if good:
            scale = {name: getattr(self.options, name) for name in ("cmap", "vmin", "vmax")}
            figure = empty_figure(len(images) + 1, self.options.show)
            rows = {label: [row[i] for i in good] for label, row in images.items()}
            fill(figure, [group[i][2] for i in good], rows, scale)
            keep(figure, Path(self.options.out) / self._name(k) if self.options.out is not None else None, self.options.show)

    def _name(self, k: int) -> str:
        return re.sub(r"[^\w.-]", "_", f"{self.network.name}_{self.options.layer}") + f"_fig{k}.jpg"

    def _fail(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        self.failures.append(Failure(name, str(path), stage, code, message))
        print(f"dnn_saliency: {name}: {code}: {message}", file=sys.stderr)

    def _write_failures(self) -> None:
        if self.options.out is not None and self.failures:
            write_failures(Path(self.options.out) / ERRORS, self.failures)
        elif self.options.out is not None:
            (Path(self.options.out) / ERRORS).unlink(missing_ok=True)
