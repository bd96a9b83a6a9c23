"""klines_bulk gives exactly the exchange's own set of candles, as the standard library reads it beside us."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import cryptox as cx

LISTED = {
    "BTCUSDT": "2017-08-17 04:00",
    "LUNCUSDT": "2020-08-21 10:00",
    "1INCHUSDT": "2020-12-25 05:00",
    "PEPEUSDT": "2023-05-05 16:00",
    "这是测试币456USDT": "2025-10-09 08:00",
    "AURAUSDT": "2026-05-12 13:00",
}
SECOND, DAY = 1_000, 86_400_000
STEPS = {"1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400}
STEPS |= {"6h": 21600, "8h": 28800, "12h": 43200, "1d": 86400, "3d": 259200, "1w": 604800, "1M": 2_629_800}
NUMBERS = {
    "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_volume": 7, "trades": 8, "taker_buy_volume": 9,
    "taker_buy_quote_volume": 10,
}  # fmt: skip


def ms(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").value // 1_000_000)


def check(frame: pd.DataFrame, expected: list[list[Any]]) -> None:
    """The same candles, every number the float of the exchange's text."""
    opens = frame.index.asi8
    assert opens.tolist() == [row[0] for row in expected]
    assert np.all(np.diff(opens) > 0)
    for name, at in NUMBERS.items():
        assert frame[name].tolist() == [float(row[at]) for row in expected], name
    assert pd.DatetimeIndex(frame["close_time"]).asi8.tolist() == [row[6] for row in expected]
    assert frame.attrs["missing"] == []


