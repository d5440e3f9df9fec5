"""Targets that differ from image to image: top classes, classes in the stimulus file, and differences."""

import json

import h5py
import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.cli.channel_choice import ChannelChoice
from tests.cli.saliency_command import DEMO, NAMES, inputs, run

needs_torch = pytest.mark.needs("torch")
FRAMEWORKS = [pytest.param("torch", marks=needs_torch), pytest.param("tf", marks=pytest.mark.needs("tensorflow"))]
FEW = [*NAMES[2:5], *NAMES[:1]]  # scenes 17, 21, 00 and 03; the first two have two digits
LABELS = [3, 7, 0, 3]


def write_table(folder, column="label", values=LABELS, names=FEW):
    """Write a stimulus file with a column of classes, and return its path."""
    file = folder / "few.stim.csv"
    rows = [f"{name},{value}" for name, value in zip(names, values, strict=True)]
    file.write_text("\n".join(["type=image", f"path={DEMO / 'scenes'}", f"data=stimID,{column}", *rows]), encoding="utf-8")
    return str(file)


def maps_of(folder):
    (file,) = folder.glob("*.npz")
    with np.load(file) as maps:
        return dict(maps)


@pytest.mark.parametrize(
    ("word", "one", "other"),
    [
        ("294", 294, None),
        ("top", "top", None),
        ("340-21", 340, 21),
        ("top-target", "top", "target"),
        ("target", "target", None),
    ],
)
def test_a_choice_is_parsed(word, one, other):
    choice = ChannelChoice.parse(word)
    assert (choice.one, choice.other, str(choice)) == (one, other, word)
    assert choice.channels(7, 9) == tuple({"top": 7, "target": 9}.get(term, term) for term in choice.terms)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_top_classes_labels_and_differences(framework, tmp_path, capsys):
    options = ["-net", "DemoNet", "-framework", framework, "-meth", "vanilla", "-save", "npz", "-out", tmp_path]
    chosen = ["top", "target", "4-8", "top-target", "8"]
    status, _, errors = run(capsys, *options, "-stim", write_table(tmp_path), "-chn", *chosen)
    assert (status, errors) == (0, "")
    maps, network = maps_of(tmp_path), nets.load("DemoNet", framework=framework)
    x = inputs(network, FEW)
    tops = saliency.Vanilla(network.model).GetMasks(x).details["target"]
    assert tops.tolist() != LABELS
    assert list(maps) == ["stimID", "number", "provenance", "top", "top_channel", "target", "target_channel", "chn4-8", "top-target",
                          "top-target_channel", "chn8"]  # fmt: skip
    assert maps["top_channel"].ravel().tolist() == [top + 1 for top in tops]
    assert maps["target_channel"].ravel().tolist() == [label + 1 for label in LABELS]
    assert maps["top-target_channel"].tolist() == [[top + 1, label + 1] for top, label in zip(tops, LABELS, strict=True)]
    single = {y: np.asarray(saliency.Vanilla(network.model, y).GetMasks(x)) for y in {*tops.tolist(), *LABELS, 3, 7}}
    expected = {
        "top": [single[top][i] for i, top in enumerate(tops)],
        "target": [single[label][i] for i, label in enumerate(LABELS)],
        "chn4-8": single[3] - single[7],
        "top-target": [single[top][i] - single[label][i] for i, (top, label) in enumerate(zip(tops, LABELS, strict=True))],
        "chn8": single[7],
    }
    for name, values in expected.items():
        found = maps[name] if framework == "torch" else np.moveaxis(maps[name], 1, -1)
        assert np.abs(found - np.array(values)).max() <= 1e-5 * np.abs(single[3]).max(), name


@needs_torch
@pytest.mark.parametrize(("column", "values", "method"), [
    ("class", LABELS, "vanilla"), ("class", ["digit 3", "Digit 7", 0, "digit 3"], "vanilla"), ("other", LABELS, "gradcam"),
    ("chn", [label + 1 for label in LABELS], "vanilla"), ("condition", ["digit 3", "digit 7", "0", "digit 3"], "vanilla"),
])  # fmt: skip
def test_columns_of_classes(column, values, method, tmp_path, capsys):
    options = ["-net", "DemoNet", "-meth", method, "-save", "npz", "-out", tmp_path / "out"]
    named = [] if column == "class" else ["-target", column]
    status, _, errors = run(capsys, *options, *named, "-stim", write_table(tmp_path, column, values))
    assert (status, errors) == (0, "")
    assert maps_of(tmp_path / "out")["target_channel"].ravel().tolist() == [label + 1 for label in LABELS]
    assert (tmp_path / "out" / f"DemoNet_output_{column}_{method}{'_RGB' if method == 'vanilla' else ''}_fig1.jpg").is_file()


@needs_torch
def test_without_classes_the_top_class_is_explained(tmp_path, capsys):
    options = ["-net", "DemoNet", "-save", "h5", "-stim", write_table(tmp_path, "RT"), "-out", tmp_path / "out"]
    assert run(capsys, *options)[0] == 0
    with h5py.File(tmp_path / "out" / "DemoNet_output_top_guided_RGB.h5") as maps:
        network = nets.load("DemoNet")
        masks = saliency.GuidedBackprop(network.model).GetMasks(inputs(network, FEW))
        assert maps["top_channel"][:, 0].tolist() == [top + 1 for top in masks.details["target"]]
        assert np.abs(maps["top"][()] - masks).max() <= 1e-5 * np.abs(masks).max()


