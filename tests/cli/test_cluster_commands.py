"""Commands with ``-engine ray``: the same files as on one machine, and errors before anything is written."""

import importlib.util
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from saliency.cli.dnn_saliency import main
from tests.cli.saliency_command import BUNDLED, run, table
from tests.cluster_process import run_cluster_module

needs_torch = pytest.mark.needs("torch")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The folder and the report of commands on a cluster, which run once."""
    if not importlib.util.find_spec("ray"):
        pytest.skip("Ray is not installed")
    return run_cluster_module("tests.cli.cluster_commands", tmp_path_factory.mktemp("ray"))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_torch
def test_every_command_writes_the_same_files_on_a_cluster(cluster):
    local, ray = files(cluster.folder / "local"), files(cluster.folder / "ray")
    for name in ("figures", "activations", "report", "compare"):
        for engine in ("local", "ray"):
            status, errors = getattr(cluster, f"{name} {engine}")
            assert status == 1 and "18 done, 1 failed" in errors, errors
            before = {"figures": cluster.interrupted[1], "report": cluster.killed[1]}.get(name, "") if engine == "ray" else ""
            assert "none.png: MISSING" in before + errors
    assert len(local) > 10 and set(ray) == set(local)
    assert {name for name in local if ray[name] != local[name]} == set()


@needs_torch
def test_an_interrupted_run_keeps_its_finished_figures(cluster):
    status, errors = cluster.interrupted
    assert status == 130 and errors.endswith("dnn_saliency: interrupted; run the same command again to resume\n")
    assert "resuming after 6 stimuli" in getattr(cluster, "figures ray")[1]


@needs_torch
def test_a_killed_driver_leaves_a_run_that_the_same_command_resumes(cluster):
    stopped, printed = cluster.killed
    assert stopped and "WARNING" not in printed
    assert "resuming after 16 stimuli" in getattr(cluster, "report ray")[1]


@needs_torch
def test_a_second_driver_of_the_same_output_is_refused(cluster):
    status, errors = cluster.beside
    page = cluster.folder / "ray" / "page.html"
    assert (status, errors) == (2, f"saliency report: error: {page} is being written by another run\n")


@needs_torch
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpus", "no worker with 1 GPUs and 1 CPUs fits. The machines of the cluster (1) have 2 CPUs and 0 GPUs"),
        ("workers", "-workers (=9)"),
        ("address", "): no Ray cluster answers there (timed out, within 1 seconds)"),
    ],
)
def test_a_cluster_that_does_not_fit_is_an_error_before_anything_is_written(name, message, cluster):
    status, errors, left = getattr(cluster, name)
    assert status == 2 and message in errors and errors.count("\n") == 1 and left == []


@needs_torch
def test_a_missing_ray_is_an_error_with_the_line_that_installs_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = [*BUNDLED, "-engine", "ray", "-stim", table(tmp_path, ["scene_00.png"]), "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and "pip install 'saliency-masks[ray]'" in errors and not (tmp_path / "out").exists()


class LostActorError(Exception):
    """In the place of Ray's error."""


def lose(*arguments):
    raise LostActorError("an actor died\nits log")
    yield


def refuse(*arguments, **options):
    raise Exception("the node timed out")


@needs_torch
@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("connect", refuse, "-engine ray: Ray did not start: Exception: the node timed out"),
        ("compute_pieces", lose, "-engine ray: LostActorError: an actor died; run the same command again to resume"),
    ],
)
def test_an_error_of_ray_is_one_line(name, function, message, tmp_path, capsys, monkeypatch):
    context = SimpleNamespace(get_current=SimpleNamespace)
    modules = {
        "ray": SimpleNamespace(is_initialized=lambda: True, exceptions=SimpleNamespace(RayError=LostActorError)),
        "ray.data": SimpleNamespace(DataContext=context),
    }
    for module, fake in modules.items():
        monkeypatch.setitem(sys.modules, module, fake)
    for where, answer in (("connect", lambda *_, **__: None), (name, function)):
        monkeypatch.setattr(f"saliency.ray.{where}", answer)
    monkeypatch.setattr("saliency.ray.worker_files.check_files", lambda files: None)
    arguments = [*BUNDLED, "-engine", "ray", "-stim", table(tmp_path, ["scene_00.png"]), "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *arguments)
    assert (status, errors) == (2, f"dnn_saliency: error: {message}\n") and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-workers", "2"], "-workers needs -engine ray"),
        (["-gpus-per-worker", "1"], "-gpus-per-worker needs -engine ray"),
        (["-engine", "ray", "-jobs", "2"], "-jobs is for -engine local"),
        (["-engine", "ray", "-show"], "leave out -show or -engine ray"),
        (["-engine", "ray", "-gpus-per-worker", "-1"], "must not be negative"),
        (["-engine", "ray", "-address-timeout", "0"], "-address-timeout (=0) must be above 0"),
        (["-address-timeout", "5"], "-address-timeout needs -engine ray"),
        (["-jobs", "1000"], "must be at most"),
        (["-engine", "dask"], "invalid choice"),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments, message, tmp_path, capsys):
    stim = table(tmp_path, ["scene_00.png"])
    assert main([*BUNDLED, *arguments, "-stim", stim, "-out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


@needs_torch
def test_activations_on_a_cluster_are_those_of_one_machine(cluster):
    with h5py.File(cluster.folder / "ray" / "scenes.act.h5") as file:
        assert np.isnan(file["fc1"][7]).all() and np.isfinite(np.delete(file["fc1"][()], 7, axis=0)).all()
