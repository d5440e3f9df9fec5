"""Everything that a mask may change for a moment: the model, Torch's settings and modes, the signal handlers."""

import random
import signal
import sys

import numpy as np
import torch
from torch.utils import _python_dispatch

from tests.torch.snapshot import snapshot
from tests.torch.state.fingerprint import fingerprint

FLAGS = (
    "_is_in_torch_dispatch_mode",
    "_is_in_non_infra_torch_dispatch_mode",
    "_is_in_any_mode_without_ignore_compile_internals",
)


def process_state(model):
    """Return the state by name; equal for equal states only."""
    generators = torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes(), random.getstate()
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    return {
        "model": snapshot(model)[0],
        "attributes": repr(fingerprint(model)),
        "hooks": [(name, [len(value) for key, value in vars(part).items() if "hooks" in key])
                  for name, part in model.named_modules()],
        "generators": hash(generators),
        "grad modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "modes": (torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack()),
        "flags": tuple(getattr(_python_dispatch, name, None) for name in FLAGS),
        "fast path": torch.backends.mha.get_fastpath_enabled(),
        "cudnn": torch.backends.cudnn.enabled,
        "scripts": [kind.__dict__["__call__"] for kind in (torch._C.ScriptMethod, torch._C.ScriptFunction)],
        "stance": None if dynamo is None else dynamo._stance.stance,
        "handlers": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
    }  # fmt: skip


def differences(before, after):
    """Return the names of the states that differ."""
    return [name for name in before if before[name] != after[name]]
