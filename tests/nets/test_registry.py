"""What is told of frameworks before a network is looked for."""

import sys

import pytest

import saliency
from saliency import nets


def test_an_unknown_framework_is_told():
    with pytest.raises(saliency.InputError, match=r"`framework` \(='jax'\) must be one of torch, tf"):
        nets.load("DemoNet", framework="jax")


def test_a_word_is_no_trust():
    with pytest.raises(saliency.InputError, match=r"`trust` \(='False'\) must be True or False"):
        nets.load("DemoNet", trust="False")


@pytest.mark.parametrize(("framework", "module"), [("torch", "torch"), ("tf", "tensorflow")])
def test_a_framework_that_is_not_installed_is_told_with_its_cure(framework, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    cure = (
        rf"`framework` \(='{framework}'\) needs {module}, which is not installed: pip install 'saliency-masks\[{framework}\]'"
    )
    with pytest.raises(saliency.ModelError, match=cure):
        nets.load("DemoNet", framework=framework)
    with pytest.raises(saliency.ModelError, match=cure):
        nets.untrained(0, framework)


def test_a_misspelt_name_is_told_where_no_framework_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(saliency.InputError, match="nearest: ShortcutNet"):
        nets.load("shortcut_nett")
