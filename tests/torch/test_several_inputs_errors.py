"""Errors of calls with several inputs of a Torch model."""

import numpy as np
import pytest

import saliency
from tests.torch.two_inputs import IMAGES, INPUTS, TABLES, Net, OfDictionary, product


@pytest.mark.parametrize(
    ("inputs", "feed", "options", "message"),
    [
        ({"image": IMAGES[0], "tables": TABLES[0]}, None, {}, r"names the input 'tables'.*'image', 'table'.*nearest: 'table'"),
        ({"image": IMAGES[0]}, None, {}, r"the model's input 'table' is missing: add it to `x_value`.* or to `feed_dict`"),
        (INPUTS, {"table": TABLES[0]}, {}, r"the input 'table' must be either in `x_value`.*or in `feed_dict`"),
        ({}, None, {}, r"must have names of inputs as keys"),
        ({"image": IMAGES[0], "table": [1, 2, 3, 4]}, None, {}, r"`x_value\['table'\]` \(int64\) must hold floats"),
        ({"image": IMAGES[0] > 0, "table": TABLES[0]}, None, {}, r"`x_value\['image'\]` \(bool\).*token ids, in `feed_dict`"),
        ({"image": IMAGES[0], "table": [1.0, np.nan]}, None, {}, r"`x_value\['table'\]` holds 1 of 2 values that are NaN"),
        ({"image": IMAGES[0], "table": [1.0, 2.0]}, None, {}, r"forward pass failed.*'image' \(3, 4, 5\), 'table' \(2,\)"),
        (INPUTS, None, {"x_baseline": {"tables": 0}}, r"`x_baseline` names the input 'tables'.*nearest: 'table'"),
        (INPUTS, None, {"x_baseline": np.zeros(64)}, r"`x_baseline` \(ndarray\) must be one number or name for all inputs"),
        (INPUTS, None, {"x_baseline": {"table": np.zeros(3)}}, r"`x_baseline\['table'\]` \(shape \(3,\)\)"),
        (INPUTS, None, {"x_baseline": (["min", 0], ["min", 0, 1])}, r"2 for 'image', 3 for 'table'"),
        ((IMAGES[0], TABLES[0], 1.0, TABLES[0]), None, {}, r"a tuple of 4 inputs.* has 3 inputs: 'image', 'table', 'scale'"),
    ],
)
def test_errors(inputs, feed, options, message):
    with pytest.raises(saliency.InputError, match=message):
        saliency.IntegratedGradients(Net(product), 1).GetMask(inputs, feed, **options)


def test_other_errors():
    with pytest.raises(saliency.InputError, match=r"`x_values\['table'\]` \(2 inputs\) must have as many as .*\(3\)"):
        saliency.Vanilla(Net(product), 1).GetMasks({"image": IMAGES, "table": TABLES[:2]})
    with pytest.raises(saliency.InputError, match=r"`x_value\['table'\]` \(shape \(3,\)\) must have the same shape in all"):
        saliency.Vanilla(Net(product), 1, batch_size=1).GetMasks({"image": IMAGES[:2], "table": [TABLES[0], TABLES[1, :3]]})
    with pytest.raises(saliency.InputError, match=r"`x_values\[1\]` must be a mapping with the names of `x_values\[0\]`"):
        saliency.Vanilla(Net(product), 1).GetMasks([INPUTS, {"image": IMAGES[0]}])
    with pytest.raises(saliency.InputError, match=r"`at` names a layer, whose mask does not belong to one"):
        saliency.Vanilla(OfDictionary(), 1, at="head").GetMask(INPUTS)
    with pytest.raises(saliency.InputError, match=r"`size` names the input 'imag'.*nearest: 'image'"):
        saliency.Occlusion(OfDictionary(), 1).GetMask(INPUTS, size={"imag": 3})
    with pytest.raises(
        saliency.InputError, match=r"missing 1 required.*'table'.*Pass the missing input 'table' by name in `feed"
    ):
        saliency.Vanilla(Net(product), 1).GetMask(IMAGES[0])
