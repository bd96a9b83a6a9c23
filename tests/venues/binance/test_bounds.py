"""Bounds of one number: what is wrong with it, and the nearest one that keeps them all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.venues.binance.bounds import Bound, decimal_from, place

F = Fraction


@pytest.mark.parametrize(
    ("bound", "value", "said"),
    [
        (Bound("A", step=F("0.01")), "64000.123", "price 64000.123 is not a multiple of 0.01"),
        (Bound("A", step=F("0.01")), "64000.12", None),
        (Bound("A", low=F("0.5")), "0.4", "price 0.4 is below 0.5"),
        (Bound("A", low=F("0.5")), "0.5", None),
        (Bound("A", high=F(9)), "9.1", "price 9.1 is above 9"),
        (Bound("A", high=F(9)), "9", None),
        (Bound("A", high=F(9), open=True), "9", "price 9 is not below 9"),
        (Bound("A", high=F(9), open=True), "8.9", None),
        (Bound("A", low=F(1, 3)), "0.1", "price 0.1 is below 0.3333333333"),
        (Bound("A", low=F(5, 3), worth=F(3), lines=(F(5), None)), "1.5", "price times price, 4.5, is below 5"),
        (Bound("A", high=F(5, 3), worth=F(3), lines=(None, F(5))), "2", "price times price, 6, is above 5"),
        (Bound("A"), "0.123", None),
    ],
)
def test_what_is_wrong(bound: Bound, value: str, said: str | None) -> None:
    assert bound.fault("price", F(value)) == said


NUMBERS = st.fractions(0, 20, max_denominator=100)
STEPS = st.sampled_from([F(1, 4), F(3, 10), F(7), F(1, 3)])


@given(NUMBERS, NUMBERS, NUMBERS, STEPS, STEPS, st.booleans(), st.booleans())
def test_the_nearest_is_one_of_those_that_keep_them(
    value: Fraction, one: Fraction, other: Fraction, step: Fraction, coarse: Fraction, up: bool, open_end: bool
) -> None:
    low, high = sorted((one, other))
    bounds = [Bound("A", step=step), Bound("B", low=low), Bound("C", high=high, step=coarse, open=open_end)]
    found = place(value, bounds, up=up)
    grid = next(step * count for count in range(1, 200) if (step * count) % coarse == 0)
    allowed = [grid * count for count in range(1, ceil(high / grid) + 1)]
    allowed = [one for one in allowed if low <= one and (one < high if open_end else one <= high)]
    if not allowed:
        assert found is None
        return
    assert found in allowed
    way = [one for one in allowed if (one >= value if up else one <= value)]
    assert found == ((min(way) if up else max(way)) if way else (allowed[-1] if up else allowed[0]))


def test_nothing_is_placed_at_zero() -> None:
    assert place(F(0), [Bound("A", step=F(1, 10))]) == F(1, 10)
    assert place(F(5), [Bound("A", low=F(3), high=F(2), step=F(1))]) is None


def test_decimals() -> None:
    assert decimal_from(F(1, 8)) == Decimal("0.125")
    assert str(decimal_from(F(1, 3))) == "0." + "3" * 60
