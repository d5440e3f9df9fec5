"""Which layers the error for an unknown name lists."""

import pytest

from saliency.core.layer_hint import layer_hint

NAMES = ["conv1", "conv2", "5"]


@pytest.mark.parametrize(
    ("name", "layers", "hint"),
    [
        ("conv3", NAMES, "nearest: conv2, conv1"),
        (5, NAMES, 'nearest: "5"; the name of a layer is a string'),
        pytest.param(10**5000, NAMES, "they are conv1, conv2, 5", id="many digits"),
        ("x", map(str, range(20)), "the last ones are 17, 18, 19"),
        ("x", [], "none has a name"),
    ],
)
def test_hints(name, layers, hint):
    assert layer_hint(name, layers) == hint
