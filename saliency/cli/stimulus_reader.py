"""Read, preprocess and reduce the images of a piece of a run, in this process or another one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from saliency import nets
from saliency.cli.object_columns import ObjectColumns
from saliency.cli.piece_log import StimulusLog
from saliency.cli.preprocessing import MAX_DRAWN_PIXELS, preprocess_images, seen_picture
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_image import StimulusImage
from saliency.io.picture_options import PictureError
from saliency.nets.preparation import Float32

Prepared = tuple[StimulusImage, Float32]


@dataclass(frozen=True)
class StimulusReader:
    """Read the images of stimuli and preprocess them for a network.

    Args:
        stimuli: the stimuli.
        network: the network, whose model is not used.
        pixels: largest number of pixels of the images that are returned.
        seen: whether to return the part of each image that the network sees.
        objects: the objects of the images, if they are needed.
        first: index of the first stimulus in the stimulus file.
    """

    stimuli: Stimuli
    network: nets.Network
    pixels: int = MAX_DRAWN_PIXELS
    seen: bool = False
    objects: ObjectColumns | None = None
    first: int = 0

    def read(self, indices: range, log: StimulusLog) -> Iterator[Prepared]:
        """Yield each image and its network input; log the stimuli that fail."""
        yield from self.prepare(self.images(indices, log), log)

    def images(self, indices: range, log: StimulusLog) -> Iterator[StimulusImage]:
        """Yield each image in its original size; log the stimuli that cannot be read."""
        for image in self.stimuli.read(range(indices.start - self.first, indices.stop - self.first), log):
            yield replace(image, index=image.index + self.first)
            del image  # at most one image is in memory in its original size

    def prepare(self, images: Iterable[StimulusImage], log: StimulusLog) -> Iterator[Prepared]:
        """Yield images, reduced, and their network inputs; log the stimuli that fail."""
        for image, x in preprocess_images(self.network, self._with_objects(images, log), log, self.pixels):
            yield replace(image, rgb=seen_picture(self.network, image.rgb)) if self.seen else image, x

    def part(self, indices: range) -> "StimulusReader | None":
        """Return a reader of some of the stimuli that another process can use.

        Returns:
            None if the network has a preprocessing function of its own, which may need the network's framework.
        """
        if self.network.preprocess is not None:
            return None
        own = slice(indices.start, indices.stop)
        columns = {} if self.objects is None else {name: values[own] for name, values in self.stimuli.columns.items()}
        stimuli = replace(self.stimuli, names=list(self.stimuli.names[own]), columns=columns)
        objects = None if self.objects is None else replace(self.objects, stimuli=stimuli)
        network = replace(self.network, model=None, paths={}, channels={}, named=(), guessed=True)
        return replace(self, stimuli=stimuli, network=network, objects=objects, first=indices.start)

    def log_lost(self, index: int, reason: str, log: StimulusLog) -> list[Prepared]:
        """Log that the process died which read a stimulus; return nothing, because there is no image."""
        name = self.stimuli.names[index]
        log.add_failure(name, Path(self.stimuli.folder / name), "read", "WORKER_DIED", reason)
        return []

    def _with_objects(self, images: Iterable[StimulusImage], log: StimulusLog) -> Iterator[StimulusImage]:
        for image in images:
            try:
                yield image if self.objects is None else self._with_object(image, self.objects)
            except PictureError as error:
                log.add_failure(image.name, image.path, "object", error.code, str(error))
            del image

    def _with_object(self, image: StimulusImage, objects: ObjectColumns) -> StimulusImage:
        return replace(image, object_mask=objects.read(replace(image, index=image.index - self.first)))
