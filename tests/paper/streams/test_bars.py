from __future__ import annotations

from typing import Any

import pytest

from cryptox.model.interval import INTERVALS
from cryptox.paper.market import Listing
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.bars import MOST_BARS
from cryptox.paper.streams.sources import Sources
from cryptox.venues.binance.wire.streams import KlineBar, KlineEvent

START_MS = 1_717_243_200_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
DAY_MS = 24 * HOUR_MS


def told(market: Any, name: str, moments: list[int], still: bool = False) -> list[KlineEvent[str]]:
    sources = Sources(market)
    sources.collect(moments[0] * 1_000, {name: 1}, still=still)
    found = []
    for moment in moments[1:]:
        for _, event in sources.collect(moment * 1_000, {name: 1}, still=still):
            assert isinstance(event, KlineEvent)
            assert event.event_time == moment * 1_000
            found.append(event)
    return found


def candle(market: SeededMarket, interval: str, open_ms: int, now_ms: int, shift_ms: int = 0) -> list[Any]:
    found = market.candles(
        "BTCUSDT",
        INTERVALS[interval],
        start_ms=open_ms,
        end_ms=open_ms + 1,
        limit=1,
        newest=False,
        now_ms=now_ms,
        shift_ms=shift_ms,
    )
    columns = (found.open, found.high, found.low, found.close, found.volume, found.trades, found.taker_buy_volume)
    return [int(column[0]) for column in columns]


def numbers(bar: KlineBar[str]) -> list[int]:
    prices = [int(text.replace(".", "")) // 10**6 for text in (bar.open, bar.high, bar.low, bar.close)]
    return [*prices, digits(bar.volume) // 1_000, bar.trades, digits(bar.taker_buy_volume) // 1_000]


def digits(text: str) -> int:
    return int(text.replace(".", ""))


def test_a_bar_comes_every_two_seconds_and_once_closed(market: SeededMarket) -> None:
    moments = [START_MS + 500 + 100 * tick for tick in range(1_221)]
    events = told(market, "btcusdt@kline_1m", moments)
    closed = [event for event in events if event.bar.is_closed]
    assert [event.bar.open_time for event in closed] == [START_MS * 1_000, (START_MS + MINUTE_MS) * 1_000]
    assert [event.event_time // 1_000 for event in closed] == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
    assert [event.event_time // 1_000 - START_MS for event in events] == list(range(2_000, 122_001, 2_000))
    for event in events:
        bar, now_ms = event.bar, event.event_time // 1_000
        assert (bar.symbol, bar.interval, bar.close_time - bar.open_time) == ("BTCUSDT", "1m", 59_999_999)
        assert numbers(bar) == candle(market, "1m", bar.open_time // 1_000, now_ms)
        assert bar.last_id == market.last_trade_id("BTCUSDT", min(now_ms, bar.close_time // 1_000))
        assert bar.first_id == market.last_trade_id("BTCUSDT", bar.open_time // 1_000 - 1) + 1
        assert digits(bar.quote_volume) > 0


def test_bars_of_a_second_come_when_they_are_closed_also_without_trades(market: SeededMarket) -> None:
    events = told(market, "1inchusdt@kline_1s", [START_MS + 100 * tick for tick in range(601)])
    assert [event.bar.open_time // 1_000 for event in events] == list(range(START_MS, START_MS + MINUTE_MS, 1_000))
    assert all(event.bar.is_closed for event in events)
    idle = [event.bar for event in events if not event.bar.trades]
    assert idle
    assert {(bar.first_id, bar.last_id, bar.volume) for bar in idle} == {(-1, -1, "0.00000000")}
    assert sum(event.bar.trades for event in events) == market.last_trade_id(
        "1INCHUSDT", START_MS + MINUTE_MS - 1
    ) - market.last_trade_id("1INCHUSDT", START_MS - 1)


@pytest.mark.parametrize("interval", sorted(INTERVALS))
def test_every_interval_closes_its_bar(market: SeededMarket, interval: str) -> None:
    grid = INTERVALS[interval]
    opens = grid.floor(START_MS)
    ends = grid.close(opens) + 1
    events = told(market, f"btcusdt@kline_{interval}", [START_MS, ends - 1, ends + 5])
    [final] = [event.bar for event in events if event.bar.is_closed]
    assert (final.open_time, final.close_time) == (opens * 1_000, ends * 1_000 - 1)
    assert numbers(final) == candle(market, interval, opens, ends + 5)


def test_days_of_utc_plus_8_end_at_sixteen_hours(market: SeededMarket) -> None:
    ends = START_MS + 4 * HOUR_MS
    events = told(market, "btcusdt@kline_1d@+08:00", [START_MS, ends - 50, ends + 50])
    [final] = [event.bar for event in events if event.bar.is_closed]
    assert final.close_time == ends * 1_000 - 1
    assert final.open_time == (ends - DAY_MS) * 1_000
    assert numbers(final) == candle(market, "1d", ends - DAY_MS, ends, 8 * HOUR_MS)


def test_after_a_jump_the_closed_bars_come_up_to_a_bound(market: SeededMarket) -> None:
    events = told(market, "btcusdt@kline_1m", [START_MS + 1, START_MS + 20 * MINUTE_MS + 30_000])
    assert [event.bar.is_closed for event in events] == [True] * 20 + [False]
    assert events[-1].bar.open_time == (START_MS + 20 * MINUTE_MS) * 1_000
    many = told(market, "btcusdt@kline_1m", [START_MS, START_MS + 2_000 * MINUTE_MS + 30_000])
    assert len(many) == MOST_BARS + 1
    assert many[0].bar.open_time == (START_MS + 1_000 * MINUTE_MS) * 1_000


def test_when_time_stands_still_a_bar_comes_when_it_has_changed(market: SeededMarket) -> None:
    moments = [START_MS + 10_000, START_MS + 10_000, START_MS + 10_900, START_MS + 10_900]
    events = told(market, "btcusdt@kline_1m", moments, still=True)
    assert [event.event_time for event in events] == [(START_MS + 10_900) * 1_000]
    assert numbers(events[0].bar) == candle(market, "1m", START_MS, START_MS + 10_900)


def test_a_symbol_that_is_listed_later_begins_with_its_first_bar(market: SeededMarket) -> None:
    listing: Listing = market.listings["1INCHUSDT"]
    listed = listing.listed_ms
    events = told(market, "1inchusdt@kline_1m", [listed - 5_000, listed - 1_000, listed + 1_500, listed + MINUTE_MS])
    assert events[0].bar.first_id == 0
    assert events[-1].bar.is_closed


def test_the_last_bar_of_a_symbol_that_stops_trading_is_closed_once(market: SeededMarket) -> None:
    ended = market.listings["LUNCUSDT"].ended_ms
    assert ended is not None
    hour = ended // HOUR_MS * HOUR_MS - HOUR_MS
    moments = [hour + 1_800_000, hour + 2 * HOUR_MS, hour + 2 * HOUR_MS + 2_000, hour + 9 * HOUR_MS]
    events = told(market, "luncusdt@kline_1h", moments)
    opens = [event.bar.open_time // 1_000 for event in events if event.bar.is_closed]
    assert opens == sorted(set(opens))
    assert opens
    assert len(events) == len(opens)
