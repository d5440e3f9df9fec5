"""Entries of the outputs of layers: their names, and structures with one of them replaced."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from saliency.core.layer_entries import MissingEntry, describe_output, read_entry, split_entry
from saliency.core.nested_outputs import replace_array

A, B = np.zeros((2, 3)), np.ones((2, 4))
Pair = namedtuple("Pair", "one two")


@dataclass(frozen=True)
class Frozen:
    one: object
    two: object


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("backbone", ("backbone", "")),
        ("backbone/0", ("backbone", "0")),
        ("backbone/conv", ("backbone/conv", "")),
        ("backbone/conv/hidden_states/-1", ("backbone/conv", "hidden_states/-1")),
        ("head/0", ("head/0", "")),
        ("head", ("head", "")),
    ],
)
def test_the_longest_layer_s_name_counts(name, expected):
    assert split_entry(name, {"backbone", "backbone/conv"}.__contains__) == expected


def test_an_entry_is_read_or_described_as_missing():
    output = {"0": A, "states": (A, B)}
    assert read_entry(output, "states/-1") is B and read_entry(output, "") is output
    missing = read_entry(output, "1")
    assert missing == MissingEntry("dict without the entry '1', but with '0' (2, 3), 'states/0' (2, 3), 'states/1' (2, 4)")
    assert read_entry(A, "0").description == "ndarray without the entry '0'" == describe_output(read_entry(A, "0"))
    assert describe_output((A, B)) == "tuple with '0' (2, 3), '1' (2, 4) (name one as 'layer/entry')"
    assert describe_output(None) == "NoneType"


@pytest.mark.parametrize(
    "make", [lambda a: {"one": a, "two": B}, lambda a: OrderedDict(one=a, two=B), lambda a: Pair(a, B), lambda a: Frozen(a, B)]
)
def test_an_array_is_replaced_wherever_it_occurs_and_the_structure_is_kept(make):
    before, new = make(A), np.full((2, 3), 5.0)
    structure = [before, (A, B), {"more": [A]}]
    changed = replace_array(structure, A, new)
    assert type(changed[0]) is type(before) and repr(changed[0]) == repr(make(new))
    assert changed[1][0] is new and changed[1][1] is B and changed[2]["more"][0] is new
    assert structure[0] is before and structure[1][0] is A and structure[2]["more"][0] is A and repr(before) == repr(make(A))
    assert replace_array(structure, new, A) is structure
