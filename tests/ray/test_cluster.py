"""Jobs on a cluster of two nodes, which `tests/ray/cluster_job.py` runs once, in a process of its own."""

import importlib.util

import h5py
import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.io import stim
from tests.cluster_process import run_cluster_module
from tests.ray.networks import SCENES, N, linear, pictures

if not importlib.util.find_spec("ray"):
    pytest.skip("Ray is not installed", allow_module_level=True)
HAS_TORCH = importlib.util.find_spec("torch") is not None


@pytest.fixture(scope="session")
def job(tmp_path_factory):
    return run_cluster_module("tests.ray.cluster_job", tmp_path_factory.mktemp("ray"), *["torch"] * HAS_TORCH)


def local(names, folder, network, out, **options):
    """Return the maps that ``saliency.map`` writes."""
    mask = saliency.Vanilla(network, **options)
    saliency.map(mask, names, out, prepare=lambda one: network.prepare(Image.open(folder / one)), piece=1, ids=names)
    with h5py.File(out) as file:
        return {name: file[name][()] for name in ("masks", "details/score", "stimID")}, dict(file.attrs)


@pytest.mark.needs("torch")
def test_maps_have_the_same_bytes_as_those_of_the_local_engine(job, tmp_path):
    names = [str(name) for name in stim.read(SCENES).data["stimID"][:7]]
    expected, about = local(names, SCENES.parent / "scenes", nets.load("DemoNet"), tmp_path / "local.h5")
    with h5py.File(job.scenes) as file:
        for name, values in expected.items():
            np.testing.assert_array_equal(file[name][()], values)
        assert not any(file["error"].asstr()[:]) and file["details/target"].shape == (7,)
        assert file.attrs["weights_sha256"] == about["weights_sha256"] and file.attrs["method"] == "Vanilla"


@pytest.mark.needs("torch")
@pytest.mark.needs("zarr")
def test_zarr_has_the_arrays_of_hdf5(job):
    import zarr

    group = zarr.open_group(job.zarr, mode="r")
    with h5py.File(job.scenes) as file:
        np.testing.assert_array_equal(group["masks"][:], file["masks"][:])
        assert list(group["stimID"][:]) == list(file["stimID"].asstr())


def test_a_picture_that_fails_fails_alone(job):
    codes = [code for code, _ in job.poison]
    expected = dict.fromkeys(range(12), "") | {
        2: "TRUNCATED",
        5: "NONFINITE_GRAD",
        7: "TOO_LARGE",
        9: "TARGET",
        10: "EMPTY_FILE",
    }
    assert codes == list(expected.values())
    assert "pixel limit is 1000" in job.poison[7][1] and "77" in job.poison[9][1]
    maps, network = np.load(job.folder / "poison.npy"), linear()
    assert maps.dtype == np.float16 and maps.shape == (12, 3, 8, 8)
    for i, row in enumerate(pictures(12)):
        if codes[i]:
            assert np.isnan(maps[i]).all()
        else:
            x = network.prepare(np.full((8, 8, 3), 5 * i, np.uint8))
            np.testing.assert_allclose(maps[i], saliency.Vanilla(network, row["label"]).GetMask(x), rtol=1e-3, atol=1e-3)


def test_a_job_that_loses_a_node_writes_the_same_maps(job, tmp_path):
    assert job.removed < job.ended
    network = linear()
    inputs = [network.prepare(np.full((8, 8, 3), 5 * i, np.uint8)) for i in range(N)]
    saliency.map(saliency.Vanilla(network, 1), inputs, tmp_path / "a.h5", piece=1)
    with h5py.File(tmp_path / "a.h5") as whole, h5py.File(job.folder / "lost.h5") as lost:
        np.testing.assert_array_equal(lost["masks"][:], whole["masks"][:])
        assert list(lost["stimID"].asstr()) == [f"picture {i}" for i in range(N)]


def test_the_results_of_pieces_arrive_and_an_exception_ends_them(job):
    assert {(1, 1), (2, 0), (3, 3)} >= set(map(tuple, job.pieces))
    assert job.piece_error == "'int' object has no attribute 'count'"


def test_a_piece_that_ends_its_workers_ends_the_job(job):
    assert job.dying in ("ActorDiedError", "ActorUnavailableError")


def test_what_the_cluster_does_not_have_is_refused_before_a_job(job):
    gpus, cpus, address, file, *modules = job.refused
    assert "`workers` (=2) with 1 GPUs and 1 CPUs each do not fit: 0 do" in gpus and "(2) have 1 CPUs and 0 GPUs" in gpus
    assert "with 0 GPUs and 2 CPUs each do not fit: 0 do" in cpus
    assert "this process is connected to" in address
    assert "here.pt must be the same file on every machine" in file
    for name, error in zip(("tests.ray.nowhere", "tests_of_the_driver.networks"), modules, strict=True):
        assert f"the module {name} must be on every machine of the cluster, but" in error
