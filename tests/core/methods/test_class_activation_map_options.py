"""Options and help of class activation maps."""

import inspect
import pydoc
import re
import subprocess
import sys

import numpy as np
import pytest

import saliency
from saliency import GradCAM, GradCAMPlusPlus, GuidedGradCAM, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from saliency.core.method_options import option_names
from saliency.core.methods.class_activation_map import ClassActivationMap
from tests.core.methods.layered_function import G, X, on_layer

BY_GRADIENT = [GradCAM, GradCAMPlusPlus, LayerCAM, HiResCAM, XGradCAM]


def test_a_modified_gradient():
    against = GradCAM(on_layer(G), 0, modifier="decrease").GetMask(X, should_resize=False)
    np.testing.assert_allclose(against, [[0, 2], [0, 0]])  # 2 A2 - A1
    strength = GradCAM(on_layer(G), 0, modifier="absolute").GetMask(X, should_resize=False)
    np.testing.assert_allclose(strength, [[1.5, 7], [4.5, 10]])  # 1.5 A1 + 2 A2
    with pytest.raises(
        saliency.InputError, match=r"`modifier` \(='decrease'\) modifies gradients, but ScoreCAM does not use gradients"
    ):
        ScoreCAM(on_layer(G), 0, modifier="decrease")


def test_options_are_the_method_s():
    with pytest.raises(saliency.InputError, match=r"`steps` is not an option of GradCAM. Options of GradCAM: layer"):
        GradCAM(on_layer(G), 0).GetMask(X, steps=3)
    with pytest.raises(saliency.InputError, match="`three_dims` is not an option of GuidedGradCAM"):
        GuidedGradCAM(on_layer(G), 0, three_dims=True)
    adapter = on_layer(G)
    GradCAM(adapter, 0, "constructor's").GetMask(X)
    GradCAM(adapter, 0, "constructor's").GetMask(X, layer="call's")
    GradCAM(adapter, 0).GetMask(X)
    assert adapter.layers == ["constructor's", "call's", None]


@pytest.mark.parametrize("kind", [*BY_GRADIENT, ScoreCAM])
def test_help_lists_each_option_once_and_describes_the_method(kind):
    head, _, rest = inspect.getdoc(kind).partition("\n\nOptions:\n")
    options, _, source = rest.partition("\n\nSource:\n")
    listed = re.findall(r"^    (\w[\w, ]*):", options, re.MULTILINE)
    assert ", ".join(listed).split(", ") == option_names(kind(on_layer(G), 0).masks)
    assert "arXiv" in source or "IEEE" in source
    assert head.startswith(
        ("Weight each channel", "Weight each position", "Weight each positive gradient", "Weight a layer's channels")
    )
    assert pydoc.plain(pydoc.render_doc(kind)).count("should_resize: scale the map") == 1
    assert "ClassActivationMap" not in inspect.getdoc(kind)


def test_a_user_defined_map_inherits_the_options_in_its_help():
    class Mean(ClassActivationMap):
        """The mean."""

        def weighted(self, inputs):
            return inputs.features

    class Told(Mean):
        """The mean.

        Options:
            layer: one.
        """

    class Silent(Mean):
        pass

    shared = inspect.getdoc(ClassActivationMap).partition("\n\n")[2]
    assert inspect.getdoc(Mean) == f"The mean.\n\n{shared}"
    assert inspect.getdoc(Told) == "The mean.\n\nOptions:\n    layer: one."
    assert Silent.__doc__ is None
    subprocess.run([sys.executable, "-OO", "-c", "import saliency"], check=True)


def test_a_function_has_no_layers():
    for method in (GradCAM, ScoreCAM):
        with pytest.raises(saliency.ModelError, match="does not provide a layer's output and its gradient"):
            method(lambda x: x.sum((2, 3)), 0).GetMask(X)
