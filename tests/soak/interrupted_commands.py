"""The commands that ``tests/soak/interrupts.py`` interrupts, and their inputs."""

import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np

from saliency.cli import activation_run, dnn_act, dnn_mask, dnn_saliency
from saliency.io import act

STIMULI = 12
NAMES = [f"scene_{i:02d}.png" for i in range(STIMULI)]
SCENES = Path(activation_run.__file__).parents[1] / "demo" / "scenes"
STIM = f"type=image\npath={SCENES}\ndata=stimID\n" + "\n".join(NAMES)
SELECTED = "-net DemoNet -stim s.stim.csv"


@dataclass(frozen=True)
class Case:
    """A command to interrupt.

    Args:
        output: the file whose bytes are compared, in the working directory.
        run: runs the command and returns its exit status.
        resumable: whether the same command, run again, must write the file of an undisturbed run.
    """

    output: str
    run: Callable[[], int]
    resumable: bool = False


def write_activations() -> int:
    """Replace a file by ``act.write``, as a notebook does."""
    rng = np.random.default_rng(1)
    try:
        act.write({name: rng.standard_normal((200, 40, 5, 5)).astype(np.float32) for name in ("a", "b", "c")}, "x.act.h5")
    except KeyboardInterrupt:
        return 130
    return 0


def run(command: ModuleType, arguments: str) -> int:
    """Run a command and return its exit status."""
    return command.main(shlex.split(arguments))


CASES = {
    "act.write": Case("x.act.h5", write_activations),
    "dnn_mask -act X -out X": Case("x.act.h5", lambda: run(dnn_mask, "-act x.act.h5 -layer a -out x.act.h5")),
    "dnn_act": Case(
        "y.act.h5",
        lambda: run(dnn_act, f"{SELECTED} -layer conv1 fc1 -batch 4 -overwrite -out y.act.h5"),
        resumable=True,
    ),
    "dnn_saliency -save h5": Case(
        "maps/DemoNet_fc1_chn4_vanilla_RGB.h5",
        lambda: run(dnn_saliency, f"{SELECTED} -layer fc1 -chn 4 -meth vanilla -save h5 -overwrite -out maps"),
        resumable=True,
    ),
}


def prepare(folder: Path) -> None:
    """Write the inputs of all cases."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "s.stim.csv").write_text(STIM)
    rng = np.random.default_rng(0)
    with h5py.File(folder / "x.act.h5", "w") as file:
        for name in ("a", "b"):
            file.create_dataset(name, data=rng.standard_normal((300, 40, 5, 5)).astype(np.float32), compression="gzip")
