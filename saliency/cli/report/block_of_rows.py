"""Compute a block of rows of the page."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saliency.cli.network import load_network
from saliency.cli.piece_log import PieceLog
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.row_reader import RowImage
from saliency.cli.report.template import PageTemplate
from saliency.cli.stimuli import Stimuli


@dataclass(frozen=True)
class RowBlock:
    """A block of rows.

    Args:
        rows: the rows, as HTML.
        facts: what the page needs to know of them: how many predictions are right and wrong, and the directions of metrics.
    """

    rows: str
    facts: dict[str, Any]

    @classmethod
    def compute(
        cls, builder: RowBuilder, template: PageTemplate, options: argparse.Namespace, images: Sequence[RowImage]
    ) -> "RowBlock":
        """Compute the rows of stimuli.

        Args:
            builder, template, options: of the run.
            images: what was read of the stimuli.
        """
        rows = builder.build(images)
        only_wrong = len(images) - len(rows)  # with -wrong, stimuli without a row are predicted right
        right = only_wrong if options.wrong else sum(row.is_wrong is False for row in rows)
        counts = {"right": right, "wrong": sum(row.is_wrong is True for row in rows)}
        return cls(template.rows(rows, options, builder.targets), {**counts, "directions": dict(builder.metrics.directions)})


class RowWorker:
    """Compute blocks of rows in a worker of a Ray cluster, which loads the network for itself."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options, self._template, self._log = options, PageTemplate(), PieceLog()
        self._builder = RowBuilder(load_network(options), Stimuli.of(options), options, self._log)

    def __call__(self, indices: range) -> tuple[RowBlock, PieceLog]:
        """Return the rows of some stimuli."""
        images = list(self._builder.reader.read(indices, self._log))
        block = RowBlock.compute(self._builder, self._template, self._options, images)
        return block, self._log.pop()
