"""VGG-Face, which torchvision does not have."""

from collections import OrderedDict
from itertools import pairwise

from torch import nn

CONVOLUTIONS = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels before, between and after the convolutions of each of the five blocks."""

UNITS = (512 * 7 * 7, 4096, 4096, 2622)

MEAN = (129.186279296875, 104.76238250732422, 93.59396362304688)
"""Of the colours of its pictures, on a scale of 0 to 255; the input is pixel - MEAN."""


class VggFace(nn.Sequential):
    """The 16 layers of VGG, with the names that the weights ``vgg_face_dag.pth`` have: from faces to 2,622 people.

    It takes (N, 3, 224, 224), 0 to 255 less `MEAN`, and gives logits (N, 2622).

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
