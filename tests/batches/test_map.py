"""``saliency.map``: many inputs into one file."""

import json

import numpy as np
import pytest

import saliency
from saliency.io.journal import JournalError
from tests.batches.written_files import RNG, X, contents, occlusion, same_contents, until
from tests.core.function_models import W, net


def test_the_masks_are_those_of_get_masks(tmp_path):
    mask = occlusion()
    expected = mask.GetMasks(X)
    result = saliency.map(mask, (x for x in X), tmp_path / "a.h5", piece=3, ids=(f"picture {i}" for i in range(7)))
    arrays, about = contents(result.path)
    np.testing.assert_array_equal(arrays["masks"], expected)
    np.testing.assert_array_equal(arrays["details/score"], expected.details["score"])
    assert result.n == 7 and not result.failures and arrays["stimID"][6] == b"picture 6" and not any(arrays["error"])
    assert about["method"] == "Occlusion" and json.loads(about["options"])["size"] == 2 and about["target"] == 1
    assert json.loads(about["stimuli"]) == [f"picture {i}" for i in range(7)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("stop", [2, 3, 6])
def test_a_resumed_run_writes_the_same_file(tmp_path, stop):
    calls = []

    def counting(x):
        calls.append(len(x))
        return net(x)

    saliency.map(occlusion(function=counting), list(X), tmp_path / "whole.h5", piece=3)
    whole, resumed = sum(calls), tmp_path / "resumed.h5"
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        saliency.map(occlusion(function=counting), until(stop), resumed, piece=3)
    before = sum(calls)
    saliency.map(occlusion(function=counting), until(None), resumed, piece=3)
    assert same_contents(tmp_path / "whole.h5", resumed)
    assert (before > 0) == (stop >= 3) and sum(calls) <= whole  # nothing is computed twice
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resumed.h5", "whole.h5"]


def test_a_damaged_part_is_computed_again(tmp_path):
    saliency.map(occlusion(), list(X), tmp_path / "whole.h5", piece=3)
    with pytest.raises(KeyboardInterrupt):
        saliency.map(occlusion(), until(6), tmp_path / "a.h5", piece=3)
    part = tmp_path / ".a.h5.parts" / "3.npz"
    part.write_bytes(part.read_bytes()[:-9])
    saliency.map(occlusion(), list(X), tmp_path / "a.h5", piece=3)
    assert same_contents(tmp_path / "whole.h5", tmp_path / "a.h5")


def test_other_inputs_are_not_mixed_with_those_of_the_earlier_run(tmp_path):
    out = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt):
        saliency.map(occlusion(), until(6), out, piece=3)
    with pytest.raises(saliency.InputError, match="an input from 3 to 5 has changed"):
        saliency.map(occlusion(), X[[0, 1, 2, 4, 3, 5]], out, piece=3)
    with pytest.raises(saliency.InputError, match="the inputs end there"):
        saliency.map(occlusion(), X[:3], out, piece=3)
    with pytest.raises(saliency.InputError, match="has changed"):
        saliency.map(occlusion(), X, out, targets=[0] * 7, piece=3)
    with pytest.raises(
        JournalError, match=r"target \(was 1, is now 2\); finish that run first, or start again with resume=False"
    ):
        saliency.map(occlusion(2), X, out, piece=3)
    saliency.map(occlusion(2), X, out, piece=3, resume=False)
    np.testing.assert_array_equal(contents(out)[0]["masks"], occlusion(2).GetMasks(X))
    with pytest.raises(saliency.InputError, match="already exists; pass resume=False to replace it"):
        saliency.map(occlusion(2), X, out)


def test_an_input_that_fails_is_noted_and_the_others_go_on(tmp_path):
    inputs = [*X[:5], X[5, :, :4], X[6] * np.nan, "text", X[0]]

    def prepare(x):
        return np.load("none.npy") if isinstance(x, str) else x

    result = saliency.map(occlusion(), inputs, tmp_path / "a.h5", prepare=prepare, piece=4)
    arrays = contents(tmp_path / "a.h5")[0]
    assert list(result.failures) == [5, 6, 7]
    assert [text.decode() for text in arrays["error"]] == ["", "", "", "", "", *result.failures.values(), ""]
    assert (
        "shape (2, 4, 6)" in result.failures[5] and "NaN" in result.failures[6] and "FileNotFoundError" in result.failures[7]
    )
    good = [0, 1, 2, 3, 4, 8]
    np.testing.assert_array_equal(arrays["masks"][good], occlusion().GetMasks(X[[0, 1, 2, 3, 4, 0]]))
    assert np.isnan(arrays["masks"][5:8]).all() and np.isnan(arrays["details/score"][5:8]).all()
    with pytest.raises(saliency.InputError, match="NaN"):
        saliency.map(occlusion(), inputs, tmp_path / "b.h5", prepare=prepare, max_errors=1, piece=1)


def test_a_run_in_which_nothing_works_stops_at_once(tmp_path):
    with pytest.raises(saliency.TargetError):
        saliency.map(occlusion(40), until(None), tmp_path / "a.h5", piece=2)
    assert not list(tmp_path.iterdir())


