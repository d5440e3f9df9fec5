"""The network that most tests of keras-vis's interface share."""

import pytest


@pytest.fixture(scope="module")
def model():
    from tests.compat.vis.keras_networks import network

    return network()
