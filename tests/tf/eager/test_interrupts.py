"""Ctrl-C at any line of the library leaves a Keras model, TensorFlow and the signal handlers as they were."""

from functools import partial

import numpy as np
import pytest

from saliency import GradCAM, GuidedBackprop, wrap
from tests.interrupts import interrupted_lines, press_ctrl_c, run_until_line
from tests.soak.keras_subjects import recurrent_model, state
from tests.tf.eager.keras_networks import PICTURES, convolutional_model

METHODS = {
    "input": (convolutional_model, lambda adapter: GuidedBackprop(adapter, 1).GetMask(PICTURES[0])),
    "layer": (convolutional_model, lambda adapter: GradCAM(adapter, 2).GetMask(PICTURES[0])),
    "assigned variables": (
        recurrent_model,
        lambda adapter: GuidedBackprop(adapter, 1).GetMask(np.ones((7, 4)), allow_no_relu=True),
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_ctrl_c(name):
    build, method = METHODS[name]
    model = build()
    expected = method(wrap(model))

    def call():
        adapter = wrap(model)
        adapter._traces._store.traces.clear()  # so that the graph is built again
        method(adapter)

    lines, _ = run_until_line(call, 10**9, press_ctrl_c)
    for line in interrupted_lines(4, lines):
        before = state(model)
        executed, interrupted = run_until_line(call, line, press_ctrl_c)
        assert interrupted or executed < line, f"line {line}: no KeyboardInterrupt"
        after = state(model)
        assert [key for key in before if before[key] != after[key]] == [], f"line {line}"
    np.testing.assert_array_equal(partial(method, wrap(model))(), expected)
