"""Amounts that are distributed over values with the smallest costs: by hand, and both implementations on the same numbers."""

import numpy as np
import pytest

from saliency.core.function_adapter import FunctionAdapter
from saliency.core.numerics.smallest_first import fill_smallest_first
from tests.reference import linear

PLAIN, HOST = linear([[1.0]]), FunctionAdapter(lambda x: x)


def empty_shares(adapter, costs, room, amount, group):
    arrays = (np.array(one, float) for one in (costs, room, amount))
    if adapter is PLAIN:
        return fill_smallest_first(adapter, *map(adapter.asarray, arrays), group).array
    return adapter.fill_smallest_first(*arrays, group)


@pytest.mark.parametrize("adapter", [PLAIN, HOST])
@pytest.mark.parametrize(
    ("costs", "room", "amount", "group", "expected"),
    [
        ([3, 1, 2, 4], [1, 1, 1, 1], 1.5, 1, [1, 0, 0.5, 1]),
        ([3, 1, 2, 4], [1, 1, 1, 1], 1.5, 2, [1, 0.25, 0.25, 1]),
        ([3, 1, 2, 4], [1, 0, 2, 1], 2.5, 1, [0.5, 1, 0, 1]),  # no room: not a member of a group
        ([0, 0, 0, 4], [1, 1, 1, 1], 1.5, 1, [0.5, 0.5, 0.5, 1]),  # equal costs
        ([3, 1, 2, 4], [1, 1, 1, 1], 9, 3, [0, 0, 0, 0]),  # more than fits
        ([3, 1, 2, 4], [1, 1, 1, 1], -1, 3, [1, 1, 1, 1]),
        ([3, 1, 2, 4], [0, 0, 0, 0], 1, 2, [1, 1, 1, 1]),
    ],
)
def test_by_hand(adapter, costs, room, amount, group, expected):
    found = empty_shares(adapter, [costs], [room], [[amount]], group)
    np.testing.assert_allclose(found[0, np.array(room) > 0], np.array(expected)[np.array(room) > 0], rtol=1e-12, atol=1e-15)
    given = (np.array(room) * (1 - found[0])).sum()
    assert given == pytest.approx(min(max(amount, 0), sum(room)))


@pytest.mark.parametrize(("group", "values"), [(1, 40), (4, 40), (11, 40), (40, 40), (700, 5000)])
def test_both_implementations_agree(group, values):
    random = np.random.default_rng(group)
    costs, has_room = np.floor(9 * random.random((5, values))), random.random((5, values)) < 0.8
    room = random.random((5, values)) * has_room
    amount = room.sum(axis=1, keepdims=True) * np.array([0, 0.1, 0.5, 0.9, 1])[:, None]
    plain, host = (empty_shares(one, costs, room, amount, group) for one in (PLAIN, HOST))
    np.testing.assert_allclose(host[room > 0], plain[room > 0], atol=1e-12)
    np.testing.assert_allclose((room * (1 - host)).sum(axis=1, keepdims=True), amount, rtol=1e-12, atol=1e-12)
