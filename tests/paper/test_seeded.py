"""The seeded market agrees with itself at every interval, moment and id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.errors import BadSymbol
from cryptox.model.interval import DAY_MS, INTERVALS, Interval
from cryptox.paper.listings import CHARACTERS
from cryptox.paper.market import Candles, Listing
from cryptox.paper.seeded import SeededMarket

MINUTE = 60_000
FIELDS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip
PRICES = ("open", "high", "low", "close")
SUMS = ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


NOW = ms("2026-07-14T09:26:53") + 589


@cache
def market() -> SeededMarket:
    return SeededMarket(7)


def candles(symbol: str, interval: str, start: int, end: int, now: int = NOW, **more: int) -> Candles:
    return market().candles(
        symbol, INTERVALS[interval], start_ms=start, end_ms=end, limit=10**6, newest=False, now_ms=now, **more
    )


def rows(found: Candles) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(found, name).tolist() for name in FIELDS), strict=True))


def made_of_trades(symbol: str, start: int, end: int, now: int) -> dict[str, int] | None:
    """What trades in [start, end) up to ``now`` make, by plain Python over the tape."""
    first = market().last_trade_id(symbol, start - 1) + 1
    last = market().last_trade_id(symbol, min(end - 1, now))
    tape = market().tape(symbol, first, last, now)
    price, steps, maker = tape.price.tolist(), tape.quantity.tolist(), tape.buyer_is_maker.tolist()
    if not price:
        return None
    assert int(tape.time_us[0]) // 1000 >= start
    assert int(tape.time_us[-1]) // 1000 <= min(end - 1, now)
    taken = [(p, q) for p, q, m in zip(price, steps, maker, strict=True) if not m]
    return {
        "open": price[0],
        "high": max(price),
        "low": min(price),
        "close": price[-1],
        "volume": sum(steps),
        "quote_volume": sum(p * q for p, q in zip(price, steps, strict=True)),
        "trades": len(price),
        "taker_buy_volume": sum(q for _, q in taken),
        "taker_buy_quote_volume": sum(p * q for p, q in taken),
    }


moments = st.one_of(
    st.integers(ms("2017-08-17T03:00"), ms("2026-07-01")),
    # Around outages, listings and the end of LUNC, where things go wrong if anywhere.
    st.sampled_from(
        [a for c in CHARACTERS.values() for o in c.listing.outages for a in o]
        + [c.listing.listed_ms for c in CHARACTERS.values()]
        + [c.listing.ended_ms for c in CHARACTERS.values() if c.listing.ended_ms]
    ).flatmap(lambda edge: st.integers(edge - 3 * MINUTE, edge + 3 * MINUTE)),
)
symbols = st.sampled_from(sorted(CHARACTERS))


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.sampled_from(["1s", "1m", "3m", "5m", "15m", "30m", "1h"]))
def test_candles_are_made_of_the_tape(symbol: str, now: int, name: str) -> None:
    interval = INTERVALS[name]
    start = interval.floor(now)
    found = candles(symbol, name, start, start + 1, now)
    truth = made_of_trades(symbol, start, now + 1, now)
    if truth is None:
        assert all(getattr(found, column).tolist() in ([0], []) for column in SUMS)
        return
    assert found.open_time.tolist() == [start]
    assert {key: getattr(found, key)[0] for key in truth} == truth


@settings(max_examples=30, deadline=None)
@given(
    symbols,
    moments,
    st.sampled_from(sorted(INTERVALS)),
    st.sampled_from([0, 0, 8, -5, 5.75, 5.5, 14, -12]),
    st.booleans(),
)
def test_a_longer_candle_is_the_sum_of_shorter_ones(
    symbol: str, moment: int, name: str, hours: float, forming: bool
) -> None:
    interval, shift = INTERVALS[name], int(hours * 3_600_000)
    finer = "1m" if name != "1m" and name != "1s" else "1s"
    start = interval.floor(moment + shift) - shift
    end = interval.shift(start + shift, 1) - shift
    now = moment if forming else max(end + MINUTE, moment)
    if name == "1s":
        end = start + 1000
    long = candles(symbol, name, start, end, now, shift_ms=shift)
    short = candles(symbol, finer, start, end, now)
    assert len(long.open) == min(1, len(short.open))
    if not len(short.open):
        return
    assert long.open_time[0] == start
    assert long.close_time[0] == end - 1
    assert long.open[0] == short.open[0]
    assert long.close[0] == short.close[-1]
    assert long.high[0] == short.high.max()
    assert long.low[0] == short.low.min()
    for column in SUMS:
        assert getattr(long, column)[0] == sum(getattr(short, column).tolist())


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.sampled_from(sorted(INTERVALS)), st.integers(1, 8), st.integers(0, 10**9))
def test_finished_candles_never_change(symbol: str, moment: int, name: str, count: int, later: int) -> None:
    interval = INTERVALS[name]
    start = interval.shift(interval.floor(moment), -count)
    before = rows(candles(symbol, name, start, moment + 1, moment))
    after = rows(candles(symbol, name, start, moment + 1, moment + later))
    done = [row for row in before if row[FIELDS.index("close_time")] <= moment]
    assert after[: len(done)] == done
    assert len(after) - len(done) in (0, 1)


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.sampled_from(sorted(INTERVALS)), st.integers(1, 20), st.integers(0, 24))
def test_newest_and_oldest_are_cuts_of_the_whole(symbol: str, moment: int, name: str, limit: int, width: int) -> None:
    interval = INTERVALS[name]
    start = interval.shift(interval.floor(moment), -width) + 7
    whole = rows(candles(symbol, name, start, moment + 1, moment))
    for newest in (True, False):
        part = market().candles(
            symbol, interval, start_ms=start, end_ms=moment + 1, limit=limit, newest=newest, now_ms=moment
        )
        assert rows(part) == (whole[-limit:] if newest else whole[:limit])
    opens = [row[0] for row in whole]
    assert opens == sorted(set(opens))
    assert set(opens) <= set(interval.opens(start, moment + 1))
    listing = market().listings[symbol]
    assert opens == [
        open_ms for open_ms in interval.opens(start, moment + 1) if trades_somewhere(interval, open_ms, moment, listing)
    ]


def trades_somewhere(interval: Interval, open_ms: int, now: int, listing: Listing) -> bool:
    """Whether the symbol has been open for a moment of that candle up to now."""
    low = max(open_ms, listing.listed_ms)
    high = min(interval.close(open_ms), now) + 1
    high = high if listing.ended_ms is None else min(high, listing.ended_ms)
    return low < high and not any(begin <= low and high <= end for begin, end in listing.outages)


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.integers(0, 10**9), st.integers(1, 700))
def test_ids_are_contiguous_and_the_tape_can_be_entered_anywhere(symbol: str, now: int, place: int, count: int) -> None:
    last = market().last_trade_id(symbol, now)
    if last < 0:
        assert market().last_aggregate_id(symbol, now) == -1
        assert len(market().tape(symbol, 0, 10, now).id) == 0
        return
    first = place % (last + 1)
    tape = market().tape(symbol, first, first + count - 1, now)
    assert tape.id.tolist() == list(range(first, min(last, first + count - 1) + 1))
    assert (np.diff(tape.time_us) >= 0).all()
    assert (tape.time_us // 1000 <= now).all()
    assert (tape.quantity > 0).all()
    assert (tape.price > 0).all()
    alone = market().tape(symbol, int(tape.id[-1]), int(tape.id[-1]), now)
    assert alone.price[0] == tape.price[-1]
    assert alone.time_us[0] == tape.time_us[-1]


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.integers(0, 10**9), st.integers(1, 300))
def test_aggregates_group_the_tape(symbol: str, now: int, place: int, count: int) -> None:
    newest = market().last_aggregate_id(symbol, now)
    if newest < 0:
        return
    first = place % (newest + 1)
    found = market().aggregates(symbol, first, first + count - 1, now)
    assert found.id.tolist() == list(range(first, min(newest, first + count - 1) + 1))
    tape = market().tape(symbol, int(found.first_id[0]), int(found.last_id[-1]), now)
    assert (found.first_id[1:] == found.last_id[:-1] + 1).all()
    groups: list[list[int]] = []
    seen = None
    for price, steps, time, maker in zip(
        tape.price.tolist(), tape.quantity.tolist(), tape.time_us.tolist(), tape.buyer_is_maker.tolist(), strict=True
    ):
        if (price, time, maker) != seen:
            groups.append([price, 0, time, maker])
            seen = (price, time, maker)
        groups[-1][1] += steps
    assert groups == [
        list(row)
        for row in zip(
            found.price.tolist(),
            found.quantity.tolist(),
            found.time_us.tolist(),
            found.buyer_is_maker.tolist(),
            strict=True,
        )
    ]
    if first + count - 1 >= newest:
        assert found.last_id[-1] == market().last_trade_id(symbol, now)
    # The search by time agrees with the times themselves.
    time_ms = int(found.time_us[-1]) // 1000
    at = market().aggregate_at(symbol, time_ms, now)
    times = market().aggregates(symbol, at - 1, at, now).time_us // 1000
    assert times[-1] >= time_ms
    assert len(times) == 1 or times[0] < time_ms
    assert market().aggregate_at(symbol, now + DAY_MS, now) == newest + 1


@settings(max_examples=30, deadline=None)
@given(symbols, moments, st.integers(1, 5 * 3_600_000))
def test_statistics_are_those_of_the_tape(symbol: str, now: int, width: int) -> None:
    start = now - width
    found = market().statistics(symbol, start, now)
    first = market().last_trade_id(symbol, start - 1) + 1
    tape = market().tape(symbol, first, market().last_trade_id(symbol, now), now)
    assert found.trades == len(tape.id)
    before = market().tape(symbol, first - 1, first - 1, now) if first else None
    assert found.prev_close == (int(before.price[0]) if before is not None else 0)
    if not found.trades:
        assert (found.open, found.first_id, found.last_time_us) == (0, -1, -1)
        return
    assert (found.first_id, found.last_id) == (int(tape.id[0]), int(tape.id[-1]))
    assert (found.open, found.high, found.low, found.last) == (
        tape.price[0], tape.price.max(), tape.price.min(), tape.price[-1],
    )  # fmt: skip
    assert found.volume == tape.quantity.sum()
    assert found.quote_volume == sum(p * q for p, q in zip(tape.price.tolist(), tape.quantity.tolist(), strict=True))
    assert (found.last_quantity, found.last_time_us) == (tape.quantity[-1], tape.time_us[-1])


def test_equal_seeds_give_equal_markets_in_any_order_of_asking() -> None:
    one, two = SeededMarket(11, ["ETHUSDT"]), SeededMarket(11)
    late, early = ms("2024-03-05T12:34:56"), ms("2019-03-05T12:34:56")
    ask = {"start_ms": 0, "limit": 50, "newest": True}
    first = [rows(one.candles("ETHUSDT", INTERVALS["1s"], end_ms=t, now_ms=t, **ask)) for t in (late, early)]
    second = [rows(two.candles("ETHUSDT", INTERVALS["1s"], end_ms=t, now_ms=t, **ask)) for t in (early, late)]
    assert first == second[::-1]
    other = SeededMarket(12).candles("ETHUSDT", INTERVALS["1s"], end_ms=late, now_ms=late, **ask)
    assert rows(other) != first[0]


@pytest.mark.slow
def test_nothing_exists_before_the_listing_and_after_the_end() -> None:
    young, gone = market().listings["AURAUSDT"], market().listings["LUNCUSDT"]
    assert len(candles("AURAUSDT", "1d", 0, 1 << 60, young.listed_ms - 1).open) == 0
    assert len(market().levels("AURAUSDT", young.listed_ms - 1, 10).bid_price) == 0
    assert candles("AURAUSDT", "1M", 0, 1 << 60, young.listed_ms).open_time.tolist() == [ms("2026-05-01")]
    assert gone.ended_ms is not None
    assert gone.status == "BREAK"
    assert candles("LUNCUSDT", "1m", gone.ended_ms - DAY_MS, 1 << 60).open_time[-1] == gone.ended_ms - MINUTE
    assert candles("BTCUSDT", "1w", 0, 1 << 60).open_time[0] == ms("2017-08-14")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BNBUSDT"])
@pytest.mark.parametrize("name", ["1m", "1h", "1d", "1w", "1M"])
def test_the_first_candle_is_in_a_window_that_ends_before_the_first_trade(symbol: str, name: str) -> None:
    listed, interval = market().listings[symbol].listed_ms, INTERVALS[name]
    opens = interval.floor(listed)
    for end in (opens, (opens + listed) // 2, listed):
        for newest in (True, False):
            found = market().candles(
                symbol, interval, start_ms=0, end_ms=end + 1, limit=5, newest=newest, now_ms=NOW
            )  # endTime is ``end``
            assert found.open_time.tolist() == [opens]
    assert len(candles(symbol, name, 0, opens).open) == 0
    assert len(candles(symbol, name, opens, opens + 1, listed - 1).open) == 0


def test_days_do_not_depend_on_what_was_asked_before() -> None:
    start, end = ms("2020-12-01"), ms("2021-01-10")  # 1INCH is listed and there are outages
    ask = {"limit": 100, "newest": False, "now_ms": NOW}
    for symbol in ("BTCUSDT", "1INCHUSDT", "LUNCUSDT"):
        one, two = SeededMarket(7, [symbol]), SeededMarket(7, [symbol])
        whole = rows(one.candles(symbol, INTERVALS["1d"], start_ms=start, end_ms=end, **ask))
        for day in (17, 3, 4, 29, 28, 10):
            at = start + day * DAY_MS
            alone = rows(two.candles(symbol, INTERVALS["1d"], start_ms=at, end_ms=at + 1, **ask))
            assert alone == [row for row in whole if row[0] == at]
        assert rows(two.candles(symbol, INTERVALS["1d"], start_ms=start, end_ms=end, **ask)) == whole


def test_far_future_costs_and_sums_stay_in_bounds() -> None:
    now = ms("2061-01-01")
    found = candles("BTCUSDT", "1m", now - 3_600_000, now, now)
    assert len(found.open) == 60
    assert (found.low > 0).all()
    assert made_of_trades("BTCUSDT", now - MINUTE, now, now) is not None


def test_all_of_history_fits_into_int64() -> None:
    end = ms("2026-12-31")
    for symbol in ("BTCUSDT", "PEPEUSDT"):
        found = candles(symbol, "1M", 0, end, end)
        assert sum(found.quote_volume.tolist()) < 2**63
        assert (found.quote_volume > 0).all()
        for listing in market().listings.values():
            assert listing.price_exponent + listing.quantity_exponent >= -8


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(BadSymbol, match="NOPEUSDT"):
        SeededMarket(7, ["NOPEUSDT"])
    with pytest.raises(BadSymbol):
        market().last_trade_id("NOPEUSDT", NOW)


def test_months_follow_local_time() -> None:
    zone = timezone(timedelta(hours=8))
    found = candles("ETHUSDT", "1M", ms("2021-01-15"), ms("2021-04-15"), shift_ms=8 * 3_600_000)
    assert [datetime.fromtimestamp(t / 1000, zone).strftime("%m-%d %H") for t in found.open_time.tolist()] == [
        "02-01 00", "03-01 00", "04-01 00",
    ]  # fmt: skip


def test_an_idle_minute_stays_at_the_last_price() -> None:
    """Also after a day's first minute with a single order, where it once stood at the walk's own price."""
    market = SeededMarket(7, symbols=["这是测试币456USDT"])
    end = 1_767_225_600_000
    bars = market.candles(
        "这是测试币456USDT",
        INTERVALS["1m"],
        start_ms=end - 30 * 86_400_000,
        end_ms=end,
        limit=50_000,
        newest=False,
        now_ms=end,
    )
    idle = np.flatnonzero(bars.trades[1:] == 0) + 1
    assert len(idle) > 10_000
    assert (bars.close[idle] == bars.close[idle - 1]).all()
    assert (bars.open[idle] == bars.close[idle]).all()
