"""Read, select, concatenate and write activation files."""

import tracemalloc

import h5py
import numpy as np
import pytest

from saliency.io import act, dmask
from saliency.io.act import Activation
from saliency.io.chunks import block_shape, block_slices
from saliency.io.dmask import Dmask, Units
from tests import dnnbrain
from tests.dnnbrain import CLI, FORMATS, needs_fixtures

LAYERS = dnnbrain.layers()


@pytest.fixture
def file(tmp_path):
    return dnnbrain.write(tmp_path / "test.act.h5", LAYERS)


def test_a_dnnbrain_file_is_read(file):
    activation = act.read(file)
    assert list(activation.layers) == ["conv1_maxpool", "conv5", "fc3"]
    for name, array in LAYERS.items():
        layer = activation[name]
        assert (layer.shape, layer.dtype, layer.stored_axes) == (array.shape, np.float32, 4)
        np.testing.assert_array_equal(layer.read(), array)
        np.testing.assert_array_equal(np.asarray(layer, np.float64), array)


def test_written_files_have_dnnbrain_s_structure(file, tmp_path):
    ours = tmp_path / "ours.act.h5"
    act.write(Activation(LAYERS), ours)
    assert dnnbrain.structure(ours) == dnnbrain.structure(file)
    act.write(act.read(file), ours)
    assert dnnbrain.structure(ours) == dnnbrain.structure(file)
    with h5py.File(ours) as h5:
        for name, array in LAYERS.items():
            np.testing.assert_array_equal(h5[name][:], array)


@needs_fixtures
@pytest.mark.parametrize("path", ["formats/test", "tinynet/tiny_all", "cli/dnn_mask2", "cli/dnn_mask3_paired"])
def test_dnnbrain_s_own_files_come_back_dataset_by_dataset(path, tmp_path):
    theirs, ours = dnnbrain.FIXTURES / f"{path}.act.h5", tmp_path / "a.act.h5"
    act.write(act.read(theirs), ours)
    assert dnnbrain.structure(ours) == dnnbrain.structure(theirs)
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        for name in b:
            np.testing.assert_array_equal(a[name][:], b[name][:])
    if (theirs.parent / "test.npz").exists() and path == "formats/test":
        for name, array in np.load(FORMATS / "test.npz").items():
            np.testing.assert_array_equal(act.read(theirs)[name].read(), array)


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
    with pytest.raises(ValueError, match=r"`stimuli` .=0. must be 1 or more"):
        next(layer.chunks(0))


def test_default_batches_hold_whole_chunks(tmp_path):
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        h5.create_dataset("large", shape=(100, 64, 64, 32), dtype="f4", chunks=(7, 1, 64, 32))  # 0.5 MiB a stimulus
        h5.create_dataset("deep", shape=(60, 64, 64, 64), dtype="f4", chunks=(30, 1, 64, 64))  # 1 MiB a stimulus
    activation = act.read(tmp_path / "a.act.h5")
    assert [len(chunk) for chunk in activation["large"].chunks()] == [28, 28, 28, 16]
    assert len(next(activation["deep"].chunks())) == 30


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


def test_an_activation_is_a_mapping(file):
    activation = act.read(file)
    assert list(activation) == list(activation.layers) == list(activation.keys()) and len(activation) == 3
    assert "conv5" in activation and "conv9" not in activation and activation["conv5"] is activation.layers["conv5"]
    with pytest.raises(KeyError, match="has no layer conv9; nearest: conv5"):
        activation["conv9"]


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


def test_a_layer_of_two_axes_is_read_and_has_no_rows(tmp_path):
    file = dnnbrain.write(tmp_path / "a.act.h5", {"fc": LAYERS["fc3"][..., 0, 0], "deep/conv": np.arange(6).reshape(1, 2, 3)})
    activation = act.read(file)
    assert {name: (layer.shape, layer.dtype) for name, layer in activation.layers.items()} == {
        "fc": ((4, 10, 1, 1), np.float32), "deep/conv": ((1, 2, 3, 1), np.int64),
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"layer fc: it has no rows: its file stores 2 axes, \(4, 10\); omit `rows`"):
        activation.mask(Dmask({"fc": Units(rows=[0])}))
    act.write(activation, tmp_path / "b.act.h5")
    with h5py.File(tmp_path / "b.act.h5") as h5:
        assert h5["fc"].shape == (4, 10, 1, 1) and h5["deep/conv"].shape == (1, 2, 3, 1)


