"""torchvision beside a Torch that it was not built with: its compiled operators are declared, and never called.

`python -m tests.torchvision_ops ARGUMENTS` runs `dnn_saliency` with such a torchvision.
"""

import sys

import torch

_library = None


def declare():
    """Declare what `import torchvision` looks up, unless the real operators are there."""
    global _library
    if _library is None and not hasattr(torch.ops.torchvision, "nms"):
        _library = torch.library.Library("torchvision", "FRAGMENT")
        _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


if __name__ == "__main__":
    from saliency.cli.dnn_saliency import main

    declare()
    sys.exit(main())
