"""Run ``dnn_saliency`` in tests, on the bundled network."""

from pathlib import Path

from PIL import Image

import saliency.demo
from saliency.cli.dnn_saliency import main

DEMO = Path(saliency.demo.__file__).parent
BUNDLED = ["-net", "DemoNet", "-layer", "fc1", "-chn", "4", "8"]
BASE = "DemoNet_fc1_chn4-8_guided_RGB"
FIGURE = BASE + "_fig{}.jpg"
NAMES = [f"scene_{i:02d}.png" for i in (3, 7, 17, 21, 0, 1, 2)]


def table(folder, names, source=DEMO / "scenes"):
    """Write a stimulus file and return its path."""
    file = folder / "some.stim.csv"
    file.write_text(f"type=image\npath={source}\ndata=stimID\n" + "\n".join(names), encoding="utf-8")
    return str(file)


def run(capsys, *arguments):
    """Return the exit status and the printed output and errors."""
    status = main(list(map(str, arguments)))
    return status, *capsys.readouterr()


def inputs(network, names):
    """Return the network's inputs for bundled images."""
    found = []
    for name in names:
        with Image.open(DEMO / "scenes" / name) as picture:
            found.append(network.prepare(picture))
    return found
