"""The checksums of PNG chunks: damage that Pillow does not notice, and files that are read as before."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from saliency.io import png_chunks
from saliency.io.picture import read_picture
from saliency.io.picture_options import PictureError

PIXELS = np.random.default_rng(3).integers(0, 256, (7, 9, 3), np.uint8)


def png(pixels):
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def stored_pixels(content):
    """Return where the data of the only chunk of pixels is: start and stop."""
    start = content.index(b"IDAT") + 4
    return start, start + int.from_bytes(content[start - 8 : start - 4], "big")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.png"


@pytest.mark.parametrize("block", [5, 2**20])
def test_other_pixels_under_the_old_checksum_are_damage(file, monkeypatch, block):
    monkeypatch.setattr(png_chunks, "BLOCK", block)
    content = png(PIXELS)
    start, stop = stored_pixels(content)
    rows = bytearray(zlib.decompress(content[start:stop]))
    rows[-1] ^= 1
    other = zlib.compress(rows)
    size = len(other).to_bytes(4, "big")
    file.write_bytes(content[: start - 8] + size + b"IDAT" + other + content[stop:])
    with pytest.raises(PictureError, match="checksum of its chunk b'IDAT' differs") as refusal:
        read_picture(file)
    assert refusal.value.code == "DAMAGED"
    checksum = zlib.crc32(b"IDAT" + other).to_bytes(4, "big")
    file.write_bytes(content[: start - 8] + size + b"IDAT" + other + checksum + content[stop + 4 :])
    assert read_picture(file)[0].size == (9, 7)


def test_every_flipped_bit_of_the_pixels_is_damage(file):
    content = png(PIXELS)
    for place in range(*stored_pixels(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        with pytest.raises(PictureError):
            read_picture(file)


def test_bytes_after_the_last_chunk_and_a_missing_last_chunk_are_no_damage(file):
    content = png(PIXELS)
    for complete in (content + b"more", content[:-12]):
        file.write_bytes(complete)
        np.testing.assert_array_equal(np.asarray(read_picture(file)[0]), PIXELS)
