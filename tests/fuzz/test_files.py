"""Damaged files give what is in them, or one error; `python -m tests.soak` reads more of them."""

import random

import pytest

from tests.fuzz.file_formats import file_formats
from tests.fuzz.file_mutants import read_flipped, read_mutant, seeds

MUTANTS = 200


def _fallen_short(read, name, folder):
    source = random.Random(f"0 {name}")
    return {number: problem for number in range(MUTANTS) if (problem := read(name, source, folder))}


@pytest.mark.parametrize("name", file_formats())
def test_a_damaged_file_gives_a_result_or_one_error(tmp_path, name):
    assert _fallen_short(read_mutant, name, tmp_path) == {}


@pytest.mark.parametrize("name", [name for name, one in file_formats().items() if one.checksummed])
def test_damage_that_a_checksum_shows_never_gives_other_numbers(tmp_path, name):
    assert any(seed.checksummed for seed in seeds(name, tmp_path))
    assert _fallen_short(read_flipped, name, tmp_path) == {}
