"""What only a fresh process shows, one for each framework: which modules each step loads, and what the demo writes.

``python -m tests.fresh_process torch FOLDER`` writes ``FOLDER/report.json``; the demo prints what it prints. The fixture ``fresh_process`` starts it
once for all tests, because a framework takes seconds to import. Steps that change the process for good come last.
"""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import saliency
from saliency import nets
from tests.quick_methods import QUICK_METHODS

MODULES = ("jax", "keras", "tensorflow", "torch", "torch._dynamo", "torchvision")
SHOWN = (17,)  # the scene whose maps the demo draws, for both of its digits
PAIRS = slice(24, 28)  # scenes with and without a tag

GET_SMOOTHED_MASKS = saliency.SaliencyMask.GetSmoothedMasks  # the demo's steps replace it


def main(framework: str, folder: Path) -> int:
    found = {}
    gc.set_threshold(50_000, 20, 20)  # as in tests/conftest.py
    sys.modules["sklearn"] = None  # Keras would import it

    def note(step, result=None):
        found[step] = result or [name for name in sys.modules if name in MODULES]
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
    note("fork", mask_in_a_forked_process(framework))
    for name, step in LAST_STEPS[framework].items():
        note(name, _result(step, folder))
    return ended


def _result(step, folder):
    try:
        return step(folder)
    except Exception:
        return traceback.format_exc()


def run_keras_on_torch(folder):
    if not find_spec("keras"):
        return "keras is not installed"
    from tests.torch.keras_backend import run_on_torch

    saliency.SaliencyMask.GetSmoothedMasks = GET_SMOOTHED_MASKS
    return run_on_torch(folder)


def exhaust_memory(_folder):
    from tests.torch.exhausted_memory import batch_sizes

    return batch_sizes()


def import_the_other_framework(_folder):
    """Return the order of the imports, and the largest difference of the frameworks' masks."""
    if not find_spec("torch"):
        return "torch is not installed"
    importlib.import_module("torch")
    from tests.framework_import_order import import_order, largest_difference

    return [import_order(), float(largest_difference())]


def disable_tensorflow_2(_folder):
    from tests.tf.session.tensorflow1_modes import mask_in_both_modes

    return mask_in_both_modes()


LAST_STEPS = {
    "torch": {"Keras": run_keras_on_torch} | ({"scarce memory": exhaust_memory} if sys.platform.startswith("linux") else {}),
    "tf": {"both frameworks": import_the_other_framework, "sessions": disable_tensorflow_2},
}


def load_a_keras_file(file):
    import keras

    keras.Sequential([keras.Input((16, 12, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]).save(file)
    nets.load(str(file))


def mask_in_a_forked_process(framework):
    """Return what a mask does in a process that is forked after the framework was used with two threads."""
    model, image = (
        nets.load("DemoNet", framework=framework).model,
        np.ones((3, 96, 96) if framework == "torch" else (96, 96, 3)),
    )
    if framework == "torch":
        sys.modules["torch"].set_num_threads(2)
    saliency.Vanilla(model, 3).GetMask(image)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # it would hang
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                saliency.Vanilla(model, 3).GetMask(image)
                text = "; ".join(str(each.message) for each in caught)
            except saliency.ModelError as error:
                text = f"ModelError: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    return os.read(reading, 1 << 16).decode()


def run_the_demo(framework, out):
    """Run the demo with the scenes that it draws, and fewer masks, windows and copies: the whole one takes two minutes."""
    from saliency.demo import __main__ as demo
    from saliency.demo.localization import compute_maps, scene_targets

    scenes = demo.load_scenes()
    shown = [scenes[i] for i in SHOWN]
    demo.load_scenes, demo.PLAIN_SCENES = lambda: shown + scenes[PAIRS], len(shown)
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
