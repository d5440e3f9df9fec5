"""Run ``dnn_saliency``: check all options, then compute and draw six stimuli per figure."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from saliency.cli.cluster_figures import make_figures_on_cluster
from saliency.cli.engine_options import RAY
from saliency.cli.figure_setup import STIMULI_PER_FIGURE, FigureSetup
from saliency.cli.local_figures import make_figures
from saliency.cli.map_files import merge_map_files
from saliency.cli.outputs import OutputFiles, writable_folder
from saliency.cli.run_settings import run_settings
from saliency.io.checksum import file_checksum
from saliency.io.journal import OUTPUT, Journal, open_journal

RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "meth", "set", "smooth", "mode", "cmap", "vmin", "vmax", "units",
                    "percentile", "overlay", "dnnbrain", "dpi", "format", "save", "framework",
                    "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
                    "allow_duplicates")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Make the figures that are missing; return the exit status.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid; nothing has been written.
        TooManyFailures: if more images failed than ``-max-errors`` allows.
    """
    setup = FigureSetup.prepare(options)
    with _open_journal(setup) as journal:
        if options.engine == RAY and setup.files is not None and journal is not None:
            make_figures_on_cluster(setup, setup.files, journal)
        else:
            make_figures(setup, journal)
        status = setup.log.finish(setup.files.errors if setup.files is not None else None)
        if journal is not None and setup.files is not None:
            if options.save == "h5":
                _merge_maps(setup, setup.files, journal)
            journal.finish()
        return status


@contextmanager
def _open_journal(setup: FigureSetup) -> Iterator[Journal | None]:
    """Start the run, or resume it with the figures of its earlier part that are intact."""
    if setup.files is None:
        yield None
        return
    with ExitStack() as stack:
        stack.enter_context(writable_folder(setup.files.folder))
        settings = run_settings(setup.options, RECORDED_OPTIONS, setup.stimuli)
        journal = stack.enter_context(open_journal(setup.files.journal, settings, setup.options.overwrite))
        if not journal.resumed and not setup.options.overwrite:
            setup.files.check_absent()
        setup.files.remove_temporary_files()
        journal.begin()
        damaged, recorded = setup.files.damaged_pieces(journal), len(journal.pieces)
        setup.log.show_damaged(len(damaged), recorded, "figures")
        journal.discard(damaged)
        setup.log.show_resumed(STIMULI_PER_FIGURE * len(journal.pieces))
        _check_free_space(setup, setup.files, journal)
        yield journal


def _check_free_space(setup: FigureSetup, files: OutputFiles, journal: Journal) -> None:
    """Check that the disk has space for the maps, unless an earlier part of this run wrote them all."""
    if setup.options.save is not None and OUTPUT not in journal.records:
        size, n = setup.explainer.map_bytes() * len(setup.targets.choices), len(setup.stimuli)
        files.check_free_space(size * max(0, n - STIMULI_PER_FIGURE * len(journal.pieces)), size * n)


def _merge_maps(setup: FigureSetup, files: OutputFiles, journal: Journal) -> None:
    """Merge all maps into one file and remove the parts, unless an earlier part of this run did."""
    parts = [path for path in map(files.maps, range(1, files.figures + 1)) if path.exists()]
    if parts and OUTPUT not in journal.records:
        merge_map_files(parts, setup.stimuli.names, files.merged_maps, setup.record)
        journal.add(OUTPUT, {"file": file_checksum(files.merged_maps)})
    for part in parts:
        part.unlink()
