"""The error of one wrong option names the option, shows its value or type, and states the rule."""

import re

import pytest

from saliency.core.errors import SaliencyError
from saliency.core.validation import shown
from tests.fuzz.adapter_calls import adapter_calls
from tests.fuzz.compat_calls import compat_calls
from tests.fuzz.display_calls import display_calls
from tests.fuzz.file_calls import file_calls
from tests.fuzz.mask_calls import mask_calls
from tests.fuzz.network_calls import network_calls

WRONG = (object(), {1, 2}, 2.5j)
"""Values that hardly any option accepts."""


ALIASES = {
    "one": "y",
    "other": "y|others",
    "image_3d": "mask or image",
    "activation": "layers",
    "made": "net",
    "name": "layer",
    "to_layer": "layer",
    "layer_idx": "layer",
    "penultimate_layer": "layer",
    "wrt_tensor": "at",
}
"""Option -> what its errors name instead: the method's argument to which it is passed on, or the thing itself."""


def _works(call, options):
    try:
        call.function(**options)
    except (SaliencyError, ValueError):  # such as a gradient of a plain function
        return False
    return True


def _problems(calls):
    found = {}
    for name, call in calls.items():
        first = {option: values[0] for option, values in call.valid.items()}
        for option in first if _works(call, first) else ():
            for value in WRONG:
                try:
                    call.function(**{**first, option: value})
                except (SaliencyError, ValueError) as error:
                    found |= {f"{name}({option}={value!r})": str(error)} if _lacks(str(error), option, value) else {}
    return found


def _lacks(message, option, value):
    named = re.search(rf"\b({option}|{ALIASES.get(option, option)})\b", message)
    shows = type(value).__name__ in message or "(=" in message or shown(value) in message
    return not (named and shows)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [mask_calls, adapter_calls, display_calls, network_calls, lambda: compat_calls(keras=False)])
def test_the_message_names_the_option_and_its_value(make):
    calls = make()
    if not calls:
        pytest.skip("Torch is not installed")
    assert _problems(calls) == {}


@pytest.mark.filterwarnings("ignore")
def test_the_message_of_readers_and_writers(tmp_path):
    assert _problems(file_calls(tmp_path)) == {}
