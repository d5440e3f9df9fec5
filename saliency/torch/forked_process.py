"""Use one thread in a forked process: Torch's other threads do not exist there, and work for them would never be done."""

import torch

from saliency.core.forked_process import has_lost_threads
from saliency.core.warnings import warn

FORKED = (
    "this process was forked from one that may have used Torch with several threads, which do not exist here, so that large "
    "operations would hang: Torch uses one thread from now on, as after torch.set_num_threads(1). Start processes by "
    '"spawn" or "forkserver" instead (multiprocessing.get_context("spawn"))'
)


def use_one_thread_if_forked() -> None:
    """Limit Torch to one thread, with a warning, if this process was forked after Torch was imported."""
    if has_lost_threads("torch") and torch.get_num_threads() > 1:  # in its workers, DataLoader sets one thread
        torch.set_num_threads(1)
        warn(FORKED)
