"""Values of options and targets as JSON."""

import functools

import pytest

from saliency.core.value_description import describe_value


def depth():
    yield 1


@pytest.mark.parametrize(
    ("value", "description"),
    [
        (depth, "tests.core.test_value_description.depth"),
        (depth(), "depth"),
        ([].append, "list.append"),
        (functools.partial(depth), "partial"),
        ((1, float("inf")), [1, "inf"]),
    ],
)
def test_descriptions(value, description):
    assert describe_value(value) == description
