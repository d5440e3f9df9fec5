"""Random calls that make adapters and targets."""

import importlib.util
from functools import partial

import saliency
from tests.fuzz.fuzzed_models import X, function_model, torch_models, two_input_model
from tests.fuzz.mask_calls import check_mask
from tests.fuzz.option_calls import PublicCall

AXES = {"channel_axis": ["auto", None, 0, -1]}
FUNCTIONS = ("type", "function", "[lambda]")
"""Values that are functions of the user, whose own errors are raised as they are."""


def _mask_of(model, feed_dict=None, **options):
    return saliency.Vanilla(saliency.wrap(model, **options), 1).GetMask(X, feed_dict)


def _mask_of_difference(model, one, other):
    return saliency.Vanilla(model, saliency.Difference(one, other)).GetMask(X)


def _torch_calls(model):
    two_inputs = two_input_model()
    selected = {
        "input": ["image", 0],
        "output": ["logits", 0, "aux/0", "aux"],
        "feed_dict": [None, {"weights": X}, {"scale": 2.0}],
    }
    return {
        "wrap with options": PublicCall(partial(saliency.wrap, model), {**AXES, "relu_nodes": [(), ["MyReLUBackward"]]}),
        "wrap with input and output": PublicCall(partial(_mask_of, two_inputs), selected, check_mask),
        "Difference": PublicCall(
            partial(_mask_of_difference, model),
            {"one": [1, [0, 2], ("conv", 1), ("conv2", 1, 2, 3)], "other": [2, [3, 4], ("conv", 0), ("conv2", 0, 0, 0)]},
            check_mask,
            {"one": FUNCTIONS, "other": FUNCTIONS},
        ),
    }  # fmt: skip


def adapter_calls():
    """Return the calls by name."""
    model = torch_models().get("torch", function_model)
    function = {"function": [function_model], **AXES, "dtype": ["float32", float]}
    return {
        "wrap": PublicCall(saliency.wrap, {"model": [model, function_model]}),
        "FunctionAdapter": PublicCall(saliency.FunctionAdapter, function),
        **(_torch_calls(model) if importlib.util.find_spec("torch") else {}),
    }
