"""The channels that are explained for each image: those of ``-chn``, its top channel, and its class in the stimulus file."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.channel_choice import TARGET, TOP, ChannelChoice, TargetRow
from saliency.cli.channel_scores import ChannelScores
from saliency.cli.channels import LayerChannels
from saliency.cli.class_names_file import read_class_names
from saliency.cli.label_column import CHANNEL_COLUMN, DEFAULT_COLUMNS, Labels
from saliency.cli.options import CommandError
from saliency.cli.piece_log import StimulusLog
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_image import StimulusImage

Array = npt.NDArray[Any]
NOT_FINITE = "the output of the network is not finite, so that the image has no top class"


@dataclass(frozen=True)
class ImageTargets:
    """What is explained for each image.

    Args:
        layer: the explained layer.
        choices: what selects the channel of each row of maps.
        labels: the class of each stimulus, if the file has classes.
        scores: the scores of the layer's channels.
    """

    layer: LayerChannels
    choices: Sequence[ChannelChoice]
    labels: Labels | None
    scores: ChannelScores

    @classmethod
    def of(
        cls, network: nets.Network, options: argparse.Namespace, stimuli: Stimuli, shows_labels: bool = False
    ) -> "ImageTargets":
        """Check ``-layer``, ``-chn``, ``-target`` and ``-class-names``.

        Args:
            network, options, stimuli: of the command.
            shows_labels: whether the command shows the class of each stimulus; else, it is only read if it is explained.

        Raises:
            TargetError: if there is no such layer.
            CommandError: if one of the options is invalid, or they contradict each other.
        """
        layer = LayerChannels.of(network, options.layer)
        if options.class_names is not None:
            if layer.path is not None:
                raise CommandError(f"-class-names names the classes of the network's output, and -layer is {layer.layer}")
            layer = replace(layer, class_names=read_class_names(options.class_names, layer.count))
        explained = options.target is not None or not options.chn or any(TARGET in choice.terms for choice in options.chn)
        labels = Labels.of(options.target, stimuli, layer) if shows_labels or explained else None
        choices = _choices(options, layer, labels)
        layer.check(choices)
        return cls(layer, choices, labels, ChannelScores(network, layer, options.batch))

    @property
    def needs_top(self) -> bool:
        """Whether the top channel of each image is explained."""
        return any(TOP in choice.terms for choice in self.choices)

    def rows(self, indices: Sequence[int], inputs: Sequence[Array], scores: Array | None = None) -> list[TargetRow]:
        """Return the channels that each row of maps explains.

        Args:
            indices: indices of the n stimuli in their file.
            inputs: their inputs.
            scores: (n, channels), if they are known; finite.
        """
        found = self.scores.compute(inputs) if scores is None and self.needs_top else scores
        tops = [None] * len(indices) if found is None else [int(row.argmax()) + 1 for row in found]
        labels = [None if self.labels is None else self.labels.channels[i] for i in indices]
        return [TargetRow(one, [one.channels(*pair) for pair in zip(tops, labels, strict=True)]) for one in self.choices]

    def split(
        self, images: Sequence[StimulusImage], inputs: Sequence[Array], log: StimulusLog
    ) -> tuple[list[int], list[TargetRow]]:
        """Return which images have a target, and the channels that each row explains for them; log the other images."""
        indices = [image.index for image in images]
        if not self.needs_top:
            return list(range(len(images))), self.rows(indices, inputs)
        scores = self.scores.compute(inputs)
        kept = [i for i, values in enumerate(scores) if np.isfinite(values).all()]
        for i in set(range(len(images))) - set(kept):
            log.add_failure(images[i].name, images[i].path, "score", "NONFINITE_SCORE", NOT_FINITE)
        return kept, self.rows([indices[i] for i in kept], [inputs[i] for i in kept], scores[kept])

    def term_names(self, choice: ChannelChoice) -> list[str]:
        """Return the names of the terms of a choice: numbers, ``top``, or the name of the column of classes."""
        column = TARGET if self.labels is None else self.labels.column
        return [column if term == TARGET else str(term) for term in choice.terms]

    def title(self, choice: ChannelChoice) -> str:
        """Return the description of a choice: ``channel 4 (digit 3)``, ``top class``, or the name of the column of classes."""
        names = zip(choice.terms, self.term_names(choice), strict=True)
        top = "top class" if self.layer.path is None else "top channel"
        titles = [top if term == TOP else name if term == TARGET else self.layer.describe(int(term)) for term, name in names]
        return " rather than ".join(titles)

    def caption(self, channels: Sequence[int], link: str = "\nnot ") -> str:
        """Return the name of a channel, or the names of a difference with a link between them; by default on two lines."""
        return link.join(map(self.layer.name, channels)) if len(set(channels)) == len(channels) else "same class"

    def row_name(self, choice: ChannelChoice) -> str:
        """Return the label of a row: ``chn294``, ``chn340-21``, ``top``, or the name of the column of classes."""
        words = "-".join(self.term_names(choice))
        return words if isinstance(choice.one, str) else f"chn{words}"


def _choices(options: argparse.Namespace, layer: LayerChannels, labels: Labels | None) -> list[ChannelChoice]:
    """Return the choices of ``-chn``; those of ``-target`` come first, unless ``-chn`` has them."""
    given: list[ChannelChoice] = options.chn or []
    needs_labels = any(TARGET in choice.terms for choice in given)
    if needs_labels and labels is None:
        columns = " or ".join(DEFAULT_COLUMNS)
        raise CommandError(f"-chn {TARGET} needs -target COLUMN: the stimulus file has no column {columns}")
    if not given and options.target is None and layer.path is not None:
        raise CommandError(
            f"-layer {layer.layer} is not the network's output, so it needs -chn, or -target with a column {CHANNEL_COLUMN}"
        )
    if needs_labels or (given and options.target is None):
        return given
    return [ChannelChoice(TOP if labels is None else TARGET), *given]
