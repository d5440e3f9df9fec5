"""The bundled network in Keras on JAX gives the masks of Keras on TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.needs("tensorflow")
def test_keras_on_jax_equals_keras_on_tensorflow(tmp_path):
    found = {}
    for backend in ("jax", "tensorflow"):
        command = [sys.executable, "-m", "tests.jax.keras_masks", str(tmp_path / f"{backend}.npz")]
        environment = {**os.environ, "KERAS_BACKEND": backend}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
        found[backend] = dict(np.load(tmp_path / f"{backend}.npz"))
        assert found[backend].pop("backend") == backend and found[backend].pop("unchanged")
    assert [str(one.pop("adapter")) for one in found.values()] == ["JaxAdapter", "KerasAdapter"]
    for name, expected in found["tensorflow"].items():
        assert np.abs(expected).max() > 0, name
        np.testing.assert_allclose(found["jax"][name], expected, rtol=0, atol=1e-4 * np.abs(expected).max(), err_msg=name)
