"""The table of layers and grids, and the page of the documentation that is made from it.

``python -m tests.zoo.table`` checks every network and rewrites both; a person then checks what changed against the network's
source. ``python -m tests.zoo.table --page`` only rewrites the page.
"""

import csv
import gc
import sys
import warnings
from pathlib import Path
from typing import Any

from tests.zoo import method_table
from tests.zoo.catalog import NETWORKS
from tests.zoo.network import SIZES, Network, Size

FILE = Path(__file__).with_name("table.csv")
PAGE = Path(__file__).parents[2] / "docs" / "networks_checked.md"
COLUMNS = ("library", "network", "height", "width", "layer", "grid", "left_out", "refused")
INTRODUCTION = """# Networks checked

These networks of timm, transformers, torchvision and `keras.applications` are checked with random weights, for images of three sizes. The
table lists the layer that class activation maps use by default, its grid of positions, and the number of its other tokens, such
as class and register tokens.

A network is built for the size where its constructor accepts one. "refused" means that the network itself does not accept the size.

`make test-zoo` runs these checks in an environment of its own. For each network and size:

- the layer, the grid and the number of other tokens are those of the table, and the grid follows from the strides of the
  network's operators;
- if a part of the image that belongs to one position changes, the layer's output changes most at this position or next to it. In
  mobile networks, `mobilevitv2_050`, `coat_tiny` and `levit_128s`, each change spreads over the whole stage; there, the changes
  for all positions together fit this grid better than one that is reversed or shifted by one position. `efficientvim_m1` has small
  weights for the layers that mix all positions, and `levit_128s` has attention biases for the same place. For Keras's EfficientNetB0 at
  160 x 256, a grid shifted by one row fits as well: it pads on one side, so that the centers of its receptive fields are 0.484 of a
  position (15.5 pixels) below and to the right of the middle of their cells. The grid of the table is the nearest one: shifted by
  one row, it would be 0.516 of a position away;
- the gradient of `Vanilla` agrees with finite differences of the network along random directions, to a relative error of 1e-4 in
  64 bits.

"""


def read() -> dict[tuple[str, Size], dict[str, str]]:
    """Return the table: (network, size) -> the columns of ``Result.row``."""
    with FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["network"], (int(row["height"]), int(row["width"]))): {name: row[name] for name in COLUMNS[4:]} for row in rows
    }


def page() -> str:
    """Return the page of the documentation."""
    table = read()
    head = "| network | layer | " + " | ".join(f"{height} x {width}" for height, width in SIZES) + " | other tokens |\n"
    text = INTRODUCTION + head + "|---" * (len(SIZES) + 3) + "|\n"
    for network in NETWORKS:
        rows = [table[network.name, size] for size in SIZES]
        found = next((row for row in rows if not row["refused"]), rows[0])
        grids = " | ".join("refused" if row["refused"] else row["grid"].replace("x", " x ") for row in rows)
        text += f"| {network.library}: `{network.name}` | `{found['layer']}` | {grids} | {found['left_out']} |\n"
    return text + method_table.section()


def _row(network: Network, size: Size) -> dict[str, Any]:
    from tests.zoo.run import check

    names = {"library": network.library, "network": network.name, "height": size[0], "width": size[1]}
    row = names | check(network, size).row
    print(*row.values(), flush=True)
    gc.collect()
    return row


def main() -> None:
    """Rewrite the table, unless only the page is asked for, and the page."""
    if "--page" not in sys.argv:
        warnings.simplefilter("ignore")
        rows = [_row(network, size) for network in NETWORKS for size in SIZES]
        with FILE.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