@needs_torch
def test_a_column_of_classes_that_are_not_explained_is_not_read(tmp_path, capsys):
    options = ["-net", "DemoNet", "-meth", "vanilla", "-chn", "top", "4", "-out", tmp_path / "out"]
    table = write_table(tmp_path, "class", ["heron", "heron", "crane", "stork"])
    assert run(capsys, *options, "-stim", table)[::2] == (0, "")


@needs_torch
def test_the_top_channel_of_a_layer(tmp_path, capsys):
    options = ["-net", "DemoNet", "-layer", "conv6", "-chn", "top", "-meth", "vanilla", "-save", "npz"]
    assert run(capsys, *options, "-stim", write_table(tmp_path), "-out", tmp_path)[0] == 0
    network = nets.load("DemoNet")
    values = [saliency.activations(network.model, network.layer("conv6"), x) for x in inputs(network, FEW)]
    top = np.mean(values, axis=(-1, -2)).argmax(axis=-1).ravel()
    found = maps_of(tmp_path)
    assert found["top_channel"].ravel().tolist() == (top + 1).tolist()
    masks = [
        saliency.Vanilla(network.model, ("conv6", int(i))).GetMask(x) for i, x in zip(top, inputs(network, FEW), strict=True)
    ]
    assert np.abs(found["top"] - np.array(masks)).max() <= 1e-5 * np.abs(masks).max()


@needs_torch
def test_an_image_whose_output_is_not_finite_has_no_top_class(tmp_path, capsys, monkeypatch):
    original = nets.Network.prepare

    def prepare(network, picture):
        x = original(network, picture)
        return np.full_like(x, 3e38) if picture.getpixel((0, 0)) == first else x

    with Image.open(DEMO / "scenes" / FEW[0]) as picture:
        first = picture.convert("RGB").getpixel((0, 0))
    monkeypatch.setattr("saliency.nets.network.Network.prepare", prepare)
    options = ["-net", "DemoNet", "-chn", "top", "-save", "npz", "-stim", write_table(tmp_path), "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *options)
    assert status == 1 and f"{FEW[0]}: NONFINITE_SCORE: the output of the network is not finite" in errors
    assert maps_of(tmp_path / "out")["number"].tolist() == [2, 3, 4]


@needs_torch
@pytest.mark.parametrize(
    ("arguments", "column", "values", "message"),
    [
        (["-target", "labelx"], "label", LABELS, r"-target (labelx) must be a column of "),
        (["-chn", "target"], "RT", LABELS, "-chn target needs -target COLUMN"),
        ([], "label", [3, 7, 10, 3], "label (=10) of scene_00.png must be a class of output, a whole number from 0 to 9"),
        (["-target", "RT"], "RT", [3, 0.5, 1, 3], "RT (=0.5) of scene_21.png must be a class of output"),
        (["-target", "chn"], "chn", [0, 1, 2, 3], "chn (=0) of scene_17.png must be a channel of output, a whole number from 1 to 10"),
        ([], "class", ["digit 3", "zebra", 1, 2], "class (=zebra) of scene_21.png is not the name of a class; nearest: digit"),
        (["-target", "label", "-layer", "conv6"], "label", LABELS, "-layer conv6 is not the network's output"),
        (["-layer", "conv6"], "label", LABELS, "-layer conv6 is not the network's output, so it needs -chn"),
        (["-chn", "4-11"], "label", LABELS, "-chn (=11) must be between 1 and 10"),
        (["-chn", "4-4"], "label", LABELS, "invalid channel '4-4'"),
        (["-chn", "best"], "label", LABELS, "invalid channel 'best': must be a whole number, counting from 1; top,"),
        (["-class-names", "none.txt"], "label", LABELS, "-class-names (none.txt) cannot be read"),
        (["-class-names", "three.txt"], "label", LABELS, "-class-names (three.txt) has 3 names, but the network has 10 classes"),
        (["-class-names", "bad.json"], "label", LABELS, "-class-names (bad.json) must hold a name per line"),
        (["-class-names", "ten.json", "-layer", "conv6", "-chn", "1"], "label", LABELS, "names the classes of the network's output"),
        (["-class-names", "ten.json", "-target", "condition"], "condition", ["c1", "same", "c2", "c3"], "names several classes: 8, 9"),
    ],
)  # fmt: skip
def test_refusals(arguments, column, values, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "three.txt").write_text("a\nb\nc\n", encoding="utf-8")
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "ten.json").write_text(json.dumps([*(f"c{i}" for i in range(8)), "same", "same"]), encoding="utf-8")
    table = write_table(tmp_path, column, values)
    status, _, errors = run(capsys, "-net", "DemoNet", "-stim", table, "-out", "out", *arguments)
    assert status == 2 and message in errors and errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


@needs_torch
@pytest.mark.parametrize("form", ["names.txt", "list.json", "keras.json"])
def test_class_names_from_a_file(form, tmp_path, capsys):
    names = [f"kind {i}" for i in range(10)]
    texts = {
        "names.txt": "\ufeff" + "\r\n".join(names) + "\n",
        "list.json": json.dumps(names),
        "keras.json": json.dumps({str(i): [f"n{i:08d}", name] for i, name in enumerate(names)}),
    }
    (tmp_path / form).write_text(texts[form], encoding="utf-8", newline="")
    table = write_table(tmp_path, "class", ["kind 3", "kind 7", "kind 0", "kind 3"])
    options = ["-net", "DemoNet", "-class-names", tmp_path / form, "-meth", "gradcam", "-save", "npz"]
    assert run(capsys, *options, "-stim", table, "-out", tmp_path)[0] == 0
    assert maps_of(tmp_path)["target_channel"].ravel().tolist() == [label + 1 for label in LABELS]
