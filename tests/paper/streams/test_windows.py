"""The ticker streams against what REST answers at the same moment."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cryptox.paper.question import Question
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.sources import Sources
from cryptox.paper.tickers import average_price, ticker_24h, window_ticker
from cryptox.venues.binance.wire.streams import AveragePriceEvent, MiniTickerEvent, TickerEvent, WindowTickerEvent

START_MS = 1_717_243_200_000
HOUR_MS = 3_600_000
NOW_US = (START_MS + 1_000) * 1_000 + 250


def at_the_next_second(market: SeededMarket, name: str, now_us: int = NOW_US) -> Any:
    sources = Sources(market)
    sources.collect(START_MS * 1_000, {name: 1})
    assert sources.collect((START_MS + 999) * 1_000, {name: 1}) == []
    [(told, event)] = sources.collect(now_us, {name: 1})
    assert told == name
    assert sources.collect(now_us + 500, {name: 1}) == []
    return event


def rest(market: SeededMarket, symbol: str, **params: Any) -> Question:
    asked = {"symbol": symbol, "symbols": None, "type": "FULL", **params}
    return Question(market, asked, NOW_US, microseconds=True)


def test_the_24_hour_ticker_says_what_rest_says(market: SeededMarket) -> None:
    event: TickerEvent[str] = at_the_next_second(market, "btcusdt@ticker")
    answer = ticker_24h(rest(market, "BTCUSDT")).body
    fields = [field for field in msgspec.structs.fields(type(event)) if field.name not in ("event", "event_time")]
    assert {field.name: getattr(event, field.name) for field in fields} == msgspec.structs.asdict(answer)
    assert (event.event, event.event_time, event.close_time) == ("24hrTicker", NOW_US, NOW_US)
    assert event.open_time == (START_MS + 1_000 - 24 * HOUR_MS) * 1_000


@pytest.mark.parametrize(("window", "hours"), [("1h", 1), ("4h", 4), ("1d", 24)])
def test_the_window_tickers_say_what_rest_says(market: SeededMarket, window: str, hours: int) -> None:
    event: WindowTickerEvent[str] = at_the_next_second(market, f"ethusdt@ticker_{window}")
    answer = window_ticker(rest(market, "ETHUSDT", windowSize=hours * HOUR_MS)).body
    assert [event.price_change, event.price_change_percent, event.weighted_avg_price, event.open, event.high] == [
        answer[name] for name in ("priceChange", "priceChangePercent", "weightedAvgPrice", "openPrice", "highPrice")
    ]
    assert [event.low, event.last, event.volume, event.quote_volume] == [
        answer[name] for name in ("lowPrice", "lastPrice", "volume", "quoteVolume")
    ]
    assert [event.open_time, event.close_time, event.first_id, event.last_id, event.trades] == [
        answer[name] for name in ("openTime", "closeTime", "firstId", "lastId", "count")
    ]
    assert event.event == f"{window}Ticker"
    assert event.open_time % 60_000_000 == 0


def test_the_average_says_what_rest_says(market: SeededMarket) -> None:
    event: AveragePriceEvent[str] = at_the_next_second(market, "btcusdt@avgPrice")
    answer = average_price(rest(market, "BTCUSDT")).body
    assert (event.price, event.last_time, event.window) == (answer.price, answer.close_time, "5m")
    assert event.event_time == NOW_US


def test_an_array_has_the_symbols_that_have_changed(market: SeededMarket) -> None:
    events: list[MiniTickerEvent[str]] = at_the_next_second(market, "!miniTicker@arr")
    changed = {
        symbol
        for symbol in market.listings
        if market.statistics(symbol, START_MS - 24 * HOUR_MS, START_MS)
        != market.statistics(symbol, START_MS + 1_000 - 24 * HOUR_MS, START_MS + 1_000)
    }
    assert [event.symbol for event in events] == [symbol for symbol in market.listings if symbol in changed]
    assert {event.event for event in events} == {"24hrMiniTicker"}
    assert "BTCUSDT" in changed
    assert "AURAUSDT" in set(market.listings) - changed  # not listed yet
    bitcoin = events[0]
    assert bitcoin == at_the_next_second(market, "btcusdt@miniTicker")
    assert bitcoin.last == ticker_24h(rest(market, "BTCUSDT")).body.last


def test_an_array_without_any_change_is_not_sent(market: SeededMarket) -> None:
    quiet = SeededMarket(7, symbols=["AURAUSDT"])
    sources = Sources(quiet)
    for second in range(4):
        assert sources.collect((START_MS + 1_000 * second) * 1_000, {"!ticker_1h@arr": 1, "aurausdt@ticker": 2}) == []
    still, wanted = Sources(market), {"!miniTicker@arr": 1}
    still.collect(START_MS * 1_000, wanted, still=True)
    assert still.collect(START_MS * 1_000, wanted, still=True) == []
    [(_, changed)] = still.collect((START_MS + 300) * 1_000, wanted, still=True)
    assert isinstance(changed, list)
    assert 0 < len(changed) < len(market.listings) - 1


def test_a_single_ticker_comes_every_second_and_when_time_stands_still_only_when_it_has_changed(
    market: SeededMarket,
) -> None:
    sources, wanted = Sources(market), {"btcusdt@ticker": 1, "btcusdt@avgPrice": 2, "btcusdt@miniTicker": 3}
    sources.collect(START_MS * 1_000, wanted)
    for second in (1, 2, 3):
        told = sources.collect((START_MS + second * 1_000) * 1_000 + 70_000, wanted)
        assert [name for name, _ in told] == list(wanted)
    still = Sources(market)
    still.collect(START_MS * 1_000, wanted, still=True)
    assert [name for name, _ in still.collect((START_MS + 300) * 1_000, wanted, still=True)]
    assert still.collect((START_MS + 300) * 1_000, wanted, still=True) == []
