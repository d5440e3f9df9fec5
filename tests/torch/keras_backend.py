"""Run Keras models on the Torch backend, in a process of their own (see ``tests/fresh_process.py``)."""

import os
import traceback

import numpy as np

from tests import noise
from tests.keras_masks import masks_of_two_inputs
from tests.torch import keras_checks
from tests.torch.keras_state import the_model_is_as_before

CHECKS = {
    check.__name__: check
    for check in (
        keras_checks.layers_by_path_name_and_object,
        keras_checks.layers_of_equal_names,
        keras_checks.a_subclassed_model,
        keras_checks.relus_of_every_kind,
        keras_checks.inputs_by_name,
        keras_checks.channels_first,
        keras_checks.other_faces_need_tensorflow,
        keras_checks.half_precision,
        keras_checks.tokens_are_found,
        keras_checks.a_torch_module_with_keras_layers,
        keras_checks.gray_images_and_sequences,
        the_model_is_as_before,
    )
}


def run_on_torch(folder):
    """Write the masks to ``folder/keras.npz``, and return what each check found."""
    os.environ["KERAS_BACKEND"] = "torch"
    found = {name: _result(check) for name, check in CHECKS.items()}
    masks, found["layer"] = masks_of_two_inputs()
    of_demo = {f"DemoNet: {name}": mask for name, mask in masks_of_the_demo_net().items()}
    np.savez(folder / "keras.npz", **of_demo, **{f"two inputs: {name}": mask for name, mask in masks.items()})
    return found


def _result(check):
    try:
        check()
    except Exception:
        return traceback.format_exc()
    return "passed"


def masks_of_the_demo_net():
    """Return every quick method's masks of the bundled network, as ``tests/test_both_frameworks.py`` computes them."""
    import keras

    from saliency import nets
    from saliency.demo.gallery_methods import SMOOTHGRAD_SUFFIX
    from saliency.demo.localization import prepare_inputs, scene_targets
    from saliency.demo.scenes import HERE, load_scenes
    from saliency.nets import demo_net_keras
    from saliency.nets.keras_weights import load_weights
    from saliency.torch import TorchAdapter
    from tests.quick_methods import QUICK_METHODS, RELEVANCE

    demo_net_keras.import_keras = lambda: keras  # it accepts TensorFlow only
    TorchAdapter.normal = noise.normal
    model, targets = demo_net_keras.build_demo_net("float64"), scene_targets(load_scenes()[:24])[:2]
    load_weights(model, HERE / "clean.safetensors")
    x = [np.moveaxis(one, 0, -1) for one in prepare_inputs(nets.load("DemoNet"), targets)]
    digits, found = [target.digit for target in targets], {}
    for name, method in (QUICK_METHODS | RELEVANCE).items():
        mask = method(model)
        smooth = {"magnitude": False, "seed": 0, "nsamples": 3}
        smoothed = name.endswith(SMOOTHGRAD_SUFFIX)
        found[name] = mask.GetSmoothedMasks(x, digits, **smooth) if smoothed else mask.GetMasks(x, digits)
    return found
