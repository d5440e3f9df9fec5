"""Make a model compute one function, whether a graph is recorded or not, in every call."""

import torch

from saliency.core.undo import Undo, undoable
from saliency.torch.process_settings import ATTENTION_WITHOUT_FAST_PATH
from saliency.torch.recurrent_layers import differentiable_recurrent_layers
from saliency.torch.script_interpreter import unoptimized_scripts
from saliency.torch.thread_modes import preserve_mode_stacks


@undoable
def one_function(undo: Undo, model: torch.nn.Module, device: torch.device) -> None:
    """Turn off whatever makes the function that is evaluated differ from the one that is differentiated.

    Args:
        undo: of the block.
        model: the model that runs in the block.
        device: of its input.
    """
    undo.enter(ATTENTION_WITHOUT_FAST_PATH.changed())
    undo.enter(unoptimized_scripts())
    preserve_mode_stacks(undo)
    differentiable_recurrent_layers(model, device).__enter__()
