#!/usr/bin/env bash
# Captum 0.9.0: LRP through a sum of two branches does not conserve the score, without a word.
#
# Most would guess that the relevance of a network without biases sums to its score, as the documentation of LRP promises for each
# layer. Captum has rules for modules only. An addition in `forward`, as in every residual network, passes all of the relevance to
# both branches. Batch norms and weights do not matter: the network below has neither biases nor norms, and still gains relevance.
# Without the addition the same layers conserve the score.
#
# Output seen (torch 2.13.0, captum 0.9.0, Python 3.11, CPU):
#   residual False: relevance sums to 1.000 of the score
#   residual True: relevance sums to 1.488 of the score
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 "numpy<3" matplotlib tqdm packaging
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps captum==0.9.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from captum.attr import LRP
from torch import nn


class Net(nn.Module):
    def __init__(self, residual):
        super().__init__()
        self.first, self.relu = nn.Linear(6, 6, bias=False), nn.ReLU()
        self.second, self.last = nn.Linear(6, 6, bias=False), nn.Linear(6, 1, bias=False)
        self.residual = residual

    def forward(self, x):
        x = self.relu(self.first(x))
        branch = self.second(x)
        return self.last(x + branch if self.residual else branch)


sums = {}
for residual in (False, True):
    torch.manual_seed(0)
    model = Net(residual).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.abs_()
    x = torch.rand(1, 6, dtype=torch.float64)
    score = model(x).item()
    relevance = LRP(model).attribute(x, target=0).sum().item()
    sums[residual] = relevance / score
    print(f"residual {residual}: relevance sums to {relevance / score:.3f} of the score")
sys.exit(not (abs(sums[False] - 1) < 1e-6 and abs(sums[True] - 1) > 0.05))
PYTHON
