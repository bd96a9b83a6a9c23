from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.widgets.digits import MOST_DIGITS, digits_of


@pytest.mark.parametrize(
    ("numbers", "digits"),
    [
        ([], 0),
        ([None], 0),
        ([float("nan"), 0.5], 1),
        ([1e300, 0.5], 1),
        ([1.0, 20.0], 0),
        ([67512.1, 0.25, None], 2),
        ([1e-08], 8),
        ([1.5e-07], 8),
        ([1e22], 0),
        ([1e-30], MOST_DIGITS),
    ],
)
def test_the_most_digits_that_any_of_them_needs(numbers: list[float | None], digits: int) -> None:
    assert digits_of(numbers) == digits
    assert digits_of([], numbers) == digits


@given(st.integers(0, 10**15), st.integers(0, 8))
def test_so_many_digits_say_all_of_a_number(units: int, places: int) -> None:
    number = float(Decimal(units).scaleb(-places))
    assert float(f"{number:.{digits_of([number])}f}") == number
    assert digits_of([number]) == max(0, -int(Decimal(repr(number)).normalize().as_tuple().exponent))
