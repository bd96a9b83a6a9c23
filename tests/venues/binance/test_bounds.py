"""Bounds of one number: what is wrong with it, and the nearest one that keeps them all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.venues.binance.bounds import Bound, decimal_from, place

D, F = Decimal, Fraction


@pytest.mark.parametrize(
    ("bound", "value", "said"),
    [
        (Bound("A", step=D("0.01")), "64000.123", "price 64000.123 is not a multiple of 0.01"),
        (Bound("A", step=D("0.01")), "64000.12", None),
        (Bound("A", low=D("0.5")), "0.4", "price 0.4 is below 0.5"),
        (Bound("A", low=D("0.5")), "0.5", None),
        (Bound("A", high=D(9)), "9.1", "price 9.1 is above 9"),
        (Bound("A", high=D(9)), "9", None),
        (Bound("A", high=D(9), open=True), "9", "price 9 is not below 9"),
        (Bound("A", high=D(9), open=True), "8.9", None),
        (Bound("A", low=D(1) / D(3)), "0.1", "price 0.1 is below 0.3333333333333333333333333333"),
        (Bound("A", low=D("0." + "3" * 40)), "0.1", "price 0.1 is below 0.3333333333"),
        (Bound("A", low=D(5), worth=(D(3), D(0))), "1.5", "price times price 4.5 is below 5"),
        (Bound("A", low=D(5), worth=(D(3), D(0))), "1.7", None),
        (Bound("A", high=D(5), worth=(D(0), D(3))), "2", "price times price 6 is above 5"),
        (Bound("A", low=D(5), worth=(D(3), D(3)), factor="3"), "1", "3 times price 3 is below 5"),
        (Bound("A"), "0.123", None),
    ],
)
def test_what_is_wrong(bound: Bound, value: str, said: str | None) -> None:
    assert bound.fault("price", D(value)) == said


NUMBERS = st.decimals(0, 20, places=2)
STEPS = st.sampled_from([D("0.25"), D("0.3"), D(7), D("0.4")])
PRICES = st.sampled_from([None, D("0.7"), D(3)])


@given(NUMBERS, NUMBERS, NUMBERS, STEPS, STEPS, PRICES, st.booleans(), st.booleans())
def test_the_nearest_is_one_of_those_that_keep_them(
    value: Decimal,
    one: Decimal,
    other: Decimal,
    step: Decimal,
    coarse: Decimal,
    price: Decimal | None,
    up: bool,
    open_end: bool,
) -> None:
    low, high = sorted((one, other))
    worth = None if price is None else (price, price)
    ends = [Bound("B", low=low, worth=worth), Bound("C", high=high, step=coarse, open=open_end, worth=worth)]
    bounds = [Bound("A", step=step), *ends]
    found = place(value, bounds, up=up)
    grid = next(step * count for count in range(1, 200) if (step * count) % coarse == 0)
    every = [grid * count for count in range(1, int(high / (price or 1) / grid) + 2)]
    allowed = [one for one in every if all(bound.fault("x", one) is None for bound in bounds)]
    if not allowed:
        assert found is None
        return
    assert found in allowed
    way = [one for one in allowed if (one >= value if up else one <= value)]
    assert found == ((min(way) if up else max(way)) if way else (allowed[-1] if up else allowed[0]))


def test_nothing_is_placed_at_zero() -> None:
    assert place(D(0), [Bound("A", step=D("0.1"))]) == D("0.1")
    assert place(D(5), [Bound("A", low=D(3), high=D(2), step=D(1))]) is None


def test_an_open_end_is_out_of_reach() -> None:
    grid = Bound("A", step=D("0.1"))
    assert place(D(9), [grid, Bound("B", high=D(2), open=True)]) == D("1.9")
    assert place(D(9), [grid, Bound("B", high=D(2))]) == D(2)
    assert place(D(9), [grid, Bound("B", high=D("1.95"), open=True)]) == D("1.9")


def test_decimals() -> None:
    assert decimal_from(F(1, 8)) == D("0.125")
    assert str(decimal_from(F(1, 3))) == "0." + "3" * 60
