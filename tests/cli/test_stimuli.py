"""The options that specify how the images of a stimulus file are read."""

import numpy as np
import pytest
from PIL import Image

from saliency import nets
from saliency.cli.options import CommandError, OptionParser
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import Stimuli, add_stimulus_options
from tests.cli.saliency_command import BUNDLED, run, table
from tests.dnnbrain import needs_fixtures
from tests.io.test_odd_inputs import STIM, odd

NAMES = ["a.png", "b.png"]


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, name in enumerate(NAMES):
        Image.new("RGB", (6 + i, 4), (40 * i, 0, 0)).save(folder / name)
    return folder


def read(folder, names, *options, as_images=False):
    """Return the images as arrays or as they are, the codes of failures, and the notes."""
    parser = OptionParser(prog="command")
    add_stimulus_options(parser)
    file = table(folder.parent, names, folder)
    stimuli = Stimuli.of(parser.parse(["-stim", file, *options]))
    log = RunLog("command", len(stimuli))
    found = {one.name: one.rgb if as_images else np.asarray(one.rgb) for one in stimuli.read(range(len(stimuli)), log)}
    return found, {one.stimID: one.code for one in log.failures}, log.notes


def test_frames(pictures, capsys):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "lime", "blue")]
    frames[0].save(pictures / "c.tif", save_all=True, append_images=frames[1:])
    assert read(pictures, ["c.tif"])[0]["c.tif"][0, 0].tolist() == [255, 0, 0]
    found, _, notes = read(pictures, ["c.tif"], "-frame", "3")
    assert found["c.tif"][0, 0].tolist() == [0, 0, 255] and notes == {"frame 3 of several": 1}
    assert read(pictures, ["c.tif"], "-frame", "4")[1] == {"c.tif": "FRAME"}


def test_orientation(pictures):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(pictures / "c.jpg", exif=exif)
    assert read(pictures, ["c.jpg"])[0]["c.jpg"].shape == (6, 4, 3)
    found, _, notes = read(pictures, ["c.jpg"], "-no-exif")
    assert found["c.jpg"].shape == (4, 6, 3) and not notes


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_floating_point_images_need_a_range(kind, pictures):
    ramp = np.linspace(-10, 30, 41, dtype=np.float64).astype(kind)[None].repeat(3, 0)
    Image.fromarray(ramp).save(pictures / "c.tif")
    assert read(pictures, ["c.tif"])[1] == {"c.tif": "FLOAT_IMAGE" if kind is np.float32 else "DEEP_IMAGE"}
    found, failed, notes = read(pictures, ["c.tif"], "-float-range", "-5", "2e1")
    assert not failed and any("scaled from -5 to 20" in note for note in notes)
    expected = 255 * (np.linspace(-10, 30, 41).clip(-5, 20) + 5) / 25
    assert np.abs(found["c.tif"][0, :, 0] - expected).max() <= 0.5


def test_16_bit_images_that_may_hold_12_bits_need_a_range(pictures):
    Image.fromarray(np.linspace(0, 4095, 41).astype(np.uint16)[None].repeat(3, 0)).save(pictures / "c.png")
    assert read(pictures, ["c.png"])[1] == {"c.png": "DEEP_IMAGE"}
    found, failed, notes = read(pictures, ["c.png", "a.png"], "-float-range", "0", "4095")
    assert not failed and np.abs(found["c.png"][0, :, 0] - np.linspace(0, 255, 41)).max() <= 1
    assert notes["16-bit gray scaled from 0 to 4095"] == notes["-float-range not applied to 8-bit pixels"] == 1


def test_the_orientation_of_a_tiff_is_ignored_or_applied_once(pictures):
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(pixels).save(pictures / "c.tif", tiffinfo={0x0112: 6})
    found, _, notes = read(pictures, ["c.tif"])
    np.testing.assert_array_equal(found["c.tif"][..., 0], np.rot90(pixels, -1))
    assert notes["turned by EXIF orientation"] == 1
    found, _, notes = read(pictures, ["c.tif"], "-no-exif")
    np.testing.assert_array_equal(found["c.tif"][..., 0], pixels)
    assert "turned by EXIF orientation" not in notes


def test_no_exif_holds_until_the_network_s_input(pictures):
    exif = Image.Exif()
    exif[0x0112] = 3
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:48] = 255
    Image.fromarray(pixels).save(pictures / "c.png", exif=exif)
    network = nets.Network("pixels", None, (96, 96))
    for options, top in (([], 0), (["-no-exif"], 1)):
        found, _, _ = read(pictures, ["c.png"], *options, as_images=True)
        assert network.prepare(found["c.png"])[:, 0, 0].tolist() == [top] * 3


