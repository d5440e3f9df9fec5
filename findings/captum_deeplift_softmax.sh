#!/usr/bin/env bash
# Captum 0.9.0: DeepLift through an nn.Softmax depends on the other samples of the batch.
#
# Most would guess that the attribution of a sample does not depend on its batch, and that attributions add up to the change of
# the output. The rule of nn.Softmax subtracts a mean over all numbers of the batch (and its baselines) instead of one over the
# classes of a sample. So the same sample has other attributions alone and in a batch, and neither adds up.
#
# Output seen (torch 2.13.0, captum 0.9.0, Python 3.11, CPU):
#   largest difference between a batch of two and singles: 0.0065, of a largest attribution of 0.42
#   change of the output: 0.089 0.328; sums in a batch: 0.063 0.334; sums of singles: 0.067 0.335
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
from captum.attr import DeepLift
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)).double().eval()
x = torch.randn(2, 4, dtype=torch.float64)
baseline, method = torch.zeros_like(x), DeepLift(model)
batch = method.attribute(x, baseline, target=1).detach()
singles = torch.cat([method.attribute(x[i : i + 1], baseline[:1], target=1) for i in range(2)]).detach()
with torch.no_grad():
    change = (model(x) - model(baseline))[:, 1]
difference = (batch - singles).abs().max().item()


def row(values):
    return " ".join(f"{value:.3f}" for value in values.tolist())


print(f"largest difference between a batch of two and singles: {difference:.4f}, of {batch.abs().max():.2f}")
print(f"change of the output: {row(change)}; sums in a batch: {row(batch.sum(1))}; sums of singles: {row(singles.sum(1))}")
sys.exit(not (difference > 1e-3 and (batch.sum(1) - change).abs().max() > 1e-2))
PYTHON
