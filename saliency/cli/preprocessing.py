"""Preprocess images for a network; images that fail are logged and skipped."""

from collections.abc import Iterable, Iterator

from PIL import Image

from saliency import nets
from saliency.cli.piece_log import StimulusLog
from saliency.cli.stimulus_image import StimulusImage
from saliency.core.errors import InputError
from saliency.nets.preparation import Float32, resize_and_crop, resize_whole

MAX_DRAWN_PIXELS = 2**20  # a figure is 1000 pixels wide and draws several images


def seen_picture(network: nets.Network, picture: Image.Image) -> Image.Image:
    """Return the part of a picture that a network sees, in the proportions of its input.

    A picture for a network whose own preprocessing function may crop it is returned unchanged.
    """
    if network.preprocess is None and network.resize is not None:
        return resize_and_crop(picture, network.size, network.resize, Image.Resampling.BILINEAR)
    size = network.needed_size
    return picture if size is None else resize_whole(picture, size, Image.Resampling.BILINEAR)


def preprocess_images(
    network: nets.Network, images: Iterable[StimulusImage], log: StimulusLog, pixels: int = MAX_DRAWN_PIXELS
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
