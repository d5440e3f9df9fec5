"""The options of ``dnn_saliency`` that DNNBrain does not have: methods, smoothing, saved maps and devices."""

import h5py
import numpy as np
import pytest

import saliency
from saliency import nets
from saliency.cli.methods import COLOR_METHODS, METHODS
from tests.cli.saliency_command import BASE, BUNDLED, FIGURE, NAMES, inputs, run, table

needs_torch = pytest.mark.needs("torch")
needs_tf = pytest.mark.needs("tensorflow")
OF_ATTENTION = ("attentionrelevance", "attentionrollout", "legrad")
"""Methods that need a transformer."""

QUICK = {
    "rise": ["nmasks=20"], "occlusion": ["size=24", "stride=24"], "ig": ["x_steps=3"], "gradientshap": ["x_steps=3"],
    "scorecam": ["layer=conv6"], "guidedig": ["x_steps=4"], "blurig": ["x_steps=4", "max_sigma=5"], "xrai": ["algorithm=fast"],
    "ablation": ["n_regions=4"], "shapley": ["n_regions=4", "permutations=4"],
    "kernelshap": ["n_regions=4"], "lime": ["n_regions=4", "nmasks=20"], "sobol": ["n_regions=4", "ndesigns=3"],
    "hsic": ["n_regions=4", "nmasks=20"],
}  # fmt: skip
RANDOM = ("rise", "gradientshap", "shapley", "kernelshap", "lime", "sobol", "hsic")


def test_every_mask_is_a_method():
    kinds = [getattr(saliency, name) for name in saliency.__all__]
    masks = {kind.__name__ for kind in kinds if isinstance(kind, type) and issubclass(kind, saliency.SaliencyMask)}
    assert set(METHODS.values()) == masks - {"SaliencyMask"}


@needs_torch
@pytest.mark.parametrize("method", METHODS)
def test_maps_of_every_method_equal_the_library_s(method, tmp_path, capsys):
    options = QUICK.get(method, [])
    arguments = ["-meth", method, "-save", "npz", "-mode", "gray", "-units", *(["-set", *options] if options else [])]
    name = "DemoViT" if method in OF_ATTENTION else "DemoNet"
    bundled = ["-net", name, *BUNDLED[2:], "-stim", table(tmp_path, NAMES[:2]), "-out", tmp_path]
    status, _, errors = run(capsys, *bundled, *arguments)
    assert (status, errors) == (0, "")
    (figure,), (file,) = tmp_path.glob("*_fig1.jpg"), tmp_path.glob("*_fig1.npz")
    assert figure.stem == file.stem
    network = nets.load(name)
    kind = getattr(saliency, METHODS[method])
    given = {name: int(value) if value.isdecimal() else value for name, value in (word.split("=") for word in options)}
    given |= {"average": True} if method == "occlusion" else {"seed": 0} if method in RANDOM else {}
    with np.load(file) as maps:
        assert maps.files == ["stimID", "number", "provenance", "chn4", "chn8"]
        assert maps["stimID"].tolist() == NAMES[:2] and maps["number"].tolist() == [1, 2]
        for channel in (4, 8):
            found = maps[f"chn{channel}"]
            expected = np.asarray(kind(network.model, ("fc1", channel - 1), **given).GetMasks(inputs(network, NAMES[:2])))
            assert found.shape == ((2, 3, 96, 96) if method in COLOR_METHODS else (2, 96, 96))
            expected = expected if expected.shape == found.shape else expected[:, 0]
            assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
            assert expected.any()


@needs_torch
def test_smoothing_averages_signed_maps_and_is_reproducible(tmp_path, capsys):
    for folder in ("a", "b"):
        status, *_ = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES[:2]), "-smooth", "5", "-save", "npz", "-out",
                         tmp_path / folder)  # fmt: skip
        assert status == 0
    name = f"{BASE}_smooth5_fig1.npz"
    assert (tmp_path / "a" / name).read_bytes()[-5000:] == (tmp_path / "b" / name).read_bytes()[-5000:]
    network = nets.load("DemoNet")
    mask = saliency.GuidedBackprop(network.model, ("fc1", 3))
    expected = mask.GetSmoothedMasks(inputs(network, NAMES[:2]), nsamples=5, magnitude=False, seed=0)
    with np.load(tmp_path / "a" / name) as maps:
        assert np.abs(maps["chn4"] - expected).max() <= 1e-5 * np.abs(expected).max()


