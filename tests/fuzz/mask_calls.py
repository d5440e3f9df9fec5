"""Random calls of every mask: constructor, ``GetMask``, ``GetMasks``, ``GetSmoothedMask`` and ``GetSmoothedMasks``."""

import inspect

import numpy as np

import saliency
from saliency.core.method_options import option_names
from tests.fuzz.fuzzed_models import X, function_model, torch_models
from tests.fuzz.option_calls import PublicCall

CONSTRUCTOR = {
    "y": [
        None,
        1,
        [0, 2],
        ("conv", 1),
        ("conv2", 1, 2, 3),
        lambda scores: scores[:, 0],
        ("relu", lambda out: out[:, 0, 0, 0]),
        saliency.Difference(1, 2),
        saliency.Difference(("conv", 0), ("conv", 2)),
    ],
    "batch_size": ["auto", 1, 4],
    "logits": [True, False],
    "modifier": [None, "increase", "absolute", "invert", lambda gradient: gradient],
}
CALL = {"feed_dict": [None, {}], "progress": [False]}
SMOOTHING = {
    "stdev_spread": [0.0, 0.1], "nsamples": [2, 4], "magnitude": [True, False], "seed": [None, 0, 2**70],
    "average": [None, "mean", "squared", "variance"], "antithetic": [False, True], "standard_error": [False, True],
    "tolerance": [None, 10.0], "max_samples": [4],
}  # fmt: skip
OPTIONS = {
    "x_baseline": [None, 0.5, "blur", "mean", X / 2, [0.0, "max"]], "x_steps": [2, 5], "tolerance": [None, 10.0], "max_steps": [20],
    "rule": [None], "details": [False, True], "spread": [0.0, 0.2], "seed": [None, 0], "size": [3, (2, 4)], "stride": [1, 2, (1, 2)],
    "value": [0.0, "mean", X], "average": [False, True], "nmasks": [3], "cells": [2, 3], "keep": [0.5, 1.0], "layer": [None, "conv", "relu2"],
    "should_resize": [True, False], "three_dims": [True, False], "allow_no_relu": [True, False], "at": [None, "conv", "relu"],
    "grid": [None], "tokens": [None], "reshape": [None, lambda x: x],
}  # fmt: skip
RULES = {
    "IntegratedGradients": [None, "inclusive", "trapezoid", "midpoint", "gauss-legendre", "chebyshev"],
    "Vanilla": [None, lambda gradient, output: gradient],
}
COUNTS = ("batch_size", "nsamples", "max_samples", "x_steps", "max_steps", "nmasks")
NEVER = dict.fromkeys(COUNTS, ("2**31",)) | {
    "tolerance": ("1e-320",),
    "y": ("type", "function", "[lambda]"),
    "modifier": ("type", "function"),
}
"""What is valid and takes too long, and functions of the user, whose own errors are raised as they are."""
FEW = {"nmasks": 3, "nsamples": 2}
SINGLE, SEVERAL = {"x_value": [X, X.astype(np.float32), X.tolist()]}, {"x_values": [[X], [X, X + 1], np.stack([X, 2 * X])]}


def _run(mask_class, model, method, options):
    names = {*CONSTRUCTOR} - {"y"} if "x_values" in options else {*CONSTRUCTOR}
    made = {name: options.pop(name) for name in names & options.keys()}
    return getattr(mask_class(model, **made), method)(**options)


def check_mask(mask):
    """Raise an ``AssertionError`` unless the result is a finite mask."""
    assert isinstance(mask, saliency.MaskArray) and mask.dtype.kind == "f", f"the result is {type(mask)}"
    assert np.isfinite(mask).all(), "the mask is not finite"


def mask_classes():
    """Return name -> class of all masks."""
    public = {name: getattr(saliency, name) for name in saliency.__all__}
    classes = {name: one for name, one in public.items() if isinstance(one, type) and issubclass(one, saliency.SaliencyMask)}
    return {name: one for name, one in classes.items() if not inspect.isabstract(one)}


def _call(name, mask_class, model, method):
    own = {option: OPTIONS.get(option, [None]) for option in option_names(mask_class.masks)}
    if "rule" in own:
        own["rule"] = RULES.get(name, [None])
    smoothing = SMOOTHING if "Smoothed" in method else {}
    inputs = SEVERAL if method.endswith("s") else SINGLE
    required = next(iter(inputs))
    valid = {**inputs, **CALL, **CONSTRUCTOR, **own, **smoothing}

    def function(**options):
        options = {**{name: few for name, few in FEW.items() if name in valid}, required: inputs[required][0], **options}
        return _run(mask_class, model, method, options)

    return PublicCall(function, valid, check_mask, NEVER)


def odd_models():
    """Return the models of Torch whose weights are of another type than most."""
    return {name: model for name, model in torch_models().items() if name != "torch"}


def mask_calls(models=None):
    """Return the calls of every mask on every model, by name; ``models`` replaces the ordinary ones."""
    ordinary = {name: model for name, model in torch_models().items() if name == "torch"}
    chosen = {"function": function_model, **ordinary} if models is None else models
    methods = ("GetMask", "GetMasks", "GetSmoothedMask", "GetSmoothedMasks")
    return {
        f"{name}({model}).{method}": _call(name, mask_class, chosen[model], method)
        for name, mask_class in mask_classes().items()
        for model in chosen
        for method in methods
    }
