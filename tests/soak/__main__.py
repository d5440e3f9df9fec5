"""Try for an hour what a library must survive, and print one table: ``python -m tests.soak --minutes 60``.

Each module of this folder with a function ``run(seconds, seed)`` takes part. It returns rows (what, tried, fell short, examples).
The exit status is 1 if anything fell short.
"""

import argparse
import importlib
import inspect
import os
import signal
import sys
import time
import warnings
from pathlib import Path

SHARES = {"files": 8, "options": 4, "kills": 3, "interrupts": 2, "model_state": 2}
"""Name of a module -> its share of the time; 1 for others."""


def parts():
    """Return the modules that take part: name -> ``run``."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("__"))
    found = {name: getattr(importlib.import_module(f"tests.soak.{name}"), "run", None) for name in names}
    return {name: run for name, run in found.items() if run and list(inspect.signature(run).parameters) == ["seconds", "seed"]}


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="the time of all parts together (default: 60)")
    parser.add_argument("--seed", type=int, help="the seed of the random numbers (default: a new one)")
    parser.add_argument("--only", nargs="+", metavar="PART", help=f"some of the parts: {', '.join(parts())}")
    return parser.parse_args(arguments)


def table(rows):
    """Return the rows as a table in Markdown."""
    lines = [f"| {what} | {tried:,} | {short:,} |" for what, tried, short, *_ in rows]
    return "\n".join(["| tried | times | fell short |", "|---|---|---|", *lines])


def _report(rows):
    """Return the table of rows, and examples of what fell short."""
    examples = [f"{what}: {example}"[:600] for what, _, short, examples in rows if short for example in examples]
    return "\n".join([table(rows), *examples])


def main(arguments=None):
    """Run the parts one after the other and return the exit status."""
    options = _parse(arguments)
    seed = int(time.time()) if options.seed is None else options.seed
    warnings.simplefilter("ignore")  # the calls are wrong on purpose
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background processes ignore Ctrl-C
    chosen = {name: run for name, run in parts().items() if not options.only or name in options.only}
    shares, end, rows = [SHARES.get(name, 1) for name in chosen], time.monotonic() + 60 * options.minutes, []
    for number, (name, run) in enumerate(chosen.items()):  # a part that ends early leaves its time to those that follow
        seconds = (end - time.monotonic()) * shares[number] / sum(shares[number:])
        print(f"{name}: {seconds:.0f} s, seed {seed}", file=sys.stderr, flush=True)
        found = run(seconds, seed)
        print(_report(found), file=sys.stderr, flush=True)
        rows += found
    print(_report(rows))
    return int(any(short for *_, short, _ in rows))


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main())
