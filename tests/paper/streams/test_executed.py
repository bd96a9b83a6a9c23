from __future__ import annotations

from typing import Any

import pytest

from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.look import MOST_TRADES
from cryptox.paper.streams.sources import Sources
from cryptox.venues.binance.wire.streams import AggTradeEvent, TradeEvent

START_MS = 1_717_243_200_000
TRADES, AGGREGATES = "btcusdt@trade", "btcusdt@aggTrade"


def collected(market: SeededMarket, name: str, ends_ms: list[int]) -> list[Any]:
    sources = Sources(market)
    assert sources.collect(START_MS * 1_000, {name: 1}) == []
    return [event for end_ms in ends_ms for _, event in sources.collect(end_ms * 1_000, {name: 1})]


def test_every_trade_comes_once_and_in_order(market: SeededMarket) -> None:
    ends = [START_MS + passed for passed in (0, 100, 200, 300, 1_000, 1_007, 30_000, 60_000)]
    events: list[TradeEvent[str]] = collected(market, TRADES, ends)
    first = market.last_trade_id("BTCUSDT", START_MS) + 1
    tape = market.tape("BTCUSDT", first, 10**12, START_MS + 60_000)
    assert len(events) > 50
    assert [event.id for event in events] == tape.id.tolist()
    assert [event.time for event in events] == tape.time_us.tolist()
    assert [event.buyer_is_maker for event in events] == tape.buyer_is_maker.tolist()
    assert [int(event.price.replace(".", "")) // 10**6 for event in events] == tape.price.tolist()
    assert [int(event.quantity.replace(".", "")) // 10**3 for event in events] == tape.quantity.tolist()
    assert {(event.event, event.symbol) for event in events} == {("trade", "BTCUSDT")}
    assert {event.event_time for event in events} <= {end * 1_000 for end in ends}
    assert all(event.event_time >= event.time for event in events)


def test_a_trade_within_the_present_millisecond_is_not_sent_before_it_happens(market: SeededMarket) -> None:
    tape = market.tape("BTCUSDT", market.last_trade_id("BTCUSDT", START_MS) + 1, 10**12, START_MS + 60_000)
    time_us = int(tape.time_us[3])
    assert time_us % 1_000
    sources = Sources(market)
    sources.collect(START_MS * 1_000, {TRADES: 1})
    events = sources.collect(time_us // 1_000 * 1_000, {TRADES: 1})
    last = events[-1][1]
    assert isinstance(last, TradeEvent)
    assert (last.time, last.event_time) == (time_us, time_us)


def test_every_aggregate_comes_once_and_covers_its_trades(market: SeededMarket) -> None:
    ends = [START_MS + passed for passed in range(100, 20_001, 100)]
    events: list[AggTradeEvent[str]] = collected(market, AGGREGATES, ends)
    first = market.last_aggregate_id("BTCUSDT", START_MS) + 1
    found = market.aggregates("BTCUSDT", first, 10**12, START_MS + 20_000)
    assert len(events) > 10
    assert [(one.id, one.first_id, one.last_id, one.time) for one in events] == list(
        zip(found.id.tolist(), found.first_id.tolist(), found.last_id.tolist(), found.time_us.tolist(), strict=True)
    )
    assert [one.first_id for one in events[1:]] == [one.last_id + 1 for one in events[:-1]]
    assert {(one.event, one.ignore) for one in events} == {("aggTrade", True)}


def test_trades_of_jumps_are_left_out_and_all_others_told(market: SeededMarket) -> None:
    minute = 60_000
    ends = [START_MS + one * minute for one in (0, 9, 90, 95, 200, 201)]
    jumps = [(START_MS + a * minute, START_MS + b * minute) for a, b in ((9, 90), (95, 200))]
    for name, number in ((TRADES, market.last_trade_id), (AGGREGATES, market.last_aggregate_id)):
        sources = Sources(market)
        spans = [(start * 1_000, end * 1_000) for start, end in jumps]
        assert sources.collect(START_MS * 1_000, {name: 1}) == []
        told = sources.collect(ends[-1] * 1_000, {name: 1}, jumps=lambda *_, spans=spans: spans)
        wanted = [
            one
            for start, end in zip(ends[::2], ends[1::2], strict=True)
            for one in range(number("BTCUSDT", start) + 1, number("BTCUSDT", end) + 1)
        ]
        assert [event.id for _, event in told] == wanted  # type: ignore[union-attr]  # of single trades
        assert len(wanted) > 50
        end_us = ends[-1] * 1_000 + 60_000_000  # and it goes on from there
        assert sources.collect(end_us, {name: 1})[0][1].id == wanted[-1] + 1  # type: ignore[union-attr]


def test_of_very_many_trades_the_newest_are_told(market: SeededMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptox.paper.streams.look.MOST_TRADES", 100)
    events = collected(market, TRADES, [START_MS + 600_000])
    last = market.last_trade_id("BTCUSDT", START_MS + 600_000)
    assert [event.id for event in events] == list(range(last - 99, last + 1))
    assert MOST_TRADES == 50_000
