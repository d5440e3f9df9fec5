"""The formats that are read from files: small valid files, written when they are needed, and their readers."""

import contextlib
import struct
import zipfile
from functools import cache, partial

import h5py
import numpy as np
from PIL import Image, features

from saliency.cli.map_files import merge_map_files, open_map_writer
from saliency.io import act, dmask, stim
from saliency.io.journal import open_journal
from saliency.io.picture import read_picture
from saliency.io.picture_options import PictureOptions
from tests.fuzz.file_format import FileFormat
from tests.fuzz.weight_formats import keras_formats, torch_formats

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (11, 13, 3), np.uint8)
RGB, GRAY = Image.fromarray(PIXELS), Image.fromarray(PIXELS[..., 0])
ALPHA, PALETTE = RGB.copy(), RGB.quantize(16)
ALPHA.putalpha(GRAY)
DEEP = Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)
FLOAT = Image.fromarray(PIXELS[..., 0] / np.float32(255))
MAPS = RNG.normal(size=(2, 3, 4, 4)).astype(np.float32)
RANGE = PictureOptions(float_range=(0.0, 1.0))


def _pictures(kind, *pictures, **options):
    return [partial(picture.save, format=kind, **options) for picture in pictures]


def _read_picture(path):
    try:
        rgb, _ = read_picture(path)
    except ValueError:
        rgb, _ = read_picture(path, RANGE)  # the error of the wrong options must not hide another one
    pixels = np.asarray(rgb)
    assert pixels.ndim == 3 and pixels.dtype == np.uint8, "no RGB picture"
    return [pixels]


def _animation(kind):
    return lambda path: RGB.save(path, format=kind, save_all=True, append_images=[RGB.rotate(90)])


def _write_activation(path, **storage):
    """Write with h5py, in one of the ways that other tools store activations."""
    with h5py.File(path, "w", libver=storage.pop("libver", None)) as h5:
        h5.create_dataset("conv", data=MAPS, **storage)
        h5.create_dataset("group/fc", data=MAPS[:, :, 0, 0], **storage)


def _read_activation(path):
    return [layer.read() for layer in act.read(path).values()]


def _whole_file(path):
    return [(0, path.stat().st_size)]


def _zip_members(path):
    """Return where the contents of a zip file's members are, without their names."""
    content = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        ends = [
            (one.header_offset + 30 + sum(struct.unpack_from("<HH", content, one.header_offset + 26)), one)
            for one in file.infolist()
        ]
    return [(start, start + one.compress_size) for start, one in ends]


def _chunks(path):
    """Return where the chunks are that HDF5 stores with a checksum, its own or gzip's."""
    found = []
    with h5py.File(path) as h5:
        for dataset in (h5.get("conv"), h5.get("group/fc")):
            if dataset is not None and (dataset.compression == "gzip" or dataset.fletcher32):
                chunks = [dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks())]
                found += [(chunk.byte_offset, chunk.byte_offset + chunk.size) for chunk in chunks]
    return found


def _write_maps(path):
    with open_map_writer(path, ["a.png", "b.png"], [1, 2], {}) as writer:
        writer.add("chn1", MAPS[:, 0])


def _read_maps(path):
    merged = path.with_name("merged.h5")
    merge_map_files([path], ["a.png", "b.png"], merged, {})
    with h5py.File(merged) as h5:
        return [h5[name][()] for name in h5]


SETTINGS = {"-layer": "conv"}


def _write_journal(path):
    with contextlib.suppress(KeyboardInterrupt), open_journal(path, SETTINGS, False) as journal:
        journal.begin()
        journal.add(0, {"file": "a.jpg", "size": 3})
        journal.add(1, {"file": "b.jpg", "size": 4})
        journal.discard([0])
        raise KeyboardInterrupt


def _read_journal(path):
    with open_journal(path, SETTINGS, False) as journal:
        return [str(journal.records)]


def _write_text(text):
    return lambda path: path.write_bytes(text.encode())


STIMULI = 'type=image\npath=images\ntitle=a title\ndata=stimID,label,RT\na.png,1,0.5\n"b, c.png",2,1e-3\n'
VIDEO = "type=video\npath=a.mp4\ndata=stimID,condition\n1,cat\n2,dog"
UNITS = "conv5=chn,row\n1,2,3\n4,5\n# a comment\nfc3=chn\nall\nfc4="


def _text_formats():
    return {
        ".stim.csv": FileFormat(".stim.csv", [_write_text(STIMULI), _write_text(VIDEO)], lambda path: stim.read(path).data),
        ".dmask.csv": FileFormat(".dmask.csv", [_write_text(UNITS)], lambda path: dmask.read(path).layers),
        ".journal": FileFormat(".journal", [_write_journal], _read_journal),
    }


def _picture_formats():
    pictures = {
        "PNG": [*_pictures("PNG", RGB, GRAY, ALPHA, PALETTE, DEEP, GRAY.convert("1")), _animation("PNG")],
        "JPEG": _pictures("JPEG", RGB, GRAY, RGB.convert("CMYK")) + _pictures("JPEG", RGB, progressive=True),
        "TIFF": [*_pictures("TIFF", RGB, GRAY, DEEP, FLOAT, PALETTE), _animation("TIFF"), *_pictures("TIFF", RGB, FLOAT, compression="tiff_lzw"), *_pictures("TIFF", DEEP, compression="tiff_adobe_deflate")],
        "BMP": _pictures("BMP", RGB, GRAY, PALETTE),
        "GIF": [*_pictures("GIF", PALETTE, GRAY), _animation("GIF")],
        "PPM": [*_pictures("PPM", RGB, GRAY, DEEP, GRAY.convert("1")), _write_text("P2\n# gray\n3 2\n15\n0 1 2 3 4 15\n")],
        "ICO": _pictures("ICO", ALPHA),
    }  # fmt: skip
    if features.check("webp"):
        pictures["WEBP"] = _pictures("WEBP", RGB, ALPHA) + _pictures("WEBP", RGB, lossless=True) + [_animation("WEBP")]
    if features.check("avif"):
        pictures["AVIF"] = [*_pictures("AVIF", RGB, ALPHA), _animation("AVIF")]
    protected = {"PNG": {"checksummed": _whole_file}}
    return {
        name: FileFormat(f".{name.lower()}", seeds, _read_picture, **protected.get(name, {}))
        for name, seeds in pictures.items()
    }


@cache
def file_formats():
    """Return the formats by name."""
    storages = [
        {},
        {"compression": "gzip"},
        {"compression": "lzf", "shuffle": True},
        {"fletcher32": True},
        {"libver": "latest"},
    ]
    writers = [partial(_write_activation, **storage) for storage in storages]
    written = [lambda path: act.write({"conv": MAPS, "fc": MAPS[:, :, 0, 0]}, path)]
    return {
        **_picture_formats(),
        **_text_formats(),
        ".act.h5": FileFormat(".act.h5", writers + written, _read_activation, _chunks),
        ".npz": FileFormat(".npz", [_write_maps], _read_maps, _zip_members),
        **torch_formats(),
        **keras_formats(),
    }
