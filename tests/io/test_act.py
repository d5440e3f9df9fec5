"""Read and write activation files."""

import h5py
import numpy as np
import pytest

from saliency.io import act
from saliency.io.act import Activation
from saliency.io.dmask import Dmask, Units
from tests import dnnbrain
from tests.dnnbrain import FORMATS, needs_fixtures

LAYERS = dnnbrain.layers()


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


def test_an_activation_is_a_mapping(file):
    activation = act.read(file)
    assert list(activation) == list(activation.layers) == list(activation.keys()) and len(activation) == 3
    assert "conv5" in activation and "conv9" not in activation and activation["conv5"] is activation.layers["conv5"]
    with pytest.raises(KeyError, match="has no layer conv9; nearest: conv5"):
        activation["conv9"]


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
