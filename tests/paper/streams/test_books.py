from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cryptox.paper.market import Levels
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.books import changes
from cryptox.paper.streams.sources import Sources
from cryptox.venues.binance.wire.streams import BookTickerEvent, DepthEvent, PartialDepth

START_MS = 1_717_243_200_000
SYMBOL = "BTCUSDT"
FAST, SLOW, BEST = "btcusdt@depth@100ms", "btcusdt@depth", "btcusdt@bookTicker"
MARKETS = {seed: SeededMarket(seed, symbols=[SYMBOL]) for seed in (1, 7, 99)}
Side = dict[int, int]  # ticks to steps


class Nudged:
    """A market whose book users change: quantities put at prices, each change one more update."""

    def __init__(self, market: SeededMarket) -> None:
        self._market, self.listings, self.end_ms = market, market.listings, None
        self.shift = 0
        self.watchers: list[Any] = []
        self._put: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def put(self, side: int, depth: int, quantity: int, now_ms: int) -> None:
        book = self.levels(SYMBOL, now_ms, 5_000)
        price = (book.bid_price, book.ask_price)[side][depth]
        self._put[side][int(price) + (depth % 2)] = quantity
        self.shift += 1

    def shown(self, now_ms: int, limit: int) -> Levels:
        """What REST would tell now."""
        book = self.levels(SYMBOL, now_ms, limit)
        for watcher in self.watchers:
            watcher(SYMBOL, limit, book)
        return book

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        own = self._market.levels(symbol, now_ms, limit + len(self._put[0]) + len(self._put[1]))
        if not self.shift:
            return own
        bids = self._laid(0, own.bid_price, own.bid_quantity, limit)
        asks = self._laid(1, own.ask_price, own.ask_quantity, limit)
        return Levels(own.last_update_id + self.shift, *bids, *asks)

    def _laid(self, side: int, price: Any, quantity: Any, limit: int) -> tuple[Any, Any]:
        laid = dict(zip(price.tolist(), quantity.tolist(), strict=True)) | self._put[side]
        rows = sorted((row for row in laid.items() if row[1]), reverse=side == 0)[:limit]
        return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)


class Client:
    """A local book by the documented steps, in Decimal: nothing of the package in it."""

    def __init__(self) -> None:
        self.events: list[DepthEvent[str]] = []
        self.bids: Side = {}
        self.asks: Side = {}
        self.id: int | None = None
        self.worst: tuple[int, int] | None = None  # of a snapshot cut short: beyond it nothing is known

    def snapshot(self, book: Levels) -> None:
        self.id = book.last_update_id
        self.bids = told(book.bid_price, book.bid_quantity)
        self.asks = told(book.ask_price, book.ask_quantity)
        if len(self.bids) < 5_000:
            self.worst = min(self.bids), max(self.asks)
        for event in self.events:
            self.apply(event)

    def hear(self, event: DepthEvent[str]) -> None:
        if self.events:
            assert event.first_update_id == self.events[-1].last_update_id + 1
        assert event.last_update_id >= event.first_update_id
        self.events.append(event)
        if self.id is not None:
            self.apply(event)

    def apply(self, event: DepthEvent[str]) -> None:
        assert self.id is not None
        if event.last_update_id <= self.id:
            return
        assert event.first_update_id <= self.id + 1
        for side, rows in ((self.bids, event.bids), (self.asks, event.asks)):
            for price, quantity in rows:
                side[ticks(price)] = steps(quantity)
                if not steps(quantity):
                    side.pop(ticks(price))
        self.id = event.last_update_id


def ticks(price: str) -> int:
    return int(Decimal(price) * 100)


def steps(quantity: str) -> int:
    return int(Decimal(quantity) * 100_000)


def told(prices: Any, quantities: Any) -> Side:
    return dict(zip(prices.tolist(), quantities.tolist(), strict=True))


def depth_events(told: Iterable[tuple[str, Any]], name: str) -> list[DepthEvent[str]]:
    return [event for stream, event in told if stream == name]


