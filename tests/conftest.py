"""Before any test: torchvision's operators, where it was built for another Torch."""

import importlib.util

if importlib.util.find_spec("torch") and importlib.util.find_spec("torchvision"):
    from tests.torchvision_ops import declare

    declare()
