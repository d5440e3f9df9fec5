"""One run of ``dnn_saliency``: everything is checked first, then the stimuli go by in groups of six, a figure each."""

import argparse
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import saliency
from saliency import nets
from saliency.cli import checks
from saliency.cli.errors_table import Failure, write_failures
from saliency.cli.figure import empty_figure, fill, keep, saliency_image
from saliency.io.picture import PictureError, read_picture

METHODS = {"guided": saliency.GuidedBackprop, "vanilla": saliency.Vanilla}
IN_A_FIGURE = 6


@dataclass
class SaliencyRun:
    """A command whose options, files, network and folder have been found good."""

    options: argparse.Namespace
    mask: saliency.SaliencyMask
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
        network = nets.load(options.net, options.weights)
        checks.channels(network, options.layer, options.chn)
        run = cls(options, METHODS[options.meth](network.model), network, stimuli)
        run._masks([np.zeros((3, *network.size))], options.chn[0])  # a method that the network can't have is told here
        run.notes.clear()
        if options.out is not None:
            figures = -(-len(stimuli) // IN_A_FIGURE)
            checks.folder(Path(options.out), [*map(run._name, range(1, figures + 1)), "errors.csv"], options.overwrite)
        return run

    def run(self) -> int:
        """Make the figures; return the exit status."""
        n = len(self.stimuli)
        for k, start in enumerate(range(0, n, IN_A_FIGURE), start=1):
            group = list(self._pictures(self.stimuli[start : start + IN_A_FIGURE]))
            if group:
                self._figure(k, group)
            print(f"Finish: {min(start + IN_A_FIGURE, n)}/{n}", flush=True)
        for note, count in self.notes.items():
            print(f"dnn_saliency: note: {count} of {n}: {note}", file=sys.stderr)
        return self._close()

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
        gradients = np.stack([self._masks(inputs, number) for number in self.options.chn])  # (channels, n, 3, H, W)
        good = [i for i in range(len(group)) if np.isfinite(gradients[:, i]).all()]
        for i in set(range(len(group))) - set(good):
            self._fail(*group[i][:2], "gradient", "NONFINITE_GRAD", "the network's gradient is NaN or infinite")
        if good:
            labels = [f"chn{number}" for number in self.options.chn]
            images = [[saliency_image(row[i], self.options.mode) for i in good] for row in gradients]
            scale = {name: getattr(self.options, name) for name in ("cmap", "vmin", "vmax")}
            figure = empty_figure(len(labels) + 1, self.options.show)
            fill(figure, [group[i][2] for i in good], dict(zip(labels, images, strict=True)), scale)
            keep(figure, Path(self.options.out) / self._name(k) if self.options.out is not None else None, self.options.show)

    def _masks(self, inputs: Sequence[npt.NDArray[Any]], number: int) -> npt.NDArray[Any]:
        """Return the masks (n, 3, H, W) of a channel; NaN for inputs that have none."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", saliency.ZeroGradientWarning)
            try:
                masks = self.mask.GetMasks(list(inputs), (self.network.layer(self.options.layer), number - 1))
            except saliency.GradientError:
                if len(inputs) == 1:
                    return np.full((1, *inputs[0].shape), np.nan)
                return np.concatenate([self._masks([x], number) for x in inputs])
        if caught:
            empty = int((~masks.reshape(len(masks), -1).any(axis=1)).sum())
            self.notes[f"no gradient reaches the picture from channel {number} (its map is black)"] += empty
        return masks

    def _name(self, k: int) -> str:
        return re.sub(r"[^\w.-]", "_", f"{self.network.name}_{self.options.layer}") + f"_fig{k}.jpg"

    def _fail(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        self.failures.append(Failure(name, str(path), stage, code, message))
        print(f"dnn_saliency: {name}: {code}: {message}", file=sys.stderr)

    def _close(self) -> int:
        """Say what failed, in a table where there is a folder; return the exit status."""
        table = Path(self.options.out) / "errors.csv" if self.options.out is not None else None
        if table is not None and self.failures:
            write_failures(table, self.failures)
        elif table is not None:
            table.unlink(missing_ok=True)
        if not self.failures:
            return 0
        see = f", see {table}" if table is not None else ""
        print(f"{len(self.stimuli) - len(self.failures)} done, {len(self.failures)} failed{see}", file=sys.stderr)
        return 1
