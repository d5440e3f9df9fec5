"""Test that noise is standard normal and depends on the seed alone."""

import numpy as np
import pytest

import saliency
from saliency.tf.ops.random_normal import draw_on_device, draw_on_host
from tests.tf.eager.keras_networks import convolutional_model


def test_noise_does_not_depend_on_the_batch():
    adapter = saliency.wrap(convolutional_model())
    noise = np.concatenate([adapter.numpy(adapter.normal((5, 3), seeds)) for seeds in ([1, 2**62], [3], [4, 5, 6])])
    np.testing.assert_array_equal(adapter.numpy(adapter.normal((5, 3), [1, 2**62, 3, 4, 5, 6])), noise)
    assert len({row.tobytes() for row in noise}) == 6


def test_noise_is_standard_normal():
    from scipy import stats

    adapter = saliency.wrap(convolutional_model())
    for shape in ((50_001,), (1,), (40, 50, 3)):
        noise = adapter.numpy(adapter.normal(shape, list(range(4 if len(shape) > 1 else 2 if shape[0] > 1 else 4000)))).ravel()
        assert stats.kstest(noise, "norm").pvalue > 0.001
        assert np.isfinite(noise).all()


@pytest.mark.parametrize("rows", [draw_on_host, draw_on_device])
def test_host_and_device_noise_is_normal_and_depends_on_the_seed_alone(rows):
    from scipy import stats

    noise = np.asarray(rows(20_000, [3, 2**62 + 1]))
    assert noise.shape == (2, 40_000) and noise.dtype == np.float32
    assert min(stats.kstest(row, "norm").pvalue for row in noise) > 0.001
    assert abs(np.corrcoef(noise[:, :20_000].ravel(), noise[:, 20_000:].ravel())[0, 1]) < 0.02  # cosines and sines
    np.testing.assert_array_equal(np.asarray(rows(20_000, [2**62 + 1]))[0], noise[1])


def test_host_noise_is_made_of_the_uniform_numbers_of_its_seed():
    uniform = np.random.Generator(np.random.SFC64(7)).random(10, np.float32)
    radius, angle = np.sqrt(-2 * np.log(1 - uniform[:5])), 2 * np.pi * uniform[5:]
    np.testing.assert_allclose(
        draw_on_host(5, [7])[0], [*radius * np.cos(angle), *radius * np.sin(angle)], rtol=1e-5, atol=1e-6
    )
