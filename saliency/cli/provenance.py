"""The record of a command's computation, for the files that it writes."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from saliency import nets
from saliency.cli.channel_choice import ChannelChoice
from saliency.core.computation_record import model_record
from saliency.core.wrap import wrap
from saliency.io.checksum import checksum


def channel_words(choices: Sequence[ChannelChoice]) -> list[int | str]:
    """Return the values of ``-chn`` as JSON: numbers, and texts for those that differ between images, and for differences."""
    return [one.one if one.other is None else str(one) for one in choices]


def run_record(
    command: str,
    options: argparse.Namespace,
    network: nets.Network,
    layers: Mapping[str, Any],
    stimuli: Sequence[str],
    computation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the record of a run, as JSON, by name.

    Args:
        command: name of the command.
        options: its options.
        network: the network.
        layers: layer -> its channels, counting from 1, or ``"all"``.
        stimuli: names of the stimuli, in the order of the rows.
        computation: the record of the method; None if there is no method.
    """
    model = model_record(wrap(network)) if computation is None else computation
    found = {"command": command, "network": network.name, "layers": dict(layers), **model}
    if options.weights is not None:
        with Path(options.weights).open("rb") as file:
            found |= {"weights_file": options.weights, "weights_file_sha256": checksum(file)["sha256"]}
    return {**found, "stimuli": list(stimuli)}
