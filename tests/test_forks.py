"""A mask in a forked process: a warning or an error, where the framework alone would hang."""

import os
from types import SimpleNamespace

import pytest

from saliency.core import forked_process


@pytest.mark.needs("torch")
def test_torch_uses_one_thread(fresh_process):
    assert "this process was forked" in fresh_process("torch").steps["fork"]
    assert "one thread" in fresh_process("torch").steps["fork"]


@pytest.mark.needs("tensorflow")
def test_tensorflow_is_refused(fresh_process):
    assert fresh_process("tf").steps["fork"].startswith("ModelError: this process was forked after TensorFlow was used")


@pytest.mark.parametrize("context", [None, SimpleNamespace(_initialized=False), SimpleNamespace(_initialized=True)])
def test_tensorflow_has_threads_once_its_context_is_initialized(monkeypatch, context):
    name = "tensorflow.python.eager.context"
    monkeypatch.setitem(forked_process.sys.modules, name, SimpleNamespace(context_safe=lambda: context))
    monkeypatch.setattr(forked_process._Process, "modules_without_threads", frozenset())
    assert not forked_process.has_lost_threads(name)
    forked_process._note_fork()
    assert forked_process.has_lost_threads(name) == bool(context and context._initialized)


@pytest.mark.needs("tensorflow")
def test_a_session_of_another_process_is_refused():
    from saliency import ModelError
    from saliency.tf.ops.forked_process import refuse_forked_process

    refuse_forked_process(os.getpid())
    with pytest.raises(ModelError, match="spawn"):
        refuse_forked_process(os.getpid() + 1)
