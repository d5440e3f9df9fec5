"""Errors about layers from which no map can be made."""

import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM
from tests.torch.nested_network import METHODS, X


class NonSpatialLayers(nn.Module):
    """Layers whose outputs have no spatial axes, or are not floating-point tensors."""

    def __init__(self):
        super().__init__()
        self.conv, self.spare = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.both, self.index, self.behind, self.aside = nn.LSTM(8, 8), nn.Identity(), nn.Identity(), nn.Identity()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 5)

    def forward(self, x):
        x = self.conv(x)
        self.both(x.flatten(2)[..., :8])
        self.index(x)
        self.index(x.argmax(1))
        self.aside(x[:, :, :0])
        self.aside(x.mean())
        return self.fc(self.pool(self.behind(x)).flatten(1))


@pytest.mark.parametrize(
    ("y", "layer", "message"),
    [
        (0, "cnov", r"`layer` \(='cnov'\) must be one of the model's 8 layers; nearest: conv"),
        (0, 3, r"`layer` \(=3\) must be one of the model's 8 layers"),
        (0, nn.ReLU(), r"`layer` \(ReLU\) must be a part of the model"),
        (0, "fc", r"layer 'fc' returns shape \(3, 5\) for 3 input\(s\); a map needs \(N, channels, \*space\)"),
        (0, "pool", r"layer 'pool' returns shape \(3, 4, 1, 1\) .* more than one position"),
        (
            0,
            "both",
            r"layer 'both' returns a tuple with '0' \(3, 4, 8\), .* \(name one as 'layer/entry'\); a map needs one tensor",
        ),
        (0, "index", r"layer 'index' returns a tensor of torch.int64; a map needs one tensor"),
        (0, "aside", r"layer 'aside' returns shape \(\) for 3 input\(s\)"),
        (0, "spare", r"layer 'spare' was not called in the forward pass"),
        (("conv", 1), "behind", r"the score does not depend on layer 'behind': no path"),
        (("conv", 1), None, r"`layer` \(=None\) must be named: no layer with the input's spatial axes was called before"),
        (5, None, r"class or channel 5 is not in the model's output, which has 5 \(0 to 4\)"),
        (lambda outputs: outputs[:, 0] * torch.nan, None, "the score is nan; it must be finite"),
        (lambda outputs: outputs[:, 0] * torch.nan, "conv", "the score is nan; it must be finite"),
        (lambda outputs: outputs, None, r"`y` must return one number per sample, shape \(3,\); it returned shape \(3, 5\)"),
        (
            lambda outputs: outputs[:, 0].detach(),
            None,
            r"the score does not depend on any layer with the input's spatial axes: it was detached",
        ),
        (lambda outputs: outputs[:, 0].detach(), "conv", "the score does not depend on layer 'conv': it was detached"),
    ],
)
def test_error_messages(y, layer, message):
    model = NonSpatialLayers()
    with pytest.raises(saliency.SaliencyError, match=message):
        GradCAM(model, y, layer).GetMasks(X)
    if isinstance(layer, str) and layer in dict(model.named_children()):
        with pytest.raises(
            saliency.SaliencyError, match=message.replace(f"'{layer}'", rf"\({type(getattr(model, layer)).__name__}\)")
        ):
            GradCAM(model, y, getattr(model, layer)).GetMasks(X)


def test_error_for_a_model_without_spatial_layers():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 5))
    for method in METHODS:
        with pytest.raises(saliency.TargetError, match=r"`layer` \(=None\) must be named"):
            method(model, 1).GetMask(X[0])
