"""The demo network in Torch: a small convolutional network that detects digits in cluttered 96 x 96 scenes."""

from __future__ import annotations

from torch import Tensor, nn


class DemoNet(nn.Module):
    """Detect ten digits independently, with six 3 x 3 convolutions and global max pooling.

    Global max pooling, in place of average pooling, passes the gradient of each feature to one position only: to the digit
    and not to the whole picture. The receptive field of a feature is 42 x 42 pixels, about one digit. The last feature maps
    have one cell for every 4 x 4 pixels, which keeps Grad-CAM sharp. Convolutions have no bias and "same" padding; batch
    normalization uses eps 1e-5.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu1 = _block(3, 16)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2, self.bn2, self.relu2 = _block(16, 32)
        self.pool2 = nn.MaxPool2d(2)
        self.conv3, self.bn3, self.relu3 = _block(32, 48)
        self.conv4, self.bn4, self.relu4 = _block(48, 48)
        self.conv5, self.bn5, self.relu5 = _block(48, 64)
        self.conv6, self.bn6, self.relu6 = _block(64, 64)
        self.pool3 = nn.MaxPool2d(24)
        self.fc1 = nn.Linear(64, 10)

    def features(self, x: Tensor) -> Tensor:
        """Compute the last feature maps.

        Args:
            x: scenes (N, 3, H, W), H and W multiples of 4, normalized with the `MEAN` and `STD` of ``bundled_networks``.

        Returns:
            Features (N, 64, H / 4, W / 4), all non-negative.
        """
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))  # (N, 16, 48, 48)
        x = self.pool2(self.relu2(self.bn2(self.conv2(x))))  # (N, 32, 24, 24)
        x = self.relu3(self.bn3(self.conv3(x)))  # (N, 48, 24, 24)
        x = self.relu4(self.bn4(self.conv4(x)))  # (N, 48, 24, 24)
        x = self.relu5(self.bn5(self.conv5(x)))  # (N, 64, 24, 24)
        features: Tensor = self.relu6(self.bn6(self.conv6(x)))
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Compute one logit for each digit.

        Args:
            x: scenes (N, 3, 96, 96), normalized with the `MEAN` and `STD` of ``bundled_networks``.

        Returns:
            Logits (N, 10); above 0, the digit is in the scene.
        """
        logits: Tensor = self.fc1(self.pool3(self.features(x)).flatten(1))
        return logits


def _block(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.BatchNorm2d, nn.ReLU]:
    """Return a convolution, its batch normalization and a ReLU."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
