"""The VGG-Face network, which torchvision does not have."""

from collections import OrderedDict
from itertools import pairwise

from torch import nn

CONVOLUTIONS = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels of each of the five blocks: of its input and after each of its convolutions."""

UNITS = (512 * 7 * 7, 4096, 4096, 2622)
"""Units of the fully connected layers: of their input and after each of them."""

MEAN = (129.186279296875, 104.76238250732422, 93.59396362304688)
"""Mean RGB values from 0 to 255; the input is pixel - MEAN."""


class VggFace(nn.Sequential):
    """Classify faces as one of 2,622 people, with the 16 layers of VGG named as in ``vgg_face_dag.pth``.

    The input is (N, 3, 224, 224), pixels from 0 to 255 minus `MEAN`; the output is logits (N, 2622).

    Source: Parkhi, Vedaldi, Zisserman: Deep Face Recognition (BMVC 2015).
    """

    def __init__(self) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for block, channels in enumerate(CONVOLUTIONS, start=1):
            for i, (inputs, outputs) in enumerate(pairwise(channels), start=1):
                layers[f"conv{block}_{i}"] = nn.Conv2d(inputs, outputs, 3, padding=1)
                layers[f"relu{block}_{i}"] = nn.ReLU(inplace=True)
            layers[f"pool{block}"] = nn.MaxPool2d(2)
        layers["flatten"] = nn.Flatten()
        for i, (inputs, outputs) in enumerate(pairwise(UNITS), start=6):
            layers[f"fc{i}"] = nn.Linear(inputs, outputs)
            if i < 8:
                layers[f"relu{i}"], layers[f"dropout{i}"] = nn.ReLU(inplace=True), nn.Dropout()
        super().__init__(layers)
