"""Every signal is held back for HDF5, delivered once to its own handler, and never lost."""

import contextlib
import signal
import sys
import threading
from functools import partial

import pytest

from saliency.core import interrupts
from saliency.core.interrupts import DeferredInterrupts

every_signal_deferred = partial(DeferredInterrupts, every_signal=True)


@pytest.fixture
def received():
    """A list of the signals that arrived at handlers of SIGUSR1 and SIGUSR2; the second one raises an error."""
    found = []

    def fail(number, frame):
        found.append(number)
        raise ZeroDivisionError

    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    signal.signal(signal.SIGUSR1, lambda number, frame: found.append(number))
    signal.signal(signal.SIGUSR2, fail)
    ours = [signal.getsignal(number) for number in signal.valid_signals()]
    yield found
    assert [signal.getsignal(number) for number in signal.valid_signals()] == ours
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_arrive_when_the_block_ends(received):
    with every_signal_deferred():
        for _ in range(3):
            signal.raise_signal(signal.SIGUSR1)
        assert received == []
    assert received == [signal.SIGUSR1]
    with pytest.raises(KeyboardInterrupt), every_signal_deferred():
        signal.raise_signal(signal.SIGINT)
        received.append("after it")
    assert received == [signal.SIGUSR1, "after it"]


def test_signals_arrive_where_the_block_asks_for_them(received):
    with pytest.raises(ZeroDivisionError), every_signal_deferred() as signals:
        signals.deliver()
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR2)
        signals.deliver()
        received.append("never")
    assert received == [signal.SIGUSR1, signal.SIGUSR2]


def test_signals_arrive_after_an_error(received):
    with pytest.raises(ZeroDivisionError) as caught, every_signal_deferred():
        signal.raise_signal(signal.SIGUSR2)
        raise ValueError
    assert isinstance(caught.value.__context__, ValueError)


def test_blocks_can_be_nested(received):
    with every_signal_deferred():
        with every_signal_deferred():
            signal.raise_signal(signal.SIGUSR1)
        assert received == []
    assert received == [signal.SIGUSR1]


@pytest.mark.parametrize("blocks", [(False, True), (True, False), (False, True, False)])
def test_blocks_of_both_kinds_can_be_nested(received, monkeypatch, blocks):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.0)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), contextlib.ExitStack() as stack:
        for every_signal in blocks:
            stack.enter_context(DeferredInterrupts(every_signal))
        for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGINT):
            signal.raise_signal(number)
        received.append("the end")
    assert sorted(map(str, received)) == sorted(["the end", str(int(signal.SIGUSR1))])
    assert signal.getsignal(signal.SIGINT) is before and not interrupts._deferred


def test_other_threads_defer_nothing(received):
    def run():
        with every_signal_deferred() as signals:
            handlers.append(signal.getsignal(signal.SIGINT))
            signals.deliver()

    handlers = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_a_signal_at_any_line_raises_its_exception_and_restores_the_handlers(received):
    def trace(frame, event, argument):
        nonlocal count
        count += 1
        if count == at:
            sys.settrace(before)
            signal.raise_signal(signal.SIGUSR2)
        return trace

    def run():
        sys.settrace(trace)
        try:
            with every_signal_deferred():
                pass
        finally:
            sys.settrace(before)

    before, handlers = sys.gettrace(), [signal.getsignal(number) for number in signal.valid_signals()]
    count, at = 0, 0
    run()
    for moment in range(1, count - 1, 7):
        count, at = 0, moment
        with pytest.raises(ZeroDivisionError):
            run()
        assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
    assert moment > 100
