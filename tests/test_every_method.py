"""Compare the masks of every method between all adapters, for one network in float64 and the same noise."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

import saliency
from saliency.core.adapter_request import Request
from saliency.core.errors import NoReLUError
from saliency.core.target import Target
from tests import noise
from tests.equal_adapters import ADAPTERS, X

TABLE = {
    "Vanilla": (saliency.Vanilla, {}),
    "Vanilla, two classes": (saliency.Vanilla, {"y": [1, 3]}),
    "Vanilla, absolute": (saliency.Vanilla, {"modifier": "absolute"}),
    "Vanilla, output": (saliency.Vanilla, {"logits": False}),
    "Vanilla, user-defined rule": (saliency.Vanilla, {"rule": lambda gradient, output: abs(gradient) + 0.1 * output}),
    "GuidedBackprop": (saliency.GuidedBackprop, {}),
    "Deconvnet": (saliency.Deconvnet, {}),
    "InputXGradient": (saliency.InputXGradient, {}),
    "IntegratedGradients": (saliency.IntegratedGradients, {"x_steps": 7}),
    "IntegratedGradients, blurred baseline": (
        saliency.IntegratedGradients,
        {"x_steps": 5, "x_baseline": "blur", "rule": "trapezoid"},
    ),
    "IntegratedGradients, tolerance": (
        saliency.IntegratedGradients,
        {"x_steps": 3, "tolerance": 0.05, "x_baseline": ["min", 0.0]},
    ),
    "DeepLIFT": (saliency.DeepLIFT, {"x_baseline": "blur"}),
    "DeepSHAP": (saliency.DeepSHAP, {"x_baseline": ["min", 0.0]}),
    "GradientSHAP": (saliency.GradientSHAP, {"x_steps": 6, "seed": 3, "spread": 0.1}),
    "GuidedIG": (saliency.GuidedIG, {"x_steps": 6, "max_dist": 0.3, "x_baseline": [0.0, "min"]}),
    "BlurIG": (saliency.BlurIG, {"x_steps": 7, "max_sigma": 3}),
    "BlurIG, tolerance": (saliency.BlurIG, {"max_sigma": 2, "tolerance": 0.1, "sqrt": True, "grad_step": 0.01}),
    "XRAI": (saliency.XRAI, {"min_pixels": 4, "base": saliency.InputXGradient}),
    "Occlusion": (saliency.Occlusion, {"size": 3, "stride": 2, "value": "mean", "average": True}),
    "RISE": (saliency.RISE, {"nmasks": 40, "cells": 3, "seed": 3}),
    "FeatureAblation": (saliency.FeatureAblation, {"n_regions": 9, "value": "mean"}),
    "ShapleySampling": (saliency.ShapleySampling, {"n_regions": 4, "permutations": 4, "seed": 3}),
    "KernelSHAP": (saliency.KernelSHAP, {"n_regions": 9, "nmasks": 40, "seed": 3}),
    "LIME": (saliency.LIME, {"n_regions": 9, "nmasks": 20, "seed": 3}),
    "SobolIndices": (saliency.SobolIndices, {"n_regions": 4, "ndesigns": 6, "seed": 3}),
    "HSIC": (saliency.HSIC, {"n_regions": 4, "nmasks": 20, "seed": 3}),
    "GradCAM": (saliency.GradCAM, {"layer": "last"}),
    "GradCAM, guided": (saliency.GradCAM, {"layer": "first", "rule": "guided"}),
    "GradCAM, default layer": (saliency.GradCAM, {"three_dims": True}),
    "GradCAM, two layers": (saliency.GradCAM, {"layer": ["first", "last"]}),
    "GradCAMPlusPlus": (saliency.GradCAMPlusPlus, {"layer": "last"}),
    "LayerCAM": (saliency.LayerCAM, {"layer": "first"}),
    "HiResCAM": (saliency.HiResCAM, {"layer": "last"}),
    "XGradCAM": (saliency.XGradCAM, {"layer": "last"}),
    "ScoreCAM": (saliency.ScoreCAM, {"layer": "last"}),
    "ScoreCAM, two layers": (saliency.ScoreCAM, {"layer": ["last", "first"], "fuse": "mean", "should_resize": False}),
    "GuidedGradCAM": (saliency.GuidedGradCAM, {"layer": "last"}),
    "GuidedGradCAM, two layers": (saliency.GuidedGradCAM, {"layer": ["first", "last"], "fuse": "product"}),
}
RANDOM = ("RISE", "GradientSHAP", "ShapleySampling", "KernelSHAP", "LIME", "SobolIndices", "HSIC")
SMOOTHED = [name for name in TABLE if name not in RANDOM]


def test_the_table_holds_every_method():
    kinds = {kind for kind in [getattr(saliency, name) for name in saliency.__all__] if isinstance(kind, type)}
    methods = {kind for kind in kinds if issubclass(kind, saliency.SaliencyMask)} - {saliency.SaliencyMask}
    of_attention = {saliency.AttentionRelevance, saliency.AttentionRollout, saliency.LeGrad}  # of tests/torch/test_attention
    of_graphs = {saliency.LRP}  # not every adapter has it: tests/torch/relevance
    assert methods - of_attention - of_graphs == {method for method, _ in TABLE.values()}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory):
    """The adapters of all installed frameworks, with the same noise."""
    missing = {"torch": not find_spec("torch"), "JAX": not find_spec("jax"), "NumPy": False}
    without_tf = not find_spec("tensorflow")
    adapters = {}
    for name, make in ADAPTERS.items():
        if not missing.get(name, without_tf):
            adapters[name] = make(tmp_path_factory.mktemp("saved")) if name == "SavedModel" else make()
            adapters[name].normal = partial(noise.normal, adapters[name])
    return adapters


def masks(adapter, name, smoothed):
    method, options = TABLE[name]
    settings = {"y": 2, "batch_size": 3, **options}
    if not method.differentiates:
        settings.pop("modifier", None)
    mask = method(adapter, **settings)
    inputs = np.moveaxis(X, -1, 1) if adapter.channel_axis == 0 else X
    found = mask.GetSmoothedMasks(inputs, nsamples=4, seed=5, magnitude=False) if smoothed else mask.GetMasks(inputs)
    return np.moveaxis(found, 1, -1) if adapter.channel_axis == 0 and found.ndim == 4 else found


@pytest.mark.parametrize(
    ("name", "smoothed"), [(name, False) for name in TABLE] + [(name, True) for name in SMOOTHED], ids=lambda value: str(value)
)
def test_every_adapter_gives_the_same_masks(adapters, name, smoothed):
    method, _ = TABLE[name]
    supported = {
        kind: adapter
        for kind, adapter in adapters.items()
        if (kind != "NumPy" or (not method.differentiates and "CAM" not in name))
        and (kind not in ("JAX", "session") or "Deep" not in name)
    }
    if len(supported) < 2:
        pytest.skip("needs two adapters to compare")
    results = {kind: masks(adapter, name, smoothed) for kind, adapter in supported.items()}
    reference = results.pop(next(iter(results)))
    assert np.abs(reference).max() > 0
    for kind, one in results.items():
        assert one.shape == reference.shape, kind
        assert np.abs(one - reference).max() <= 1e-9 * np.abs(reference).max(), kind


AT_A_LAYER = {
    "InputXGradient": (saliency.InputXGradient, {}),
    "IntegratedGradients": (saliency.IntegratedGradients, {"x_steps": 5, "x_baseline": "blur"}),
    "conductance": (saliency.IntegratedGradients, {"x_steps": 5, "path": "input"}),
    "internal influence": (saliency.IntegratedGradients, {"x_steps": 5, "path": "input", "multiply_by_inputs": False}),
    "GradientSHAP": (saliency.GradientSHAP, {"x_steps": 5, "seed": 3, "spread": 0.1, "x_baseline": [0.0, "mean"]}),
    "GradientSHAP, path in the input": (saliency.GradientSHAP, {"x_steps": 5, "seed": 3, "path": "input"}),
}


@pytest.mark.parametrize("name", AT_A_LAYER)
@pytest.mark.parametrize("layer", ["first", "last"])
def test_every_adapter_gives_the_same_attribution_at_a_layer_output(adapters, layer, name):
    """The session's adapter supports only plain gradients at a layer."""
    method, options = AT_A_LAYER[name]
    supported = {kind: adapter for kind, adapter in adapters.items() if kind not in ("NumPy", "session")}
    if len(supported) < 2:
        pytest.skip("needs two adapters to compare")
    results = {}
    for kind, adapter in supported.items():
        inputs = np.moveaxis(X, -1, 1) if adapter.channel_axis == 0 else X
        mask = method(adapter, 2, at=saliency.OutputOf(layer), batch_size=3).GetMasks(inputs, **options)
        results[kind] = np.moveaxis(mask, 1, -1) if adapter.channel_axis == 0 else mask
    reference = results.pop(next(iter(results)))
    assert np.abs(reference).max() > 0
    for kind, one in results.items():
        assert one.shape == reference.shape and np.abs(one - reference).max() <= 1e-9 * np.abs(reference).max(), kind