MOVES = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 30, 99, 100, 101, 250, 999, 1_000, 2_500, 61_000)),  # ms that pass
        st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4_999), st.sampled_from((0, 1, 77))), max_size=3),
    ),
    min_size=2,
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.sampled_from(sorted(MARKETS)),
    start=st.integers(0, 3_000_000),
    moves=MOVES,
    snapshot_at=st.integers(0, 11),
    limit=st.sampled_from((5, 100, 5_000)),
    still=st.booleans(),
)
def test_snapshot_and_changes_make_the_book_of_any_later_moment(
    seed: int, start: int, moves: list[Any], snapshot_at: int, limit: int, still: bool
) -> None:
    market = Nudged(MARKETS[seed])
    sources, now_ms = Sources(market), START_MS + start
    market.watchers.append(sources.note)
    clients = {name: Client() for name in (FAST, SLOW)}
    wanted = dict.fromkeys(clients, 1)
    sources.collect(now_ms * 1_000, wanted, still=still)
    for number, (passed, puts) in enumerate(moves):
        now_ms += passed
        for side, depth, quantity in puts:
            market.put(side, depth, quantity, now_ms)
            if number % 2:
                market.shown(now_ms, 20)  # somebody else looks
        if number == min(snapshot_at, len(moves) - 1):
            for client in clients.values():
                client.snapshot(market.shown(now_ms, limit))
        events = sources.collect(now_ms * 1_000, wanted, still=still)
        for name, client in clients.items():
            for event in depth_events(events, name):
                client.hear(event)
                assert event.event_time == now_ms * 1_000
                assert event.last_update_id == market.levels(SYMBOL, now_ms, 5_000).last_update_id
        if still:
            assert_same(clients[FAST], market.levels(SYMBOL, now_ms, 5_000))
    now_ms += 1_000
    events = sources.collect(now_ms * 1_000, wanted, still=still)
    for name, client in clients.items():
        for event in depth_events(events, name):
            client.hear(event)
        assert_same(client, market.levels(SYMBOL, now_ms, 5_000))


def assert_same(client: Client, book: Levels) -> None:
    if client.id is None:
        return
    assert client.id <= book.last_update_id
    bids, asks = told(book.bid_price, book.bid_quantity), told(book.ask_price, book.ask_quantity)
    if client.worst is None:
        assert (client.bids, client.asks) == (bids, asks)
        return
    low, high = client.worst
    assert known(client.bids, low, 10**18) == known(bids, low, 10**18)
    assert known(client.asks, 0, high) == known(asks, 0, high)


def known(side: Side, low: int, high: int) -> Side:
    return {price: quantity for price, quantity in side.items() if low <= price <= high}


@given(
    st.dictionaries(st.integers(1, 30), st.integers(1, 3)),
    st.dictionaries(st.integers(1, 30), st.integers(1, 3)),
    st.booleans(),
)
def test_changes_turn_one_side_into_the_other(old: dict[int, int], new: dict[int, int], falling: bool) -> None:
    columns = []
    for side in (old, new):
        rows = sorted(side.items(), reverse=falling)
        columns += [np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)]
    prices, quantities = changes(*columns)
    found = dict(zip(prices.tolist(), quantities.tolist(), strict=True))
    assert list(found) == sorted(found)
    expected = {price: new.get(price, 0) for price in old.keys() | new.keys() if old.get(price, 0) != new.get(price, 0)}
    assert found == expected


def test_two_speeds_are_chained_each_for_itself() -> None:
    sources = Sources(MARKETS[7])
    wanted = {FAST: 1, SLOW: 2}
    first = MARKETS[7].levels(SYMBOL, START_MS, 1).last_update_id
    events: list[tuple[str, Any]] = []
    for tick in range(21):
        events += sources.collect((START_MS + 100 * tick) * 1_000 + 500, wanted)
    fast, slow = depth_events(events, FAST), depth_events(events, SLOW)
    assert (len(fast), len(slow)) == (20, 2)
    assert fast[0].first_update_id == slow[0].first_update_id == first + 1
    assert slow[0].last_update_id == fast[9].last_update_id
    assert slow[1].last_update_id == fast[19].last_update_id
    assert [event.event_time for event in slow] == [(START_MS + 1_000) * 1_000 + 500, (START_MS + 2_000) * 1_000 + 500]


def test_best_levels_come_first_and_nothing_comes_twice() -> None:
    sources = Sources(MARKETS[7])
    sources.collect(START_MS * 1_000, {FAST: 1})
    assert sources.collect((START_MS + 50) * 1_000, {FAST: 1}) == []
    [(_, event)] = sources.collect((START_MS + 60_000) * 1_000, {FAST: 1})
    assert isinstance(event, DepthEvent)
    bids, asks = ([Decimal(price) for price, _ in rows] for rows in (event.bids, event.asks))
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert sources.collect((START_MS + 60_099) * 1_000, {FAST: 1}) == []


