"""Exact columns against plain Decimal and Python integers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ExchangeError
from cryptox.table import decimals
from cryptox.table.batch import DECIMAL

INT64 = st.integers(-(2**63), 2**63 - 1)
UNITS = st.one_of(INT64, st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-(2**64) - 5, 2**64 + 5))
EDGES = [0, 1, -1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, -(2**64), 10**38 - 1]


def column(units: list[int]) -> np.ndarray:
    """The layout spelled out byte by byte, independent of the module."""
    return np.frombuffer(b"".join(unit.to_bytes(16, "little", signed=True) for unit in units), DECIMAL)


def text_of(units: int) -> str:
    sign, digits = "-" if units < 0 else "", str(abs(units)).rjust(9, "0")
    return f"{sign}{digits[:-8]}.{digits[-8:]}"


@given(st.lists(UNITS))
def test_integers_go_in_and_out_in_arrow_s_layout(units: list[int]) -> None:
    made = decimals.from_integers(units)
    assert made.dtype == DECIMAL
    assert made.tobytes() == column(units).tobytes()
    assert decimals.to_integers(made) == units


@given(st.lists(UNITS))
def test_texts_decimals_and_floats_agree(units: list[int]) -> None:
    texts = [text_of(unit) for unit in units]
    made = decimals.from_texts(texts)
    assert made.tobytes() == column(units).tobytes()
    assert decimals.to_decimals(made) == [Decimal(text) for text in texts]
    assert decimals.from_decimals([Decimal(text) for text in texts]).tobytes() == made.tobytes()
    assert decimals.to_float(made).tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("units", EDGES)
def test_floats_at_the_edges_are_those_of_the_text(units: int) -> None:
    assert decimals.to_float(column([units])).tolist() == [float(text_of(units))]
    assert decimals.to_float(column([units, 2**80])).tolist() == [float(text_of(units)), float(text_of(2**80))]


def test_decimals_keep_eight_places_beyond_the_default_context() -> None:
    (value,) = decimals.to_decimals(column([10**38 - 1]))
    assert str(value) == "999999999999999999999999999999.99999999"


@given(st.lists(INT64, min_size=1), st.integers(-20, 30))
def test_int64_of_any_scale_is_exact_or_refused(values: list[int], scale: int) -> None:
    wanted = [Decimal(value) * Decimal(10) ** (8 - scale) for value in values]
    possible = all(unit == unit.to_integral_value() and abs(unit) < 10**38 for unit in wanted)
    if possible:
        made = decimals.from_int64(np.array(values, np.int64), scale)
        assert decimals.to_integers(made) == [int(unit) for unit in wanted]
    else:
        with pytest.raises(ExchangeError):
            decimals.from_int64(np.array(values, np.int64), scale)


@given(st.lists(st.integers(-(2**127), 2**127 - 1), min_size=1), st.integers(0, 16))
def test_int128_of_any_scale_is_exact_or_refused(values: list[int], scale: int) -> None:
    shift = 10 ** abs(8 - scale)
    wanted = [value * shift if scale <= 8 else value // shift for value in values]
    possible = all(abs(unit) < 10**38 for unit in wanted) and (scale <= 8 or not any(v % shift for v in values))
    if possible:
        assert decimals.to_integers(decimals.from_int128(column(values), scale)) == wanted
    else:
        with pytest.raises(ExchangeError):
            decimals.from_int128(column(values), scale)


def test_scales_beyond_eight_divide_when_nothing_is_lost() -> None:
    assert decimals.to_integers(decimals.from_int64(np.array([12_300, -500]), 10)) == [123, -5]
    assert decimals.to_integers(decimals.from_int128(column([10**30 * 100, -(10**25)]), 10)) == [10**30, -(10**23)]
    with pytest.raises(ExchangeError, match=r"0\.0000000123 has more than 8 decimals"):
        decimals.from_int64(np.array([100, 123]), 10)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("64000", 64000 * 10**8),
        ("-0.1", -(10**7)),
        ("1.500000000000", 150_000_000),
        ("007.00000001", 700_000_001),
        ("-0.00000000", 0),
        ("0" * 60 + "1.00000000", 10**8),
    ],
)
def test_texts_in_other_shapes(text: str, units: int) -> None:
    assert decimals.to_integers(decimals.from_texts([text])) == [units]
    assert decimals.to_integers(decimals.from_texts(["1.00000000", text])) == [10**8, units]


@pytest.mark.parametrize(
    "text",
    ["", "1e5", "NaN", "Infinity", "+1.0", " 1.00000000", "1_0.00000000", "1.", ".5", "1,5", "--1", "1.000000001",
     "١.00000000", "1.00000000\n", "1.00000000\n2.00000000", "9" * 31 + ".00000000", "9" * 5000 + ".00000000", "0x10"],
)  # fmt: skip
def test_texts_that_are_no_plain_numbers_are_refused(text: str) -> None:
    for texts in ([text], ["1.00000000", text]):
        with pytest.raises(ExchangeError):
            decimals.from_texts(texts)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e-9", "1e30", "1e999999", "1e-999999"])
def test_decimals_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(ExchangeError):
        decimals.from_decimals([Decimal(text)])


def test_decimals_with_other_exponents() -> None:
    values = [Decimal("1E+5"), None, Decimal("0E-20"), Decimal("0E+99"), Decimal("-1.5000000000000")]
    assert decimals.to_integers(decimals.from_decimals(values)) == [10**13, 0, 0, 0, -150_000_000]


@given(st.lists(UNITS), st.sampled_from([1, 8, 18, 19, 20, 30, 38]))
def test_fits_counts_digits(units: list[int], precision: int) -> None:
    assert decimals.fits(column(units), precision).tolist() == [abs(unit) < 10**precision for unit in units]


@pytest.mark.parametrize("precision", [18, 19, 38])
def test_fits_at_its_borders(precision: int) -> None:
    top = 10**precision
    made = column([top - 1, top, 1 - top, -top])
    assert decimals.fits(made, precision).tolist() == [True, False, True, False]


@given(st.lists(st.tuples(INT64, INT64)))
def test_products_are_exact(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    assert decimals.to_integers(decimals.multiply(left, right)) == [a * b for a, b in pairs]


def test_as_int64_is_none_when_one_value_is_wider() -> None:
    narrow = decimals.as_int64(column([0, -5, 2**63 - 1, -(2**63)]))
    assert narrow is not None
    assert narrow.tolist() == [0, -5, 2**63 - 1, -(2**63)]
    assert decimals.as_int64(column([0, 2**63])) is None
    assert decimals.as_int64(column([-(2**63) - 1, 0])) is None


def test_nothing_gives_empty_columns() -> None:
    for made in (decimals.from_texts([]), decimals.from_decimals([]), decimals.from_int64(np.empty(0, np.int64), 3)):
        assert made.dtype == DECIMAL
        assert len(made) == 0
    assert decimals.to_float(np.empty(0, DECIMAL)).dtype == np.float64
