"""Integers to the exchange's decimal text."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal, localcontext

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.text import Fixed, Flag, Piece, Same, Whole, decimal, draw, rounded, row_pieces
from cryptox.venues.binance.wire.market import Kline, Trade

INT64 = st.integers(0, 2**63 - 1)


def plain(value: int, exponent: int, places: int = 8) -> str:
    with localcontext(prec=80):
        return f"{Decimal(value).scaleb(exponent).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"


@given(st.integers(-(10**30), 10**30), st.integers(-12, 3), st.integers(0, 8))
def test_one_number(value: int, exponent: int, places: int) -> None:
    wanted = plain(value, exponent, places)
    assert decimal(value, exponent, places) == (wanted if Decimal(wanted) else wanted.lstrip("-"))  # no minus zero


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Decimal(numerator) / Decimal(denominator) if abs(numerator) < 10**15 else None
    found = rounded(numerator, denominator)
    assert abs(found * denominator - numerator) * 2 <= denominator
    if exact is not None:
        assert found == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(st.lists(INT64, min_size=1, max_size=30), st.integers(-8, 0))
def test_a_column_of_decimals_is_the_single_ones(values: list[int], exponent: int) -> None:
    if exponent == 0:
        values = [value // 10 for value in values]
    body = draw(len(values), [Fixed(np.array(values, np.int64), exponent)])
    assert json.loads(body) == [plain(value, exponent) for value in values]


@pytest.mark.parametrize("exponent", [-13, -10, -9])
def test_more_than_eight_decimals_are_rounded(exponent: int) -> None:
    values = np.array([0, 1, 49_999, 50_000, 123_456_789_012_345], np.int64)
    assert json.loads(draw(5, [Fixed(values, exponent)])) == [plain(int(value), exponent) for value in values]


def test_whole_steps_above_one() -> None:
    assert draw(2, [Fixed(np.array([3, 70], np.int64), 2)]) == b'["300.00000000","7000.00000000"]'


@given(st.lists(st.one_of(INT64, st.just(-1)), min_size=1, max_size=30))
def test_a_column_of_whole_numbers(values: list[int]) -> None:
    assert json.loads(draw(len(values), [Whole(np.array(values, np.int64))])) == values


@given(st.lists(st.booleans(), min_size=1, max_size=9))
def test_a_column_of_flags(values: list[bool]) -> None:
    assert json.loads(draw(len(values), [Flag(np.array(values))])) == values


def test_no_rows_are_an_empty_list() -> None:
    assert draw(0, [Same(b"["), Whole(np.empty(0, np.int64)), Same(b"]")]) == b"[]"


def test_rows_are_written_like_the_wire_structs() -> None:
    times = np.array([1_767_225_600_000, 0], np.int64)
    columns: dict[str, Piece] = {
        field.name: Fixed(np.array([9_450_000, 7], np.int64), -2) for field in msgspec.structs.fields(Kline)
    }
    columns |= {"open_time": Whole(times), "close_time": Whole(times + 59_999), "trades": Whole(times % 1_000)}
    del columns["ignore"]
    row = Kline(0, *(["0.07000000"] * 5), 59_999, "0.07000000", 0, "0.07000000", "0.07000000")
    body = draw(2, row_pieces(Kline, columns))
    assert json.loads(body)[1] == json.loads(msgspec.json.encode(row))
    assert b" " not in body

    trade = Trade(1, "0.07000000", "0.07000000", "0.07000000", 5, True, False)
    names = ("price", "quantity", "quote_quantity")
    pieces = row_pieces(
        Trade,
        {
            "id": Whole(np.array([1], np.int64)),
            "time": Whole(np.array([5], np.int64)),
            "buyer_is_maker": Flag(np.array([True])),
            "is_best_match": Flag(np.array([False])),
            **{name: Fixed(np.array([7], np.int64), -2) for name in names},
        },
    )
    assert draw(1, pieces) == b"[" + msgspec.json.encode(trade) + b"]"
