"""Record everything of a model and of Torch that a call could change."""

import numpy as np
import torch


def snapshot(model):
    """Return everything of a model and of Torch that a call could change."""
    modules = [(name, module.training, {k: len(v) for k, v in vars(module).items() if "hooks" in k}, sorted(vars(module)))
               for name, module in model.named_modules()]  # fmt: skip
    tensors = [(name, id(t), t._version, t.requires_grad, None if t.grad is None else t.grad.clone(), t.detach().clone())
               for name, t in (*model.named_parameters(), *model.named_buffers())]  # fmt: skip
    generators = (
        torch.get_rng_state().tobytes() if hasattr(torch.Tensor, "tobytes") else torch.get_rng_state().numpy().tobytes()
    )
    return repr((modules, tensors)), generators, torch.is_grad_enabled(), np.random.get_state()[1].tobytes()
