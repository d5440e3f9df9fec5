"""Preprocess images for a network; images that fail are logged and skipped."""

from collections.abc import Iterable, Iterator

from saliency import nets
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import StimulusImage
from saliency.core.errors import InputError
from saliency.nets.preparation import Float32


def preprocess_images(
    network: nets.Network, images: Iterable[StimulusImage], log: RunLog
) -> Iterator[tuple[StimulusImage, Float32]]:
    """Yield each image and its network input; log the images for which the network's preprocessing fails.

    Args:
        network: the network.
        images: the images, as they were read.
        log: the log of the run.
    """
    for image in images:
        try:
            x = network.prepare(image.rgb)
        except InputError as error:
            log.add_failure(image.name, image.path, "prepare", "PREPARATION", str(error))
        else:
            yield image, x
