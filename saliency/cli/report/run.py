"""Run ``saliency report``: check all options, compute the rows, then write the page."""

import argparse
import json
from collections.abc import Sequence

from saliency.cli.activation_files import check_output_path
from saliency.cli.network import load_network
from saliency.cli.report.files import SUFFIX, PageFiles
from saliency.cli.report.row import Row
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.template import PageSummary, PageTemplate
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.io.checksum import file_checksum
from saliency.io.journal import OUTPUT

ROWS_PER_BLOCK = 16  # stimuli that are computed and recorded together
RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "wrong", "meth", "set", "smooth", "mode", "size",
                    "framework", "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
                    "allow_duplicates")  # fmt: skip


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
            rows = builder.build(indices)
            block = files.append_rows(template.rows(rows, options, builder.targets))
            log.show_progress(indices.stop)
            journal.add(start, {**log.new_record(), **block, **_count_predictions(rows, indices, options.wrong)})
        if not written:
            blocks = [journal.records[str(start)] for start in range(0, n, ROWS_PER_BLOCK)]
            right, wrong = (sum(block[key] for block in blocks) for key in ("right", "wrong"))
            record = json.dumps(builder.record(options))
            summary = PageSummary(network.name, n, len(log.failures), right, wrong, ROWS_PER_BLOCK, record)
            files.write_page(template.page(options, builder.targets, summary, files.read_rows(blocks)))
            journal.add(OUTPUT, {"file": file_checksum(files.out)})
        status = log.finish(None)
        journal.finish()
        return status


def _count_predictions(rows: Sequence[Row], indices: range, only_wrong: bool) -> dict[str, int]:
    """Return how many stimuli of a block are predicted right and wrong; with ``-wrong``, those without a row are right."""
    right = len(indices) - len(rows) if only_wrong else sum(row.is_wrong is False for row in rows)
    return {"right": right, "wrong": sum(row.is_wrong is True for row in rows)}
