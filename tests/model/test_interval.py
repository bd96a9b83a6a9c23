"""All sixteen grids against pandas and the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.model.interval import DAY_MS, INTERVALS, Interval

# Read from the exchange's documentation by hand: pandas' own spelling of each length.
LENGTHS = {
    "1s": "1s", "1m": "1min", "3m": "3min", "5m": "5min", "15m": "15min", "30m": "30min",
    "1h": "1h", "2h": "2h", "4h": "4h", "6h": "6h", "8h": "8h", "12h": "12h", "1d": "1D", "3d": "3D",
}  # fmt: skip
MOMENTS = st.integers(0, 4_102_444_800_000)  # until 2100


def ms(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").value // 10**6)


def expected_floor(name: str, time_ms: int) -> int:
    moment = pd.Timestamp(time_ms, unit="ms", tz="UTC")
    if name == "1M":
        return int(moment.normalize().replace(day=1).value // 10**6)
    if name == "1w":
        return int((moment.normalize() - pd.Timedelta(days=moment.weekday())).value // 10**6)
    return int(moment.floor(LENGTHS[name]).value // 10**6)


def expected_next(name: str, open_ms: int) -> int:
    moment = pd.Timestamp(open_ms, unit="ms", tz="UTC")
    step = pd.DateOffset(months=1) if name == "1M" else pd.Timedelta(LENGTHS.get(name, "7D"))
    return int((moment + step).value // 10**6)


def test_the_sixteen_intervals_in_order() -> None:
    assert " ".join(INTERVALS) == "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
    assert all(interval.name == name for name, interval in INTERVALS.items())


@given(st.sampled_from(sorted(INTERVALS)), MOMENTS)
def test_floor_shift_ceil_close_agree_with_pandas(name: str, time_ms: int) -> None:
    interval = INTERVALS[name]
    start = expected_floor(name, time_ms)
    after = expected_next(name, start)
    assert interval.floor(time_ms) == start
    assert interval.shift(start, 1) == after
    assert interval.shift(after, -1) == start
    assert interval.close(start) == after - 1
    assert interval.ceil(time_ms) == (start if time_ms == start else after)
    assert after - start >= interval.step_ms


@given(st.sampled_from(sorted(INTERVALS)), MOMENTS, st.integers(0, 60), st.integers(-2000, 2000))
def test_count_and_opens_agree_with_a_walk(name: str, start_ms: int, candles: int, extra: int) -> None:
    interval = INTERVALS[name]
    end_ms = interval.shift(interval.floor(start_ms), candles) + extra
    walked, at = [], expected_floor(name, start_ms)
    while at < end_ms:
        if at >= start_ms:
            walked.append(at)
        at = expected_next(name, at)
    assert interval.count(start_ms, end_ms) == len(walked)
    assert list(interval.opens(start_ms, end_ms)) == walked


@given(st.sampled_from(sorted(INTERVALS)), MOMENTS, st.integers(-30, 30), st.integers(-30, 30))
def test_shifts_add_up(name: str, time_ms: int, first: int, second: int) -> None:
    interval = INTERVALS[name]
    start = interval.floor(time_ms + 100 * 31 * DAY_MS)
    assert interval.shift(interval.shift(start, first), second) == interval.shift(start, first + second)


@pytest.mark.parametrize(
    ("name", "moment", "start", "close"),
    [
        ("1w", "2024-01-01 00:00", "2024-01-01", "2024-01-07 23:59:59.999"),  # a Monday
        ("1w", "2023-12-31 23:59:59.999", "2023-12-25", "2023-12-31 23:59:59.999"),
        ("1w", "1970-01-05", "1970-01-05", "1970-01-11 23:59:59.999"),
        ("3d", "1970-01-03 23:00", "1970-01-01", "1970-01-03 23:59:59.999"),
        ("3d", "1970-01-04", "1970-01-04", "1970-01-06 23:59:59.999"),
        ("1M", "2024-02-29 23:59:59.999", "2024-02-01", "2024-02-29 23:59:59.999"),
        ("1M", "2023-12-31 12:00", "2023-12-01", "2023-12-31 23:59:59.999"),
        ("8h", "2024-03-31 15:59:59.999", "2024-03-31 08:00", "2024-03-31 15:59:59.999"),
    ],
)
def test_known_candles(name: str, moment: str, start: str, close: str) -> None:
    interval = INTERVALS[name]
    assert interval.floor(ms(moment)) == ms(start)
    assert interval.close(ms(start)) == ms(close)


def test_three_days_are_counted_from_the_epoch() -> None:
    start = datetime.fromtimestamp(INTERVALS["3d"].floor(ms("2024-05-17 12:00")) / 1000, UTC)
    assert (start - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(days=3) == timedelta(0)


@pytest.mark.parametrize("interval", INTERVALS.values(), ids=INTERVALS)
def test_an_empty_or_reversed_range_holds_no_candle(interval: Interval) -> None:
    at = interval.floor(ms("2024-01-01"))
    for end in (at, at - 1, interval.shift(at, -3)):
        assert interval.count(at, end) == 0
        assert list(interval.opens(at, end)) == []
    assert interval.count(at, at + 1) == 1
    assert interval.count(at + 1, interval.shift(at, 1)) == 0


@pytest.mark.parametrize(
    ("name", "file"),
    [("5m", "5m"), ("15m", "15m"), ("1h", "1h"), ("4h", "4h"), ("1d", "1d"), ("1w", "1w"), ("1M", "1Mo")],
)
def test_the_exchange_s_own_candles_stand_on_the_grid(shared: Path, name: str, file: str) -> None:
    dates = pd.read_feather(shared / "data" / "genetrader" / f"BTC_USDT-{file}.feather")["date"]
    opens = (dates.astype("datetime64[ms, UTC]").astype("int64")).tolist()
    interval = INTERVALS[name]
    assert list(interval.opens(opens[0], opens[-1] + 1)) == opens
