"""Read, preprocess and reduce the images of a piece of a run, in this process or another one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from saliency import nets
from saliency.cli.piece_log import PieceLog, StimulusLog
from saliency.cli.preprocessing import MAX_DRAWN_PIXELS, preprocess_images, seen_picture
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_image import StimulusImage
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
        first: index of the first stimulus in the stimulus file.
    """

    stimuli: Stimuli
    network: nets.Network
    pixels: int = MAX_DRAWN_PIXELS
    seen: bool = False
    first: int = 0

    def read(self, indices: range, log: StimulusLog) -> Iterator[Prepared]:
        """Yield each image and its network input; log the stimuli that fail."""
        own = range(indices.start - self.first, indices.stop - self.first)
        for image, x in preprocess_images(self.network, self.stimuli.read(own, log), log, self.pixels):
            rgb = seen_picture(self.network, image.rgb) if self.seen else image.rgb
            yield replace(image, index=image.index + self.first, rgb=rgb), x

    def part(self, indices: range) -> "StimulusReader | None":
        """Return a reader of some of the stimuli that another process can use.

        Returns:
            None if the network has a preprocessing function of its own, which may need the network's framework.
        """
        if self.network.preprocess is not None:
            return None
        stimuli = replace(self.stimuli, names=list(self.stimuli.names[indices.start : indices.stop]), columns={})
        network = replace(self.network, model=None, paths={}, channels={}, named=(), guessed=True)
        return replace(self, stimuli=stimuli, network=network, first=indices.start)


def read_piece(reader: StimulusReader, indices: range) -> tuple[list[Prepared], PieceLog]:
    """Read the images of a piece in a worker; return them, and what happened to the others."""
    log = PieceLog()
    return list(reader.read(indices, log)), log
