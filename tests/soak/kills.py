"""Kill commands at random moments, run them again, and compare the files with those of an undisturbed run."""

import hashlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import saliency
from saliency.demo.scenes import HERE

COMMANDS = {
    "dnn_act": ["-layer", "fc1", "conv6", "-batch", "2", "-out", "out.act.h5"],
    "dnn_saliency": ["-layer", "fc1", "-chn", "4", "8", "-meth", "vanilla", "-save", "h5", "-out", "maps"],
}
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
MOST_KILLS = 3
"""Kills of one run, before it is left alone."""


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    if not importlib.util.find_spec("torch"):
        return []
    return [_run_command(name, seconds / len(COMMANDS), random.Random(f"{seed} {name}")) for name in COMMANDS]


def _run_command(name, seconds, source):
    end, kills, examples = time.monotonic() + seconds, 0, []
    with tempfile.TemporaryDirectory() as folder:
        began, expected = time.monotonic(), _finish(name, _new(Path(folder), "undisturbed"))
        usual = time.monotonic() - began
        for number in range(100_000):
            if time.monotonic() > end:
                break
            place = _new(Path(folder), str(number))
            done = _kill_some(name, place, usual, source)
            kills += len(done)
            found = _finish(name, place)
            if found != expected:
                examples.append(f"after {', '.join(done) or 'no kill'}: {_difference(found, expected)}")
    return f"kills of {name}", kills, len(examples), examples


def _new(folder, name):
    """Return a new folder with a stimulus file."""
    place = folder / name
    place.mkdir()
    names = "\n".join(f"scene_{i:02d}.png" for i in range(14))
    (place / "a.stim.csv").write_text(f"type=image\npath={HERE}/scenes\ndata=stimID\n{names}")
    return place


def _start(name, place):
    command = [sys.executable, "-W", "ignore", "-m", f"saliency.cli.{name}", "-net", "DemoNet", "-stim", "a.stim.csv"]
    environment = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *COMMANDS[name]], **environment, env=_environment())


def _environment():
    return {**os.environ, "PYTHONPATH": f"{Path(saliency.__file__).parents[1]}"}


def _kill_some(name, place, usual, source):
    """Start the command some times and kill it at a random moment; return the signals and moments."""
    done = []
    for _ in range(source.randint(1, MOST_KILLS)):
        moment, sent = source.uniform(0.3, 1.1) * usual, source.choice(SIGNALS)
        with _start(name, place) as process:
            try:
                process.communicate(timeout=moment)
                break  # it was faster
            except subprocess.TimeoutExpired:
                process.send_signal(sent)
                process.communicate()
        done.append(f"{sent.name} at {moment:.2f} s")
    return done


def _finish(name, place):
    """Run the command to its end; return its status and the hashes of all its files."""
    with _start(name, place) as process:
        _, message = process.communicate()
    status = (
        0 if "exist" in message and process.returncode == 2 else process.returncode
    )  # the run that was killed had finished
    files = sorted(path for path in place.rglob("*") if path.is_file())
    return status, {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _difference(found, expected):
    status, files = found
    wrong = sorted(name for name in files.keys() | expected[1].keys() if files.get(name) != expected[1].get(name))
    return f"status {status}, files that differ: {', '.join(wrong)}"
