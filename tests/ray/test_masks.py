"""``saliency.ray.Masks`` in this process, without a cluster."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import saliency
from saliency import ray as saliency_ray
from saliency.ray import Masks, connect, write_maps
from tests.ray.networks import linear, pictures

BATCH = {name: np.array([row[name] for row in pictures(6)], object) for name in ("index", "name", "picture", "label")}
LINEAR = {"network": "tests.ray.networks:linear", "picture": "picture"}


def part(batch, rows):
    return {name: values[rows] for name, values in batch.items()}


@pytest.mark.parametrize("piece", [1, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"method": "Vanilla"},
        {"method": saliency.RISE, "options": {"nmasks": 30, "batch_size": 7}},
        {"method": "Vanilla", "smoothed": True, "options": {"nsamples": 3, "standard_error": True}},
        {"method": "Occlusion", "options": {"size": 2}, "target": "label"},
    ],
)
def test_maps_do_not_depend_on_the_batch(piece, options):
    masks = Masks(**LINEAR, piece=piece, **options)
    whole = masks(BATCH)
    assert not any(whole["error"]), whole["reason"]
    for rows in (slice(0, 1), slice(1, 6), slice(3, 5)):
        found = Masks(**LINEAR, piece=piece, **options)(part(BATCH, rows))
        assert list(found) == list(whole)
        for name, values in found.items():
            np.testing.assert_array_equal(values, whole[name][rows], err_msg=name)


def test_a_row_has_the_map_its_score_and_its_target():
    labels = BATCH["label"].copy()
    labels[1] = None
    rows = Masks(**LINEAR, method="Vanilla", target="label", y=4)({**BATCH, "label": labels})
    network = linear()
    for i, label in enumerate(labels):
        y = 4 if label is None else label
        mask = saliency.Vanilla(network, y).GetMask(network.prepare(np.full((8, 8, 3), 5 * i, np.uint8)))
        np.testing.assert_array_equal(rows["map"][i], mask)
        assert rows["score"][i] == mask.details["score"] and rows["target"][i] == f"class {y}"
    assert (
        json.loads(rows["record"][0])["method"] == "Vanilla"
        and "picture" not in rows
        and list(rows["index"]) == list(range(6))
    )


@pytest.mark.parametrize("kind", ["array", "path"])
def test_pictures_are_arrays_or_paths_too(kind, tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(6)]
    for file, content in zip(files, BATCH["picture"], strict=True):
        file.write_bytes(content)
    arrays = np.stack([np.full((8, 8, 3), 5 * i, np.uint8) for i in range(6)])
    column = arrays if kind == "array" else np.array([str(file) for file in files], object)
    found = Masks(**LINEAR, method="Vanilla")({**BATCH, "picture": column})
    np.testing.assert_array_equal(found["map"], Masks(**LINEAR, method="Vanilla")(BATCH)["map"])
    assert ("picture" in found) == (kind == "path")


def test_pictures_may_be_dictionaries_as_in_files_of_hugging_face(tmp_path):
    (tmp_path / "a.png").write_bytes(BATCH["picture"][0])
    column = [{"bytes": content, "path": "elsewhere.png"} for content in BATCH["picture"]]
    column[0], column[5] = {"bytes": None, "path": str(tmp_path / "a.png")}, {"bytes": None, "path": None}
    found = Masks(**LINEAR, method="Vanilla")({**BATCH, "picture": np.array(column, object)})
    assert list(found["error"]) == [""] * 5 + ["PREPARATION"] and found["reason"][5].endswith("has no picture")
    np.testing.assert_array_equal(found["map"][:5], Masks(**LINEAR, method="Vanilla")(BATCH)["map"][:5])


def test_targets_of_other_types_fail_alone_and_columns_of_the_result_replace_others():
    labels = np.array([1, "2", 2.0, None, True, [3]], object)
    batch = {**BATCH, "target": labels, "map": np.zeros(6), "name": np.array(["same"] * 6)}
    found = Masks(**LINEAR, method="Vanilla", target="target", y=0)(batch)
    assert list(found["error"]) == ["", "PREPARATION", "", "", "PREPARATION", "PREPARATION"]
    assert list(found["target"]) == ["class 1", "", "class 2", "class 0", "", ""] and found["map"].shape == (6, 3, 8, 8)
    empty = Masks(**LINEAR, method="Vanilla")(part(batch, slice(0, 0)))
    assert {k: v.shape[1:] for k, v in empty.items()} == {k: v.shape[1:] for k, v in found.items()}


def test_masks_are_pickled_with_their_arguments():
    masks = pickle.loads(pickle.dumps(Masks(**LINEAR, method="Vanilla")))  # noqa: S301 - our own
    np.testing.assert_array_equal(masks(BATCH)["map"], Masks(**LINEAR, method="Vanilla")(BATCH)["map"])


def test_a_batch_whose_pictures_all_fail_has_the_same_columns():
    masks = Masks(**LINEAR, method="Vanilla", dtype="float16")
    bad = masks({**part(BATCH, slice(0, 2)), "picture": np.array([b"no picture", None], object)})
    good = Masks(**LINEAR, method="Vanilla", dtype="float16")(part(BATCH, slice(0, 2)))
    assert {k: (v.shape, v.dtype) for k, v in bad.items()} == {k: (v.shape, v.dtype) for k, v in good.items()}
    assert list(bad["error"]) == ["NOT_AN_IMAGE", "PREPARATION"] and np.isnan(bad["map"]).all()


@pytest.mark.parametrize(("scale", "code"), [(1.0, ""), (1e-6, "FLOAT16"), (1e6, "FLOAT16")])
def test_half_precision_is_refused_where_it_cannot_hold_the_map(scale, code):
    masks = Masks(**LINEAR, method="Vanilla", dtype="float16", options={"modifier": lambda gradient: gradient * scale})
    assert masks(BATCH)["error"][0] == code


def inner():
    def network():
        return linear()

    return network


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"network": lambda: None}, "exists in this process only"),
        ({"network": inner()}, "exists in this process only"),
        ({"network": linear()}, r"`network` \(Network\) must be a name, a file or a function"),
        ({"network": "DemoNett"}, "must be a network.s name, .*; nearest: DemoNet"),
        ({"network": "DemoNett", "network_options": {"framework": ["tf"]}}, "must be a network.s name, .*; nearest: DemoNet"),
        ({"network": linear, "network_options": {"weights": "a"}}, "need a network by name"),
        ({"method": "Gradcam"}, "must be a method or its name"),
        ({"options": {"nsamples": 3}}, "need smoothed=True"),
        ({"options": {"stepz": 3}}, "`stepz` is not an option"),
        ({"options": {"rule": saliency.PerSample([1, 2])}}, "has a value for each input"),
        ({"dtype": "float64"}, "'float16' or 'float32'"),
        ({"piece": 0}, "`piece`"),
        ({"smoothed": 1}, "`smoothed`"),
        ({"reading": {"max_pixels": 9}}, r"`reading` .* must be a PictureOptions"),
        ({"options": None}, r"`options` \(=None\) must be a Mapping"),
        ({"picture": None}, r"`picture` \(=None\) must be the name of a column"),
    ],
)
def test_what_cannot_work_is_refused_in_the_driver(arguments, match):
    with pytest.raises(saliency.InputError, match=match):
        Masks(**{"network": "DemoNet", "method": "Vanilla", **arguments})


def test_a_file_that_does_not_exist_is_refused_before_the_job(tmp_path):
    for arguments in ({"network": str(tmp_path / "a.pt")}, {"network": "DemoNet", "network_options": {"weights": "none.st"}}):
        with pytest.raises(saliency.InputError, match="must be a file, but it does not exist"):
            Masks(**arguments).check()


def test_a_missing_column_is_named():
    with pytest.raises(
        saliency.InputError, match=r"`picture` \(='image'\) must be a column of the dataset; it has index, name"
    ):
        Masks(network="tests.ray.networks:linear", picture="image")(BATCH)


class Rows:
    """What ``write_maps`` needs of a dataset."""

    def __init__(self, *batches):
        self.batches = batches

    def iter_batches(self, **_):
        return iter(self.batches)


def test_maps_are_written_in_order_whatever_the_order_of_the_rows(tmp_path):
    import h5py

    batch = {**BATCH, "index": np.arange(6)}
    rows = Masks(**LINEAR, method="Vanilla")(batch)
    write_maps(Rows(part(rows, [5, 2]), part(rows, [0, 4, 1]), part(rows, [3])), tmp_path / "a.h5", 6)
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["masks"][:], rows["map"])
        assert (
            list(file["stimID"].asstr()) == list(BATCH["name"])
            and file["details/target"][2] == json.loads(rows["details"][2])["target"]
        )
    with pytest.raises(saliency.InputError, match=r"`n` \(='6'\) must be a whole number"):
        write_maps(Rows(), tmp_path / "b.h5", "6")
    for batches, match in (
        ([part(rows, [0, 0])], "index 0 twice"),
        ([part(rows, [0, 1])], "it has 2, and none with the index 2"),
    ):
        with pytest.raises(saliency.InputError, match=match):
            write_maps(Rows(*batches), tmp_path / "b.h5", 6)
    other = {**rows, "record": np.array([text.replace("Vanilla", "Other") for text in rows["record"]], object)}
    with pytest.raises(saliency.InputError, match="method is Vanilla in one row and Other in another"):
        write_maps(Rows(part(rows, [0]), part(other, [1])), tmp_path / "b.h5", 6)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_ray_is_imported_only_when_it_is_needed_and_its_install_line_is_told(monkeypatch):
    code = "import sys, saliency.ray; saliency.ray.Masks('DemoNet'); print('ray' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    for call in (connect, lambda: saliency_ray.read_stimuli("saliency/demo/scenes.stim.csv")):
        with pytest.raises(ImportError, match=r"pip install 'saliency-masks\[ray\]'"):
            call()
