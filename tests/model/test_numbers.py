"""Amounts as people write them, and the grids they are brought to."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.model.numbers import decimal_of, multiple, plain

D = Decimal


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0.001", "0.001"),
        ("1e-3", "0.001"),
        (" 5 ", "5"),
        (5, "5"),
        (D("2.50"), "2.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "0.0000001"),
        (np.float64(0.1), "0.1"),
        (np.float32(0.1), "0.1"),
        (np.int32(7), "7"),
        (D(100) / D(3), "33.33333333333333333333333333"),
    ],
)
def test_an_amount_is_taken_as_it_is_written(value: Any, number: str) -> None:
    assert decimal_of(value, "quantity") == D(number)


@pytest.mark.parametrize("value", ["", "x", "1,5", "nan", "inf", -1, "-0.1", 0, "0", True, None, [1], b"1", D("NaN")])
def test_what_is_no_amount_is_named(value: Any) -> None:
    with pytest.raises(ValidationError, match="quantity must be an amount above zero"):
        decimal_of(value, "quantity")


@pytest.mark.parametrize("value", ["1E+50", "1E-50", "1" * 41, "0." + "1" * 41, 1e-300, D("1E+999999")])
def test_more_digits_than_any_amount_has(value: Any) -> None:
    with pytest.raises(ValidationError, match="more digits than any amount"):
        decimal_of(value, "price")


def test_zero_where_it_is_allowed() -> None:
    assert decimal_of("0.00", "free", zero=True) == 0
    with pytest.raises(ValidationError):
        decimal_of(-1, "free", zero=True)


AMOUNTS = st.decimals("1E-12", 10**12, allow_nan=False, places=12)


@given(AMOUNTS)
def test_plain_text_is_the_number(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


def test_plain_text_of_powers() -> None:
    assert [plain(D(text)) for text in ("1E+3", "100", "0.10", "0", "0.00", "1E-8")] == [
        "1000",
        "100",
        "0.1",
        "0",
        "0",
        "0.00000001",
    ]


@given(AMOUNTS, st.sampled_from(["0.01", "0.3", "7", "0.00000001"]))
def test_multiples_of_a_step(number: Decimal, text: str) -> None:
    step = Decimal(text)
    below, above = multiple(number, step, ROUND_FLOOR), multiple(number, step, ROUND_CEILING)
    assert Fraction(below) % Fraction(step) == Fraction(above) % Fraction(step) == 0
    assert below <= number <= above
    assert Fraction(above) - Fraction(below) in (0, Fraction(step))
    assert multiple(number, step) in (below, above)


def test_no_step_and_no_such_rounding() -> None:
    assert multiple(D("1.23"), D(0)) == D("1.23")
    with pytest.raises(ValueError, match="ROUND_UP"):
        multiple(D(1), D(1), ROUND_UP)
