"""Write masks of the bundled network in Keras, with the backend that KERAS_BACKEND names: python -m tests.jax.keras_masks FILE."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
from safetensors.numpy import load_file

import saliency
from saliency.nets import demo_net_keras

METHODS = {
    "Vanilla": (saliency.Vanilla, {}),
    "GuidedBackprop": (saliency.GuidedBackprop, {}),
    "IntegratedGradients": (saliency.IntegratedGradients, {"x_steps": 3}),
    "GradCAM": (saliency.GradCAM, {"layer": "relu6"}),
    "GradCAM, default layer": (saliency.GradCAM, {}),
    "Occlusion": (saliency.Occlusion, {"size": 48, "stride": 48}),
}


def weights():
    """Return the weights of the bundled network in the order of Keras, from those of Torch."""
    file = load_file(f"{saliency.__path__[0]}/demo/clean.safetensors")
    arrays = []
    for i in range(1, 7):
        norm = [file[f"bn{i}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        arrays += [file[f"conv{i}.weight"].transpose(2, 3, 1, 0), *norm]
    return [np.asarray(one, np.float32) for one in (*arrays, file["fc1.weight"].T, file["fc1.bias"])]


def main(path):
    demo_net_keras.import_keras = lambda: SimpleNamespace()
    model = demo_net_keras.build_demo_net()
    model.set_weights(weights())
    x = np.random.default_rng(0).normal(size=(2, 96, 96, 3)).astype("float32")
    adapter = saliency.wrap(model)
    masks = {name: np.asarray(method(adapter, y=3, **options).GetMasks(x)) for name, (method, options) in METHODS.items()}
    after = all(map(np.array_equal, model.get_weights(), weights()))
    np.savez(path, **masks, backend=keras.config.backend(), adapter=type(adapter).__name__, unchanged=after)


if __name__ == "__main__":
    main(sys.argv[1])
