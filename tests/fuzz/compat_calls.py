"""Random calls of the interfaces of keras-vis and DNNBrain."""

import importlib.util
from functools import partial

import numpy as np
from PIL import Image

from saliency.compat import keras_vis
from saliency.compat.vis.grad_modifiers import MODIFIERS
from tests.fuzz.fuzzed_models import X, keras_models, torch_models
from tests.fuzz.option_calls import PublicCall

FUNCTIONS = ("type", "function", "[lambda]")
NEVER = dict.fromkeys(("grad_modifier", "backprop_modifier"), FUNCTIONS) | {"n_iter": ("2**31",)}
"""Functions of the user, whose own errors are raised as they are; and what is valid and takes too long."""
PIXELS = np.random.default_rng(4).integers(0, 256, (3, 9, 7), np.uint8)
PICTURES = [PIXELS, PIXELS[0], Image.fromarray(PIXELS[0]), Image.fromarray(np.moveaxis(PIXELS, 0, -1))]
COMMON = {
    "layer_idx": ["fc", "conv2", -1],
    "filter_indices": [None, 1, [0, 2], -1],
    "seed_input": [X[None], X, np.stack([X, 2 * X])],
    "backprop_modifier": [None, "guided", "rectified"],
    "grad_modifier": [None, *MODIFIERS],
    "normalize": [True, False],
    "exact": [True, False],
}


def _check(result):
    assert isinstance(result, np.ndarray) and np.isfinite(result).all(), "no finite array"


def _with_losses(visualize, model, layer="fc", filter_indices=1, weight=-1, seed_input=X[None], **options):
    losses = [(keras_vis.ActivationMaximization(layer, filter_indices), weight)]
    return visualize(model, losses, seed_input=seed_input, **options)


def _cam_with_losses(model, penultimate_layer="conv", **options):
    return _with_losses(keras_vis.visualize_cam_with_losses, model, penultimate_layer=penultimate_layer, **options)


def _keras_vis_calls(model):
    losses = {"layer": ["fc", "conv2"], "filter_indices": [None, 1, [0, 2]], "weight": [-1, 0.5]}
    rest = {name: COMMON[name] for name in ("seed_input", "grad_modifier", "normalize", "exact")}
    saliency_losses = partial(_with_losses, keras_vis.visualize_saliency_with_losses, model)
    cam_losses = partial(_cam_with_losses, model)
    layers = [None, "conv", "relu2"]
    maps = {
        "visualize_saliency": (partial(keras_vis.visualize_saliency, model), COMMON | {"wrt_tensor": [None, "conv"], "keepdims": [True, False]}),
        "visualize_cam": (partial(keras_vis.visualize_cam, model), COMMON | {"penultimate_layer_idx": layers}),
        "visualize_saliency_with_losses": (saliency_losses, losses | rest | {"wrt_tensor": [None, "conv"]}),
        "visualize_cam_with_losses": (cam_losses, losses | rest | {"penultimate_layer": layers[1:]}),
    }  # fmt: skip
    calls = {name: PublicCall(function, options, _check, NEVER) for name, (function, options) in maps.items()}
    return calls | {"find_layer_idx": PublicCall(partial(keras_vis.find_layer_idx, model), {"layer_name": ["conv", "fc"]})}


def _image_of(network, kind, layer, channel, image=PIXELS, **options):
    return kind(network, layer, channel).backprop(image, **options)


def _smooth_image_of(network, kind, layer, channel, image=PIXELS, n_iter=2, **options):
    return kind(network, layer, channel).backprop_smooth(image, n_iter, **options)


def _dnnbrain_calls():
    from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage, ip
    from tests.compat.dnnbrain.tiny_network import Tiny

    network = Tiny()
    common = {"layer": [next(iter(network.layer2loc))], "channel": [1, 2], "image": PICTURES, "to_layer": [None]}
    smooth = {"n_iter": [2], "sigma_multiplier": [0.1, 0.0], "seed": [None, 1]}
    calls = {}
    for kind in (VanillaSaliencyImage, GuidedSaliencyImage):
        plain, noisy = (partial(one, network, kind) for one in (_image_of, _smooth_image_of))
        calls[f"{kind.__name__}.backprop"] = PublicCall(plain, common, _check)
        calls[f"{kind.__name__}.backprop_smooth"] = PublicCall(noisy, common | smooth, _check, NEVER)
    return calls | {
        "ip.to_array": PublicCall(ip.to_array, {"image": PICTURES}),
        "ip.to_tensor": PublicCall(ip.to_tensor, {"image": PICTURES}),
        "ip.to_pil": PublicCall(ip.to_pil, {"image": PICTURES, "normalization": [False, True]}),
    }  # fmt: skip


def compat_calls(keras=True):
    """Return the calls by name.

    Args:
        keras: whether to call keras-vis's interface with a Keras model too, which loads TensorFlow.
    """
    arrays = {"array1": [PIXELS, X], "array2": [PIXELS, X], "alpha": [0.5, 0, 1]}
    calls = {
        "keras_vis.normalize": PublicCall(
            keras_vis.normalize, {"array": [X, PIXELS], "min_value": [0.0, -1], "max_value": [1.0]}
        ),
        "keras_vis.overlay": PublicCall(keras_vis.overlay, arrays),
    }
    torch = {"torch": torch_models()["torch"]} if importlib.util.find_spec("torch") else {}
    for name, model in {**torch, **(keras_models() if keras else {})}.items():
        calls |= {f"{one}({name})": call for one, call in _keras_vis_calls(model).items()}
    return calls | (_dnnbrain_calls() if torch else {})
