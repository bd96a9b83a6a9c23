"""Symbols, intervals and counts as users write them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import BadInterval, BadSymbol, ValidationError
from cryptox.model.interval import INTERVALS
from cryptox.model.names import check_flag, check_interval, check_limit, is_list, near_names, normalise_symbol


@pytest.fixture(scope="module")
def real_names(shared: Path) -> list[str]:
    """The exchange's own symbols of 2021-10-12."""
    first = (shared / "data" / "cryptofeed" / "BINANCE.0").read_text().splitlines()[0]
    return [symbol["symbol"] for symbol in json.loads(first[first.index("{") :])["symbols"]]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("btcusdt", "BTCUSDT"),
        ("BTC/USDT", "BTCUSDT"),
        ("btc-usdt", "BTCUSDT"),
        ("BTC_USDT", "BTCUSDT"),
        ("  BTCUSDT\t", "BTCUSDT"),
        ("1inchusdt", "1INCHUSDT"),
        ("1000SATS/usdt", "1000SATSUSDT"),
        ("币安人生usdt", "币安人生USDT"),
        ("A" * 40, "A" * 40),
    ],
)
def test_all_spellings_become_one(text: str, name: str) -> None:
    assert normalise_symbol(text) == name
    assert normalise_symbol(name) == name


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("BTC USDT", "BTCUSDT"),
        ("btc&usdt", "BTCUSDT"),
        ("BTCUSDT=X", "BTCUSDTX"),
        ("BTC//USDT", "BTCUSDT"),
        ("BTCUSDT\x00", "BTCUSDT"),
        ("BTC\nUSDT", "BTCUSDT"),
        ("BTCUSDT\u200b", "BTCUSDT"),
        ("<script>", None),
        ("<img src=x onerror=alert(1)>", None),
        ("BTC, ETH, BNB", None),
        ("BTCUSDT,ETHUSDT", None),
        ("BTCUSDT,", "BTCUSDT"),
        ('"BTCUSDT"', "BTCUSDT"),
        ("A/B/C", "ABC"),
        ("", None),
        (" ", None),
        ("/", None),
        ("A" * 41, None),
        (None, None),
        (b"BTCUSDT", None),
        (7, None),
        (["BTCUSDT"], None),
    ],
)
def test_other_texts_are_refused_with_the_nearest_spelling(text: Any, guess: str | None) -> None:
    with pytest.raises(BadSymbol) as caught:
        normalise_symbol(text)
    assert caught.value.suggested == ({"symbol": guess} if guess else None)
    assert caught.value.recovery_suggestions


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[a-zA-Zé币/_ -]{1,12}")))
def test_what_passes_is_letters_and_digits_and_a_guess_passes(text: str) -> None:
    name: str | None
    try:
        name = normalise_symbol(text)
    except BadSymbol as error:
        name = error.suggested["symbol"] if error.suggested else None
    if name is not None:
        assert name.isalnum()
        assert len(name) <= 40
        assert normalise_symbol(name) == name


def test_names_with_commas_are_to_be_a_list() -> None:
    with pytest.raises(BadSymbol) as caught:
        normalise_symbol("BTCUSDT, ETHUSDT")
    assert caught.value.recovery_suggestions == [
        "Pass several as a list: ['BTCUSDT', 'ETHUSDT'], where the call takes one."
    ]


def test_a_list_is_sent_to_the_bulk_call() -> None:
    with pytest.raises(BadSymbol) as caught:
        normalise_symbol(["BTCUSDT", "ETHUSDT"])
    assert "klines_bulk" in caught.value.recovery_suggestions[0]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("BTCUSD", "BTCUSDT"),
        ("btcusd", "BTCUSDT"),
        ("USDTBTC", "BTCUSDT"),
        ("BTCUSTD", "BTCUSDT"),
        ("BTCUDST", "BTCUSDT"),
        ("XRPUSDTT", "XRPUSDT"),
        ("1INCUSDT", "1INCHUSDT"),
        ("ETHBT", "ETHBTC"),
        ("TCUSDT", "BTCUSDT"),
        ("DOGE", "DOGEUSDT"),
    ],
)
def test_near_names_among_the_exchange_s_own(real_names: list[str], name: str, first: str) -> None:
    found = near_names(name, real_names)
    assert found[0] == first
    assert 1 <= len(found) <= 3
    assert set(found) <= set(real_names)


def test_names_that_share_the_quote_alone_are_not_near() -> None:
    known = ["BTCUSDT", "PEPEUSDT", "DOGEUSDT", "ETHBTC"]
    assert near_names("XRPUSDT", known) == []
    assert near_names("DOGUSDT", known)[0] == "DOGEUSDT"
    assert near_names("BCTUSDT", known)[0] == "BTCUSDT"


