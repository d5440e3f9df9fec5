"""Read damaged files: each gives what is in it, or one error of this library."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.fuzz.file_formats import file_formats
from tests.fuzz.mutants import mutant
from tests.fuzz.verdict import shortfall


@dataclass(frozen=True)
class Seed:
    """A small valid file: its bytes, what is in it, and the ranges of its bytes that a checksum protects."""

    content: bytes
    result: Any
    checksummed: Sequence[tuple[int, int]]


@cache
def seeds(name, folder):
    """Return a format's small valid files, which are written into a folder."""
    chosen, found = file_formats()[name], []
    for number, write in enumerate(chosen.seeds):
        path = folder / f"seed{number}{chosen.suffix}"
        write(path)
        found.append(Seed(path.read_bytes(), chosen.read(path), chosen.checksummed(path) if chosen.checksummed else ()))
    return found


def read_mutant(name, random, folder):
    """Read one damaged file; return what is wrong in one line, or an empty string."""
    chosen = file_formats()[name]
    path = folder / f"mutant{chosen.suffix}"
    path.write_bytes(mutant(random.choice(seeds(name, folder)).content, random))
    return shortfall(lambda: chosen.read(path))


def read_flipped(name, random, folder):
    """Read a file with one flipped bit that a checksum protects: it gives the same as before, or an error."""
    chosen = file_formats()[name]
    path, seed = folder / f"flipped{chosen.suffix}", random.choice([one for one in seeds(name, folder) if one.checksummed])
    content = bytearray(seed.content)
    content[random.randrange(*random.choice(seed.checksummed))] ^= 1 << random.randrange(8)
    path.write_bytes(content)

    def check(result):
        assert all(np.array_equal(one, other) for one, other in zip(result, seed.result, strict=True)), "other numbers"

    return shortfall(lambda: chosen.read(path), check)
