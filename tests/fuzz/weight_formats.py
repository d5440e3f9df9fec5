"""The formats of weights and models that ``nets`` reads: of Torch and of Keras."""

import importlib.util
import warnings
from functools import cache, partial

from tests.fuzz.file_format import FileFormat
from tests.fuzz.fuzzed_models import keras_model
from tests.fuzz.lasting_copier import lasting_copier


def torch_formats():
    """Return the formats of Torch's weights; none if Torch is missing. It is imported when a format is used."""
    if not importlib.util.find_spec("torch"):
        return {}
    return {
        ".safetensors": FileFormat(".safetensors", [_save_safetensors], _read_torch_weights),
        ".pth": FileFormat(".pth", [partial(_save_torch, new=True), partial(_save_torch, new=False)], _read_torch_weights),
    }


def _torch_model():
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))


def _save_safetensors(path):
    from safetensors.torch import save_file

    save_file(_torch_model().state_dict(), path)


def _save_torch(path, new):
    import torch

    torch.save(_torch_model().state_dict(), path, _use_new_zipfile_serialization=new)


def _read_torch_weights(path):
    from saliency.nets.torch_weights import load_weights

    loaded = _torch_model()
    load_weights(loaded, path)
    return [tensor.numpy() for tensor in loaded.state_dict().values()]


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
