"""Read and write mask files, which count units from 1."""

import numpy as np
import pytest

from saliency.io import dmask
from saliency.io.dmask import Dmask, Units
from tests.dnnbrain import FORMATS, needs_fixtures

DOCUMENTED = "conv5=chn,row,col\n1,2,3\n4,5\n6,7,8\nfc3=chn\n1,2,3\n"
MASK = Dmask({"conv5": Units((0, 1, 2), (3, 4), (5, 6, 7)), "fc3": Units((0, 1, 2))})


def write(folder, text, encoding="utf-8"):
    file = folder / "a.dmask.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_the_documented_file(tmp_path):
    file = write(tmp_path, DOCUMENTED)
    assert dmask.read(file) == MASK
    dmask.write(dmask.read(file), file)
    assert file.read_bytes() == DOCUMENTED.encode()


@needs_fixtures
@pytest.mark.parametrize("name", ["test", "written"])
def test_dnnbrain_files_are_rewritten_byte_for_byte(name, tmp_path):
    dmask.write(dmask.read(FORMATS / f"{name}.dmask.csv"), tmp_path / "a.dmask.csv")
    assert (tmp_path / "a.dmask.csv").read_bytes() == (FORMATS / f"{name}.dmask.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("conv5=col,chn\n7,6,6\n2,1\n", {"conv5": Units((1, 0), None, (6, 5, 5))}),
        (" conv5 = chn , row,\r\n 1 , 2,\r\nall\r\n", {"conv5": Units((0, 1))}),
        ("\ufeff# a=b\nconv5=chn\n\n# here\n1\n", {"conv5": Units((0,))}),
        ("a=b=row\n3\n", {"a=b": Units(rows=(2,))}),
        ("fc2=\n", {"fc2": Units()}),
    ],
)
def test_accepted_variations_of_the_format(tmp_path, text, layers):
    assert dmask.read(write(tmp_path, text)).layers == layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no layer. A mask has lines like these"),
        ("conv5\n1\n", r"line 1 \('conv5'\) must be layer=axes"),
        ("=chn\n1\n", "line 1"),
        ("conv5=chn\n1\n7,8\n", r"line 3 \('7,8'\) must be layer=axes; each axis is followed by one line of numbers"),
        ("conv5=chn\n1\nconv5=row\n2\n", "line 3: the layer conv5 is repeated"),
        ("conv5=channel\n1\n", r"line 1: axes \(='channel'\) must be chn, row, col, each at most once"),
        ("conv5=chn,chn\n1\n2\n", "each at most once"),
        ("conv5=chn,row,col,chn\n1\n2\n3\n4\n", "each at most once"),
        ("conv5=chn", "the file ends, but the numbers of conv5's chn are expected"),
        ("conv5=chn\nfc3=\n", "line 2 is 'fc3=', but the numbers of conv5's chn are expected"),
        ("conv5=chn\n0\n", r"line 2: conv5's chn \(='0'\) must be whole numbers, 1 or more"),
        ("conv5=chn\n-1\n", r"chn \(='-1'\)"),
        ("conv5=row\n1-3\n", r"row \(='1-3'\)"),
        ("conv5=row\n1.0\n", r"row \(='1.0'\)"),
        ("conv5=row\n1,,2\n", r"row \(=''\)"),
        ("conv5=row\n" + "9" * 5000 + "\n", "must be whole numbers"),
    ],
)
def test_errors_contain_the_file_and_the_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as refusal:
        dmask.read(write(tmp_path, text))
    assert "a.dmask.csv: " in str(refusal.value) and "\n" not in str(refusal.value)


def test_other_suffixes_and_encodings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.dmask\.csv"):
        dmask.read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"must end in \.dmask\.csv"):
        dmask.write(MASK, tmp_path / "a.csv")
    with pytest.raises(ValueError, match="byte 0 is not UTF-8"):
        dmask.read(write(tmp_path, "é=", "latin-1"))
    with pytest.raises(FileNotFoundError):
        dmask.read(tmp_path / "none.dmask.csv")


@pytest.mark.parametrize("layer", ["", " fc3", "a=b", "#1", "a\nb", "a\u2028b"])
def test_names_that_dnnbrain_would_not_read_are_not_written(tmp_path, layer):
    with pytest.raises(ValueError, match="cannot hold a layer named"):
        dmask.write(Dmask({layer: Units()}), tmp_path / "a.dmask.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_unicode_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"cannot hold 'a\\udcff=': UTF-8 has no character"):
        dmask.write(Dmask({"fc3": Units(), "a\udcff": Units()}), tmp_path / "a.dmask.csv")
    assert list(tmp_path.iterdir()) == []


def test_units_are_indices_of_any_kind():
    assert Units(range(2), np.array([3, 1]), [np.int64(5)]) == Units((0, 1), (3, 1), (5,))
    for wrong in ([], [-1]):
        with pytest.raises(ValueError, match="`rows` .* must hold indices of 0 or more"):
            Units(rows=wrong)
    with pytest.raises(ValueError, match=r"`rows` \(list\) must hold whole numbers"):
        Units(rows=[1.0])


def test_numbers_and_indices_are_converted():
    assert dmask.indices([3, 1]) == (2, 0) and dmask.numbers((2, 0)) == (3, 1)
    with pytest.raises(ValueError, match=r"a number .=0. must be 1 or more"):
        dmask.indices([2, 0])
