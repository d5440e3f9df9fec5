"""Numbers and values that users pass, for options and for error messages."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import saliency
from saliency.core.errors import InputError
from saliency.core.validation import as_real, channel_axis_option, host_numbers, real_number, shown, whole_number


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int8(2), np.array(2.0), Fraction(2), Decimal(2)])
def test_finite_numbers_of_any_library_are_read(value):
    assert as_real(value) == real_number("alpha", value, least=0, most=3) == 2.0


@pytest.mark.parametrize(
    "value",
    [True, np.bool_(True), "2", b"2", None, 2j, np.array(2j), np.array([2.0]), np.datetime64("2020"), float("nan"), -np.inf,
     10**400, Decimal("nan"), [2], object()],
)  # fmt: skip
def test_anything_else_is_no_finite_number(value):
    assert as_real(value) is None
    with pytest.raises(InputError, match="`alpha` .* must be a finite number, from 0 to 1"):
        real_number("alpha", value, least=0, most=1)


def test_numbers_beyond_a_limit_are_refused():
    assert whole_number("seed", 2**70, least=0, most=None) == 2**70
    for value, rule in ((-1, "0 or more"), (2**31, "at most 2147483647"), (10**5000, "at most 2147483647")):
        with pytest.raises(InputError, match=rf"`nsamples` .* must be a whole number, {rule}"):
            whole_number("nsamples", value, least=0)
    assert [channel_axis_option(axis) for axis in (None, -1, np.int64(2))] == [None, -1, 2]
    with pytest.raises(InputError, match="`channel_axis` .=1.0."):
        channel_axis_option(1.0)


def test_numbers_that_the_type_of_a_model_cannot_hold_are_refused():
    largest = float(np.finfo(np.float32).max)
    assert host_numbers([largest], "x", None, largest) == [largest]
    with pytest.raises(InputError, match=r"`x` holds numbers above 3.4e\+38, the largest of the model's type"):
        host_numbers([0.0, -1e39], "x", None, largest)


@pytest.mark.parametrize("call", [lambda mask, x: mask.GetMask(x), lambda mask, x: mask.GetMasks([x, x])])
def test_masked_values_are_refused(call):
    mask, x = saliency.Occlusion(lambda x: x.sum(axis=1, keepdims=True), 0, size=1), np.ma.array([1.0, 2.0])
    assert call(mask, x).shape[-1] == 2
    x[1] = np.ma.masked
    with pytest.raises(InputError, match=r"`x_value.*` \(a masked array\) has masked values.* \.filled\(0\)"):
        call(mask, x)


class WithoutText:
    """A user's object that cannot be printed."""

    def __repr__(self):
        raise RuntimeError("no text")


def test_values_are_shown_in_one_short_line():
    assert shown("a") == "'a'"
    assert shown(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert len(shown("x" * 5000)) == 200
    assert (shown(10**5000), shown(WithoutText())) == ("a value of type int", "a value of type WithoutText")
