"""Run ``saliency report``: check all options, compute the rows, then write the page."""

import argparse

from saliency.cli.activation_files import check_output_path
from saliency.cli.network import load_network
from saliency.cli.report.columns import Column
from saliency.cli.report.files import SUFFIX, PageFiles
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.template import PageTemplate
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.io.checksum import file_checksum
from saliency.io.journal import OUTPUT

ROWS_PER_BLOCK = 16  # stimuli that are computed and recorded together
RECORDED_OPTIONS = ("prompts", "layer", "chn", "meth", "set", "smooth", "mode", "size", "framework", "device", "batch",
                    "frame", "no_exif", "float_range", "max_pixels", "allow_outside", "allow_duplicates")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Write the page, or resume a run that ended early; return the exit status.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid.
        TooManyFailures: if more images failed than ``-max-errors`` allows.
    """
    check_output_path(options.out, SUFFIX)
    template, files, stimuli = PageTemplate(), PageFiles(options.out), Stimuli.of(options)
    log = RunLog("saliency report", len(stimuli), options.max_errors)
    network = load_network(options)
    builder, n = RowBuilder(network, stimuli, options, log), len(stimuli)
    with files.open_run(run_settings(options, RECORDED_OPTIONS, stimuli), options.overwrite) as journal:
        written = files.is_written(journal)
        if not written:
            damaged, recorded = files.damaged_blocks(journal), len(journal.pieces)
            log.show_damaged(len(damaged), recorded, "blocks of rows")
            journal.discard([*damaged, OUTPUT])
        log.show_resumed(ROWS_PER_BLOCK * len(journal.pieces))
        for start in range(0, n, ROWS_PER_BLOCK):
            if str(start) in journal.records:
                log.restore(journal.records[str(start)])
                continue
            indices = range(start, min(start + ROWS_PER_BLOCK, n))
            block = files.append_rows(template.rows(builder.build(indices), options))
            log.show_progress(indices.stop)
            journal.add(start, {**log.new_record(), **block})
        if not written:
            columns, failed = Column.all(options), len(log.failures)
            rows = files.read_rows(journal.records[str(start)] for start in range(0, n, ROWS_PER_BLOCK))
            files.write_page(template.page(options, network.name, columns, builder.channel_names, n, failed, rows))
            journal.add(OUTPUT, {"file": file_checksum(files.out)})
        status = log.finish(None)
        journal.finish()
        return status
