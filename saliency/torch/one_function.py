"""Make a model compute one function, whether a graph is recorded or not, in every call."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from saliency.torch.process_settings import ATTENTION_WITHOUT_FAST_PATH
from saliency.torch.recurrent_layers import differentiable_recurrent_layers
from saliency.torch.script_interpreter import unoptimized_scripts


@contextmanager
def one_function(model: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """Turn off whatever makes the function that is evaluated differ from the one that is differentiated.

    Args:
        model: the model that runs in the block.
        device: of its input.
    """
    with ATTENTION_WITHOUT_FAST_PATH.changed(), unoptimized_scripts(), differentiable_recurrent_layers(model, device):
        yield
