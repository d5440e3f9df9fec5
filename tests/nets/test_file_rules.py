"""Limits for files of models and weights: sizes, and the time for reading HDF5."""

import json
import time
import zipfile

import h5py
import numpy as np
import pytest

import saliency
from saliency import nets
from saliency.nets import hdf5_weights
from saliency.nets.file_rules import FileRules


@pytest.fixture
def weights(tmp_path):
    with h5py.File(tmp_path / "w.weights.h5", "w") as h5:
        h5["a"] = np.arange(3.0)
    return tmp_path / "w.weights.h5"


def test_a_copy_is_read_in_place_of_an_untrusted_file(weights):
    with hdf5_weights.safe_to_read("weights", weights, FileRules()) as safe:
        assert safe != weights and safe.name == weights.name
        with h5py.File(safe) as h5:
            np.testing.assert_array_equal(h5["a"][:], np.arange(3.0))
    assert not safe.exists()
    with hdf5_weights.safe_to_read("weights", weights, FileRules(trust=True)) as safe:
        assert safe == weights


def test_a_file_that_is_never_read_to_its_end_is_refused(weights, monkeypatch):
    """A program that loops stands for the HDF5 library."""
    monkeypatch.setattr(hdf5_weights, "WORKER", "while True: pass")
    start = time.monotonic()
    with (
        pytest.raises(saliency.InputError, match=r"w\.weights\.h5\) was not read within 0\.2 seconds: .*`weights_timeout`"),
        hdf5_weights.safe_to_read("weights", weights, FileRules(weights_timeout=0.2)),
    ):
        pass
    assert time.monotonic() - start < 60


def test_a_crash_and_a_damaged_file_are_told(weights, monkeypatch):
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(saliency.InputError, match="cannot be read as HDF5: OSError"):
        hdf5_weights.safe_to_read("weights", weights, FileRules()).__enter__()
    monkeypatch.setattr(hdf5_weights, "WORKER", "import os; os.abort()")
    with pytest.raises(saliency.InputError, match=r"the HDF5 library crashed \(-6\)"):
        hdf5_weights.safe_to_read("weights", weights, FileRules()).__enter__()


def test_sizes_are_checked_before_a_file_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", bytes(10**6))
    (tmp_path / "large.safetensors").write_bytes(bytes(20_000))
    rules = FileRules(max_model_bytes=10_000)
    with pytest.raises(saliency.InputError, match=r"bomb\.pth\) declares 1000000 bytes; at most 10000 are read: `max_model"):
        rules.check_size("weights", tmp_path / "bomb.pth")
    with pytest.raises(saliency.InputError, match="has 20000 bytes; at most 10000 are read"):
        rules.check_size("weights", tmp_path / "large.safetensors")


@pytest.mark.parametrize("framework", ["torch", "tf"])
def test_safetensors_that_declare_too_much_are_refused(framework, tmp_path):
    pytest.importorskip({"torch": "torch", "tf": "tensorflow"}[framework])
    header = json.dumps({"fc1.weight": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}).encode()
    for name, length in {"data": len(header), "header": 10**13}.items():
        (tmp_path / f"{name}.safetensors").write_bytes(length.to_bytes(8, "little") + header)
        with pytest.raises(saliency.InputError, match="must be safetensors"):
            nets.load("DemoNet", tmp_path / f"{name}.safetensors", framework)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_model_bytes": 0}, r"`max_model_bytes` \(=0\) must be a whole number, 1 or more"),
        ({"weights_timeout": 0}, r"`weights_timeout` \(=0\) must be a number of seconds above 0"),
        ({"weights_timeout": float("nan")}, r"`weights_timeout` \(=nan\)"),
        ({"weights_timeout": "5"}, r"`weights_timeout` \(='5'\)"),
    ],
)
def test_limits_are_checked(options, message):
    with pytest.raises(saliency.InputError, match=message):
        nets.load("DemoNet", **options)


@pytest.mark.needs("tensorflow")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from Keras, when it reads a variable
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_keras_files_are_read_through_a_copy(tmp_path, monkeypatch):
    import keras

    def model():
        return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten()])

    first, second = model(), model()
    first.save(tmp_path / "a.keras")
    first.save_weights(tmp_path / "a.weights.h5")
    first.save(tmp_path / "legacy.h5")
    loaded = nets.load(str(tmp_path / "a.keras")).model
    for made, name in ((loaded, None), (second, "a.weights.h5"), (model(), "legacy.h5")):
        if name:
            from saliency.nets.keras_weights import load_keras_weights

            load_keras_weights(made, tmp_path / name)
        np.testing.assert_array_equal(made.get_layer("conv").kernel, first.get_layer("conv").kernel)
    monkeypatch.setattr(hdf5_weights, "WORKER", "while True: pass")
    for name, weights in ((tmp_path / "a.keras", None), (tmp_path / "a.keras", tmp_path / "a.weights.h5")):
        with pytest.raises(saliency.InputError, match=r"`net` \(.*was not read within 0\.3 seconds"):
            nets.load(str(name), weights, weights_timeout=0.3)
    assert nets.load(str(tmp_path / "a.keras"), trust=True, weights_timeout=0.3).name == "a"
