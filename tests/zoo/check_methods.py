"""Four methods on 30 networks, against explicit references. `make test-zoo` runs this file; `pytest` alone does not collect it."""

import gc

import numpy as np
import pytest

import saliency
from tests.zoo.directional_derivative import CLASS
from tests.zoo.method_networks import CASES, SIZE
from tests.zoo.method_reference import POINTS, STEP, WINDOW, references
from tests.zoo.method_table import METHODS, read, write
from tests.zoo.moved_patch import picture
from tests.zoo.table import PAGE, page

TOLERANCE = 1e-5


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.network.library}-{case.network.name}")
def test_methods(case):
    model, x = case.build(), picture(case.network, SIZE)
    expected = references(case, model, x)
    wrapped = saliency.wrap(model, input=case.argument) if case.argument else model
    masks = {
        "Vanilla": saliency.Vanilla(wrapped, CLASS).GetMask(x),
        "IntegratedGradients": saliency.IntegratedGradients(wrapped, CLASS).GetMask(x, x_steps=POINTS),
        "GradCAM": saliency.GradCAM(wrapped, CLASS, layer=case.layer).GetMask(x, should_resize=False),
        "Occlusion": saliency.Occlusion(wrapped, CLASS).GetMask(x, size=WINDOW, stride=STEP),
    }
    gc.collect()
    deviations = {}
    for name, mask in masks.items():
        reference = expected[name]
        values = np.asarray(mask, np.float64)
        assert values.shape == reference.shape and np.abs(reference).max() > 0, name
        deviations[name] = float(np.abs(values - reference).max() / np.abs(reference).max())
    write(case, deviations)
    assert max(deviations.values()) <= TOLERANCE, deviations


def test_the_table_holds_each_network():
    rows = read()
    assert [(row["library"], row["network"]) for row in rows] == [(case.network.library, case.network.name) for case in CASES]
    assert all(float(row[name]) <= TOLERANCE for row in rows for name in METHODS)
    assert PAGE.read_text() == page()
