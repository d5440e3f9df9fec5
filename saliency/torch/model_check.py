"""Check that a model can be differentiated."""

import torch

from saliency.core.errors import ModelError


def check_model(model: torch.nn.Module) -> None:
    """Reject a model with tensors that autograd cannot use.

    Raises:
        ModelError: if the model was created or loaded under ``torch.inference_mode()``.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_inference():
            raise ModelError(
                f"the model's `{name}` is an inference tensor, which has no gradients: create or load the model outside "
                "torch.inference_mode(); torch.no_grad() is allowed"
            )
