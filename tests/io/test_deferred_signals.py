"""Signals are deferred, delivered once to their own handlers, and never lost."""

import signal
import sys
import threading

import pytest

from saliency.io.deferred_signals import deferred_signals


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
    with deferred_signals():
        for _ in range(3):
            signal.raise_signal(signal.SIGUSR1)
        assert received == []
    assert received == [signal.SIGUSR1]
    with pytest.raises(KeyboardInterrupt), deferred_signals():
        signal.raise_signal(signal.SIGINT)
        received.append("after it")
    assert received == [signal.SIGUSR1, "after it"]


def test_signals_arrive_where_the_block_asks_for_them(received):
    with pytest.raises(ZeroDivisionError), deferred_signals() as signals:
        signals.deliver()
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR2)
        signals.deliver()
        received.append("never")
    assert received == [signal.SIGUSR1, signal.SIGUSR2]


def test_signals_arrive_after_an_error(received):
    with pytest.raises(ZeroDivisionError) as caught, deferred_signals():
        signal.raise_signal(signal.SIGUSR2)
        raise ValueError
    assert isinstance(caught.value.__context__, ValueError)


def test_blocks_can_be_nested(received):
    with deferred_signals():
        with deferred_signals():
            signal.raise_signal(signal.SIGUSR1)
        assert received == []
    assert received == [signal.SIGUSR1]


def test_other_threads_defer_nothing(received):
    def run():
        with deferred_signals() as signals:
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
            with deferred_signals():
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
