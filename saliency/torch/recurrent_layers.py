"""Run recurrent layers on CUDA without cuDNN, which refuses their backward pass in eval mode."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from saliency.core.keras.layers import is_keras
from saliency.torch.module_tree import named_modules
from saliency.torch.process_settings import CUDNN_OFF

RECURRENT_OPERATORS = ("lstm", "gru", "rnn_tanh", "rnn_relu")


class RecurrentWithoutCudnn(TorchFunctionMode):
    """Turn cuDNN off during each recurrent operator, with and without a graph; convolutions keep it."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(getattr(func, "__name__", "")).partition(".")[0]  # an exported module calls lstm.input
        with CUDNN_OFF.changed() if name in RECURRENT_OPERATORS else nullcontext():
            return func(*args, **(kwargs or {}))


def differentiable_recurrent_layers(model: torch.nn.Module, device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which the model's recurrent layers have a backward pass on CUDA in eval mode.

    Args:
        model: the model.
        device: of its input.
    """
    if device.type != "cuda" or not any(map(_may_be_recurrent, named_modules(model).values())):
        return nullcontext()
    return RecurrentWithoutCudnn()


def _may_be_recurrent(module: torch.nn.Module) -> bool:
    is_keras_rnn = is_keras(module) and any(kind.__name__ in ("LSTM", "GRU", "RNN") for kind in type(module).__mro__)
    return isinstance(module, torch.nn.RNNBase | torch.fx.GraphModule) or is_keras_rnn
