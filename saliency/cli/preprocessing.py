"""From pictures to what a network is shown, one failing without the others."""

from collections.abc import Iterable, Iterator

from saliency import nets
from saliency.cli.run_log import Report
from saliency.cli.stimuli import Picture
from saliency.core.errors import InputError
from saliency.nets.preparation import Float32


def prepared(network: nets.Network, pictures: Iterable[Picture], report: Report) -> Iterator[tuple[Picture, Float32]]:
    """Yield pictures and their inputs; report those that the network's own preparation fails for.

    Args:
        network: by name.
        pictures: that were read.
        report: to which failures are told.
    """
    for picture in pictures:
        try:
            x = network.prepare(picture.image)
        except InputError as error:
            report.fail(picture.name, picture.path, "prepare", "PREPARATION", str(error))
        else:
            yield picture, x
