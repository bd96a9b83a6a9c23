"""Amounts and assets as the paper exchange takes them: exact, and nothing that only looks like a number."""

from __future__ import annotations

import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.paper.arguments import MOST_SECONDS, read_amount, read_asset, read_balances, seconds, text, whole


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [
        (5, "5"),
        (0.1, "0.1"),
        (1e-8, "0.00000001"),
        ("12.50", "12.50"),
        ("-3", "-3"),
        ("1e3", "1000"),
        ("0e999999999", "0"),
        (Decimal("0.7"), "0.7"),
        (np.float64(0.1), "0.1"),
        (np.float32(0.1), "0.1"),
        (np.int64(7), "7"),
        (np.uint8(200), "200"),
    ],
)
def test_amounts_of_all_kinds_are_exact(amount: Any, wanted: str) -> None:
    assert read_amount("USDT", amount) == Decimal(wanted)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "amount",
    [
        *("1_000", " 5 ", "５", "", "much", "NaN", "inf", "0x10", "1,5", "--1", "1e", "5\n", b"5"),
        *((0, (5,), 0), (5,), [5], None, True, np.True_, Fraction(1, 3), 1j, float("nan"), np.float64("inf")),
        *("1e400000000", "1e-400000000", "1e3000000", Decimal("1e400000000"), Decimal("1e-400000000")),
        *(10**5_000, 10**400, 1e300, "9" * 100_000, Decimal("1." + "0" * 100 + "1"), Decimal("sNaN")),
    ],
    ids=lambda amount: repr(amount)[:20] if not isinstance(amount, int) else f"{amount.bit_length()} bits",
)
def test_what_is_no_amount_is_refused_at_once_and_named(amount: Any) -> None:
    with pytest.raises(ValidationError, match="USDT=") as caught:
        read_amount("USDT", amount)
    assert len(str(caught.value)) < 400


@given(st.decimals(-(10**10), 10**10, places=8, allow_nan=False))
def test_every_text_of_an_amount_is_read_back(amount: Decimal) -> None:
    assert read_amount("USDT", str(amount)) == amount == read_amount("USDT", amount)


@pytest.mark.parametrize("asset", ["USDT", "BTC", "1INCH", "1000SATS", "这是测试币456", "X"])
def test_assets_are_named_as_listings_name_them(asset: str) -> None:
    assert read_asset(asset) == asset
    assert read_balances({asset: 1}) == {asset: Decimal(1)}


@pytest.mark.parametrize(
    "asset",
    ["", "usdt", "USD T", " USDT", "USDT\n", "ＵＳＤＴ", "USD-T", "U" * 33, "\ud800", "a", 5, None, b"USDT"],
)
def test_what_is_no_asset_is_refused(asset: Any) -> None:
    with pytest.raises(ValidationError, match="asset"):
        read_asset(asset)
    with pytest.raises(ValidationError, match="asset"):
        read_balances({asset: 1})


@pytest.mark.parametrize(
    "value",
    [-1, -1e-9, 1e308, 10**9 + 1, 10**400, 10**5_000, float("nan"), float("inf"), -float("inf"), "1", True, None],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else f"{value.bit_length()} bits",
)
def test_what_is_no_length_of_time_is_refused_and_named(value: Any) -> None:
    for zero in (True, False):
        with pytest.raises(ValidationError, match="latency=") as caught:
            seconds("latency", value, zero=zero)
        assert len(str(caught.value)) < 400


def test_lengths_of_time_reach_thirty_years() -> None:
    assert seconds("ping_every", 10**9) == MOST_SECONDS == 1e9
    assert seconds("ping_every", 1e-9) == 1e-9
    assert seconds("latency", 0, zero=True) == 0.0
    with pytest.raises(ValidationError, match="ping_every=0 is not a number of seconds above zero"):
        seconds("ping_every", 0)


def test_refusals_of_endless_numbers_are_refusals() -> None:
    with pytest.raises(ValidationError, match="seed=a number of thousands of digits"):
        whole("seed", 10**5_000, 0, 2**64)
    with pytest.raises(ValidationError, match="host=a number of thousands of digits"):
        text("host", 10**5_000)


def test_the_limit_of_digits_is_the_interpreters() -> None:
    assert sys.get_int_max_str_digits() < 5_000  # otherwise the case of 10**5_000 above shows nothing
