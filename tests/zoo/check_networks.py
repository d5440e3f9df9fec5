"""Layers, grids and gradients of other libraries' networks. `make test-zoo` runs this file; `pytest` alone does not collect it."""

import gc

import numpy as np
import pytest

from tests.zoo import table
from tests.zoo.catalog import NETWORKS
from tests.zoo.directional_derivative import agree
from tests.zoo.moved_patch import distance, features, largest_changes, picture, places, with_patch
from tests.zoo.network import SIZES
from tests.zoo.run import check

TABLE = table.read()


@pytest.fixture(autouse=True)
def one_network_at_a_time():
    yield
    gc.collect()


UNDECIDED = {("EfficientNetB0", (160, 256)): "shifted by 1, 0"}
"""Rows with another reading that fits as well: padding on one side moves the centers of positions by half a position."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: f"{network.library}-{network.name}")
def test_network(network, size):
    result = check(network, size)
    assert result.row == TABLE[network.name, size]
    if result.refused:
        return
    assert result.grid == network.expected_grid(size) and result.left_out == network.left_out
    if network.reach is None:
        assert result.reading in ("right", UNDECIDED.get((network.name, size)))
    else:
        assert all(distance(found, place) <= network.reach for place, found in result.changes), result.changes
    assert agree(result.derivatives, result.differences)


def test_the_table_holds_each_network_and_each_size():
    assert list(TABLE) == [(network.name, size) for network in NETWORKS for size in SIZES]
    assert table.PAGE.read_text() == table.page()


@pytest.mark.parametrize("fault", ["rows reversed", "columns reversed", "axes exchanged", "one token too early"])
def test_a_wrong_grid_is_found(fault):
    network, size = NETWORKS[0], (224, 224)
    x, grid = picture(network, size), network.expected_grid(size)
    pictures = [x, *(with_patch(network, x, grid, place) for place in places(grid))]
    right = features(network.build(size), pictures, TABLE[network.name, size]["layer"])
    wrong = {
        "rows reversed": right[:, :, ::-1],
        "columns reversed": right[..., ::-1],
        "axes exchanged": right.swapaxes(2, 3),
        "one token too early": np.roll(right.reshape(*right.shape[:2], -1), 1, 2).reshape(right.shape),
    }[fault]
    assert max(map(distance, largest_changes(right[:1], right[1:]), places(grid))) == 0
    assert max(map(distance, largest_changes(wrong[:1], wrong[1:]), places(grid))) > 0


def test_a_wrong_gradient_is_found():
    differences = np.array([0.3, -2.0, 1.1])
    assert agree(differences * (1 + 1e-5), differences)
    assert not agree(differences * (1 + 2e-4), differences) and not agree(differences + np.array([0, 0, 1e-3]), differences)
