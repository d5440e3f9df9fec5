"""Refuse to run in a process that was forked after TensorFlow was used."""

import os

from saliency.core.errors import ModelError
from saliency.core.forked_process import has_lost_threads


def refuse_forked_process(session_process: int | None = None) -> None:
    """Check that TensorFlow can run in this process.

    Args:
        session_process: the number of the process in which a session was passed to its adapter, if one is to be run.

    Raises:
        ModelError: if it cannot.
    """
    if has_lost_threads("tensorflow.python.eager.context") or session_process not in (None, os.getpid()):
        raise ModelError(
            "this process was forked after TensorFlow was used, whose threads do not exist here, so that a model would hang: "
            'start processes by "spawn" or "forkserver" (multiprocessing.get_context("spawn")), or fork before the first use '
            "of TensorFlow"
        )
