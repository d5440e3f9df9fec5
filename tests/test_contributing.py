"""The examples in CONTRIBUTING.md define methods that work."""

import re
import textwrap
import typing
from pathlib import Path

import numpy as np

import saliency
from saliency.core.mask import SaliencyMask
from saliency.core.methods.class_activation_map import ClassActivationMap, MapInputs
from saliency.core.score import Score
from saliency.core.types import Array
from tests.core.methods.layered_function import G, X, on_layer
from tests.reference import linear

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def defined_classes():
    """Return the classes that the Python blocks define, by name."""
    names = {one.__name__: one for one in (SaliencyMask, ClassActivationMap, MapInputs, Score)}
    names |= {"Array": Array, "final": typing.final, "__name__": "example"}
    before = set(names)
    for block in re.findall(r"^ *```python\n(.*?)^ *```", TEXT, re.DOTALL | re.MULTILINE):
        exec(textwrap.dedent(block), names)  # noqa: S102 - our own page
    return {name: names[name] for name in names.keys() - before - {"__builtins__"}}


def test_the_examples_compute_what_the_methods_of_their_names_do():
    examples = defined_classes()
    assert set(examples) == {"InputXGradient", "HiResCAM"}
    rng = np.random.default_rng(0)
    weights, x = rng.normal(size=(4, 3, 5, 6)), rng.normal(size=(3, 5, 6))
    np.testing.assert_allclose(examples["InputXGradient"](linear(weights), 2).GetMask(x), weights[2] * x)
    raw = examples["HiResCAM"](on_layer(G), 0).GetMask(X, should_resize=False)
    np.testing.assert_allclose(raw, [[1, 0], [6, 0]])  # computed by hand in test_class_activation_map.py
    np.testing.assert_array_equal(raw, saliency.HiResCAM(on_layer(G), 0).GetMask(X, should_resize=False))
