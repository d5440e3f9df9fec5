"""Blocks undo their changes, whatever ends them and wherever it arrives."""

import signal
import sys
import threading
from contextlib import ExitStack

import pytest

from saliency.core.call_value import CallValue
from saliency.core.undo import Undo, all_undone, finish_interrupted_blocks, hold_lock, undoable
from tests.interrupts import press_ctrl_c, raise_interrupt, run_until_line

SETTINGS = {"a": 0, "b": 0}


def put_back(name, value):
    SETTINGS[name] = value


@undoable
def setting(undo, name, value):
    undo.add(put_back, name, SETTINGS[name])
    SETTINGS[name] = value
    return name


def test_changes_are_undone_in_reverse_order():
    with setting("a", 1) as name, setting("a", 2), setting("b", 3):
        assert name == "a" and SETTINGS == {"a": 2, "b": 3}
    assert SETTINGS == {"a": 0, "b": 0}


def test_a_change_that_fails_is_undone():
    @undoable
    def failing(undo):
        undo.enter(setting("a", 1))
        raise ValueError("half of it was changed")

    with pytest.raises(ValueError, match="half"), failing():
        pass
    assert SETTINGS == {"a": 0, "b": 0}


def test_a_step_that_fails_keeps_no_other_from_running():
    @undoable
    def change(undo):
        undo.enter(setting("a", 1))
        undo.add(int, "no number")

    with pytest.raises(ValueError, match="no number"), change():
        pass
    assert SETTINGS == {"a": 0, "b": 0}


def test_a_block_in_an_exit_stack_a_comprehension_or_a_generator_lasts_until_its_end():
    def values():
        with setting("b", 3):
            yield SETTINGS["b"]

    with ExitStack() as stack:
        [stack.enter_context(setting("a", value)) for value in (1, 2)]
        for value in values():
            with setting("b", 4):
                assert SETTINGS == {"a": 2, "b": 4} and value == 3
            assert SETTINGS == {"a": 2, "b": 3}
    assert SETTINGS == {"a": 0, "b": 0}


def test_an_exception_from_another_thread_at_any_line():
    def passes():
        for value in (1, 2):
            with setting("a", value), setting("b", value):
                SETTINGS["a"] += 1

    def work():
        with all_undone():
            passes()

    problems = []

    def sweep():
        lines, _ = run_until_line(work, 10**9, raise_interrupt)
        for line in range(1, lines + 1):
            executed, interrupted = run_until_line(work, line, raise_interrupt)
            if (executed >= line and not interrupted) or SETTINGS != {"a": 0, "b": 0}:
                problems.append((line, dict(SETTINGS)))
                SETTINGS.update(a=0, b=0)

    thread = threading.Thread(target=sweep)
    thread.start()
    thread.join()
    assert not problems


def test_a_block_that_was_not_left_is_undone_by_the_next_one():
    def interrupted():
        setting("a", 5).__enter__()

    interrupted()
    assert SETTINGS["a"] == 5
    with setting("b", 1):
        assert SETTINGS == {"a": 0, "b": 1}
    interrupted()
    finish_interrupted_blocks()
    assert SETTINGS == {"a": 0, "b": 0}


def test_a_lock_is_held_for_a_block():
    lock, free = threading.RLock(), []

    def attempt():
        free.append(lock.acquire(blocking=False))

    @undoable
    def locked(undo: Undo):
        hold_lock(undo, lock)

    with locked(), locked():
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert free == [False] and not lock._is_owned()


def test_a_value_ends_with_its_call():
    value = CallValue()

    def provide(number, then):
        value.provide(number, sys._getframe())
        return then()

    assert value.current() is None
    assert provide(1, value.current) == 1
    assert provide(1, lambda: provide(2, value.current)) == 2
    assert provide(1, lambda: (provide(2, value.current), value.current())) == (2, 1)
    assert value.current() is None


def test_ctrl_c_is_not_lost_after_a_block_that_was_not_left():
    before = signal.getsignal(signal.SIGINT)

    def interrupted():
        setting("a", 5).__enter__()

    interrupted()
    with pytest.raises(KeyboardInterrupt), setting("b", 1):
        press_ctrl_c()
    assert SETTINGS == {"a": 0, "b": 0} and signal.getsignal(signal.SIGINT) is before