def test_best_prices_are_told_when_they_change_with_the_id_of_the_book() -> None:
    market = Nudged(MARKETS[7])
    sources, wanted = Sources(market), {BEST: 1}
    sources.collect(START_MS * 1_000, wanted)
    book = market.levels(SYMBOL, START_MS, 1)
    market.put(0, 400, 5, START_MS)  # far from the best price
    assert sources.collect(START_MS * 1_000, wanted) == []
    market.put(0, 0, 12_345, START_MS)
    [(_, event)] = sources.collect(START_MS * 1_000, wanted)
    assert event == BookTickerEvent(
        update_id=book.last_update_id + 2,
        symbol=SYMBOL,
        bid=f"{Decimal(int(book.bid_price[0])).scaleb(-2):.8f}",
        bid_quantity="0.12345000",
        ask=f"{Decimal(int(book.ask_price[0])).scaleb(-2):.8f}",
        ask_quantity=f"{Decimal(int(book.ask_quantity[0])).scaleb(-5):.8f}",
    )
    assert sources.collect(START_MS * 1_000, wanted) == []


def test_partial_books_are_the_top_of_the_book_at_their_beat() -> None:
    sources, wanted = Sources(MARKETS[7]), {"btcusdt@depth5": 1, "btcusdt@depth20@100ms": 1}
    sources.collect(START_MS * 1_000, wanted)
    assert sources.collect((START_MS + 99) * 1_000, wanted) == []
    [(name, event)] = sources.collect((START_MS + 100) * 1_000, wanted)
    assert name == "btcusdt@depth20@100ms"
    book = MARKETS[7].levels(SYMBOL, START_MS + 100, 20)
    assert isinstance(event, PartialDepth)
    assert event.last_update_id == book.last_update_id
    for rows, side in (
        (event.bids, told(book.bid_price, book.bid_quantity)),
        (event.asks, told(book.ask_price, book.ask_quantity)),
    ):
        assert [(ticks(price), steps(quantity)) for price, quantity in rows] == list(side.items())
        assert len(rows) == 20
    events = dict(sources.collect((START_MS + 1_000) * 1_000, wanted))
    assert len(events["btcusdt@depth5"].bids) == 5  # type: ignore[union-attr]  # a partial book
    assert set(events) == set(wanted)


def test_when_time_stands_still_a_partial_book_is_told_when_it_has_changed() -> None:
    market = Nudged(MARKETS[7])
    sources, wanted = Sources(market), {"btcusdt@depth5": 1}
    sources.collect(START_MS * 1_000, wanted, still=True)
    assert sources.collect(START_MS * 1_000, wanted, still=True) == []
    market.put(1, 0, 9, START_MS)
    [(_, event)] = sources.collect(START_MS * 1_000, wanted, still=True)
    assert event.asks[0][1] == "0.00009000"  # type: ignore[union-attr]  # a partial book
    assert sources.collect(START_MS * 1_000, wanted, still=True) == []


def test_a_book_that_stops_trading_is_taken_down() -> None:
    ended = MARKETS[7].listings[SYMBOL]
    market = Nudged(MARKETS[7])
    object.__setattr__(
        market, "listings", {SYMBOL: type(ended)(SYMBOL, "BTC", "USDT", ended.listed_ms, START_MS + 1_000)}
    )
    sources, wanted = Sources(market), {FAST: 1, "btcusdt@depth5": 1, "btcusdt@ticker": 1, BEST: 1}
    sources.collect((START_MS + 900) * 1_000, wanted)
    events = dict(sources.collect((START_MS + 1_000) * 1_000, wanted))
    assert set(events) == {FAST, BEST}
    assert {quantity for _, quantity in events[FAST].bids} == {"0.00000000"}  # type: ignore[union-attr]  # changes
    assert len(events[FAST].asks) == 5_000  # type: ignore[union-attr]  # the whole window
    assert events[BEST].bid == "0.00000000"  # type: ignore[union-attr]  # best prices
    assert sources.collect((START_MS + 5_000) * 1_000, wanted) == []
