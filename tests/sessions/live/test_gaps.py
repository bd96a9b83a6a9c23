"""What cannot be repaired becomes a gap, and the feed goes on behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from cryptox.model import columns
from cryptox.model.events import Gap, Kline, Trade
from cryptox.sessions.live.candles import CandleTopic
from cryptox.sessions.live.executed import ExecutedTopic
from cryptox.sessions.live.localbook import BookTopic
from cryptox.sessions.live.rows import columns_of
from cryptox.venues.binance.sequence import LocalBook
from cryptox.venues.binance.wire.market import Depth
from cryptox.venues.binance.wire.streams import DepthEvent

MINUTE = 60_000
BASE = 1_767_225_600_000
NS = 5


class Told:
    """Messages as a stream brings them."""

    received_ns = NS

    def __init__(self, events: Sequence[Any]) -> None:
        self._events = list(events)
        self.event_time_ms = getattr(self._events[-1], "event_time_ms", BASE)

    def __len__(self) -> int:
        return len(self._events)

    def events(self) -> list[Any]:
        return self._events

    def newest(self) -> Any:
        return self._events[-1]

    def keys(self) -> list[int]:
        return [event.id for event in self._events]

    @property
    def rows(self) -> list[Any]:
        return self._events

    def pack(self, rows: Sequence[Any]) -> Any:
        return columns_of(columns.TRADES, rows).columns


class Reader:
    """A queue that only notes."""

    closed = False

    def __init__(self) -> None:
        self.events: list[Any] = []

    def put(self, rows: Any) -> None:
        self.events += rows.events()


def made(kind: Any, *, history: int = 0, **plan: Any) -> tuple[Any, Reader]:
    """A topic that is carried, with nobody who asks for it, and what it passes on."""
    capabilities = SimpleNamespace(klines_cap=1000, trades_cap=1000, depth_cap=1000)
    venue = SimpleNamespace(name="toy", capabilities=capabilities, local_book=LocalBook)
    hub = SimpleNamespace(loop=asyncio.get_running_loop(), venue=venue, stream_of=lambda subject: "stream")
    wanted = SimpleNamespace(
        topic_name=lambda symbol: f"toy:{symbol}",
        subject=lambda symbol: SimpleNamespace(kind="trades", symbol=symbol),
        session=SimpleNamespace(_address=SimpleNamespace(clock=None)),
        history=history,
        **plan,
    )
    topic = kind(hub, wanted, "BTCUSDT")
    topic.mend = lambda: None
    topic.connected = True
    reader: Any = Reader()
    topic.subscribe(reader)
    return topic, reader


def candle(minute: int, *, is_closed: bool = True) -> Kline:
    opened = BASE + minute * MINUTE
    numbers = (1.0, 1.0, 1.0, 1.0, 1.0)
    told = opened + MINUTE if is_closed else opened + 1
    return Kline(
        "BTCUSDT", told, NS, "1m", opened, *numbers, opened + MINUTE - 1, 1.0, 1, 1.0, 1.0, is_closed
    )  # fmt: skip


def trade(number: int) -> Trade:
    return Trade("BTCUSDT", BASE + number, NS, BASE + number, number, 1.0, 1.0, 1.0, "buy", True)


def changed(first: int, last: int) -> DepthEvent[str]:
    return DepthEvent("depthUpdate", BASE, "BTCUSDT", first, last, [("2.00000000", f"{last}.00000000")], [])


def shown(events: list[Any]) -> list[Any]:
    """Minutes of candles, ids of trades, and what gaps say."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, Gap):
            start, end = event.start_ms - BASE, event.end_ms - BASE
            found.append(("gap", start, end, event.first_id, event.last_id, event.reason))
        elif isinstance(event, Kline):
            minute = (event.open_time_ms - BASE) // MINUTE
            found.append(minute if event.is_closed else f"{minute}...")
        else:
            found.append(event.id)
    return found


def candles(**plan: Any) -> tuple[Any, Reader]:
    return made(CandleTopic, table=columns.KLINES, interval="1m", **plan)


def trades(**plan: Any) -> tuple[Any, Reader]:
    return made(ExecutedTopic, table=columns.TRADES, **plan)


def test_candles_that_the_exchange_does_not_have_are_a_gap() -> None:
    async def go() -> None:
        topic, reader = candles()
        topic.take(Told([candle(0)]))
        topic.take(Told([candle(4), candle(5, is_closed=False), candle(3)]))
        assert shown(reader.events) == [0]
        assert (topic._is_torn(), topic.gaps) == (True, 0)
        topic.give_up("it has them not")
        gap = ("gap", 0, 3 * MINUTE, None, None, "it has them not")
        assert shown(reader.events) == [0, gap, 3, 4, "5..."]
        assert (topic._is_torn(), topic.gaps, topic.pending) == (False, 1, False)
        assert topic.ready.done()
        assert shown([topic.latest]) == ["5..."]
        assert (topic.batch(None, False)["open_time"] - BASE).tolist() == [0, 3 * MINUTE, 4 * MINUTE]
        topic.take(Told([candle(5)]))
        assert shown(reader.events)[-1] == 5

    asyncio.run(go())