def own_set(
    plain: Any,
    now: int,
    symbol: str,
    interval: str,
    start: int | None,
    end: int | None,
    limit: int | None,
    forming: bool,
) -> list[list[Any]]:
    """What the exchange has of it: finished rows only unless ``forming``."""
    stop = now + 1 if end is None else min(end, now + 1)
    if start is not None:
        # Asked for one candle more: one that opens before ``end`` belongs to the range whenever its first trade came.
        beyond = stop + STEPS[interval] * SECOND
        rows = plain.candles(symbol, interval, start, beyond, most=10**9 if limit is None else limit + 1)
        rows = [row for row in rows if row[0] < stop and (forming or row[6] < now)]
        return rows if limit is None else rows[:limit]
    if limit is None:
        rows = plain.candles(symbol, interval, 0, stop)
        return [row for row in rows if forming or row[6] < now]
    rows = plain.newest(symbol, interval, stop + STEPS[interval] * SECOND, limit + 3)
    return [row for row in rows if row[0] < stop and (forming or row[6] < now)][-limit:]


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, str, int | None, int | None, int | None, bool]:
    """Ranges of up to three pages around the listing, the end, outages, now, or anywhere in between."""
    symbol = draw(st.sampled_from(list(LISTED)))
    interval = draw(st.sampled_from(list(STEPS)))
    step = STEPS[interval] * SECOND
    listed, now = ms(LISTED[symbol]), ms("2026-06-01 12:00:30")
    anchors = [listed, now, ms("2018-02-08 00:28"), ms("2024-10-31 03:00"), ms("2021-04-25 08:45")]
    middle = draw(st.sampled_from(anchors) | st.integers(listed, now))
    width = draw(st.integers(0, 2_400)) * step + draw(st.sampled_from([0, 1, step // 2]))
    # Smaller whole numbers look like seconds, and are refused: milliseconds of 1973 and before.
    start = max(10**11, middle - draw(st.integers(0, 100)) * width // 100 + draw(st.sampled_from([0, 0, 1, -1])))
    limit = draw(st.none() | st.sampled_from([1, 999, 1000, 1001, 2000]) | st.integers(1, 2_200))
    form = draw(st.sampled_from(["both", "start", "end", "newest"]))
    forming = draw(st.booleans())
    if form == "both":
        return symbol, interval, start, start + width, limit, forming
    limit = limit or 1000
    if form == "start":
        return symbol, interval, start, None, limit, forming
    return symbol, interval, None, start + width if form == "end" else None, limit, forming


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(question=questions())
@example(question=("LUNCUSDT", "1s", None, None, 1001, False))
@example(question=("AURAUSDT", "1M", None, None, 1000, True))
@example(question=("BTCUSDT", "1w", None, ms("2018-02-09 12:00"), 1000, False))
@example(question=("BTCUSDT", "3d", ms("2018-02-01"), None, 2000, True))
def test_equals_the_exchanges_own_set(
    question: tuple[str, str, int | None, int | None, int | None, bool],
    exchange: cx.PaperExchange,
    plain: Any,
    now_ms: int,
) -> None:
    symbol, interval, start, end, limit, forming = question
    with cx.connect(exchange) as session:
        frame = session.klines_bulk(
            symbol, interval, limit, start=start, end=end, include_unfinished=forming, progress=False
        )
    check(frame, own_set(plain, now_ms, symbol, interval, start, end, limit, forming))


NASTY = [
    ("BTCUSDT", "1m", {"start": "2018-02-07 20:00", "end": "2018-02-09 14:00"}),  # the outage inside
    ("BTCUSDT", "1h", {"start": "2018-02-08 05:00", "end": "2018-02-08 20:00"}),  # inside the outage
    ("BTCUSDT", "3m", {"end": "2018-02-09 10:30", "limit": 1500}),
    ("BTCUSDT", "1h", {"start": "2015-01-01", "end": "2017-08-18"}),  # begins before the listing
    ("BTCUSDT", "1m", {"start": "2010-01-01", "end": "2011-01-01"}),  # all of it before the listing, many pages wide
    ("LUNCUSDT", "5m", {"start": "2024-10-28", "end": "2026-05-01"}),  # runs past the end
    ("LUNCUSDT", "1m", {"limit": 2000}),  # the newest are long ago
    ("BTCUSDT", "1h", {"start": "2024-01-01", "end": "2024-01-01"}),
    ("BTCUSDT", "1h", {"start": "2030-01-01"}),
    ("BTCUSDT", "1h", {"end": "2030-01-01", "limit": 1000}),
    ("BTCUSDT", "1M", {}),  # months across all years
    ("BTCUSDT", "1w", {"limit": 5000}),  # more weeks than there are since 1970
    ("BTCUSDT", "3d", {"limit": 7000}),
    ("BTCUSDT", "1M", {"limit": 30_000}),  # before the year one
    ("BTCUSDT", "1M", {"start": "2018-01-01", "limit": 1_000_000}),  # beyond the year 9999
    ("BTCUSDT", "1d", {"end": "1970-01-01", "limit": 10}),
    ("BTCUSDT", "15m", {"limit": 1000}),
    ("BTCUSDT", "15m", {"limit": 3000}),
    ("BTCUSDT", "15m", {"start": 1_704_067_200_000, "end": 1_704_067_200_000 + 3000 * 900_000}),
    ("AURAUSDT", "1m", {"limit": 2500, "include_unfinished": True}),
    ("AURAUSDT", "4h", {}),
    ("PEPEUSDT", "1d", {"include_unfinished": True}),
    ("这是测试币456USDT", "2h", {}),
]


@pytest.mark.parametrize(("symbol", "interval", "how"), NASTY)
def test_nasty_ranges(
    symbol: str, interval: str, how: dict[str, Any], exchange: cx.PaperExchange, plain: Any, now_ms: int
) -> None:
    with cx.connect(exchange) as session:
        frame = session.klines_bulk(symbol, interval, **how)
    bounds = [None if how.get(name) is None else how[name] for name in ("start", "end")]
    start, end = (ms(bound) if isinstance(bound, str) else bound for bound in bounds)
    limit, forming = how.get("limit"), how.get("include_unfinished", False)
    check(frame, own_set(plain, now_ms, symbol, interval, start, end, limit, forming))


def test_the_outage_is_labelled_as_the_exchanges_own(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        frame = session.klines_bulk("BTCUSDT", "1m", start="2018-02-07", end="2018-02-10")
        again = session.klines_bulk("BTCUSDT", "1m", start="2018-02-10", end="2018-02-11")
    ((symbol, start, end),) = frame.attrs["gaps"]
    assert symbol == "BTCUSDT"
    assert pd.Timestamp(start) == pd.Timestamp("2018-02-08 00:28", tz="UTC")
    assert pd.Timestamp(end) == pd.Timestamp("2018-02-09 09:59", tz="UTC")
    assert again.attrs["gaps"] == []
    # Exactly the hole was asked for again, page by page: some request begins with it, some ends with it.
    asked = [one.params for one in exchange.requests.of("klines")]
    assert str(ms(start[:16])) in {params.get("startTime") for params in asked}
    assert str(ms(end[:16]) - 1) in {params.get("endTime") for params in asked}


@pytest.mark.parametrize("interval", list(STEPS))
def test_one_request_keeps_the_same_promises(
    interval: str, exchange: cx.PaperExchange, plain: Any, now_ms: int
) -> None:
    with cx.connect(exchange) as session:
        for symbol, forming in itertools.product(("BTCUSDT", "AURAUSDT", "LUNCUSDT"), (False, True)):
            frame = session.klines(symbol, interval, 300, include_unfinished=forming)
            expected = own_set(plain, now_ms, symbol, interval, None, None, 300, forming)
            assert frame.index.asi8.tolist() == [row[0] for row in expected], (symbol, forming)
            assert frame["volume"].tolist() == [float(row[5]) for row in expected]


def test_an_advanced_clock_brings_new_candles_and_nothing_else(readers: Any) -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00:30") as exchange, cx.connect(exchange) as session:
        plain = readers(exchange)
        before = session.klines_bulk("BTCUSDT", "1m", 1500)
        assert before.index[-1] == pd.Timestamp("2024-06-01 11:59", tz="UTC")
        for move, last in (("29s", "11:59"), ("1s", "12:00"), ("90m", "13:30")):
            exchange.clock.advance(move)
            frame = session.klines_bulk("BTCUSDT", "1m", 1500)
            assert frame.index[-1] == pd.Timestamp(f"2024-06-01 {last}", tz="UTC")
            now = plain("time")["serverTime"]
            check(frame, own_set(plain, now, "BTCUSDT", "1m", None, None, 1500, False))
        assert pd.Timestamp(frame.attrs["as_of"]) == pd.Timestamp("2024-06-01 13:31", tz="UTC")


def test_a_racing_clock_never_shows_an_unfinished_candle(readers: Any) -> None:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as exchange, cx.connect(exchange) as session:
        plain = readers(exchange)
        for rows in (1, 700, 2500):
            frame = session.klines_bulk("BTCUSDT", "1s", rows)
            assert len(frame) == rows
            as_of = ms(frame.attrs["as_of"][:23])
            assert plain("time")["serverTime"] >= as_of
            last = frame.index.asi8[-1]
            assert last + SECOND <= as_of < last + 2 * SECOND
            check(frame, plain.candles("BTCUSDT", "1s", last - (rows - 1) * SECOND, last + 1))
