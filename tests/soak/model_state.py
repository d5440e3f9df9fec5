"""Interrupt masks at random moments, and compare the model and the process with what they were before.

    python -m tests.soak.model_state --count 2000                       # in Torch
    python -m tests.soak.model_state --count 300 --framework keras
    python -m tests.soak --only model_state                             # both

Each mask is interrupted by a real SIGINT after a random time. In Torch, every fourth one is interrupted by an exception in another
thread than the main one. The command ends with status 1 if anything differs afterwards, or if a mask then has other values.
"""

import argparse
import collections
import ctypes
import importlib
import importlib.util
import math
import os
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np

from tests.soak.part_process import run_part, write_rows

FRAMEWORKS = {"torch": "torch", "keras": "tensorflow"}
"""Name -> the package that it needs."""
THREAD_SHARES = {"torch": 4}
"""Framework -> one interrupt of how many arrives in another thread. TensorFlow without us does not withstand these: it keeps locks."""


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    found = [name for name, package in FRAMEWORKS.items() if importlib.util.find_spec(package)]
    rows = []
    for name in found:
        what, options = f"model after an interrupt: {name}", ("--framework", name, "--seed", seed)
        rows += run_part("tests.soak.model_state", what, seconds / len(found), *options)
    return rows


def interrupt_main_thread(call, delay):
    """Call, and send SIGINT after a delay; return whether it arrived within the call, and how late in seconds.

    Python loses an interrupt that arrives in a destructor, such as those of TensorFlow's functions, and reports it as unraisable.
    """
    sent, lost, within = [], [], True

    def send():
        time.sleep(delay)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender, hook = threading.Thread(target=send), sys.unraisablehook
    sys.unraisablehook = lambda event: lost.append(event.exc_type)
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
    finally:
        sys.unraisablehook = hook
    if KeyboardInterrupt not in lost:
        raise AssertionError("a signal was lost")
    return False, 0.0


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


def soak(subjects, state, count, seconds, seed, thread_share=None):
    """Interrupt calls of subjects.

    Args:
        subjects: name -> (model, call without arguments that computes a mask of it).
        state: returns the state of a model and its process as a dictionary.
        count, seconds: number of interrupts and their time; the smaller one ends them.
        seed: of the random moments.
        thread_share: one interrupt of how many arrives in another thread than the main one; None for none.

    Returns:
        The number of interrupts, and what differed how often.
    """
    draw, found, late, interrupted, i = random.Random(seed), collections.Counter(), [], 0, 0
    names, end = list(subjects), time.monotonic() + seconds
    expected, usual = {}, {}
    for name, (_, call) in subjects.items():
        call()
        start = time.perf_counter()
        expected[name] = np.asarray(call())
        usual[name] = time.perf_counter() - start
    while i < count and time.monotonic() < end:
        name = names[i % len(names)]
        model, call = subjects[name]
        before, delay = state(model), draw.uniform(0, 1.1 * usual[name])
        if thread_share and i % thread_share == thread_share - 1:
            interrupt_another_thread(call, delay)
        else:
            within, lateness = interrupt_main_thread(call, delay)
            interrupted += within
            late.append(lateness)
        after = state(model)
        for key in (key for key in before if before[key] != after[key]):
            found[f"{name}: {key}"] += 1
            print(f"interrupt {i}, {name}: {key} differs: {before[key]!r:.300} -> {after[key]!r:.300}", file=sys.stderr)
        i += 1
    for name, (_, call) in subjects.items():
        if not np.array_equal(np.asarray(call()), expected[name]):
            found[f"{name}: other values afterwards"] += 1
    print(f"{i} interrupts, {len(late)} of them signals ({interrupted} arrived within a mask), {found.total()} differences")
    print(f"latest exception: {1000 * max(late):.0f} ms after its signal; longest mask: {1000 * max(usual.values()):.0f} ms")
    return i, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=float, default=math.inf, help="number of interrupts")
    parser.add_argument("--seconds", type=float, default=math.inf, help="time of all interrupts")
    parser.add_argument("--framework", choices=FRAMEWORKS, default="torch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", help="file for the rows of the table of all parts")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    module = importlib.import_module(f"tests.soak.{options.framework}_subjects")
    share = THREAD_SHARES.get(options.framework)
    tried, found = soak(module.subjects(), module.state, options.count, options.seconds, options.seed, share)
    examples = [f"{times} x {name}" for name, times in found.most_common()]
    if options.rows:
        what = f"model after an interrupt: {options.framework}"
        write_rows(options.rows, [(what, tried, found.total(), examples)])
    print("\n".join(examples))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