def test_before_a_candle_that_is_forming_too() -> None:
    async def go() -> None:
        topic, reader = candles()
        topic.take(Told([candle(0)]))
        topic.take(Told([candle(3, is_closed=False)]))
        assert topic._is_torn()
        topic.give_up("gone")
        assert shown(reader.events) == [0, ("gap", 0, 3 * MINUTE, None, None, "gone"), "3..."]
        assert (topic._is_torn(), topic.gaps, shown([topic.latest])) == (False, 1, ["3..."])
        topic.take(Told([candle(3)]))
        assert shown(reader.events)[-1] == 3

    asyncio.run(go())


def test_a_forming_candle_that_was_shown_is_not_shown_again_where_nothing_is_missing() -> None:
    async def go() -> None:
        topic, reader = candles()
        topic.take(Told([candle(0)]))
        topic.take(Told([candle(1, is_closed=False)]))
        topic.mend()
        topic.give_up("out of reach")
        assert (shown(reader.events), topic.gaps) == ([0, "1..."], 0)

    asyncio.run(go())


def test_candles_without_the_history_that_was_wanted_begin_with_the_stream() -> None:
    async def go() -> None:
        topic, reader = candles(history=5)
        topic.take(Told([candle(7)]))
        assert (shown(reader.events), topic.synced) == ([], False)
        topic.give_up("no history")
        assert (shown(reader.events), topic.gaps, topic.synced) == ([7], 0, True)

        empty, reader = candles(history=5)
        empty.give_up("no history")
        assert (reader.events, empty.synced, empty.latest) == ([], True, None)

    asyncio.run(go())


def test_trades_that_the_exchange_does_not_have_are_a_gap() -> None:
    async def go() -> None:
        topic, reader = trades()
        topic.take(Told([trade(1), trade(2)]))
        topic.take(Told([trade(9), trade(6), trade(7)]))
        assert (shown(reader.events), topic._is_torn()) == ([1, 2], True)
        topic.give_up("too old")
        assert shown(reader.events) == [1, 2, ("gap", 2, 6, 3, 5, "too old"), 6, 7]
        assert (topic._is_torn(), topic.gaps, topic.pending) == (True, 1, False)
        topic.give_up("too old")
        assert shown(reader.events)[5:] == [("gap", 7, 9, 8, 8, "too old"), 9]
        topic.give_up("nothing is missing")
        assert (len(reader.events), topic.gaps, topic._is_torn()) == (7, 2, False)

    asyncio.run(go())


def test_trades_without_the_history_that_was_wanted_begin_with_the_stream() -> None:
    async def go() -> None:
        topic, reader = trades(history=5)
        topic.take(Told([trade(7), trade(9)]))
        assert (shown(reader.events), topic.synced) == ([], False)
        topic.give_up("no history")
        assert shown(reader.events) == [7, ("gap", 7, 9, 8, 8, "no history"), 9]
        assert topic.synced

    asyncio.run(go())


def test_more_later_trades_than_may_wait_end_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        monkeypatch.setattr("cryptox.sessions.live.executed.MOST_HELD", 3)
        topic, reader = trades()
        topic.take(Told([trade(1)]))
        topic.take(Told([trade(3), trade(4), trade(5)]))
        assert shown(reader.events) == [1]
        topic.take(Told([trade(6)]))
        gap = ("gap", 1, 3, 2, 2, "too many later trades were waiting for it")
        assert shown(reader.events) == [1, gap, 3, 4, 5, 6]

    asyncio.run(go())


def test_a_book_whose_diffs_make_no_sense_says_so_and_is_not_in_step() -> None:
    async def go() -> None:
        topic, reader = made(BookTopic, levels=5)
        asked: list[bool] = []
        topic.mend = lambda: asked.append(True)
        topic._book.snapshot(Depth(1, [("2.00000000", "1.00000000")], []), limit=10, received_ns=NS)
        topic.take(Told([changed(2, 4)]))
        assert (topic.synced, topic.trouble, asked) == (True, None, [])
        assert list(reader.events[-1].bids) == [(2.0, 4.0)]
        topic.take(Told([changed(6, 5)]))
        assert topic.trouble == "ExchangeError: A diff of BTCUSDT ends at id 5 before it begins at 6."
        assert (topic.synced, asked) == (False, [True])

    asyncio.run(go())
