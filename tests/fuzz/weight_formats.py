"""The formats of weights and models that ``nets`` reads: of Torch and of Keras."""

import importlib.util
import warnings
from functools import cache, partial

from tests.fuzz.file_format import FileFormat
from tests.fuzz.fuzzed_models import keras_model
from tests.fuzz.lasting_copier import lasting_copier


def torch_formats():
    """Return the formats of Torch's weights; none if Torch is missing."""
    if not importlib.util.find_spec("torch"):
        return {}
    import torch
    from safetensors.torch import save_file

    from saliency.nets.torch_weights import load_weights

    def model():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))

    def read(path):
        loaded = model()
        load_weights(loaded, path)
        return [tensor.numpy() for tensor in loaded.state_dict().values()]

    state = model().state_dict()
    written = [lambda path, new=new: torch.save(state, path, _use_new_zipfile_serialization=new) for new in (True, False)]
    return {
        ".safetensors": FileFormat(".safetensors", [lambda path: save_file(state, path)], read),
        ".pth": FileFormat(".pth", written, read),
    }


@cache
def _loaded_model():
    return keras_model()


def _read_weights(path):
    from saliency.nets.keras_weights import load_keras_weights

    with lasting_copier():
        load_keras_weights(_loaded_model(), path)
    return _weights(_loaded_model())


def _read_model(path):
    from saliency.nets.file_rules import DEFAULT_RULES
    from saliency.nets.keras_networks import open_model_file

    with lasting_copier():
        return _weights(open_model_file(path, DEFAULT_RULES))


def _weights(model):
    return [weight.value.numpy() for weight in model.weights]


def keras_formats():
    """Return the formats of Keras's weights and models; none if TensorFlow is missing."""
    if not importlib.util.find_spec("tensorflow"):
        return {}

    def save(path, weights=False):
        model = keras_model()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, for its old format and for NumPy's new rules
            (model.save_weights if weights else model.save)(path)

    return {
        ".weights.h5": FileFormat(".weights.h5", [partial(save, weights=True)], _read_weights),
        ".h5": FileFormat(".h5", [save], _read_weights),
        ".keras": FileFormat(".keras", [save], _read_model),
    }
