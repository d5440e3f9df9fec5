"""Check frameworks before a network is loaded."""

import sys

import pytest

import saliency
from saliency import nets


def test_an_unknown_framework_is_refused():
    with pytest.raises(saliency.InputError, match=r"`framework` \(='jax'\) must be one of torch, tf"):
        nets.load("DemoNet", framework="jax")


def test_trust_must_be_a_boolean():
    with pytest.raises(saliency.InputError, match=r"`trust` \(='False'\) must be True or False"):
        nets.load("DemoNet", trust="False")


@pytest.mark.parametrize(("framework", "module"), [("torch", "torch"), ("tf", "tensorflow")])
def test_the_error_for_a_missing_framework_says_how_to_install_it(framework, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    message = (
        rf"`framework` \(='{framework}'\) needs {module}, which is not installed: pip install 'saliency-masks\[{framework}\]'"
    )
    with pytest.raises(saliency.ModelError, match=message):
        nets.load("DemoNet", framework=framework)
    with pytest.raises(saliency.ModelError, match=message):
        nets.untrained(0, framework)


def test_a_misspelled_name_is_reported_without_a_framework(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(saliency.InputError, match="nearest: ShortcutNet"):
        nets.load("shortcut_nett")
