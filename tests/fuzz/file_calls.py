"""Random calls of the readers and writers of files."""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from saliency.io import act, dmask, stim
from saliency.io.picture import read_picture
from saliency.io.picture_options import PictureOptions
from tests.fuzz.option_calls import PublicCall

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
SELECTIONS = [None, [0], [1, 0, 1], slice(0, 1), np.array([1]), range(2)]
TABLE = {
    "type": ["image", "video"], "path": ["images"], "data": [{"stimID": np.array(["a.png", "b.png"]), "label": np.array([1, 2])}],
    "header": [{}, {"title": "a title"}],
}  # fmt: skip


def _written(folder):
    """Write a file of each kind and return their paths by suffix."""
    paths = {kind: folder / f"seed{kind}" for kind in (".png", act.SUFFIX, stim.SUFFIX, dmask.SUFFIX)}
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(paths[".png"])
    act.write({"conv": VALUES, "fc": VALUES[:, :, 0, 0]}, paths[act.SUFFIX])
    table = {name: values[0] for name, values in TABLE.items()}
    stim.write(stim.Stimulus(**table), paths[stim.SUFFIX])
    dmask.write(dmask.Dmask({"conv": dmask.Units([0, 1])}), paths[dmask.SUFFIX])
    return paths


def _picture(path, **options):
    return read_picture(path, PictureOptions(**options))[0]


def _write_stimulus(file, type, path, data, header):
    stim.write(stim.Stimulus(type, path, data, header), file)
    return stim.read(file)


def _write_units(file, **units):
    dmask.write(dmask.Dmask({"conv": dmask.Units(**units)}), file)
    return dmask.read(file)


def _write_activation(file, activation):
    act.write(activation, file)
    return act.read(file)


def _first_batch(layer, stimuli):
    return next(iter(layer.chunks(stimuli)))


def file_calls(folder):
    """Return the calls by name; they write into a folder only, if their path is valid."""
    seeds, new = _written(folder), partial(Path, folder)
    activation = act.Activation({"conv": VALUES, "fc": VALUES[:, :, 0, 0]})
    axes = dict.fromkeys(("channels", "rows", "columns"), SELECTIONS[:3])
    return {
        "read_picture": PublicCall(
            _picture, {"path": [seeds[".png"]], "frame": [0], "apply_exif": [True, False], "float_range": [None, (0.0, 1.0)],
                       "max_pixels": [None, 100], "refuse_dark": [True], "range_option": ["-range"]},
        ),
        "act.read": PublicCall(act.read, {"file": [seeds[act.SUFFIX]], "layers": [None, ["conv"], ("fc",)]}),
        "act.write": PublicCall(_write_activation, {"file": [new("new.act.h5")], "activation": [activation, {"a": VALUES}, {"a/b": VALUES}]}),
        "Activation": PublicCall(act.Activation, {"layers": [{"a": VALUES}]}),
        "Activation.take": PublicCall(activation.take, {"stimuli": SELECTIONS}),
        "Activation.mask": PublicCall(activation.mask, {"dmask": [dmask.Dmask({"conv": dmask.Units([1])})]}),
        "Activation.concatenate": PublicCall(lambda other: activation.concatenate(other), {"other": [activation]}),
        "Layer.take": PublicCall(activation["conv"].take, {"stimuli": SELECTIONS, **axes}),
        "Layer.chunks": PublicCall(partial(_first_batch, activation["conv"]), {"stimuli": [None, 1, 5]}),
        "stim.read": PublicCall(stim.read, {"file": [seeds[stim.SUFFIX]]}),
        "stim.write": PublicCall(_write_stimulus, {"file": [new("new.stim.csv")], **TABLE}),
        "dmask.read": PublicCall(dmask.read, {"file": [seeds[dmask.SUFFIX]]}),
        "dmask.write": PublicCall(dmask.write, {"file": [new("new.dmask.csv")], "dmask": [dmask.Dmask({"fc": dmask.Units()})]}),
        "Units": PublicCall(_write_units, {"file": [new("units.dmask.csv")], **axes}),
        "dmask.indices": PublicCall(dmask.indices, {"numbers": [[1, 2]]}),
        "dmask.numbers": PublicCall(dmask.numbers, {"indices": [[0, 2]]}),
    }  # fmt: skip