def test_large_images(pictures):
    limit = Image.MAX_IMAGE_PIXELS
    assert read(pictures, NAMES, "-max-pixels", "26")[1] == {"b.png": "TOO_LARGE"}
    assert read(pictures, NAMES, "-max-pixels", "28")[1] == {}
    assert limit == Image.MAX_IMAGE_PIXELS


def test_names_that_lead_outside_the_folder(pictures):
    (pictures.parent / "c.png").write_bytes((pictures / "a.png").read_bytes())
    names = ["../c.png", str(pictures / "b.png"), "x/../a.png"]
    (pictures / "x").mkdir()
    assert read(pictures, names)[1] == dict.fromkeys(names[:2], "OUTSIDE_PATH")
    assert len(read(pictures, names, "-allow-outside")[0]) == 3


def test_a_link_followed_by_two_dots_leads_outside(pictures):
    outside = pictures.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    for name in ("c.png", "deep/d.png"):
        (outside / name).write_bytes((pictures / "a.png").read_bytes())
    (pictures / "link").symlink_to(outside / "deep")
    (pictures / "sub" / "deep").mkdir(parents=True)
    (pictures / "inner").symlink_to(pictures / "sub" / "deep")
    (pictures / "sub" / "e.png").write_bytes((pictures / "a.png").read_bytes())
    names = ["link/../c.png", "link/d.png", "inner/../e.png", "sub/../link/../c.png", "no/../../outside/c.png", "x\0/../a.png"]
    found, failed, _ = read(pictures, names)
    assert list(found) == ["link/d.png", "inner/../e.png"]
    assert failed == dict.fromkeys((names[0], *names[3:5]), "OUTSIDE_PATH") | {names[5]: "UNREADABLE"}
    assert list(read(pictures, names, "-allow-outside")[0]) == names[:4]


def test_control_characters_in_names_are_printed_as_escape_sequences(pictures, capsys):
    names = ["\x1b[31mred\x07.png", "\u202egnp.png", "gr\u00fcn \u65e5\u672c.png", "a.png"]
    read(pictures, names)
    errors = capsys.readouterr().err
    assert "command: \\x1b[31mred\\x07.png: MISSING: " in errors and "\\u202egnp.png: MISSING" in errors
    assert "command: gr\u00fcn \u65e5\u672c.png: MISSING: " in errors
    assert not set("\x1b\x07\u202e") & set(errors)


def test_a_stimulus_named_twice(pictures):
    with pytest.raises(CommandError, match=r"a\.png is listed more than once \(stimuli 1, 3\).*-allow-duplicates"):
        read(pictures, ["a.png", "b.png", "a.png"])
    found, failed, _ = read(pictures, ["a.png", "b.png", "a.png"], "-allow-duplicates")
    assert list(found) == NAMES and not failed


def test_names_that_differ_in_case_alone(pictures):
    Image.new("RGB", (5, 5)).save(pictures / "A.png")
    assert len(read(pictures, ["a.png", "A.png"])[0]) == len({"a.png", "A.png"} & {path.name for path in pictures.iterdir()})


ERRORS_BY_OPTIONS = {
    ("-frame", "0"): "must be a whole number, at least 1",
    ("-max-pixels", "x"): "must be a whole number",
    ("-max-errors", "-1"): "argument -max-errors: invalid value '-1': must be a whole number, at least 0",
    ("-float-range", "0", "nan"): "must be a finite number",
    ("-float-range", "1", "1"): r"BLACK \(=1\.0\) must be less than WHITE \(=1\.0\)",
}


@pytest.mark.parametrize("options", ERRORS_BY_OPTIONS, ids=" ".join)
def test_invalid_options_are_refused(options, pictures):
    with pytest.raises(CommandError, match=ERRORS_BY_OPTIONS[options]):
        read(pictures, NAMES, *options)


@needs_fixtures
@pytest.mark.parametrize("case", STIM)
def test_a_malformed_file_is_an_error_of_one_line(case, tmp_path, capsys):
    file = tmp_path / "odd.stim.csv"
    file.write_bytes(odd("stim")[case]["file_bytes_utf8"].encode())
    status, printed, errors = run(capsys, *BUNDLED, "-stim", file, "-out", tmp_path / "out")
    assert (status, printed) == (2, "") and len(errors.splitlines()) == 1  # if the file is valid, its images do not exist
    assert [path.name for path in tmp_path.iterdir()] == ["odd.stim.csv"]
