"""Benchmarks: ratios of times that are measured in turn, in one run."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # read when TensorFlow is imported; keeps its log out of the printed table
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when Torch is imported; otherwise its idle threads spin
