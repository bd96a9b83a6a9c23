"""Decimals are told by the numbers themselves."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.show.figures.precision import axis_format, decimals, shown


@given(st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=20), st.integers(0, 8))
def test_numbers_of_the_exchange_are_told_in_full_and_no_further(units: list[int], scale: int) -> None:
    exact = [Decimal(unit).scaleb(-scale) for unit in units]
    wanted = max(0, *(-int(one.normalize().as_tuple().exponent) for one in exact))
    floats = np.array([float(one) for one in exact])
    found = decimals(floats)
    if max(abs(unit) for unit in units) < 2**49:  # beyond that floats tell less than all of it
        assert found == wanted
    assert found <= wanted


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([0.00001234], 8),
        ([64000.0, 64000.1], 1),
        ([1e-12], 8),
        ([0.1 + 0.2], 1),
        ([1 / 3], 8),
        ([np.nan, np.inf], 0),
        ([], 0),
    ],
)
def test_decimals(values: list[float], digits: int) -> None:
    assert decimals(np.array(values, np.float64)) == digits


def test_the_most_is_kept() -> None:
    assert decimals(np.array([1 / 3]), most=4) == 4
    assert decimals() == 0
    assert decimals(np.array([0.5]), np.array([0.25])) == 2


def test_numbers_as_text() -> None:
    assert axis_format(2) == ",.2f"
    assert shown(64000.1, 2) == "64,000.10"
    assert shown(float("nan"), 2) == "–"
