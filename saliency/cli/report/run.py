"""Run ``saliency report``: check all options, compute the rows, then write the page."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saliency.cli.activation_files import check_output_path
from saliency.cli.cluster_pieces import ClusterPieces
from saliency.cli.engine_options import RAY
from saliency.cli.network import load_network
from saliency.cli.read_ahead import read_pieces
from saliency.cli.report.block_of_rows import RowBlock, RowWorker
from saliency.cli.report.files import SUFFIX, PageFiles
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.template import PageSummary, PageTemplate
from saliency.cli.run_log import RunLog
from saliency.cli.run_settings import run_settings
from saliency.cli.stimuli import Stimuli
from saliency.cli.worker_pool import WorkerPool, open_pool
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
        blocks = [range(start, min(start + ROWS_PER_BLOCK, n)) for start in range(0, n, ROWS_PER_BLOCK)]
        if self.options.engine == RAY:
            self._compute_on_cluster(blocks)
        else:
            with open_pool(self.options.jobs) as pool:
                self._compute(blocks, pool)
        if not written:
            self._write_page(blocks)
        status = self.log.finish(None)
        self.journal.finish()
        return status

    def _compute(self, blocks: Sequence[range], pool: WorkerPool | None) -> None:
        """Compute the missing blocks in order; workers read the images of the next ones."""
        missing = [one for one in blocks if str(one.start) not in self.journal.records]
        read = read_pieces(self.builder.reader, missing, self.log, pool, self.options.jobs or 0)
        for indices in blocks:
            if str(indices.start) in self.journal.records:
                self.log.restore(self.journal.records[str(indices.start)])
                continue
            block = RowBlock.compute(self.builder, self.template, self.options, next(read))
            written = self.files.append_rows(block.rows)
            self.log.show_progress(indices.stop)
            self.journal.add(indices.start, {**self.log.new_record(), **written, **block.facts})

    def _compute_on_cluster(self, blocks: Sequence[range]) -> None:
        """Compute the missing blocks on a cluster; this process writes them as they are finished."""

        def write(_: int, block: RowBlock) -> dict[str, Any]:
            return {**self.files.append_rows(block.rows), **block.facts}

        pieces = {one.start: one for one in blocks}
        ClusterPieces(self.options, self.stimuli, RowWorker, pieces).compute(self.log, self.journal, write)

    def _write_page(self, blocks: Sequence[range]) -> None:
        records = [self.journal.records[str(one.start)] for one in blocks]
        right, wrong = (sum(record[key] for record in records) for key in ("right", "wrong"))
        directions = {name: better for record in records for name, better in record["directions"].items()}
        record, failed = json.dumps(self.builder.record(self.options)), len(self.log.failures)
        summary = PageSummary(self.network, len(self.stimuli), failed, right, wrong, ROWS_PER_BLOCK, record, directions)
        self.files.write_page(self.template.page(self.options, self.builder.targets, summary, self.files.read_rows(records)))
        self.journal.add(OUTPUT, {"file": file_checksum(self.files.out)})
