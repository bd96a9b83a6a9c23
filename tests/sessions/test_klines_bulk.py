"""klines_bulk equals the exchange's own set of candles, whatever is asked and whatever the exchange lacks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import BadInterval, BadSymbol, CryptoxError, NetworkError, ValidationError
from cryptox.model.time import iso, to_ms

sys.path.insert(0, str(Path(__file__).parent))
from plain import INTERVALS, PlainSession, PlainVenue, broken, opens

DAY = 86_400_000
T0 = to_ms("2024-01-01", now_ms=0)
WIDTH = {"1s": 1_000, "1m": 60_000, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY, "1M": 31 * DAY}


def bulk(session: PlainSession, *args: Any, **kwargs: Any) -> pd.DataFrame:
    return asyncio.run(session.klines_bulk(*args, **kwargs))


def keys(frame: pd.DataFrame) -> list[int]:
    return frame.index.as_unit("ms").asi8.tolist()


@st.composite
def markets(draw: st.DrawFn) -> tuple[str, list[int], int]:
    """An interval, the candles that the exchange has (listing, outages, an end), and the time it is."""
    interval = draw(st.sampled_from(INTERVALS))
    width = WIDTH.get(interval, 3_600_000 if interval.endswith("h") else 60_000)
    listed = T0 + draw(st.integers(0, 30)) * width + draw(st.integers(0, width - 1))
    length = draw(st.integers(0, 80))
    grid = opens(interval, listed, listed + length * width)
    holes = draw(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 25)), max_size=3))
    have = [open_ms for at, open_ms in enumerate(grid) if not any(low <= at < low + n for low, n in holes)]
    now = listed + draw(st.integers(-10, 100)) * width + draw(st.integers(0, width - 1))
    return interval, [open_ms for open_ms in have if open_ms <= now], max(now, T0)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(markets(), st.data(), st.integers(3, 9), st.booleans())
def test_equals_the_exchanges_own_candles(
    market: tuple[str, list[int], int], data: st.DataObject, cap: int, unfinished: bool
) -> None:
    interval, have, now = market
    moments = st.none() | st.integers(T0 - 5 * DAY, now + 40 * DAY) | st.sampled_from(have or [now])
    start, end = data.draw(moments), data.draw(moments)
    if start is not None and end is not None and start > end:
        start, end = end, start
    limit = data.draw(st.none() | st.integers(1, 60))
    server_cap = data.draw(st.integers(1, cap))
    venue = PlainVenue({"BTCUSDT": have}, cap, server_cap)
    session = PlainSession(venue, now, max_in_flight=data.draw(st.integers(1, 5)))

    frame = bulk(session, "BTCUSDT", interval, limit, start=start, end=end, include_unfinished=unfinished)

    forming = [o for o in opens(interval, now - 62 * DAY, now + 1) if o <= now][-1]
    expected = [
        o
        for o in have
        if (o < forming or (unfinished and o == forming)) and (start is None or o >= start) and (end is None or o < end)
    ]
    if limit is not None:
        expected = expected[:limit] if start is not None else expected[-limit:]
    assert keys(frame) == expected
    assert frame.attrs["missing"] == []
    _check_gaps(frame, interval, have)


def _check_gaps(frame: pd.DataFrame, interval: str, have: list[int]) -> None:
    """Every hole between two rows is labelled, and nothing that the exchange has is called a gap."""
    labelled: set[int] = set()
    for symbol, low, high in frame.attrs["gaps"]:
        assert symbol == "BTCUSDT"
        labelled |= set(opens(interval, to_ms(low, now_ms=0), to_ms(high, now_ms=0)))
    assert not labelled & set(have)
    if len(frame) > 1:
        got = keys(frame)
        between = set(opens(interval, got[0], got[-1])) - set(got)
        assert between <= labelled
    if have:
        assert not {key for key in labelled if key < have[0]}


@pytest.mark.parametrize("rows", [1_000, 2_000, 5_000])
def test_newest_rows_are_unique_and_exact_multiples_of_a_page_work(rows: int) -> None:
    # CryptoExchange gave 1,000 distinct rows for 5,000; cryptofeed raises IndexError on exact multiples of 1,000.
    have = opens("1h", T0, T0 + 6_000 * 3_600_000)
    session = PlainSession(PlainVenue({"BTCUSDT": have}, 1000), have[-1] + 3_600_000)
    assert keys(bulk(session, "BTCUSDT", "1h", rows)) == have[-rows:]


def test_pages_are_planned_up_front_and_asked_once() -> None:
    have = opens("1h", T0, T0 + 5_000 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 1000)
    bulk(PlainSession(venue, have[-1] + 3_600_000), "BTCUSDT", "1h", 5000)
    assert sorted(asked.limit for asked in venue.asked) == [1000] * 5


def test_a_failed_page_is_no_hole_but_an_error_with_the_rest() -> None:
    # freqtrade: a failed history page becomes a hole.
    have = opens("1h", T0, T0 + 50 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 10)
    venue.fail = lambda asked: NetworkError("gone") if asked.start_ms == have[20] else None
    session = PlainSession(venue, have[-1] + 3_600_000, max_in_flight=1)
    with pytest.raises(NetworkError) as caught:
        bulk(session, "BTCUSDT", "1h", 50)
    assert keys(caught.value.partial) == have[:20]
    assert caught.value.missing == [["BTCUSDT", iso(have[20]), iso(have[-1] + 3_600_000)]]
    venue.fail, venue.asked = None, []
    assert keys(bulk(session, "BTCUSDT", "1h", 50)) == have
    assert sorted(asked.start_ms or 0 for asked in venue.asked) == [have[20], have[30], have[40]]
    assert session.last_partial() is None


def test_partial_returns_what_there_is_and_goes_on_past_one_bad_page() -> None:
    have = opens("1h", T0, T0 + 50 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 10)
    venue.fail = lambda asked: NetworkError("gone") if asked.start_ms == have[20] else None
    frame = bulk(PlainSession(venue, have[-1] + 3_600_000, max_in_flight=2), "BTCUSDT", "1h", 50, on_error="partial")
    assert keys(frame) == have[:20] + have[30:]
    assert frame.attrs["missing"] == [["BTCUSDT", iso(have[20]), iso(have[30])]]
    assert frame.attrs["gaps"] == []


def test_a_dead_exchange_is_not_asked_for_every_page() -> None:
    have = opens("1h", T0, T0 + 900 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 10)
    venue.fail = broken
    session = PlainSession(venue, have[-1] + 3_600_000, max_in_flight=2)
    frame = bulk(session, "BTCUSDT", "1h", start=have[0], end=have[150], on_error="partial")
    assert len(frame) == 0
    assert len(venue.asked) < 10


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ({}, (None, 50)),
        ({"limit": 20}, (30, 50)),
        ({"limit": 20, "end": 40}, (20, 40)),
        ({"limit": 20, "start": 10}, (10, 30)),
        ({"start": 10}, (10, 50)),
    ],
)
def test_what_is_missing_is_what_was_wanted(how: dict[str, int], wanted: tuple[int | None, int]) -> None:
    have = opens("1h", T0, T0 + 51 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 1)
    venue.fail = broken
    args = {name: value if name == "limit" else have[value] for name, value in how.items()}
    with pytest.raises(NetworkError) as caught:
        bulk(PlainSession(venue, have[50], max_in_flight=1), "BTCUSDT", "1h", **args)
    start, end = wanted
    assert caught.value.missing == [["BTCUSDT", None if start is None else iso(have[start]), iso(have[end])]]


def test_an_interrupt_keeps_what_was_fetched_and_the_same_call_goes_on() -> None:
    have = opens("1h", T0, T0 + 100 * 3_600_000)
    venue = PlainVenue({"BTCUSDT": have}, 10)
    session = PlainSession(venue, have[-1] + 3_600_000, max_in_flight=1)

    async def interrupted() -> None:
        task = asyncio.create_task(session.klines_bulk("BTCUSDT", "1h", 100))
        while len(venue.asked) < 5:  # noqa: ASYNC110  # it has no event to wait for
            await asyncio.sleep(0)  # the plain exchange has no event to wait for
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    partial = session.last_partial()
    assert keys(partial) == have[: len(partial)]
    assert 30 <= len(partial) < 100
    asked_before = len(venue.asked)
    assert keys(bulk(session, "BTCUSDT", "1h", 100)) == have
    assert len(venue.asked) - asked_before == 10 - len(partial) // 10


def test_several_symbols_are_one_long_frame_and_one_bad_name_is_told() -> None:
    have = opens("1h", T0, T0 + 50 * 3_600_000)
    now = have[-1] + 3_600_000
    venue = PlainVenue({"AUSDT": have, "BUSDT": have[10:]}, 10)
    frame = bulk(PlainSession(venue, now), ["AUSDT", "BUSDT"], "1h", 45)
    assert frame.index.names == ["symbol", "open_time"]
    assert len(frame.loc["AUSDT"]) == 45
    assert keys(frame.loc["BUSDT"]) == have[10:]
    partial = bulk(PlainSession(venue, now), ["AUSDT", "XUSDT", "BUSDT"], "1h", 5, on_error="partial")
    assert sorted(set(partial.index.get_level_values("symbol"))) == ["AUSDT", "BUSDT"]
    assert [row[0] for row in partial.attrs["missing"]] == ["XUSDT"]
    with pytest.raises(BadSymbol) as caught:
        bulk(PlainSession(venue, now), ["AUSDT", "XUSDT", "BUSDT"], "1h", 5)
    assert "XUSDT" in str(caught.value)


def test_more_than_five_million_rows_must_be_asked_for() -> None:
    have = [T0]
    venue = PlainVenue({"BTCUSDT": have}, 1000)
    session = PlainSession(venue, T0 + 5_000_001_000)
    with pytest.raises(ValidationError) as caught:
        bulk(session, "BTCUSDT", "1s")
    assert caught.value.suggested is not None
    assert caught.value.suggested["limit"] == 5_000_000
    assert len(venue.asked) == 1


@pytest.mark.parametrize(
    ("kwargs", "kind"),
    [
        ({"symbol": "BTC USDT<script>"}, BadSymbol),
        ({"symbol": ""}, BadSymbol),
        ({"symbol": []}, ValidationError),
        ({"symbol": ["AUSDT", "a/usdt"]}, ValidationError),
        ({"interval": "1H"}, BadInterval),
        ({"interval": 60}, BadInterval),
        ({"limit": -5}, ValidationError),
        ({"limit": 0}, ValidationError),
        ({"limit": 2.5}, ValidationError),
        ({"limit": True}, ValidationError),
        ({"start": "2024-02-01", "end": "2024-01-01"}, ValidationError),
        ({"start": "soon"}, ValidationError),
        ({"start": 1_700_000_000}, ValidationError),
        ({"start": float("nan")}, ValidationError),
        ({"on_error": "ignore"}, ValidationError),
        ({"frame": "dask"}, CryptoxError),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(kwargs: dict[str, Any], kind: type[Exception]) -> None:
    venue = PlainVenue({"BTCUSDT": [T0]}, 10)
    with pytest.raises(kind) as caught:
        bulk(PlainSession(venue, T0 + DAY), **{"symbol": "BTCUSDT", "interval": "1h", **kwargs})
    assert venue.asked == []
    error = caught.value
    assert isinstance(error, CryptoxError)
    assert error.recovery_suggestions
