"""Run ``saliency report``: check all options, compute the rows, then write the page."""

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from saliency.cli.activation_files import check_output_path
from saliency.cli.cluster_pieces import ClusterPieces
from saliency.cli.engine_options import RAY
from saliency.cli.local_pieces import LocalPieces
from saliency.cli.network import load_network
from saliency.cli.report.block_of_rows import RowBlock, RowWorker
from saliency.cli.report.files import SUFFIX, PageFiles
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.template import PageSummary, PageTemplate
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.io.checksum import file_checksum
from saliency.io.journal import OUTPUT, Journal

ROWS_PER_BLOCK = 16  # stimuli that are computed and recorded together
RECORDED_OPTIONS = ("prompts", "layer", "chn", "target", "wrong", "meth", "set", "smooth", "metric", "metric_set", "mode",
                    "size", "framework", "device", "batch", "frame", "no_exif", "float_range", "max_pixels", "allow_outside",
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
    builder = RowBuilder(network, stimuli, options, log)
    with files.open_run(run_settings(options, RECORDED_OPTIONS, stimuli), options.overwrite) as journal:
        return PageRun(options, template, files, stimuli, log, network.name, builder, journal).run()


@dataclass(frozen=True)
class PageRun:
    """A run whose options, files and network have been checked."""

    options: argparse.Namespace
    template: PageTemplate
    files: PageFiles
    stimuli: Stimuli
    log: RunLog
    network: str
    builder: RowBuilder
    journal: Journal

    def run(self) -> int:
        """Compute the rows that are missing, and write the page; return the exit status."""
        written = self.files.is_written(self.journal)
        if not written:
            damaged, recorded = self.files.damaged_blocks(self.journal), len(self.journal.pieces)
            self.log.show_damaged(len(damaged), recorded, "blocks of rows")
            self.journal.discard([*damaged, OUTPUT])
        self.log.show_resumed(ROWS_PER_BLOCK * len(self.journal.pieces))
        n = len(self.stimuli)
        blocks = {start: range(start, min(start + ROWS_PER_BLOCK, n)) for start in range(0, n, ROWS_PER_BLOCK)}
        self._compute(blocks)
        if not written:
            self._write_page(blocks)
        status = self.log.finish(None)
        self.journal.finish()
        return status

    def _compute(self, blocks: Mapping[int, range]) -> None:
        """Compute the missing blocks, and append their rows."""
        options, log, journal = self.options, self.log, self.journal

        def write(_: int, block: RowBlock) -> dict[str, Any]:
            return {**self.files.append_rows(block.rows), **block.facts}

        if options.engine == RAY:
            ClusterPieces(options, self.stimuli, RowWorker, blocks).compute(log, journal, write)
        else:
            LocalPieces(options, self.builder.reader, blocks).compute(
                log, journal, lambda start, read: write(start, RowBlock.compute(self.builder, self.template, options, read))
            )

    def _write_page(self, blocks: Iterable[int]) -> None:
        records = [self.journal.records[str(start)] for start in blocks]
        right, wrong = (sum(record[key] for record in records) for key in ("right", "wrong"))
        directions = {name: better for record in records for name, better in record["directions"].items()}
        record, failed = json.dumps(self.builder.record(self.options)), len(self.log.failures)
        summary = PageSummary(self.network, len(self.stimuli), failed, right, wrong, ROWS_PER_BLOCK, record, directions)
        self.files.write_page(self.template.page(self.options, self.builder.targets, summary, self.files.read_rows(records)))
        self.journal.add(OUTPUT, {"file": file_checksum(self.files.out)})
