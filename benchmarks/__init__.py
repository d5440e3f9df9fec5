"""Measurements: ratios of times taken side by side in one run."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # read when TensorFlow is imported; the table is to stay readable
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when Torch is; its idle threads would spin otherwise
