"""Check that a model can be differentiated and that it treats the samples of a batch independently."""

import torch
from torch.nn.parameter import is_lazy

from saliency.core.errors import ModelError
from saliency.core.warnings import warn


def check_model(model: torch.nn.Module) -> None:
    """Reject a model with lazy layers or with tensors that autograd cannot use; warn about layers that mix the samples.

    Raises:
        ModelError: if a lazy layer was never called, or the model was created or loaded under ``torch.inference_mode()``.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            warn(
                f"the model's layer `{name}` ({type(module).__name__}) has no running statistics and mixes the samples of a "
                "batch: use batch_size=1"
            )
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise ModelError(
                f"the model's `{name}` has no shape yet, because its layer is lazy: call the model once, such as "
                "model(torch.zeros(1, 3, 224, 224)), and then load its weights"
            )
        if tensor.is_inference():
            raise ModelError(
                f"the model's `{name}` is an inference tensor, which has no gradients: create or load the model outside "
                "torch.inference_mode(); torch.no_grad() is allowed"
            )