def test_a_file_is_masked_in_place_and_earlier_layers_raise(file):
    activation = act.read(file)
    act.write(activation.mask(Dmask({"conv5": Units([7, 0])})), file)
    np.testing.assert_array_equal(act.read(file)["conv5"].read(), LAYERS["conv5"][:, [7, 0]])
    with pytest.raises(ValueError, match="has changed since it was opened"):
        activation["conv5"].read()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"": LAYERS["fc3"]}, r"named ''; between slashes, a name must not be empty"),
        ({"/fc3": LAYERS["fc3"]}, "named '/fc3'"),
        ({"a/../b": LAYERS["fc3"]}, "cannot hold"),
        ({"a\0": LAYERS["fc3"]}, "cannot hold"),
        ({"a": LAYERS["fc3"], "a/b": LAYERS["fc3"]}, "both a layer a and a layer whose name begins with a/"),
    ],
)
def test_names_that_a_file_cannot_hold_are_refused(tmp_path, layers, message):
    with pytest.raises(ValueError, match=message):
        act.write(Activation(layers), tmp_path / "a.act.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "array", [np.ones(3), np.ones((1, 1, 1, 1, 1)), np.ones((0, 2)), np.array([["a"]]), np.ones((2, 2)) * 1j]
)
def test_arrays_that_are_no_activation_are_refused(array):
    with pytest.raises(ValueError, match="an activation .shape .* must be a non-empty array of numbers"):
        Activation({"a": array})


class Refusing:
    """A tensor that cannot be converted, as Torch's of bfloat16 or on a GPU."""

    dtype = "bfloat16"

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ma.masked_array(np.ones((2, 3)), [[0, 1, 0]] * 2), "layer conv5: an activation must not have masked values"),
        ([np.ma.masked_array(np.ones(3), [0, 1, 0])] * 2, "layer conv5: an activation must not have masked values"),
        (
            Refusing(),
            r"layer conv5: an activation \(Refusing of bfloat16\) must be convertible .*unsupported ScalarType BFloat16",
        ),
        ([[1.0], [1.0, 2.0]], r"layer conv5: an activation \(list of several types\) must be convertible"),
        (
            np.zeros((2, 3), "V2"),
            r"layer conv5: an activation \(shape \(2, 3\), \|V2\) must be",
        ),  # ml_dtypes' bfloat16 is such
        (np.zeros((2, 3), bool), r"layer conv5: an activation \(shape \(2, 3\), bool\) must be"),
    ],
)
def test_refused_arrays_are_named_with_their_layer(array, message, tmp_path):
    layers = {"fc3": LAYERS["fc3"], "conv5": array}
    with pytest.raises(ValueError, match=message):
        Activation(layers)
    with pytest.raises(ValueError, match=message):
        act.write(layers, tmp_path / "a.act.h5")
    assert list(tmp_path.iterdir()) == []


def test_tensors_of_bfloat16_are_named_with_their_layer():
    torch = pytest.importorskip("torch")
    for tensor in (torch.ones(2, 3, dtype=torch.bfloat16), torch.ones(2, 3, requires_grad=True)):
        with pytest.raises(ValueError, match=r"layer conv5: an activation \(Tensor of torch\..*\) must be convertible"):
            Activation({"conv5": tensor})


def test_arrays_are_written_as_an_activation_is(tmp_path):
    values = np.ma.masked_array(np.arange(6.0).reshape(2, 3), False)  # nothing is masked
    act.write({"fc3": values}, tmp_path / "a.act.h5")
    np.testing.assert_array_equal(act.read(tmp_path / "a.act.h5")["fc3"].read().reshape(2, 3), values.data)


def test_the_suffix_is_checked(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.act\.h5"):
        act.read(tmp_path / "a.h5")
    with pytest.raises(ValueError, match=r"must end in \.act\.h5"):
        act.write(Activation(LAYERS), tmp_path / "a.h5")


def test_memory_is_bounded_by_the_block_size(tmp_path):
    """Copy 64 MiB of activation; Python and NumPy hold at most two blocks and a copy."""
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        h5.create_dataset("conv", shape=(1024, 64, 16, 16), dtype="f4", compression="gzip", fillvalue=1)
        h5["conv"][0] = 2
    activation = act.read(tmp_path / "a.act.h5")
    tracemalloc.start()
    act.write(activation.mask(Dmask({"conv": Units(range(63, -1, -1))})), tmp_path / "b.act.h5")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 52 * 2**20
    assert act.read(tmp_path / "b.act.h5")["conv"].take([0, 1023]).read().mean() == 1.5


def test_blocks_of_whole_chunks_cover_an_array_once():
    shape, chunk_shape = (100, 33, 7, 5), (30, 4, 7, 2)
    block = block_shape(shape, chunk_shape, 4, max_bytes=30 * 4 * 7 * 5 * 4 * 2)
    assert block == (30, 8, 7, 5)
    visits = np.zeros(shape, int)
    for slices in block_slices(shape, block):
        visits[slices] += 1
    assert (visits == 1).all()
    assert block_shape(shape, chunk_shape, 4, max_bytes=1) == chunk_shape
    assert block_shape((2, 3), (50, 50), 8) == (2, 3)
