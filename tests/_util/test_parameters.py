"""A wrong parameter is named, and so is its value."""

from __future__ import annotations

import numpy as np
import pytest

from ganaug._util.parameters import check_choice, check_flag, check_parameter


@pytest.mark.parametrize(
    ("value", "kind"), [(1, int), (np.int64(5), int), (0.5, float), (3, float), (np.float32(2.0), float)]
)
def test_a_number_of_the_right_kind_within_its_range_passes(value, kind):
    check_parameter("rate", value, kind, minimum=0.5, maximum=5)


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        ("3", int, "an integer"),
        (3.0, int, "an integer"),
        (True, int, "an integer"),
        (None, float, "a number"),
        (False, float, "a number"),
        (1j, float, "a number"),
        ([1.0], float, "a number"),
    ],
)
def test_what_is_no_such_number_is_a_type_error_that_ends_in_the_value(value, kind, wanted):
    with pytest.raises(TypeError) as caught:
        check_parameter("rate", value, kind, minimum=0)
    assert str(caught.value) == f"rate must be {wanted}, got {value!r}"


@pytest.mark.parametrize("value", [0.4, 5.1, float("nan"), float("inf"), -float("inf")])
def test_what_is_out_of_range_is_a_value_error_that_names_the_range_and_ends_in_the_value(value):
    with pytest.raises(ValueError, match=r"rate must be at least 0.5 and at most 5, got") as caught:
        check_parameter("rate", value, float, minimum=0.5, maximum=5)
    assert str(caught.value).endswith(repr(value))


def test_infinity_is_no_number_to_work_with_where_there_is_no_maximum():
    with pytest.raises(ValueError, match=r"rate must be at least 0, got inf"):
        check_parameter("rate", float("inf"), float, minimum=0)


def test_a_huge_integer_is_refused_like_infinity():
    with pytest.raises(ValueError, match="steps must be at least 1"):
        check_parameter("steps", 10**400, int, minimum=1)


def test_the_minimum_itself_may_be_excluded():
    check_parameter("rate", 0, float, minimum=0)
    with pytest.raises(ValueError, match="rate must be more than 0, got 0"):
        check_parameter("rate", 0, float, minimum=0, inclusive=False)


def test_a_choice_is_one_of_them_in_value_and_type():
    check_choice("mode", "auto", ("auto", 1))
    check_choice("mode", 1, ("auto", 1))
    for value in ("other", True, 1.0, None, ["auto"], np.array(["auto"])):
        with pytest.raises(ValueError, match=r"mode must be one of 'auto', 1; got"):
            check_choice("mode", value, ("auto", 1))


def test_a_flag_is_true_or_false():
    for value in (True, False, np.True_, np.bool_(False)):
        check_flag("shared", value)
    for value in (0, 1, "yes", None, [True]):
        with pytest.raises(TypeError, match="shared must be True or False, got"):
            check_flag("shared", value)
