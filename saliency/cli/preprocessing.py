"""Preprocess images for a network; images that fail are logged and skipped."""

from collections.abc import Iterable, Iterator

from saliency import nets
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import StimulusImage
from saliency.core.errors import InputError
from saliency.nets.preparation import Float32

MAX_DRAWN_PIXELS = 2**20  # a figure is 1000 pixels wide and draws several images


def preprocess_images(
    network: nets.Network, images: Iterable[StimulusImage], log: RunLog, pixels: int = MAX_DRAWN_PIXELS
) -> Iterator[tuple[StimulusImage, Float32]]:
    """Yield each image, reduced for drawing, and its network input; log the images whose preprocessing fails.

    Args:
        network: the network.
        images: the images, as they were read.
        log: the log of the run.
        pixels: largest number of pixels of the images that are returned.
    """
    for image in images:
        try:
            prepared = image.reduced(pixels), network.prepare(image.rgb)
        except InputError as error:
            log.add_failure(image.name, image.path, "prepare", "PREPARATION", str(error))
        except MemoryError as error:
            log.add_failure(image.name, image.path, "prepare", "OOM", f"memory ran out: {str(error) or 'no details'}")
        else:
            yield prepared
            del prepared
        del image  # at most one image is in memory in its original size
