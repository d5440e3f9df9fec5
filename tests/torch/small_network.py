"""A small convolutional network, inputs for it, and its gradient by autograd."""

import numpy as np
import torch

RNG = np.random.default_rng(0)


X = RNG.normal(size=(4, 3, 8, 8)).astype(np.float32)


class SmallNetwork(torch.nn.Module):
    def __init__(self, head=None):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 6, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(6)
        self.relu = torch.nn.ReLU(inplace=True)
        self.drop = torch.nn.Dropout(0.5)
        self.fc = torch.nn.Linear(6 * 64, 5)
        self.head = head or torch.nn.Identity()

    def forward(self, x):
        return self.head(self.fc(self.drop(self.relu(self.bn(self.conv(x)))).flatten(1)))


def small_network(head=None):
    torch.manual_seed(0)
    model = SmallNetwork(head)
    with torch.no_grad():  # running statistics that are not the batch's
        model.bn.running_mean.normal_()
        model.bn.running_var.uniform_(0.5, 2)
    return model.eval()


def autograd_gradient(model, y, x=X, read=lambda model, x: model(x)):
    """Return d score / d x by autograd."""
    x = torch.tensor(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(read(model, x)[:, y].sum(), x)
    return gradient.numpy()


class FunctionModule(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, z):
        return self.function(z)
