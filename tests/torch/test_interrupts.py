"""Ctrl-C at any line of the library leaves the model, Torch and the signal handlers as they were."""

import copy
import threading
from functools import partial

import numpy as np
import pytest

from saliency import GradCAM, GuidedBackprop, GuidedGradCAM, Occlusion, Vanilla
from tests.interrupts import interrupted_lines, press_ctrl_c, raise_interrupt, run_until_line
from tests.torch.process_state import differences, process_state
from tests.torch.small_network import X, small_network

METHODS = {
    "smoothed": lambda model: Vanilla(model, 1).GetSmoothedMask(X[0], nsamples=2, seed=0),
    "several": lambda model: GuidedBackprop(model, 1).GetMasks(X[:2]),
    "layer": lambda model: GradCAM(model, 1).GetMask(X[0]),
    "named layer": lambda model: Vanilla(model, ("conv", 2)).GetMask(X[0]),
    "both": lambda model: GuidedGradCAM(model, 1, layer="relu").GetMask(X[0]),
    "windows": lambda model: Occlusion(model, 1).GetMask(X[0], size=4, stride=4),
}


def train_mode_model():
    model = small_network().train()
    model.conv.weight.requires_grad_(False)
    return model


@pytest.mark.parametrize("name", METHODS)
def test_ctrl_c(name):
    template, method = train_mode_model(), METHODS[name]
    lines, _ = run_until_line(lambda: method(copy.deepcopy(template)), 10**9, press_ctrl_c)
    for line in interrupted_lines(12, lines):
        model = copy.deepcopy(template)
        before = process_state(model)
        executed, interrupted = run_until_line(partial(method, model), line, press_ctrl_c)
        assert interrupted or executed < line, f"line {line}: no KeyboardInterrupt"
        assert not differences(before, process_state(model)), f"line {line}"
    np.testing.assert_array_equal(method(model), method(template))


@pytest.mark.parametrize("name", METHODS)
def test_an_exception_that_another_thread_sets(name):
    template, method, problems = train_mode_model(), METHODS[name], []

    def work():
        lines, _ = run_until_line(lambda: method(copy.deepcopy(template)), 10**9, raise_interrupt)
        for line in interrupted_lines(12, lines, seed=1):
            model = copy.deepcopy(template)
            before = process_state(model)
            run_until_line(partial(method, model), line, raise_interrupt)
            problems.extend((line, one) for one in differences(before, process_state(model)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
