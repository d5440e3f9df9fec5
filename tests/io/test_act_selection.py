"""Select stimuli and units of activations, and concatenate them."""

import h5py
import numpy as np
import pytest

from saliency.io import act, dmask
from saliency.io.act import Activation
from saliency.io.dmask import Dmask, Units
from tests import dnnbrain
from tests.dnnbrain import CLI, FORMATS, needs_fixtures

LAYERS = dnnbrain.layers()


@needs_fixtures
@pytest.mark.parametrize(("mask", "result"), [("test", "dnn_mask2"), ("axis_order", "dnn_mask5_axisorder")])
def test_dnnbrain_s_masks(mask, result):
    masked = act.read(FORMATS / "test.act.h5").mask(dmask.read(FORMATS / f"{mask}.dmask.csv"))
    expected = np.load(CLI / f"{result}.npz")
    assert set(masked.layers) == set(expected)
    for name in expected:
        np.testing.assert_array_equal(masked[name].read(), expected[name])


def test_units_are_selected_in_any_order_and_repeated(file):
    layer, array = act.read(file)["conv5"], LAYERS["conv5"]
    selected = layer.take(stimuli=[3, 0, 0], channels=(7, 1, 1), rows=slice(10, 2, -3), columns=np.array([12, 0]))
    expected = array[[3, 0, 0]][:, [7, 1, 1]][:, :, 10:2:-3][..., [12, 0]]
    np.testing.assert_array_equal(selected.read(), expected)
    np.testing.assert_array_equal(selected.take(stimuli=[2, 1], columns=[1]).read(), expected[[2, 1]][..., [1]])
    np.testing.assert_array_equal(Activation({"a": array})["a"].take([1]).take(channels=[2]).read(), array[[1]][:, [2]])


def test_selections_from_contiguous_and_chunked_datasets(tmp_path):
    rng = np.random.default_rng(1)
    array = rng.standard_normal((40, 30, 9, 7)).astype(np.float32)
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        for name, options in {"auto": {"compression": "gzip"}, "chunked": {"chunks": (7, 4, 9, 2)}, "contiguous": {}}.items():
            h5.create_dataset(name, data=array, **options)
    for name, layer in act.read(tmp_path / "a.act.h5").layers.items():
        for _ in range(5):
            chosen = [rng.integers(0, n, rng.integers(1, 2 * n)) for n in array.shape]
            np.testing.assert_array_equal(layer.take(*chosen).read(), array[np.ix_(*chosen)], err_msg=name)
        for stimuli in (17, 1, 99, None):
            np.testing.assert_array_equal(np.concatenate(list(layer.chunks(stimuli))), array)
    with pytest.raises(ValueError, match=r"`stimuli` .int. must be a whole number, 1 or more"):
        next(layer.chunks(0))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"channels": [8]}, r"`channels` .=8. must be from 0 to 7"),
        ({"channels": [-1]}, r"`channels` .=-1. must be from 0"),
        ({"stimuli": [4]}, r"`stimuli` .=4. must be from 0 to 3"),
        ({"rows": []}, "`rows` must be whole numbers, one or more"),
        ({"columns": [1.5]}, "whole numbers"),
        ({"columns": [True]}, "whole numbers"),
        ({"columns": slice(20, 30)}, "one or more"),
    ],
)
def test_missing_units_are_refused(file, selection, message):
    with pytest.raises(ValueError, match=message):
        act.read(file)["conv5"].take(**selection)


def test_a_mask_selects_layers_and_units(file):
    activation = act.read(file)
    masked = activation.mask(Dmask({"fc3": Units([9, 0]), "conv5": Units(rows=range(2))}))
    assert [(name, layer.shape) for name, layer in masked.layers.items()] == [("fc3", (4, 2, 1, 1)), ("conv5", (4, 8, 2, 13))]
    with pytest.raises(ValueError, match=r"no layer conv4; nearest: conv5; layers: conv1_maxpool, conv5, fc3"):
        activation.mask(Dmask({"conv4": Units()}))
    with pytest.raises(ValueError, match=r"layer fc3: `rows` .=1. must be from 0 to 0"):
        activation.mask(Dmask({"fc3": Units(rows=[1])}))


def test_stimuli_are_selected_and_concatenated(file, tmp_path):
    first, more = act.read(file), Activation({name: array[:2] * 2.0 for name, array in LAYERS.items()})
    combined = first.concatenate(more, first.take([0]))
    expected = np.concatenate([LAYERS["conv5"], LAYERS["conv5"][:2] * 2, LAYERS["conv5"][:1]])
    np.testing.assert_array_equal(combined["conv5"].read(), expected)
    np.testing.assert_array_equal(combined["conv5"].take([5, 6, 0, 3, 4]).read(), expected[[5, 6, 0, 3, 4]])
    act.write(combined, tmp_path / "combined.act.h5")
    np.testing.assert_array_equal(act.read(tmp_path / "combined.act.h5")["conv5"].read(), expected)
    with pytest.raises(ValueError, match="same layers"):
        first.concatenate(Activation({"fc3": LAYERS["fc3"]}))
    with pytest.raises(
        ValueError,
        match=r"layer conv5: its .channels, rows, columns. must be the same in all activations, but there are .2, 5, 3., .8, 13, 13.",
    ):
        first.concatenate(Activation({**LAYERS, "conv5": LAYERS["conv1_maxpool"]}))


def test_a_table_has_a_column_for_each_unit(file):
    frame = act.read(file).mask(Dmask({"fc3": Units([9, 0]), "conv5": Units([1], [2], [3, 4])})).to_frame()
    assert frame.columns.tolist() == [("fc3", 0, 0, 0), ("fc3", 1, 0, 0), ("conv5", 0, 0, 0), ("conv5", 0, 0, 1)]
    np.testing.assert_array_equal(frame["fc3"].to_numpy(), LAYERS["fc3"][:, [9, 0], 0, 0])
    np.testing.assert_array_equal(frame["conv5"].to_numpy(), LAYERS["conv5"][:, 1, 2, 3:5])
    unequal = {"a": np.ones((2, 1)), "b": np.ones((3, 1))}
    for layers, counts in (({}, "there are no layers"), (unequal, "a has 2, b has 3")):
        with pytest.raises(ValueError, match="same number of stimuli; " + counts):
            Activation(layers).to_frame()
