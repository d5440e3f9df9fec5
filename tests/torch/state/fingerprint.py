"""Describe everything that modules hold, bit for bit, independently of how the library records it."""

import random
from collections import deque
from enum import Enum

import numpy as np
import torch


def fingerprint(value, seen=None):
    """Return nested tuples that are equal for equal states only."""
    seen = {} if seen is None else seen
    if value is None or isinstance(
        value, bool | int | float | complex | str | bytes | Enum | torch.dtype | torch.device | type
    ):
        return type(value).__name__, repr(value)
    if id(value) in seen:
        return "seen", seen[id(value)]
    seen[id(value)] = len(seen)
    name = type(value).__name__
    if isinstance(value, torch.Tensor):
        bits = value.detach().clone().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        grad = fingerprint(value.grad, seen) if value.is_leaf else None
        return name, tuple(value.shape), value.stride(), value.dtype, value.requires_grad, value.is_leaf, bits, grad
    if isinstance(value, np.ndarray):
        return name, value.shape, value.tobytes()
    if isinstance(value, torch.jit.ScriptModule):
        names = sorted(value._concrete_type.get_attributes())
        return name, tuple((each, fingerprint(getattr(value, each), seen)) for each in names if hasattr(value, each))
    if isinstance(value, dict):
        return name, tuple((repr(key), fingerprint(each, seen)) for key, each in value.items() if "hooks" not in str(key))
    if isinstance(value, list | tuple | deque):
        return name, tuple(fingerprint(each, seen) for each in value)
    if isinstance(value, set):
        return name, tuple(sorted(map(repr, value)))
    if isinstance(value, torch.Generator):
        return name, fingerprint(value.get_state(), {})
    if isinstance(value, np.random.Generator):
        return name, repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return name, value.get_state()[1].tobytes(), value.get_state()[2]
    if isinstance(value, random.Random):
        return name, value.getstate()
    slots = [(each, fingerprint(getattr(value, each, None), seen)) for each in getattr(type(value), "__slots__", ())]
    if isinstance(value, torch.nn.Module) and type(value).__module__.startswith("tests."):
        shared = [(key, each) for key, each in vars(type(value)).items() if key[:2] != "__" and not callable(each)]
        slots += [(key, fingerprint(each, seen)) for key, each in shared]
    is_function = callable(value) and not isinstance(value, torch.nn.Module)
    return name, slots, None if is_function or not hasattr(value, "__dict__") else fingerprint(vars(value), seen)
