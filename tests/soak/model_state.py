"""Interrupt masks at random moments, and compare the model and the process with what they were before.

    python -m tests.soak.model_state --count 2000                       # in Torch
    python -m tests.soak.model_state --count 300 --framework keras

Each mask is interrupted by a real SIGINT after a random time, and every fourth one by an exception in another thread than the
main one. The command ends with status 1 if anything differs afterwards, or if a mask then has other values.
"""

import argparse
import collections
import ctypes
import os
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np

THREAD_SHARE = 4
"""Every fourth interrupt arrives in another thread."""


def interrupt_main_thread(call, delay):
    """Call, and send SIGINT after a delay; return whether it arrived within the call, and how late in seconds."""
    sent, within = [], True

    def send():
        time.sleep(delay)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    try:
        sender.start()
        call()
        within = False  # the signal arrives in one of the next lines
        sender.join()
        time.sleep(0.001)
    except KeyboardInterrupt:
        late = time.perf_counter() - sent[0]
        sender.join()
        return within, late
    raise AssertionError("a signal was lost")


def interrupt_another_thread(call, delay):
    """Call in a thread, and set a KeyboardInterrupt in it after a delay."""

    def work():
        try:
            call()
            time.sleep(0.001)
        except KeyboardInterrupt:
            return

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(delay)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(KeyboardInterrupt))
    worker.join()


def soak(subjects, state, count, seed):
    """Interrupt calls of subjects; return a row of the table.

    Args:
        subjects: name -> (model, call without arguments that computes a mask of it).
        state: returns the state of a model and its process as a dictionary.
        count: number of interrupts.
        seed: of the random moments.
    """
    draw, found, late, interrupted = random.Random(seed), collections.Counter(), [], 0
    names = list(subjects)
    expected, seconds = {}, {}
    for name, (_, call) in subjects.items():
        call()
        start = time.perf_counter()
        expected[name] = np.asarray(call())
        seconds[name] = time.perf_counter() - start
    for i in range(count):
        name = names[i % len(names)]
        model, call = subjects[name]
        before, delay = state(model), draw.uniform(0, 1.1 * seconds[name])
        if i % THREAD_SHARE == THREAD_SHARE - 1:
            interrupt_another_thread(call, delay)
        else:
            within, lateness = interrupt_main_thread(call, delay)
            interrupted += within
            late.append(lateness)
        after = state(model)
        for key in (key for key in before if before[key] != after[key]):
            found[f"{name}: {key}"] += 1
            print(f"interrupt {i}, {name}: {key} differs", file=sys.stderr)
    for name, (_, call) in subjects.items():
        if not np.array_equal(np.asarray(call()), expected[name]):
            found[f"{name}: other values afterwards"] += 1
    print(
        f"{count} interrupts, {len(late)} of them signals ({interrupted} arrived within a mask), {sum(found.values())} differences"
    )
    print(f"latest exception: {1000 * max(late):.0f} ms after its signal; longest mask: {1000 * max(seconds.values()):.0f} ms")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="number of interrupts")
    parser.add_argument("--framework", choices=("torch", "keras"), default="torch")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.framework == "torch":
        from tests.soak import torch_subjects as module
    else:
        from tests.soak import keras_subjects as module
    found = soak(module.subjects(), module.state, options.count, options.seed)
    for name, times in found.most_common():
        print(f"  {times} x {name}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
