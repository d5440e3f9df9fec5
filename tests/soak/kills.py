"""Kill commands at random moments, run them again, and compare the files with those of an undisturbed run.

After SIGTERM, the command's exit status and its line are checked as well.
"""

import hashlib
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

import saliency
from saliency.demo.scenes import HERE

NETWORK = ["-net", "DemoNet", "-stim", "a.stim.csv"]
COMMANDS = {
    "dnn_act": [*NETWORK, "-layer", "fc1", "conv6", "-batch", "2", "-out", "out.act.h5"],
    "dnn_saliency": [*NETWORK, "-layer", "fc1", "-chn", "4", "8", "-meth", "vanilla", "-save", "h5", "-out", "maps"],
    "dnn_mask": ["-act", "in.act.h5", "-layer", "a", "-chn", "2", "3", "-out", "out.act.h5"],
    "dnn_mask -act X -out X": ["-act", "in.act.h5", "-layer", "a", "-out", "in.act.h5"],
}
WITHOUT_TORCH = ("dnn_mask", "dnn_mask -act X -out X")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
MOST_KILLS = 3
"""Kills of one run, before it is left alone."""
STIMULI = 14
LINE = "terminated"
"""A part of the line that a command prints after SIGTERM."""


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    torch = importlib.util.find_spec("torch")
    chosen = [name for name in COMMANDS if torch or name in WITHOUT_TORCH]
    return [_run_command(name, seconds / len(chosen), random.Random(f"{seed} {name}")) for name in chosen]


def _run_command(name, seconds, source):
    end, kills, examples = time.monotonic() + seconds, 0, []
    with tempfile.TemporaryDirectory() as folder:
        made = _new(Path(folder), "undisturbed")
        began, expected = time.monotonic(), _finish(name, made)
        usual = time.monotonic() - began
        if expected[0]:
            raise RuntimeError(f"an undisturbed {name} ended with status {expected[0]}")
        for number in range(100_000):
            if time.monotonic() > end:
                break
            place = _new(Path(folder), str(number))
            done, wrong = _kill_some(name, place, usual, source)
            kills += len(done)
            found = _finish(name, place)
            wrong += [_difference(found, expected)] if found != expected else []
            examples += [f"after {', '.join(done) or 'no kill'}: {'; '.join(wrong)}"] if wrong else []
            shutil.rmtree(place)
    return f"kills of {name}", kills, len(examples), examples[:5]


def _new(folder, name):
    """Return a new folder with the inputs of all commands."""
    place = folder / name
    place.mkdir()
    names = "\n".join(f"scene_{i:02d}.png" for i in range(STIMULI))
    (place / "a.stim.csv").write_text(f"type=image\npath={HERE}/scenes\ndata=stimID\n{names}")
    rng = np.random.default_rng(0)
    with h5py.File(place / "in.act.h5", "w") as file:
        for layer in ("a", "b"):
            file.create_dataset(layer, data=rng.standard_normal((300, 40, 5, 5)).astype(np.float32), compression="gzip")
    return place


def _start(name, place):
    command = [sys.executable, "-W", "ignore", "-m", f"saliency.cli.{name.partition(' ')[0]}", *COMMANDS[name]]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=place, **streams, env=_environment())


def _environment():
    return {**os.environ, "PYTHONPATH": f"{Path(saliency.__file__).parents[1]}"}


def _kill_some(name, place, usual, source):
    """Start the command some times and kill it at a random moment.

    Returns:
        The signals and moments, and what is wrong with how it ended.
    """
    done, wrong = [], []
    for _ in range(source.randint(1, MOST_KILLS)):
        moment, sent = source.uniform(0.3, 1.1) * usual, source.choice(SIGNALS)
        with _start(name, place) as process:
            try:
                process.communicate(timeout=moment)
                break  # it was faster
            except subprocess.TimeoutExpired:
                process.send_signal(sent)
                _, message = process.communicate()
        done.append(f"{sent.name} at {moment:.2f} s")
        wrong += _wrong_end(sent, process.returncode, message)
    return done, wrong


def _wrong_end(sent, status, message):
    """Return what is wrong with the end of a run that received a signal: a list of at most one text."""
    last = (message.strip().splitlines() or [""])[-1]
    if status in (-sent, 0) or _had_finished(status, message):  # killed; or before the command began or after it had ended
        return []
    if sent == signal.SIGTERM and status == 128 + sent:
        return [] if LINE in last and "Traceback" not in message else [f"it printed {message[-500:]!r}"]
    return [f"status {status} after {sent.name}: {last!r}"]


def _finish(name, place):
    """Run the command to its end; return its status and the hashes of all its files."""
    with _start(name, place) as process:
        _, message = process.communicate()
    files = sorted(path for path in place.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return 0 if _had_finished(process.returncode, message) else process.returncode, hashes


def _had_finished(status, message):
    """Return whether the command refused to begin, because its run before was killed after its output was complete."""
    return status == 2 and "already exists" in message


def _difference(found, expected):
    status, files = found
    wrong = sorted(name for name in files.keys() | expected[1].keys() if files.get(name) != expected[1].get(name))
    return f"status {status}, files that differ: {', '.join(wrong)}"
