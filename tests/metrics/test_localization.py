"""Localization of maps with known positions."""

import numpy as np
import pytest

from saliency import InputError
from saliency.metrics import mass_accuracy, pointing_game, rank_accuracy

BOX = (10, 4, 14, 8)  # columns 10 to 13, rows 4 to 7
OBJECT = np.zeros((20, 30), bool)
OBJECT[4:8, 10:14] = True


def spot(row, column):
    mask = np.zeros((20, 30))
    mask[row, column] = 1
    return mask


def test_pointing_game_measures_the_distance_to_the_object():
    maps = [spot(5, 11), spot(5, 16), spot(5, 17), spot(10, 17), np.zeros((20, 30))]
    found = pointing_game(maps, [BOX] * 5, tolerance=3)
    assert found.value[:4].tolist() == [1, 1, 0, 0]  # distances 0, 3, 4, and 5 on the diagonal
    rows, columns = np.indices((20, 30))
    distance = np.hypot(
        np.clip([4 - rows, rows - 7], 0, None).max(axis=0), np.clip([10 - columns, columns - 13], 0, None).max(axis=0)
    )
    assert found.value[4] == pytest.approx((distance <= 3).mean())


def test_boxes_equal_masks():
    maps = np.random.default_rng(0).normal(size=(3, 20, 30))
    for metric in (pointing_game, mass_accuracy, rank_accuracy):
        np.testing.assert_equal(metric(maps, [BOX] * 3).value, metric(maps, [OBJECT] * 3).value)


def test_mass_and_rank_of_known_maps():
    maps = [OBJECT * 1.0, OBJECT * 3.0 + 1, np.where(OBJECT, -1.0, 1.0)]
    mass = mass_accuracy(maps, [OBJECT] * 3)
    np.testing.assert_allclose(mass.value, [1, 16 * 4 / (16 * 4 + 584), 0])
    np.testing.assert_allclose(mass.details["object_area"], 16 / 600)
    np.testing.assert_allclose(rank_accuracy(maps, [OBJECT] * 3).value, [1, 1, 0])


def test_random_ranks_hit_by_chance():
    found = rank_accuracy(np.zeros((400, 20, 30)), [OBJECT] * 400)
    assert found.mean == pytest.approx(16 / 600, abs=4 * found.standard_error)


def test_without_an_object_the_value_is_undefined():
    maps = np.ones((2, 20, 30))
    for metric in (pointing_game, mass_accuracy, rank_accuracy):
        found = metric(maps, [OBJECT, np.zeros((20, 30))])
        assert np.isnan(found.value).tolist() == [False, True]
        assert found.mean == found.value[0]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([(0, 0, 31, 5)], "0 <= x0 <= x1 <= 30"),
        ([np.ones((5, 5))], r"`objects\[0\]` \(shape \(5, 5\)\)"),
        ([OBJECT, OBJECT], "one map for each of the 2 objects"),
        (["cat"], "boxes of finite numbers"),
    ],
)
def test_invalid_objects_are_refused(objects, message):
    with pytest.raises(InputError, match=message):
        mass_accuracy(np.ones((1, 20, 30)), objects)


def test_maps_with_channels_are_refused():
    with pytest.raises(InputError, match="sum or average its channels"):
        mass_accuracy(np.ones((1, 3, 20, 30)), [OBJECT])
