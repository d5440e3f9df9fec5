"""Grids are read from the centers of a tensor's entries, whatever framework followed them."""

import numpy as np
import pytest

from saliency.core.grid_reading import Centers, read_grid


def line(values, dim, rank):
    """Return centers that change along one dimension."""
    values = np.asarray(values, float)
    return Centers(values.reshape([-1 if axis == dim else 1 for axis in range(rank)]), [dim])


ROWS, COLUMNS, SAMPLES = (np.arange(2) + 0.5) / 2, (np.arange(3) + 0.5) / 3, (np.arange(4) + 0.5) / 4
TOKENS = np.repeat(ROWS, 3), np.tile(COLUMNS, 2)


def test_an_image_with_channels_on_either_side():
    image = [line(ROWS, 2, 4), line(COLUMNS, 3, 4)]
    grid = read_grid(image, line(SAMPLES, 0, 4), (4, 5, 2, 3), 4)
    assert (grid.sample_axis, grid.channel_axis, grid.space, grid.total) == (0, 1, (2, 3), 6)
    image = [line(ROWS, 1, 4), line(COLUMNS, 2, 4)]
    assert read_grid(image, None, (1, 2, 3, 1), 1).channel_axis == 3


def test_tokens_in_another_order_behind_a_class_token():
    order = [4, 0, 5, 2, 1, 3]
    tokens = [line([-1, *one[order]], 1, 3) for one in TOKENS]
    grid = read_grid(tokens, line(SAMPLES, 0, 3), (4, 7, 8), 4)
    assert (grid.space, grid.left_out, grid.run) == ((2, 3), 1, None)
    assert [order[place - 1] for place in grid.order] == [0, 1, 2, 3, 4, 5]


REFUSED = {
    "two wide axes": ([line(ROWS, 1, 5), line(COLUMNS, 2, 5)], (4, 2, 3, 5, 6), 4, 0),
    "a place twice": ([line([*TOKENS[0], 0.25], 1, 3), line([*TOKENS[1], 0.5], 1, 3)], (4, 7, 8), 4, 0),
    "a place missing": ([line(one[1:], 1, 3) for one in TOKENS], (4, 5, 8), 4, 0),
    "columns only, as tokens": ([None, line(COLUMNS, 1, 3)], (4, 3, 8), 4, 0),
    "no positions": ([None, None], (4, 3, 8), 4, 0),
    "another number of samples": ([line(one, 1, 3) for one in TOKENS], (4, 6, 8), 5, 0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    spatial, shape, count, sample_axis = REFUSED[name]
    assert read_grid(spatial, line(SAMPLES, sample_axis, len(shape)), shape, count) is None


def test_samples_in_another_order_at_some_positions():
    tokens = [line(one, 1, 3) for one in TOKENS]
    table = np.repeat(SAMPLES[:, None, None], 6, 1)
    assert read_grid(tokens, Centers(table, [0]), (4, 6, 8), 4) is not None
    mixed = table.copy()
    mixed[:, 2] = mixed[::-1, 2]
    assert read_grid(tokens, Centers(mixed, [0]), (4, 6, 8), 4) is None
