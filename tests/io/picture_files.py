"""Write picture files byte by byte, so that their meaning depends on no library."""

import struct
import zlib

import numpy as np

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
RAMP = np.add.outer(np.arange(48), np.arange(64)) / 110  # 0 to 1, 48 rows of 64


def samples(maximum, dtype="u2"):
    """Return the ramp from 0 to ``maximum``."""
    return np.rint(RAMP * maximum).astype(dtype)


def tiff(path, pixels, photometric=1, *, compress=False, orientation=1, bits=None, separate=False, palette=None, extra=()):
    """Write pixels (H, W) or (H, W, channels) as a TIFF of one strip, or of one a plane; the byte order is that of the dtype.

    Args:
        photometric: 0 for white-is-zero, 1 for black-is-zero, 2 for RGB, 3 for a palette.
        bits: 12 packs two samples into three bytes; None uses the bits of the dtype.
        extra: the meaning of the channels after the colors, such as (1,) for premultiplied alpha.
    """
    big = pixels.dtype.newbyteorder("=") != pixels.dtype
    rows, columns, channels = (*pixels.shape, 1)[:3]
    planes = list(np.moveaxis(pixels, -1, 0)) if separate else [pixels]
    data = [_packed_12(plane) if bits == 12 else plane.tobytes() for plane in planes]
    data = [zlib.compress(one) for one in data] if compress else data
    kind = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}[pixels.dtype.kind]
    tags = {
        256: ("L", columns), 257: ("L", rows), 258: ("H", *[bits or 8 * pixels.dtype.itemsize] * channels), 259: ("H", 8 if compress else 1),
        262: ("H", photometric), 273: ("L", *[0] * len(data)), 274: ("H", orientation), 277: ("H", channels), 278: ("L", rows),
        279: ("L", *map(len, data)), 284: ("H", 2 if separate else 1), 339: ("H", *[kind] * channels),
    }  # fmt: skip
    if palette is not None:
        tags[320] = ("H", *np.asarray(palette).T.ravel())
    if extra:
        tags[338] = ("H", *extra)
    order = ">" if big else "<"
    end = 8 + 2 + 12 * len(tags) + 4
    sizes = (len(numbers) * {"H": 2, "L": 4}[code] for code, *numbers in tags.values())
    outside = sum(size for size in sizes if size > 4)
    tags[273] = ("L", *np.cumsum([end + outside, *map(len, data)])[:-1].tolist())
    entries, values = b"", b""
    for tag, (code, *numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "L": 4}[code], len(numbers))
        if len(packed) > 4:
            entries, values = entries + struct.pack(f"{order}I", end + len(values)), values + packed
        else:
            entries += packed.ljust(4, b"\0")
    header = (b"MM" if big else b"II") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    path.write_bytes(header + entries + struct.pack(f"{order}I", 0) + values + b"".join(data))
    return path


def png(path, pixels, bits, *, color=0, transparent=None):
    """Write pixels (H, W) or (H, W, channels) as a PNG of 1 to 16 bits a sample, with or without a transparent color."""
    flat = pixels.reshape(len(pixels), -1)
    if bits == 16:
        rows = [row.astype(">u2").tobytes() for row in flat]
    else:
        digits = (flat[..., None] >> np.arange(bits)[::-1]) & 1
        rows = [np.packbits(row.astype(np.uint8)).tobytes() for row in digits.reshape(len(flat), -1)]
    height, width = pixels.shape[:2]
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))]
    if transparent is not None:
        chunks.append((b"tRNS", np.asarray(transparent, ">u2").tobytes()))
    chunks += [(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), (b"IEND", b"")]
    packed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    return path


def netpbm(path, pixels, magic, maximum):
    """Write pixels as P2 or P5 (gray), or P3 or P6 (colors)."""
    head = f"{magic}\n# a comment\n{pixels.shape[1]} {pixels.shape[0]}\n{maximum}\n".encode()
    plain = magic in ("P2", "P3")
    body = " ".join(map(str, pixels.ravel())).encode() if plain else pixels.astype(">u2" if maximum > 255 else "u1").tobytes()
    path.write_bytes(head + body)
    return path


def _packed_12(plane):
    first, second = plane.reshape(-1, 2).astype(np.uint16).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1).astype(np.uint8).tobytes()
