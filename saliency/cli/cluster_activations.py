"""Compute batches of activations for ``dnn_act`` in the workers of a Ray cluster."""

import argparse
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.cli.activation_batch import ActivationBatch
from saliency.cli.activations import ActivationExtractor, mask_of_all_layers
from saliency.cli.network import load_network
from saliency.cli.piece_log import PieceLog
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import StimulusReader
from saliency.cli.unit_selection import selected_units

Activations = dict[str, npt.NDArray[Any]]
"""Name of a layer -> (stimuli, channels, rows, columns), NaN for stimuli that failed."""


class ActivationWorker:
    """Compute batches in a worker, which loads the network for itself."""

    def __init__(self, options: argparse.Namespace) -> None:
        mask, network = selected_units(options), load_network(options)
        self._extractor = ActivationExtractor(network, mask_of_all_layers(network) if mask is None else mask, options)
        self._reader = StimulusReader(Stimuli.of(options).for_network(network), network, pixels=1)

    def __call__(self, indices: range) -> tuple[Activations, PieceLog]:
        """Return the activations of some stimuli."""
        log = PieceLog()
        batch = ActivationBatch(self._extractor, list(self._reader.read(indices, log)), indices)
        layers = dict(batch.layers())
        for index in batch.failed(log):
            for values in layers.values():
                values[index - indices.start] = np.nan
        return layers, log