@needs_torch
def test_smoothing_has_options(tmp_path, capsys):
    arguments = ["-smooth", "3", "-set", "stdev_spread=0.3", "seed=4", "magnitude=True", "-save", "npz", "-out", tmp_path]
    assert run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES[:1]), *arguments)[0] == 0
    mask = saliency.GuidedBackprop(nets.load("DemoNet").model, 3)
    expected = mask.GetSmoothedMasks(inputs(nets.load("DemoNet"), NAMES[:1]), nsamples=3, stdev_spread=0.3, seed=4)
    (file,) = tmp_path.glob("*.npz")
    with np.load(file) as maps:
        assert np.abs(maps["chn4"] - expected).max() <= 1e-5 * expected.max()


@needs_torch
def test_the_file_of_all_maps_has_nan_for_a_failed_stimulus(tmp_path, capsys):
    names = [*NAMES[:3], "none.png", *NAMES[3:]]
    status, *_ = run(capsys, *BUNDLED, "-stim", table(tmp_path, names), "-save", "h5", "-out", tmp_path / "out")
    assert status == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        FIGURE.format(1), FIGURE.format(2), f"{BASE}.h5", f"{BASE}_errors.csv",
    }  # fmt: skip
    network = nets.load("DemoNet")
    with h5py.File(tmp_path / "out" / f"{BASE}.h5") as maps:
        assert [name.decode() for name in maps["stimID"]] == names
        assert sorted(maps) == ["chn4", "chn8", "stimID"] and maps["chn8"].dtype == np.float32
        assert np.isnan(maps["chn8"][3]).all() and not np.isnan(maps["chn8"][2]).any()
        expected = saliency.GuidedBackprop(network.model, 7).GetMasks(inputs(network, NAMES))
        assert np.abs(np.delete(maps["chn8"][()], 3, axis=0) - expected).max() <= 1e-5 * np.abs(expected).max()


@needs_torch
@needs_tf
def test_both_frameworks_compute_the_same_maps(tmp_path, capsys):
    found = {}
    for framework in ("torch", "tf"):
        arguments = ["-framework", framework, "-device", "cpu", "-batch", "2", "-save", "npz", "-meth", "vanilla"]
        status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), *arguments, "-out", tmp_path / framework)
        assert (status, errors) == (0, "")
        with np.load(tmp_path / framework / "DemoNet_fc1_chn4-8_vanilla_RGB_fig1.npz") as maps:
            found[framework] = maps["chn4"]
    assert found["torch"].shape == (6, 3, 96, 96)
    assert np.abs(found["torch"] - found["tf"]).max() <= 1e-3 * np.abs(found["torch"]).max()


@needs_torch
def test_a_user_network(tmp_path, capsys):
    source = tmp_path / "mine.py"
    source.write_text("from saliency import nets\n\ndef network():\n    return nets.load('DemoNet')\n")
    arguments = ["-net", f"{source}:network", "-layer", "fc1", "-chn", "1", "-stim", table(tmp_path, NAMES[:1])]
    assert run(capsys, *arguments, "-out", tmp_path / "out")[0] == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["DemoNet_fc1_chn1_guided_RGB_fig1.jpg"]


@needs_torch
def test_a_last_layer_is_explained_in_front_of_its_softmax(tmp_path, capsys):
    (tmp_path / "soft.py").write_text(
        "from dataclasses import replace\nimport torch\nfrom saliency import nets\n\ndef network():\n"
        "    found = nets.load('DemoNet')\n    model = torch.nn.Sequential(found.model, torch.nn.Softmax(1))\n"
        "    return replace(found, name='Soft', model=model, paths={'soft': '1'})\n"
    )
    found = []
    for net, layer in ((f"{tmp_path / 'soft.py'}:network", "soft"), ("DemoNet", "fc1")):
        arguments = ["-net", net, "-layer", layer, "-chn", "4", "-stim", table(tmp_path, NAMES[:1]), "-save", "npz"]
        assert run(capsys, *arguments, "-out", tmp_path / layer)[0] == 0
        (file,) = (tmp_path / layer).glob("*.npz")
        with np.load(file) as maps:
            found.append(maps["chn4"])
    assert np.array_equal(*found) and found[0].any()
