"""Compute and save the maps of a figure."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saliency.cli.channel_choice import TargetRow
from saliency.cli.channel_maps import MAX_MASK_BYTES, ChannelExplainer
from saliency.cli.figure_job import FigureJob, Masks
from saliency.cli.image_targets import ImageTargets
from saliency.cli.map_files import CHANNELS_SUFFIX, open_map_writer
from saliency.cli.map_images import MapImages, figure_scale
from saliency.cli.piece_log import StimulusLog
from saliency.cli.stimulus_image import StimulusImage
from saliency.cli.stimulus_reader import Prepared
from saliency.io.npz import NpzWriter
from saliency.nets.preparation import Float32


@dataclass(frozen=True)
class FigureMaps:
    """Compute the maps of figures.

    Args:
        options: options of the command.
        explainer: the method.
        targets: what is explained for each image.
        record: describes the computation, for the files.
    """

    options: argparse.Namespace
    explainer: ChannelExplainer
    targets: ImageTargets
    record: Mapping[str, Any]

    def compute(self, prepared: Sequence[Prepared], indices: range, log: StimulusLog, path: Path | None) -> FigureJob | None:
        """Compute the maps of a figure and save them; log the images that fail.

        Args:
            prepared: the images that were read, and their inputs.
            indices: indices of all stimuli of the figure.
            log: the log of the run.
            path: the ``.npz`` file; None does not save the maps.

        Returns:
            The figure; None if no image has a map.
        """
        with_target, rows = self.targets.split([image for image, _ in prepared], [x for _, x in prepared], log)
        if not with_target:
            if path is not None and path.exists():
                path.unlink()  # of an earlier run
            return None
        images, inputs = zip(*(prepared[i] for i in with_target), strict=True)
        converter = self._map_images() if inputs[0].nbytes * len(inputs) * len(rows) > MAX_MASK_BYTES else None
        masks, captions = self._explain(images, inputs, rows, path, converter)
        log.notes.update(self.explainer.pop_notes())
        for i, (code, reason) in self.explainer.failures.items():
            log.add_failure(images[i].name, images[i].path, "gradient", code, reason)
        good = {image.index: i for i, image in enumerate(images) if i not in self.explainer.failures}
        order = [good.get(index) for index in indices]  # None leaves a gap
        if not good:
            return None
        stimuli = [None if i is None else images[i].rgb for i in order]
        drawn = {label: [None if i is None else row[i] for i in order] for label, row in masks.items()}
        texts = {label: ["" if i is None else row[i] for i in order] for label, row in captions.items()}
        images_of_masks = self._map_images() if converter is None else None
        return FigureJob(stimuli, drawn, texts, images_of_masks, figure_scale(vars(self.options)))

    def _explain(
        self,
        images: Sequence[StimulusImage],
        inputs: Sequence[Float32],
        rows: Sequence[TargetRow],
        path: Path | None,
        converter: MapImages | None,
    ) -> tuple[dict[str, Masks | list[Masks]], dict[str, list[str]]]:
        """Save the maps; return the masks, or with a converter their images, and the captions of the rows by their labels."""
        masks: dict[str, Masks | list[Masks]] = {}
        captions: dict[str, list[str]] = {}
        with self._map_writer(images, path) as writer:
            for maps in self.explainer.explain(inputs, rows):
                choice, label = maps.row.choice, self.targets.row_name(maps.row.choice)
                masks[label] = maps.masks
                if converter is not None:
                    pairs = zip(maps.masks, images, strict=True)
                    masks[label] = [converter.image(np.nan_to_num(mask), image.rgb) for mask, image in pairs]
                captions[label] = [self.targets.caption(one) if choice.varies else "" for one in maps.row.channels]
                if writer is not None:
                    writer.add(choice.name, maps.masks)
                    if choice.varies:
                        writer.add(f"{choice.name}{CHANNELS_SUFFIX}", np.array(maps.row.channels, np.int64))
        return masks, captions

    @contextmanager
    def _map_writer(self, images: Sequence[StimulusImage], path: Path | None) -> Iterator[NpzWriter | None]:
        """Yield a writer of maps, or None if they are not saved."""
        if path is None:
            yield None
            return
        names, numbers = [image.name for image in images], [image.index + 1 for image in images]
        with open_map_writer(path, names, numbers, self.record) as writer:
            yield writer

    def _map_images(self) -> MapImages:
        chosen = self.options
        limits = chosen.vmin, chosen.vmax
        return MapImages(chosen.mode, chosen.percentile, chosen.units, chosen.overlay, chosen.cmap, limits, chosen.dnnbrain)
