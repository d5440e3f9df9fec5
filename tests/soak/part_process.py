"""Run a part in a process of its own, which may crash or hang without ending the others."""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

GRACE = 300
"""Seconds that a part may take beyond its time, for imports and its last run on a busy machine."""


def run_part(module, what, seconds, *options):
    """Run ``python -m module --seconds SECONDS --rows FILE``, and return the rows that it writes.

    Args:
        module: a module with a command line.
        what: the part's name, for the row of a process that ends without its rows.
        seconds: its time.
        options: other words of the command line.

    Returns:
        Rows of the table: (what, tried, fell short, examples).
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        words = ["--seconds", str(seconds), "--rows", str(file), *map(str, options)]
        command = [sys.executable, "-X", "faulthandler", "-W", "ignore", "-m", module, *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                errors = process.communicate(timeout=seconds + GRACE)[1]
                end = f"ended with {process.returncode}: {errors.strip().splitlines()[-1:]}"
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # it writes what each thread executes
                errors = process.communicate()[1]
                frames = " < ".join(line.strip() for line in errors.splitlines() if line.startswith("  File"))
                end = f"did not end within {seconds + GRACE:.0f} s: {frames}"
        return json.loads(file.read_text()) if file.exists() else [(what, 1, 1, [f"the process {end}"])]


def write_rows(file, rows):
    """Write the rows for ``run_part``."""
    Path(file).write_text(json.dumps(rows))