def test_near_names_of_nothing_near(real_names: list[str]) -> None:
    assert near_names("QQQQQQQQ", real_names) == []
    assert near_names("", real_names) == []
    assert near_names("BTCUSDT", []) == []
    assert len(near_names("BTCUSD", iter(real_names), n=1)) == 1


@pytest.mark.parametrize("name", INTERVALS)
def test_intervals_pass_unchanged(name: str) -> None:
    assert check_interval(name, INTERVALS) == name


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("1H", "1h"),
        ("60m", "1h"),
        ("1mo", "1M"),
        ("1month", "1M"),
        ("monthly", "1M"),
        ("1Mo", "1M"),
        ("1min", "1m"),
        ("15T", "15m"),
        ("1 hour", "1h"),
        ("4 hours", "4h"),
        ("H4", "4h"),
        ("1D", "1d"),
        ("24h", "1d"),
        ("7d", "1w"),
        ("60s", "1m"),
        ("h", "1h"),
        (" 1h", "1h"),
        ("2d", None),
        ("90m", None),
        ("1y", None),
        ("", None),
        ("0m", None),
        (None, None),
        (60, None),
        (["1h"], None),
        ("9" * 5000, None),
    ],
)
def test_other_intervals_are_refused_with_the_one_meant(text: Any, guess: str | None) -> None:
    with pytest.raises(BadInterval) as caught:
        check_interval(text, INTERVALS)
    assert caught.value.suggested == ({"interval": guess} if guess else None)
    assert "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M" in " ".join(caught.value.recovery_suggestions)


def test_only_intervals_that_are_known_are_suggested() -> None:
    with pytest.raises(BadInterval) as caught:
        check_interval("60s", ["1h", "1d"])
    assert caught.value.suggested is None


@pytest.mark.parametrize("value", [1, 1000, np.int64(7), np.uint8(200)])
def test_whole_counts_pass_as_int(value: Any) -> None:
    assert check_limit(value, most=1000) == int(value)
    assert type(check_limit(value, most=1000)) is int


@pytest.mark.parametrize(
    ("value", "guess"),
    [(1.0, 1), ("5", 5), (500.0, 500), (True, None), (np.bool_(True), None), (None, None), (1.5, None), ("x", None),
     (float("nan"), None), (float("inf"), None), (0, None), (-1, None), (np.int64(-5), None), (Decimal(3), None),
     ([], None), (np.array(5), None), (np.array([5]), None), ("1e400", None), ("9" * 5000, None)],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_other_counts_are_refused(value: Any, guess: int | None) -> None:
    with pytest.raises(ValidationError, match="levels") as caught:
        check_limit(value, most=1000, name="levels", bulk="klines_bulk")
    assert caught.value.suggested == ({"levels": guess} if guess else None)


def test_more_than_the_cap_is_refused_with_the_bulk_call() -> None:
    with pytest.raises(ValidationError, match="1001 is more than the 1000") as caught:
        check_limit(1001, most=1000, bulk="klines_bulk")
    assert caught.value.suggested == {"call": "klines_bulk", "limit": 1001}
    with pytest.raises(ValidationError) as caught:
        check_limit(6000, most=5000)
    assert caught.value.suggested == {"limit": 5000}
    assert check_limit(10**9, most=None) == 10**9


@pytest.mark.parametrize("value", ["yes", "no", 1, 0, None, [], np.array([True, False]), float("nan")])
def test_only_true_and_false_are_flags(value: Any) -> None:
    with pytest.raises(ValidationError, match="exact is True or False, not "):
        check_flag(value, name="exact")
    assert check_flag(np.True_, name="exact") is True
    assert check_flag(False, name="exact") is False


def test_a_count_in_the_interval_s_place_is_noticed() -> None:
    with pytest.raises(BadInterval) as caught:
        check_interval(500, INTERVALS)
    assert caught.value.recovery_suggestions[0] == "Did you mean limit=500? The interval stands before it."


def test_what_is_a_list_of_symbols() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    names = ["BTCUSDT", "ETHUSDT"]
    lists = (names, set(names), (name for name in names), dict.fromkeys(names).keys(), np.array(names))
    for value in (*lists, pd.Series(names), pd.Index(names), pl.Series(names)):
        assert is_list(value)
    for other in ("BTCUSDT", b"BTCUSDT", None, 5, {"BTCUSDT": 1}, np.array("BTCUSDT"), pd.DataFrame({"symbol": names})):
        assert not is_list(other)