def test_every_adapter_gives_the_same_activations(adapters):
    supported = {kind: adapter for kind, adapter in adapters.items() if kind not in ("NumPy", "session")}
    if len(supported) < 2:
        pytest.skip("needs two adapters to compare")
    results = {}
    for kind, adapter in supported.items():
        inputs = np.moveaxis(X, -1, 1) if adapter.channel_axis == 0 else X
        several = saliency.activations(adapter, ["first", "last"], inputs, several=True, batch_size=1)
        one = saliency.activations(adapter, "last", inputs[0])
        np.testing.assert_allclose(one, several[1][0], atol=1e-12)
        results[kind] = [np.moveaxis(array, 1, -1) if adapter.channel_axis == 0 else array for array in several]
    reference = results.pop(next(iter(results)))
    assert [array.shape for array in reference] == [(2, 8, 8, 4), (2, 4, 4, 5)] and all(array.any() for array in reference)
    for kind, arrays in results.items():
        for array, expected in zip(arrays, reference, strict=True):
            np.testing.assert_allclose(array, expected, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.GuidedBackprop, saliency.Deconvnet])
@pytest.mark.parametrize("at", ["first", "last"])
def test_every_adapter_gives_the_same_gradient_with_respect_to_a_layer_input(adapters, at, method):
    """Left out: Keras's `first` and `last` contain a convolution as well as the ReLU, JAX's mark the output of the ReLU."""
    supported = {kind: adapter for kind, adapter in adapters.items() if kind not in ("NumPy", "Keras", "JAX")}
    if len(supported) < 2:
        pytest.skip("needs two adapters to compare")
    results = {}
    for kind, adapter in supported.items():
        x = np.moveaxis(X, -1, 1) if adapter.channel_axis == 0 else X
        masks = method(adapter, at=at).GetMasks(np.repeat(x, 2, axis=0), [2, [1, 3], 0, 1])
        results[kind] = np.moveaxis(masks, 1, -1) if adapter.channel_axis == 0 else masks
    reference = results.pop(next(iter(results)))
    assert reference.any()
    for kind, one in results.items():
        np.testing.assert_allclose(one, reference, rtol=1e-9, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("rule", ["guided", "rectified"])
@pytest.mark.parametrize("layer", ["first", None])
def test_every_adapter_gives_the_same_features_with_a_rule(adapters, layer, rule):
    """The rule applies to ReLUs after the layer: `last` for the layer `first`, and none for the layer `last`."""
    supported = {kind: adapter for kind, adapter in adapters.items() if kind != "NumPy"}
    if len(supported) < 2:
        pytest.skip("needs two adapters to compare")
    results = {}
    for kind, adapter in supported.items():
        x = adapter.asarray(np.moveaxis(X, -1, 1) if adapter.channel_axis == 0 else X)
        plain = Request(Target.of([2, [1, 3]]), layer=layer)
        with_rule = replace(plain, rule=rule)
        if layer is None:
            with pytest.raises(NoReLUError, match="no ReLU between layer .* and the score"):
                adapter.features(x, with_rule)
        results[kind] = [adapter.numpy(one) for one in adapter.features(x, replace(with_rule, allow_no_relu=layer is None))]
        without = adapter.numpy(adapter.features(x, plain)[2])
        assert np.array_equal(results[kind][2], without) == (layer is None), kind
    reference = results.pop(next(iter(results)))
    for kind, one in results.items():
        for ours, theirs in zip(one, reference, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=kind)
