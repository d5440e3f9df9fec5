"""Run ``dnn_mask`` in tests, on a file of activations."""

import shlex

from saliency.cli.dnn_mask import main
from tests import dnnbrain

LAYERS = dnnbrain.layers()
STIMULI = "type=image\npath=images\ndata=stimID\n" + "\n".join(f"{name}.png" for name in "abcd")


def write_inputs(folder):
    """Write files of activations, stimuli and a mask."""
    dnnbrain.write(folder / "test.act.h5", LAYERS)
    (folder / "test.stim.csv").write_text(STIMULI)
    (folder / "test.dmask.csv").write_text("conv5=chn,row,col\n1,2,3\n4,5\n6,7,8\nfc3=chn\n1,2,3\n")


def run(capsys, command):
    """Return the exit status and the printed output and errors."""
    status = main(shlex.split(command))
    return status, *capsys.readouterr()
