from __future__ import annotations

import pytest

from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.sources import Sources, is_served

START_US = 1_717_243_200_000_000
SECOND_US = 1_000_000


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("btcusdt@trade", True),
        ("这是测试币456usdt@kline_1m", True),
        ("!ticker_1d@arr", True),
        ("btcusdt@depth@100ms", True),
        ("btcusdt@blockTrade", False),
        ("btcusdt@referencePrice", False),
        ("nousdt@trade", False),
        ("0", False),
        ("!ticker@arr", False),
    ],
)
def test_what_can_ever_speak(market: SeededMarket, name: str, served: bool) -> None:
    assert is_served(name, market) is served


def test_a_stream_begins_where_the_market_is_and_ends_when_nobody_wants_it(market: SeededMarket) -> None:
    sources = Sources(market)
    assert sources.collect(START_US, {"btcusdt@trade": 1}) == []
    assert sources.collect(START_US + 60 * SECOND_US, {}) == []
    assert sources.collect(START_US + 120 * SECOND_US, {"btcusdt@trade": 2}) == []
    told = sources.collect(START_US + 130 * SECOND_US, {"btcusdt@trade": 2})
    first = market.last_trade_id("BTCUSDT", (START_US + 120 * SECOND_US) // 1_000) + 1
    assert told[0][1].id == first  # type: ignore[union-attr]  # a trade


def test_another_number_begins_a_stream_anew(market: SeededMarket) -> None:
    sources = Sources(market)
    sources.collect(START_US, {"btcusdt@trade": 1, "btcusdt@bookTicker": 2})
    told = sources.collect(START_US + 60 * SECOND_US, {"btcusdt@trade": 9, "btcusdt@bookTicker": 2})
    assert [name for name, _ in told] == ["btcusdt@bookTicker"]


def test_who_comes_later_does_not_disturb_who_is_there(market: SeededMarket) -> None:
    alone, joined = Sources(market), Sources(market)
    wanted = {"btcusdt@depth@100ms": 1}
    more = wanted | {"btcusdt@depth": 2, "btcusdt@depth20": 3, "btcusdt@trade": 4}
    alone.collect(START_US, wanted)
    joined.collect(START_US, wanted)
    for tick in range(1, 30):
        now_us = START_US + tick * 100_000
        expected = alone.collect(now_us, wanted)
        found = joined.collect(now_us, more if 10 <= tick < 20 else wanted)
        assert [one for one in found if one[0] in wanted] == expected


def test_books_shown_to_others_are_noted_only_for_books_that_are_streamed(market: SeededMarket) -> None:
    sources = Sources(market)
    book = market.levels("BTCUSDT", START_US // 1_000 + 500, 5)
    sources.note("BTCUSDT", 5, book)
    sources.collect(START_US, {"btcusdt@depth": 1, "ethusdt@trade": 2})
    sources.note("BTCUSDT", 5, book)
    sources.note("ETHUSDT", 5, book)
    told = dict(sources.collect(START_US + SECOND_US, {"btcusdt@depth": 1}))
    prices = {int(price.replace(".", "")) // 10**6 for price, _ in told["btcusdt@depth"].bids}  # type: ignore[union-attr]
    now = market.levels("BTCUSDT", START_US // 1_000 + 1_000, 5_000)
    quantities = dict(zip(now.bid_price.tolist(), now.bid_quantity.tolist(), strict=True))
    shown = dict(zip(book.bid_price.tolist(), book.bid_quantity.tolist(), strict=True))
    assert {price for price, quantity in shown.items() if quantities.get(price) != quantity} <= prices
