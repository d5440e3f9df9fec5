#!/usr/bin/env bash
# Quantus 0.6.0: SensitivityN correlates cumulative drops of the score with attribution sums that are not cumulative.
#
# Sensitivity-n (arXiv:1711.06104) correlates, for random sets of n pixels, the sum of their attributions with the drop in score when
# they are removed. For a linear model and its exact contributions it is 1 for every n. Most would guess that this class returns 1
# there. It removes pixels in the order of the map, more at each step, but sums only the attributions of the last step, and correlates
# over the inputs: the two agree at the first step alone. FaithfulnessCorrelation of the same package returns 1.
#
# Output seen (quantus 0.6.0, torch 2.13.0, Python 3.11):
#   linear model, exact contributions: FaithfulnessCorrelation at least 1.000
#   SensitivityN at steps 1, 4, 8, 12, 16: 1.00 0.67 0.76 0.73 0.52
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" torch==2.13.0 "numpy<3" scipy scikit-learn scikit-image pandas matplotlib opencv-python-headless tqdm cachetools
"${pip[@]}" --no-deps quantus==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import quantus
import torch

random = np.random.default_rng(0)
weights = torch.tensor(random.normal(size=(1, 8, 8)), dtype=torch.float32)


class Linear(torch.nn.Module):
    def forward(self, x):
        return (x * weights).sum((1, 2, 3))[:, None]


x = random.normal(size=(16, 1, 8, 8)).astype("f4")
call = {"model": Linear().eval(), "x_batch": x, "y_batch": np.zeros(16, int), "a_batch": x * weights.numpy(), "softmax": False}
options = {
    "abs": False, "normalise": False, "disable_warnings": True, "perturb_baseline": 0.0, "return_aggregate": False,
    "similarity_func": quantus.similarity_func.correlation_pearson,
}  # fmt: skip
drawn = quantus.FaithfulnessCorrelation(subset_size=16, nr_runs=50, **options)(**call)
steps = np.ravel(quantus.SensitivityN(features_in_step=4, n_max_percentage=1.0, **options)(**call))
print(f"linear model, exact contributions: FaithfulnessCorrelation at least {min(drawn):.3f}")
print("SensitivityN at steps 1, 4, 8, 12, 16:", " ".join(f"{steps[i]:.2f}" for i in (0, 3, 7, 11, 15)))
sys.exit(not (min(drawn) > 0.999 and steps[0] > 0.999 and steps[1:].mean() < 0.9))
PYTHON
