"""The table of the methods' largest deviations from the references, and its part of the documentation.

``ZOO_METHODS=write make test-zoo`` appends the deviations to the table, after it was emptied.
"""

import csv
import os
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path

from tests.zoo.method_networks import Case

FILE = Path(__file__).with_name("methods.csv")
METHODS = ("Vanilla", "IntegratedGradients", "GradCAM", "Occlusion")
COLUMNS = ("library", "network", "version", *METHODS)
INTRODUCTION = """
## Methods against references

On 30 of these and similar networks, four methods are compared with references that use autograd or a gradient tape, hooks, and a loop
over windows. The table lists the largest deviation, relative to the largest value of the reference, in 64 bits. The test
allows 1e-5. `GradCAM` is of a named layer. A classifier of transformers is passed as it is, with a class as the target.

"""


def read() -> list[dict[str, str]]:
    """Return the rows of the table."""
    with FILE.open(newline="") as file:
        return list(csv.DictReader(file))


def write(case: Case, deviations: Mapping[str, float]) -> None:
    """Append a network to the table, if the environment asks for it."""
    if os.environ.get("ZOO_METHODS") == "write":
        row = [case.network.library, case.network.name, installed(case.network.library)]
        with FILE.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([*row, *(f"{deviations[name]:.0e}" for name in METHODS)])


def section() -> str:
    """Return the section of the documentation."""
    head = (
        "| network | version | " + " | ".join(f"`{name}`" for name in METHODS) + " |\n" + "|---" * (len(METHODS) + 2) + "|\n"
    )
    rows = [
        f"| {row['library']}: `{row['network']}` | {row['version']} | " + " | ".join(row[name] for name in METHODS) + " |\n"
        for row in read()
    ]
    return INTRODUCTION + head + "".join(rows)
