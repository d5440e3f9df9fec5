"""Random calls with awkward options: a result or one error of this library each."""

import random
import re
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from tests.fuzz.adapter_calls import adapter_calls
from tests.fuzz.command_calls import draw_command, prepare
from tests.fuzz.compat_calls import compat_calls
from tests.fuzz.display_calls import display_calls
from tests.fuzz.file_calls import file_calls
from tests.fuzz.fuzzed_models import keras_models
from tests.fuzz.mask_calls import mask_calls, odd_models
from tests.fuzz.network_calls import network_calls
from tests.fuzz.option_calls import draw_call
from tests.fuzz.verdict import shortfall


def _command_row(seconds, seed):
    """Call the commands; return their row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands, choose = prepare(folder), random.Random(f"{seed} commands").choice
        tried, short = fuzz(lambda: draw_command(commands, folder, choose), seconds)
    return _row("commands", tried, short)


def _row(name, tried, short):
    examples = [f"{count} x {example}" for count, example in short.values()]
    return f"option calls: {name}", tried, sum(count for count, _ in short.values()), examples


def groups(folder):
    """Return groups of calls: name -> (calls, share of the time).

    Args:
        folder: an empty folder for the files that they read and write.
    """
    return {
        "masks": (mask_calls(), 4),
        "masks of models with other weights": (mask_calls(odd_models()), 1),
        "display": (display_calls(), 1),
        "masks of a Keras model": (mask_calls(keras_models()), 3),
        "adapters and targets": (adapter_calls(), 0.5),
        "compat": (compat_calls(), 1.5),
        "files": (file_calls(folder), 1),
        "networks": (network_calls(), 0.5),
    }


def fuzz(draw, seconds, most=10**9):
    """Call what is drawn for some seconds, at most ``most`` times.

    Returns:
        The number of calls, and what fell short: text -> (count, example).
    """
    end, tried, found, examples = time.monotonic() + seconds, 0, Counter(), {}
    while time.monotonic() < end and tried < most:
        drawn = draw()
        tried += 1
        problem = shortfall(drawn.run, drawn.check)
        if problem:
            kind = re.sub(r"\d+", "N", problem)[:160]
            found[kind] += 1
            examples.setdefault(kind, f"{drawn.text}: {problem}")
    return tried, {kind: (count, examples[kind]) for kind, count in found.most_common()}


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    with tempfile.TemporaryDirectory() as folder:
        return _rows({name: one for name, one in groups(Path(folder)).items() if one[0]}, seconds, seed)


def _rows(chosen, seconds, seed):
    rows = [_command_row(seconds / 8, seed)]
    seconds = seconds * 7 / 8
    total = sum(share for _, share in chosen.values())
    for name, (calls, share) in chosen.items():
        choose = random.Random(f"{seed} {name}").choice
        tried, short = fuzz(partial(draw_call, calls, choose), seconds * share / total)
        rows.append(_row(name, tried, short))
    return rows
