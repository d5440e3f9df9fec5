"""Read and write stimulus files; refuse invalid ones."""

import json

import numpy as np
import pytest

from saliency.io import stim
from saliency.io.stim import Stimulus
from tests.dnnbrain import FORMATS, needs_fixtures

GOOD = """type=image
path=E:\\data\\images
title=5000scenes, a=b
data=stimID,label,onset,condition,RT

n01930112_19568.JPEG,111,6.0367,face,3.6309
001,646,16.0122,NA,nan
"""


def write(folder, text, encoding="utf-8", newline="\n"):
    file = folder / "a.stim.csv"
    file.write_bytes(text.replace("\n", newline).encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_columns_are_read_with_their_types(tmp_path, encoding, newline):
    table = stim.read(write(tmp_path, GOOD, encoding, newline))
    assert (table.type, table.path, dict(table.header)) == ("image", "E:\\data\\images", {"title": "5000scenes, a=b"})
    assert list(table.data) == ["stimID", "label", "onset", "condition", "RT"]
    assert table.data["stimID"].tolist() == ["n01930112_19568.JPEG", "001"]
    assert table.data["label"].tolist() == [111, 646] and table.data["label"].dtype == np.int64
    assert table.data["condition"].tolist() == ["face", "NA"]
    assert table.data["onset"].dtype == np.float64 and np.isnan(table.data["RT"][1])
    assert len(table) == 2


def test_accepted_variations_of_the_format(tmp_path):
    table = stim.read(
        write(tmp_path, 'title = t\npath = p \n type = image\ndata = stimID , label\n"a, b.png",1\n c.png , 2,\n')
    )
    assert (table.type, table.path, dict(table.header)) == ("image", "p", {"title": "t"})
    assert table.data["stimID"].tolist() == ["a, b.png", "c.png"]
    assert table.data["label"].tolist() == [1, 2]


def test_a_column_of_classes_holds_numbers_or_names(tmp_path):
    head = "type=image\npath=p\ndata=stimID,class\n"
    assert stim.read(write(tmp_path, f"{head}a,340\nb,-1\n")).data["class"].tolist() == [340.0, -1.0]
    names = stim.read(write(tmp_path, f"{head}a,zebra\nb,7\n"))
    assert names.data["class"].tolist() == ["zebra", "7"]
    with pytest.raises(ValueError, match=r"class \(='zebra'\) must be a number; text goes into the column condition"):
        stim.write(names, tmp_path / "b.stim.csv")  # DNNBrain would not read it
    condition = Stimulus("image", "p", {"stimID": names.data["stimID"], "condition": names.data["class"]}, {})
    stim.write(condition, tmp_path / "b.stim.csv")
    assert stim.read(tmp_path / "b.stim.csv").data["condition"].tolist() == ["zebra", "7"]


def test_a_video_s_frames_are_whole_numbers(tmp_path):
    table = stim.read(write(tmp_path, "type=video\npath=a.mp4\ndata=stimID,label\n1.0,0.0\n2,3\n"))
    assert table.data["stimID"].tolist() == [1, 2]
    assert table.data["stimID"].dtype == np.int64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no data= line"),
        ("type=image\npath=p\n", "no data= line"),
        ("path=p\ndata=stimID\na\n", "no type= line"),
        ("type=image\ndata=stimID\na\n", "no path= line"),
        ("type=sound\npath=p\ndata=stimID\na\n", r"line 1: type \(='sound'\) must be one of image"),
        ("type=image\npath=p\nremark\ndata=stimID\na\n", r"line 3 \('remark'\) must be key=value"),
        ("type=image\npath=p\ndata=label\n1\n", "line 3: data= .label. must name stimID"),
        ("type=image\npath=p\ndata=stimID,stimID\na,b\n", "every column once"),
        ("type=image\npath=p\ndata=stimID\n", "no stimuli"),
        ("type=image\npath=p\ndata=stimID,label\na,1\n\nb\n", "line 6 has 1 fields; the data= line names 2"),
        ("type=image\npath=p\ndata=stimID,label\na,1,2\n", "line 4 has 3 fields"),
        ("type=image\npath=p\ndata=stimID,label\na,cat\n", r"line 4: label \(='cat'\) must be a number"),
        ("type=image\npath=p\ndata=stimID,label\na,1.5\n", r"label \(='1.5'\) must be a whole number"),
        ("type=image\npath=p\ndata=stimID,label\na,nan\n", "whole number"),
        ("type=image\npath=p\ndata=stimID,label\na,1e30\n", "whole number"),
        ("type=image\npath=p\ndata=stimID\n" + "a" * 200_000, "line 4 can't be read"),
        ("type=image\npath=p\ndata=stimID,RT\na,\n", r"RT \(=''\) must be a number"),
    ],
)
def test_errors_contain_the_file_and_the_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as refusal:
        stim.read(write(tmp_path, text))
    assert "a.stim.csv" in str(refusal.value) and "\n" not in str(refusal.value)


