"""One run of ``saliency report``: everything is checked first, then the stimuli go by, and the page is put together."""

import argparse

from saliency.cli import network
from saliency.cli.activation_files import check_output
from saliency.cli.page.columns import Column
from saliency.cli.page.files import SUFFIX, PageFiles
from saliency.cli.page.rows import Rows
from saliency.cli.page.template import Template
from saliency.cli.run_log import Report
from saliency.cli.run_settings import about
from saliency.cli.stimuli import Stimuli

GROUP = 16  # stimuli that are computed together and recorded together
ABOUT = ("layer", "chn", "meth", "set", "smooth", "mode", "size", "framework", "device", "batch", "frame", "no_exif",
         "float_range", "max_pixels", "allow_outside", "allow_duplicates")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Make the page, or what is missing of it; return the exit status.

    Raises:
        Refused, ValueError, RuntimeError, OSError: with one line that says what is wrong.
        TooManyFailed: if more pictures failed than may.
    """
    check_output(options.out, SUFFIX)
    template, files, stimuli = Template(), PageFiles(options.out), Stimuli.of(options)
    report = Report("saliency report", len(stimuli), options.max_errors)
    loaded = network.load(options)
    rows, n = Rows(loaded, stimuli, options, report), len(stimuli)
    with files.begun(about(options, ABOUT, stimuli), options.overwrite) as done:
        report.restore(done.records)
        report.going_on(GROUP * len(done.records))
        for start in range(GROUP * len(done.records), n, GROUP):
            numbers = range(start, min(start + GROUP, n))
            size = files.add(template.rows(rows.of(numbers), options))
            report.finished(numbers.stop)
            done.add({**report.record(), "bytes": size})
        if not files.is_written(done):
            failed = len(report.failures)
            files.write(template.page(options, loaded.name, Column.all(options), n, failed, files.pieces()))
            done.add({**report.record(), "bytes": done.records[-1]["bytes"], "written": True})
        status = report.end(None)
        done.end()
        return status
