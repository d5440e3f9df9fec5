"""Random options give a result or one error; `python -m tests.soak` draws more of them."""

import itertools

import hypothesis
import pytest
from hypothesis import strategies as st

from saliency.core.errors import InputError
from tests.fuzz.adapter_calls import adapter_calls
from tests.fuzz.command_calls import draw_command, prepare
from tests.fuzz.compat_calls import compat_calls
from tests.fuzz.display_calls import display_calls
from tests.fuzz.file_calls import file_calls
from tests.fuzz.fuzzed_models import keras_models
from tests.fuzz.mask_calls import mask_calls, odd_models
from tests.fuzz.network_calls import network_calls
from tests.fuzz.option_calls import draw_call
from tests.fuzz.verdict import is_ours, shortfall

GROUPS = {
    "masks": (mask_calls, 560),
    "masks of odd models": (lambda: mask_calls(odd_models()), 180),
    "masks of a Keras model": (lambda: mask_calls(keras_models()), 20),
    "adapters and targets": (adapter_calls, 260),
    "compat": (lambda: compat_calls(keras=False), 200),
    "display": (display_calls, 150),
    "networks": (network_calls, 180),
}
"""Name -> the calls, and how many are drawn. With 600 calls of readers and writers and 50 of commands, they are 2,000."""


def _settings(examples):
    quiet = {"suppress_health_check": list(hypothesis.HealthCheck), "phases": [hypothesis.Phase.generate]}  # the text suffices
    return hypothesis.settings(max_examples=examples, derandomize=True, deadline=None, database=None, **quiet)


def _fuzz(draw, examples):
    """Draw calls and check each of them."""

    @_settings(examples)
    @hypothesis.given(st.data())
    def check(data):
        drawn = draw(lambda values: data.draw(st.sampled_from(values)))
        problem = shortfall(drawn.run, drawn.check)
        assert not problem, f"{drawn.text}: {problem}"

    check()


@pytest.mark.parametrize("group", GROUPS)
def test_options_give_a_result_or_one_error(group):
    make, examples = GROUPS[group]
    calls = make()
    if not calls:
        pytest.skip("Torch is not installed")
    _fuzz(lambda choose: draw_call(calls, choose), examples)


def test_readers_and_writers_give_a_result_or_one_error(tmp_path):
    calls = file_calls(tmp_path)
    _fuzz(lambda choose: draw_call(calls, choose), 600)


def test_commands_end_with_a_status_or_one_error(tmp_path):
    commands = prepare(tmp_path)
    _fuzz(lambda choose: draw_command(commands, tmp_path, choose), 50)


def _raise(error):
    raise error


def _hang():
    for _ in itertools.count():
        pass


def test_the_verdict_tells_our_errors_from_others():
    assert shortfall(lambda: 1) == ""
    assert shortfall(lambda: _raise(InputError("`size` (=-1) must be 1 or more"))) == ""
    assert shortfall(lambda: _raise(ValueError("of another library"))).startswith("foreign")
    assert shortfall(lambda: _raise(InputError(""))).startswith("its message has 0 characters")
    assert shortfall(lambda: 2, check=lambda result: _raise(AssertionError(f"{result} is not 3"))).endswith("2 is not 3")
    assert shortfall(_hang, seconds=0.05).startswith("hang")


def test_an_error_of_c_code_in_a_line_of_ours_that_raises_is_not_ours():
    with pytest.raises(ValueError, match="Exceeds the limit") as caught:
        str(10**5000)
    assert not is_ours(caught.value)