def test_other_encodings_and_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="byte 5 is not UTF-8"):
        stim.read(write(tmp_path, "path=é\n", "latin-1"))
    with pytest.raises(ValueError, match="must end in .stim.csv"):
        stim.read(tmp_path / "a.csv")
    (tmp_path / "folder.stim.csv").mkdir()
    with pytest.raises(ValueError, match="regular file"):
        stim.read(tmp_path / "folder.stim.csv")
    with pytest.raises(FileNotFoundError):
        stim.read(tmp_path / "none.stim.csv")


DATA = {"stimID": np.array(["a.png", "b.png"]), "label": np.array([1, 2]), "RT": np.array([0.1, 1e-7])}


def table(data=DATA, stimulus_type="image", path="p", **header):
    return Stimulus(stimulus_type, path, {name: np.asarray(column) for name, column in data.items()}, header)


def test_written_files_have_dnnbrain_s_bytes(tmp_path):
    file = tmp_path / "a.stim.csv"
    stim.write(table({**DATA, "value": np.array([25.264225, 1], np.float32)}, title="t"), file)
    expected = "type=image\npath=p\ntitle=t\ndata=stimID,label,RT,value\na.png,1,0.1,25.264225\nb.png,2,1e-07,1.0"
    assert file.read_bytes() == expected.encode()
    stim.write(table({"stimID": [1, 5], "acc": [0.2, np.nan], "label": [0, 2]}, "video"), file)
    assert file.read_bytes() == b"type=video\npath=p\ndata=stimID,acc,label\n1.0,0.2,0.0\n5.0,nan,2.0"
    assert stim.read(file).data["stimID"].tolist() == [1, 5]


@needs_fixtures
@pytest.mark.parametrize("name", ["test", "video", "video_clip"])
def test_dnnbrain_files_are_rewritten_byte_for_byte(name, tmp_path):
    stim.write(stim.read(FORMATS / f"{name}.stim.csv"), tmp_path / "a.stim.csv")
    assert (tmp_path / "a.stim.csv").read_bytes() == (FORMATS / f"{name}.stim.csv").read_bytes()


@needs_fixtures
@pytest.mark.parametrize("name", ["cli2", "cli7", "hand_bold5000", "test", "video", "video_clip"])
def test_dnnbrain_s_files_are_read_as_it_reads_them(name):
    expected = json.loads((FORMATS / "expected_parse.json").read_text())["stim"][f"{name}.stim.csv"]
    read, columns = stim.read(FORMATS / f"{name}.stim.csv"), expected.pop("data")
    assert {"type": read.type, "path": read.path, **read.header} == expected
    assert {name: (column.dtype, column.tolist()) for name, column in read.data.items()} == {
        name: (column["dtype"], column["values"]) for name, column in columns.items()
    }


@pytest.mark.parametrize(
    ("stimuli", "message"),
    [
        (table(stimulus_type="sound"), r"type .='sound'. must be one of"),
        (table(path="a=b"), "cannot hold 'a=b'"),
        (table(title="a\nb"), "cannot hold"),
        (table(data={}), "must hold stimID"),
        (table({"label": [1]}), "must hold stimID"),
        (table({"stimID": ["a", "b"], "label": [1]}), "columns of the same length"),
        (table({"stimID": []}), "1 or more"),
        (table({"stimID": ["a,b"]}), "cannot hold 'a,b'"),
        (table({"stimID": ['"a']}), "cannot hold"),
        (table({"stimID": [" a"]}), "no whitespace at its ends"),
        (table({"stimID": [""]}), "cannot hold '': .* not be empty"),
        (table({"stimID": ["a\u2028b"]}), "no line break"),
        (table({"stimID": ["a"], " label": [1]}), "cannot hold ' label'"),
        (table(path="a\udcff"), r"cannot hold 'path=a\\udcff': UTF-8 has no character"),
        (table({"stimID": ["b\udcff"]}), r"cannot hold 'b\\udcff': UTF-8 has no character"),
        (Stimulus("image", "p", {"stimID": ["a"], "RT": [[1, 2], [3]]}, {}), r"data: RT \(list\) must hold numbers or texts"),
        (table({"stimID": ["a"], "RT": np.zeros(1, [("x", float)])}), r"data: RT \(.*\) must hold numbers or texts"),
        (table({"stimID": ["a"], "label": [1.5]}), r"line 4: label .='1.5'. must be a whole number"),
        (table({"stimID": ["a"], "face": ["yes"]}), r"face .='yes'. must be a number"),
        (Stimulus("image", "p", DATA, {"path": "q"}), "`header` must not hold path; set the fields of `Stimulus` instead"),
    ],
)
def test_tables_that_the_format_cannot_hold_are_refused(tmp_path, stimuli, message):
    with pytest.raises(ValueError, match=message):
        stim.write(stimuli, tmp_path / "a.stim.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_masks_holds_names_of_files(tmp_path):
    table = stim.read(write(tmp_path, "type=image\npath=p\ndata=stimID,mask\na,a_mask.png\nb,\n"))
    assert table.data["mask"].tolist() == ["a_mask.png", ""]
