"""Import Ray, or say how to install it."""

import importlib
import os
from typing import Any

INSTALL = "pip install 'saliency-masks[ray]'"


def import_ray(module: str = "ray") -> Any:
    """Import Ray or one of its modules; Ray does not send its usage statistics unless the environment says so.

    Args:
        module: ``ray``, or a module such as ``ray.data``.

    Raises:
        ImportError: if it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{module} cannot be imported ({error}); install it: {INSTALL}") from error
