"""Unusual files that DNNBrain reads, refuses or misreads, and the result of reading each of them here."""

import json

import pytest

from saliency.io import dmask, stim
from tests.dnnbrain import FORMATS, needs_fixtures

AS_IT_DOES = "read as DNNBrain reads it"

STIM = {
    "basic": AS_IT_DOES,
    "no data line": "has no data= line",
    "value has =": {"path": "/p=q"},
    "hdr without =": "line 3 .'hello'. must be key=value",
    "spaces round =": {"type": "image"},
    "bad type": "type .='audio'. must be one of image, video, video_clip",
    "no path": "has no path= line",
    "no type": "has no type= line",
    "no stimID": "must name stimID",
    "no rows": "has no stimuli",
    "blank lines": AS_IT_DOES,
    "ws-only line": {"RT": [1.0, 2.0]},
    "short row": "line 5 has 1 fields; the data= line names 2",
    "extra col all rows": "line 4 has 2 fields; the data= line names 1",  # dropped silently there
    "extra col one row": "line 4 has 3 fields",
    "space in keys": {"label": [1]},  # ' label' there, and no whole number
    "space in vals": {"stimID": ["a.jpg"], "label": [1], "RT": [2.0]},
    "float label": "label .='1.9'. must be a whole number",  # 1 there
    "nan label": "label .='nan'. must be a whole number",  # the least integer there
    "empty label": "label .=''. must be a number",
    "str custom": "foo .='hello'. must be a number",
    "nan RT": AS_IT_DOES,
    "empty RT": "RT .=''. must be a number",
    "video": "stimID .='3.7'. must be a whole number",  # 3 there
    "video str id": "stimID .='f1'. must be a number",
    "video_clip": AS_IT_DOES,
    "crlf": AS_IT_DOES,
    "bom": {"type": "image", "stimID": ["a.jpg"]},
    "data with = in key": {"a=b": [2.0]},  # named 'a' there
    "quoted": {"stimID": ["a,b.jpg"], "label": [1]},
    "dup header": "line 3: path= is repeated",  # the last counts there
    "dup col": "every column once",  # the last counts there
    "hash comment in header": "line 1 .'#c'. must be key=value",
    "header after data": "has no type= line",
    "form feed/unicode LS in name": {"stimID": ["a\u2028b.jpg"]},  # two stimuli there
    "data= twice": AS_IT_DOES,
    "numeric stimID image": AS_IT_DOES,
    "leading 0 path trailing /": AS_IT_DOES,
}
ONE = {"chn": [1], "row": "all", "col": "all"}
DMASK = {
    "docs": AS_IT_DOES,
    "all": AS_IT_DOES,
    "axis order": AS_IT_DOES,
    "trailing comma axes": AS_IT_DOES,
    "space axes": {"conv5": {"chn": [1], "row": [2], "col": "all"}},
    "space numbers": AS_IT_DOES,
    "trailing comma numbers": {"conv5": {"chn": [1, 2], "row": "all", "col": "all"}},
    "range": "chn .='1-3'. must be whole numbers, 1 or more",
    "all word": {"conv5": {"chn": "all", "row": "all", "col": "all"}},
    "blank before nums": {"conv5": ONE},
    "blank between": AS_IT_DOES,
    "missing nums eof": "the file ends, but the numbers of conv5's chn are expected",
    "missing nums mid": "line 2 is 'fc3=chn', but the numbers of conv5's chn",
    "extra nums line": "line 3 .'7,8'. must be layer=axes",  # passed over there
    "comment": AS_IT_DOES,
    "comment with =": {"conv5": ONE},
    "dup layer": "line 3: the layer conv5 is repeated",  # the last counts there
    "dup axis": "each at most once",  # the last counts there
    "four axes": "each at most once",
    "bad axis": "axes .='channel'. must be chn, row, col",
    "zero": "chn .='0'. must be whole numbers, 1 or more",  # the last channel there
    "neg": "chn .='-1'. must be whole numbers, 1 or more",  # the last channel but one there
    "float": "chn .='1.0'. must be whole numbers",
    "space layer": {"conv5": ONE},  # ' conv5 ' there
    "no eq": "line 1 .'conv5'. must be layer=axes",  # an empty mask there
    "empty": "names no layer",  # an empty mask there
    "crlf": AS_IT_DOES,
    "two eq": {"a=b": ONE},
    "bom": {"conv5": ONE},  # '\ufeffconv5' there
}


def odd(kind):
    return json.loads((FORMATS / "odd_inputs.json").read_text(encoding="utf-8"))[kind]


def read(kind, file):
    """Read a file as plain values, with the names of the recorded results."""
    if kind == "stim":
        table = stim.read(file)
        return {"type": table.type, "path": table.path, **table.header}, table.data
    layers = dmask.read(file).layers
    names = {
        axis: {layer: getattr(units, name) for layer, units in layers.items()} for axis, name in dmask.AXIS_FIELDS.items()
    }
    numbers = {axis: {k: "all" if v is None else list(dmask.numbers(v)) for k, v in of.items()} for axis, of in names.items()}
    return {layer: {axis: numbers[axis][layer] for axis in dmask.AXIS_FIELDS} for layer in layers}, {}


@needs_fixtures
def test_every_recorded_case_has_an_expected_result():
    assert set(odd("stim")) == set(STIM) and set(odd("dmask")) == set(DMASK)
    assert len(STIM) + len(DMASK) == 67


@needs_fixtures
@pytest.mark.parametrize(("kind", "case"), [("stim", case) for case in STIM] + [("dmask", case) for case in DMASK])
def test_result_of_each_case(kind, case, tmp_path):
    theirs, ours = odd(kind)[case], (STIM if kind == "stim" else DMASK)[case]
    file = tmp_path / f"odd.{kind}.csv"
    file.write_bytes(theirs["file_bytes_utf8"].encode())
    if isinstance(ours, str) and ours != AS_IT_DOES:
        with pytest.raises(ValueError, match=ours) as refusal:
            read(kind, file)
        assert str(refusal.value).startswith(f"{file}: ") and "\n" not in str(refusal.value)
        return
    plain, columns = read(kind, file)
    if ours == AS_IT_DOES:
        expected = dict(theirs["ok"])
        for name, column in expected.pop("data", {}).items():
            assert columns[name].dtype == column["dtype"] and list(columns) == list(theirs["ok"]["data"])
            assert [None if value != value else value for value in columns[name].tolist()] == column["values"]
        assert plain == expected
    elif kind == "stim":
        found = {**plain, **{name: column.tolist() for name, column in columns.items()}}
        assert {name: found[name] for name in ours} == ours
    else:
        assert plain == ours
