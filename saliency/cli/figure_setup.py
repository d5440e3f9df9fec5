"""What ``dnn_saliency`` has checked before it computes figures."""

import argparse
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from saliency import nets
from saliency.cli.channel_maps import ChannelExplainer
from saliency.cli.figure_maps import FigureMaps
from saliency.cli.image_targets import ImageTargets
from saliency.cli.network import load_network
from saliency.cli.outputs import OutputFiles
from saliency.cli.preflight import check_color_map, check_display
from saliency.cli.provenance import channel_words, run_record
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import StimulusReader
from saliency.core.display.color_scale import SIGNED_COLORS

STIMULI_PER_FIGURE = 6
DRAWN_SIDE = 200  # pixels, about the size of an image in a figure


@dataclass
class FigureSetup:
    """The options, files and network of a run, which have been checked."""

    options: argparse.Namespace
    explainer: ChannelExplainer
    targets: ImageTargets
    network: nets.Network
    stimuli: Stimuli
    files: OutputFiles | None  # None if the figures are shown and not saved
    log: RunLog

    @classmethod
    def prepare(cls, options: argparse.Namespace) -> "FigureSetup":
        """Check everything that can be checked before the computation.

        Raises:
            CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid; nothing has been written.
        """
        check_color_map(options.cmap or SIGNED_COLORS)
        if options.show:
            check_display()
        stimuli = Stimuli.of(options)
        network = load_network(options)
        stimuli = stimuli.for_network(network, DRAWN_SIDE)
        targets = ImageTargets.of(network, options, stimuli)
        explainer = ChannelExplainer(network, options.meth, targets.layer, options.smooth, options.batch, options.set)
        figures = -(-len(stimuli) // STIMULI_PER_FIGURE)
        files = None if options.out is None else OutputFiles.of(options, network.name, targets, figures)
        log = RunLog("dnn_saliency", len(stimuli), options.max_errors)
        return cls(options, explainer, targets, network, stimuli, files, log)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record of the computation, for the files."""
        layers = {self.targets.layer.layer: channel_words(self.targets.choices)}
        return run_record("dnn_saliency", self.options, self.network, layers, self.stimuli.names, self.explainer.record())

    @property
    def pieces(self) -> dict[int, range]:
        """The number of each figure, counting from 1, and the indices of its stimuli."""
        n = len(self.stimuli)
        starts = enumerate(range(0, n, STIMULI_PER_FIGURE), start=1)
        return {k: range(start, min(start + STIMULI_PER_FIGURE, n)) for k, start in starts}

    @property
    def reader(self) -> StimulusReader:
        """The reader of the images."""
        return StimulusReader(self.stimuli, self.network, seen=not self.options.dnnbrain)

    @property
    def maps(self) -> FigureMaps:
        """The computation of the maps of a figure."""
        return FigureMaps(self.options, self.explainer, self.targets, self.record)

    def comment(self, indices: range) -> str:
        """Return the comment of a figure, as JSON."""
        names, arguments = self.stimuli.names[indices.start : indices.stop], "" if self.files is None else self.files.comment
        return json.dumps({**self.record, "arguments": arguments, "stimuli": list(names)})
