"""Check the checksums of a PNG file: Pillow skips those of the chunks that hold pixels."""

import zlib
from pathlib import Path
from typing import IO

from saliency.io.picture_options import PictureError

SIGNATURE = 8  # bytes
BLOCK = 2**20  # bytes that are read at a time


def check_chunks(path: Path, file: IO[bytes]) -> None:
    """Check the CRC-32 of each chunk of a PNG file. One that the file does not hold entirely is left to the decoder.

    Args:
        path: its name, for the error.
        file: the open file; its position stays.

    Raises:
        PictureError: if a checksum differs.

    Source:
        W3C, Portable Network Graphics (PNG) Specification, section 5.3 "Chunk layout".
    """
    position = file.tell()
    file.seek(SIGNATURE)
    kind = b""
    while kind != b"IEND" and len(head := file.read(8)) == 8:
        kind = head[4:]
        computed, complete = _checksum(file, zlib.crc32(kind), int.from_bytes(head[:4], "big"))
        stored = file.read(4)
        if complete and len(stored) == 4 and computed != int.from_bytes(stored, "big"):
            raise PictureError("DAMAGED", path, f"is a damaged picture: the checksum of its chunk {kind!r} differs")
    file.seek(position)


def _checksum(file: IO[bytes], checksum: int, size: int) -> tuple[int, bool]:
    """Return the CRC-32 of the next bytes, continued from that of the previous ones, and whether there were enough."""
    while size:
        block = file.read(min(size, BLOCK))
        if not block:
            return checksum, False
        checksum, size = zlib.crc32(block, checksum), size - len(block)
    return checksum, True