def test_a_target_for_each_input(tmp_path):
    labels = RNG.integers(0, 4, 7)
    expected = occlusion().GetMasks(X, labels)
    for name, inputs, targets in [
        ("a", X, labels),
        ("b", list(X), iter(labels)),
        ("c", list(zip(X, labels, strict=True)), "paired"),
    ]:
        saliency.map(occlusion(), inputs, tmp_path / f"{name}.h5", targets)
        np.testing.assert_array_equal(contents(tmp_path / f"{name}.h5")[0]["masks"], expected)
    for targets in (labels[:3], iter([*labels, 0])):
        with pytest.raises(saliency.InputError, match="`targets` must have one entry for each"):
            saliency.map(occlusion(), X, tmp_path / "d.h5", targets)


def test_random_methods_repeat(tmp_path):
    rise = saliency.RISE(saliency.FunctionAdapter(net, channel_axis=0), 1, nmasks=20)
    saliency.map(rise, X, tmp_path / "a.h5", piece=2)
    np.testing.assert_allclose(contents(tmp_path / "a.h5")[0]["masks"], rise.GetMasks(X, seed=0), atol=1e-6)
    saliency.map(occlusion(), X[:3], tmp_path / "b.h5", smoothed=True, nsamples=2, magnitude=False)
    arrays, about = contents(tmp_path / "b.h5")
    expected = occlusion().GetSmoothedMasks(X[:3], nsamples=2, magnitude=False, seed=0)
    np.testing.assert_array_equal(arrays["masks"], expected)
    assert json.loads(about["options"])["seed"] == 0 and about["method"] == "Occlusion, smoothed"


def test_masks_of_several_inputs(tmp_path):
    def both(a, b):
        return a.reshape(len(a), -1) @ W[:5] + b.reshape(len(b), -1) @ W[:3]

    mask = saliency.Occlusion(both, 1, size=1)
    values = [{"a": RNG.normal(size=5), "b": RNG.normal(size=3)} for _ in range(4)]
    saliency.map(mask, (one for one in values), tmp_path / "a.h5", piece=3)
    arrays, expected = contents(tmp_path / "a.h5")[0], mask.GetMasks(values)
    for name in "ab":
        np.testing.assert_allclose(arrays[f"masks/{name}"], expected[name], rtol=1e-6)


def test_empty_masks_are_warned_of_by_their_index(tmp_path):
    def dead(x):
        return np.where(x.sum((1, 2, 3), keepdims=False)[:, None] < 0, 0.0, net(x))

    inputs = np.abs(X)
    inputs[[1, 5]] *= -1
    with pytest.warns(saliency.ZeroGradientWarning, match=r"the masks of inputs 1, 5 are zero everywhere"):
        saliency.map(occlusion(function=dead), inputs, tmp_path / "a.h5", piece=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out": "a.csv"}, "`out` .* must be a path that ends in .h5 or .zarr"),
        ({"out": "none/a.h5"}, "`out` .* must be in an existing folder"),
        ({"inputs": "a.png"}, r"`inputs` \(str\) must be a list"),
        ({"inputs": []}, "`inputs` must hold at least one input"),
        ({"targets": "label"}, r"`targets` \(='label'\) must be 'paired'"),
        ({"mask": net}, r"`mask` \(function\) must be a method with its model"),
        ({"ids": ["a"]}, r"`ids` \(1 names\) must have one entry for each of the 7 inputs"),
        ({"piece": 0}, "`piece`"),
        ({"steps": 3}, "`steps` is not an option of Occlusion"),
    ],
)  # fmt: skip
def test_invalid_arguments(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    arguments = {"mask": occlusion(), "inputs": X, "out": "a.h5", **change}
    with pytest.raises(saliency.InputError, match=message):
        saliency.map(**arguments)
    assert not (tmp_path / "a.h5").exists()


def test_a_zarr_folder_has_the_same_arrays(tmp_path):
    zarr = pytest.importorskip("zarr")
    inputs = [*X[:4], X[4] * np.nan, X[5], X[6]]
    with pytest.raises(KeyboardInterrupt):
        saliency.map(occlusion(), until(5, inputs), tmp_path / "a.zarr", piece=2)
    for name in ("a.zarr", "a.h5"):
        saliency.map(occlusion(), inputs, tmp_path / name, piece=2, ids="abcdefg")
    arrays, about = contents(tmp_path / "a.h5")
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["masks"][:], arrays["masks"])
    np.testing.assert_array_equal(group["details/score"][:], arrays["details/score"])
    assert list(group["error"][:]) == [text.decode() for text in arrays["error"]] and "".join(group["stimID"][:]) == "abcdefg"
    assert group.attrs["options"] == json.loads(about["options"]) and group["masks"].shards == (2, 2, 5, 6)
    saliency.map(occlusion(2), inputs, tmp_path / "a.zarr", resume=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.zarr"]
    assert zarr.open_group(tmp_path / "a.zarr", mode="r").attrs["target"] == 2
