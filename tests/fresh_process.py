"""What only a fresh process shows, one for each framework: which modules each step loads, and what the demo writes.

``python -m tests.fresh_process torch FOLDER`` writes ``FOLDER/report.json``; the demo prints what it prints. The fixture ``fresh_process`` starts it
once for all tests, because a framework takes seconds to import.
"""

import importlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np

import saliency
from saliency import nets
from tests.quick_methods import QUICK_METHODS

MODULES = ("jax", "keras", "tensorflow", "torch", "torch._dynamo", "torchvision")
SHOWN = (12, 17)  # the scenes whose maps the demo draws
PLAIN = 24  # scenes without a tag come first


def main(framework: str, folder: Path) -> int:
    found = {}

    def note(step):
        found[step] = [name for name in MODULES if name in sys.modules]
        (folder / "report.json").write_text(json.dumps(found))

    importlib.import_module(f"saliency.{framework}")
    note("import")
    if framework == "torch":
        saliency.Occlusion(nets.load("DemoNet").model, 3).GetMask(np.ones((3, 96, 96)), size=48, stride=48)
        note("logits")
    else:
        load_a_keras_file(folder / "small.keras")
        note("file")
    ended = run_the_demo(framework, folder / "new" / "folder")
    note("demo")
    return ended


def load_a_keras_file(file):
    import keras

    keras.Sequential([keras.Input((16, 12, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]).save(file)
    nets.load(str(file))


def run_the_demo(framework, out):
    """Run the demo with the scenes that it draws, and fewer masks, windows and copies: the whole one takes two minutes."""
    from saliency.demo import __main__ as demo
    from saliency.demo.localization import compute_maps, scene_targets

    scenes = demo.load_scenes()
    shown = [scenes[i] for i in SHOWN]
    demo.load_scenes, demo.PLAIN_SCENES = lambda: shown + scenes[PLAIN:], len(shown)
    demo.METHODS.update(QUICK_METHODS)
    smoothed = saliency.SaliencyMask.GetSmoothedMasks
    saliency.SaliencyMask.GetSmoothedMasks = lambda *args, **options: smoothed(*args, nsamples=3, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ended = demo.main(["--framework", framework, "--out", str(out)])
        untrained = nets.untrained(0, framework)
    network = nets.load("DemoNet", framework=framework)
    compute_maps(untrained, network, scene_targets(shown[:1]), ["Vanilla"], seed=0)
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
