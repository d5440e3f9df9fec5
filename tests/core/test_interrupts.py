"""Ctrl-C is held back within a block, and delivered at its end."""

import signal
import threading

import pytest

from saliency.core import interrupts
from saliency.core.interrupts import DeferredInterrupts, deliver_interrupts
from tests.interrupts import press_ctrl_c


@pytest.fixture(autouse=True)
def no_handler_is_left():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    yield
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert not interrupts._deferred


def test_ctrl_c_is_delivered_at_the_end_of_the_outermost_block():
    steps = []
    with pytest.raises(KeyboardInterrupt), DeferredInterrupts():
        with DeferredInterrupts():
            press_ctrl_c()
            steps.append("inner")
        steps.append("outer")
    assert steps == ["inner", "outer"]


def test_ctrl_c_before_a_further_pass():
    with pytest.raises(KeyboardInterrupt), DeferredInterrupts():
        deliver_interrupts()
        press_ctrl_c()
        deliver_interrupts()
        raise AssertionError("it was not delivered")


def test_the_program_s_own_handler_is_called_once():
    arrived = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: arrived.append(number))
    try:
        with DeferredInterrupts():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            assert arrived == []
        assert arrived == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_model_that_does_not_return_is_interrupted_by_a_later_ctrl_c(monkeypatch):
    now = [1.0]
    monkeypatch.setattr(interrupts.time, "monotonic", lambda: now[0])
    with pytest.raises(KeyboardInterrupt), DeferredInterrupts():
        for now[0] in (1.0, 1.1, 1.9):
            press_ctrl_c()
        now[0] = 2.0
        press_ctrl_c()
        raise AssertionError("it was not delivered")


def test_an_exception_of_the_block_is_the_context_of_the_interrupt():
    with pytest.raises(KeyboardInterrupt) as caught, DeferredInterrupts():
        press_ctrl_c()
        raise ValueError("of the block")
    assert isinstance(caught.value.__context__, ValueError)


def test_a_handler_that_the_block_installs_stays():
    before = signal.getsignal(signal.SIGINT)
    try:
        with DeferredInterrupts():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_was_left_passes_signals_on_and_is_removed_by_the_next_block():
    before = signal.getsignal(signal.SIGINT)
    with DeferredInterrupts():
        left = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, left)  # as code that had stored the handler would do
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
    with DeferredInterrupts():
        assert signal.getsignal(signal.SIGINT) is not left
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_keeps_the_handlers():
    seen = []

    def work():
        with DeferredInterrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
