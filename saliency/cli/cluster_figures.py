"""Make the figures of ``dnn_saliency`` on a Ray cluster."""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency.cli.cluster_pieces import ClusterPieces
from saliency.cli.figure_file import write_encoded
from saliency.cli.figure_job import draw_figure
from saliency.cli.figure_setup import FigureSetup
from saliency.cli.outputs import OutputFiles
from saliency.cli.piece_log import PieceLog
from saliency.io.checksum import file_checksum
from saliency.io.journal import Journal


@dataclass(frozen=True)
class FigurePiece:
    """The contents of the files of a figure.

    Args:
        figure: the figure; None if none of its images has a map.
        maps: the ``.npz`` file; None if the maps are not saved, or none of its images has a target.
    """

    figure: bytes | None
    maps: bytes | None


class FigureWorker:
    """Compute figures in a worker, which loads the network for itself."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._setup = FigureSetup.prepare(options)

    def __call__(self, indices: range) -> tuple[FigurePiece, PieceLog]:
        """Return the files of the figure of some stimuli."""
        setup, options, log = self._setup, self._setup.options, PieceLog()
        with tempfile.TemporaryDirectory() as folder:
            path = None if options.save is None else Path(folder) / "maps.npz"
            job = setup.maps.compute(list(setup.reader.read(indices, log)), indices, log, path)
            maps = path.read_bytes() if path is not None and path.exists() else None
        figure = None if job is None else draw_figure(job, f".{options.format}", setup.comment(indices), options.dpi)
        return FigurePiece(figure, maps), log


def make_figures_on_cluster(setup: FigureSetup, files: OutputFiles, journal: Journal) -> None:
    """Make the figures that are not in the journal; this process writes them as they are finished.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid, or there is no such cluster.
        TooManyFailures: if more images failed than ``-max-errors`` allows.
    """

    def write(k: int, piece: FigurePiece) -> dict[str, Any]:
        for path, contents in zip(files.pieces(k), (piece.figure, piece.maps), strict=False):
            if contents is not None:
                write_encoded(path, contents)
            elif path.exists():
                path.unlink()  # of an earlier run
        return {"files": {path.name: file_checksum(path) for path in files.pieces(k) if path.exists()}}

    ClusterPieces(setup.options, setup.stimuli, FigureWorker, setup.pieces).compute(setup.log, journal, write)
