"""The blocking feed, on a paper exchange over real sockets: in one process, from one thread and from many."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

import cryptox as cx
from cryptox import portal
from cryptox.sync import door

SPEED = 120  # so much faster than life: some 80 trades a second


def until(true: Callable[[], object], within_s: float = 30.0) -> None:
    """Poll until it holds."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def serving() -> set[str]:
    """Tasks on the loop thread that serve feeds."""

    async def names() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()}

    return {name for name in portal.run(names()) if name.startswith("cryptox-")}


def feed_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("cryptox-feed")]


def ids(events: list[Any]) -> list[int]:
    return [event.id for event in events]


def contiguous(found: list[int]) -> bool:
    return bool(found) and found == list(range(found[0], found[0] + len(found)))


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED)) as exchange:
        yield exchange


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[cx.Session]:
    with cx.connect(exchange) as session:
        yield session
    gc.collect()
    until(lambda: not serving() and not feed_threads())


@pytest.fixture
def frozen() -> Iterator[tuple[cx.PaperExchange, cx.Session]]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        yield exchange, session


def test_a_feed_runs_when_it_is_made(session: cx.Session) -> None:
    feed = session.live.trades("btc/usdt", history=50)
    assert isinstance(feed, cx.Feed)
    assert (feed.topic, feed.kind, feed.symbols, feed.interval) == (
        "paper:trades:BTCUSDT",
        "trades",
        ("BTCUSDT",),
        None,
    )
    status = feed.status
    assert (status.connected, status.stale, status.synced, status.gaps, status.dropped) == (True, False, True, 0, 0)
    assert repr(feed).startswith("<Feed paper:trades:BTCUSDT connected, ")
    assert "\n" not in repr(feed)
    until(lambda: len(feed.frame()) > 60)  # the history and what has come since
    assert contiguous(feed.frame().id.tolist())
    assert len(feed.frame(10)) == 10
    assert feed.snapshot(10).frame("polars").columns[0] == "time"
    assert feed.latest is not None
    assert feed.latest.kind == "trade"
    assert feed.is_running


def test_frames_are_of_the_moment(frozen: tuple[cx.PaperExchange, cx.Session]) -> None:
    exchange, session = frozen
    feed = session.live.klines("BTCUSDT", "1m", history=5)
    assert [str(time)[11:16] for time in feed.frame().index] == ["11:55", "11:56", "11:57", "11:58", "11:59"]
    assert str(feed.frame(1, True).index[0])[11:16] == "12:00"
    exchange.clock.advance("2m")
    until(lambda: len(feed.frame()) == 7)
    whole = session.klines("BTCUSDT", "1m", start="2024-06-01 11:55")
    assert feed.frame().equals(whole)


def test_iteration_begins_with_now_and_is_left_by_break(session: cx.Session) -> None:
    feed = session.live.trades("BTCUSDT", history=20)
    seen: list[Any] = []
    before: Any = feed.latest
    for event in feed:
        seen.append(event)
        if len(seen) == 40:
            break
    assert contiguous(ids(seen))
    assert seen[0].id > before.id
    gc.collect()
    assert feed._feed._readers.queues() == []
    again = ids(list(islice(feed, 5)))
    assert contiguous(again)
    assert again[0] > seen[-1].id
    assert feed.is_running


def test_readers_and_frame_agree(session: cx.Session) -> None:
    feed = session.live.agg_trades("BTCUSDT")
    first, second = iter(feed), iter(feed)
    a = ids(list(islice(first, 30)))
    b = ids(list(islice(second, 30)))
    assert contiguous(a)
    shared = [number for number in b if number in set(a)]
    assert len(shared) >= 25
    assert set(a) <= set(feed.frame().id.tolist())


@pytest.mark.parametrize("how", ["stop", "unsubscribe", "cx-unsubscribe", "close", "with", "in-the-loop"])
def test_iteration_ends_with_the_feed(exchange: cx.PaperExchange, how: str) -> None:
    session = cx.connect(exchange)
    feed = session.live.trades("BTCUSDT")
    begun, ended = threading.Event(), threading.Event()

    def read() -> None:
        for _ in feed:
            begun.set()
            if how == "in-the-loop":
                feed.stop()
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(5)
    match how:
        case "stop":
            feed.stop()
            feed.stop()
        case "unsubscribe":
            assert feed.unsubscribe("BTC-USDT")
        case "cx-unsubscribe":
            assert session.unsubscribe("btcusdt") == 1
            assert session.unsubscribe("btcusdt") == 0
        case "close":
            session.close()
        case "with":
            with feed as itself:
                assert itself is feed
    assert ended.wait(2)
    thread.join(2)
    assert not feed.is_running
    assert repr(feed) == "<Feed paper:trades:BTCUSDT stopped>"
    assert feed.status.connected is False
    assert len(feed.frame()) > 0  # what it had is still there
    with pytest.raises(cx.errors.ConfigurationError, match="has ended"):
        iter(feed)
    with pytest.raises(cx.errors.ConfigurationError, match="has ended"):
        feed.on(print)
    session.close()
    until(lambda: not serving())


def test_callbacks_run_one_after_another_on_a_thread_of_their_own(session: cx.Session) -> None:
    feed, where, inside, seen = session.live.trades("BTCUSDT"), set(), [0], []

    def called(event: Any) -> None:
        inside[0] += 1
        assert inside[0] == 1
        where.add(threading.current_thread().name)
        # Blocking calls are at home here.
        assert feed.latest is not None
        seen.append((event.id, len(feed.frame(1)), "first"))
        inside[0] -= 1

    assert feed.on(called) is feed
    feed.on(lambda event: seen.append((ids([event])[0], 1, "second")))
    until(lambda: len(seen) > 40)
    status = feed.status
    feed.stop()
    assert where == {"cryptox-feed-trades"}
    assert (status.errors, status.last_error) == (0, None)
    firsts = [number for number, _, name in seen if name == "first"]
    assert contiguous(firsts)
    # For each event first the one, then the other; only the second may have come late.
    assert [name for _, _, name in seen[-6:]] in (["first", "second"] * 3, ["second", "first"] * 3)
    until(lambda: not feed_threads())
    count = len(seen)
    time.sleep(0.1)
    assert len(seen) == count


def test_a_slow_callback_delays_nobody_and_an_error_ends_nothing(session: cx.Session) -> None:
    slow, quick = session.live.trades("BTCUSDT"), session.live.trades("BTCUSDT")
    let_go, seen, failed = threading.Event(), [], []

    def fails(event: Any) -> None:
        failed.append(event.id)
        raise ValueError("of the user's")

    slow.on(lambda _: let_go.wait(10))
    quick.on(fails).on(lambda event: seen.append(ids([event])[0]))
    until(lambda: len(seen) > 20)
    assert contiguous(seen)
    status = quick.status
    let_go.set()
    assert status.errors >= 20
    assert status.last_error == "ValueError: of the user's"
    assert slow.status.errors == 0
    slow.stop()
    quick.stop()


def test_a_callback_may_stop_its_feed(session: cx.Session) -> None:
    feed, seen = session.live.trades("BTCUSDT"), []

    def once(event: Any) -> None:
        seen.append(event.id)
        feed.stop()

    feed.on(once)
    until(lambda: not feed.is_running)
    until(lambda: not feed_threads())
    assert len(seen) == 1


def test_a_coroutine_callback_runs_on_the_loop_and_may_use_its_feed(session: cx.Session) -> None:
    feed = session.live.trades("BTCUSDT")
    seen: list[Any] = []

    async def called(event: Any) -> None:
        if len(seen) >= 2:
            return
        seen.append((threading.current_thread().name, feed.latest is not None, feed.status.connected, repr(feed)[:5]))
        try:
            session.server_time()
        except cx.errors.ConfigurationError as error:
            seen.append(str(error))
        feed.stop()

    feed.on(called)
    until(lambda: len(seen) == 2 and not feed.is_running)
    assert seen[0] == ("cryptox", True, True, "<Feed")
    assert "loop thread" in seen[1]


def test_a_collected_feed_ends_unless_it_has_a_callback(session: cx.Session) -> None:
    feed = session.live.trades("BTCUSDT")
    gone = weakref.ref(feed._feed)
    until(serving)
    del feed
    assert gone() is None
    until(lambda: not serving())

    seen: list[int] = []
    session.live.trades("BTCUSDT").on(lambda event: seen.append(ids([event])[0]))
    gc.collect()
    until(lambda: len(seen) > 20)
    assert contiguous(seen)
    assert session.unsubscribe("BTCUSDT") == 1


def test_a_feed_keeps_its_session_alive_and_no_longer(exchange: cx.PaperExchange) -> None:
    made = cx.connect(exchange)
    core = made._session
    feed, seen = made.live.trades("BTCUSDT"), []
    live = made.live
    del made
    gc.collect()
    assert len(list(islice(feed, 3))) == 3
    assert core._closed is None
    live.book_ticker("BTCUSDT").on(lambda event: seen.append(event))
    del feed, live
    gc.collect()
    until(lambda: len(seen) > 3)
    assert core._closed is None
    portal.run(core.unsubscribe("BTCUSDT"))
    gc.collect()
    until(lambda: core._closed is not None)
    until(lambda: not serving())


def test_the_readers_of_a_dropped_name_go_on(session: cx.Session) -> None:
    events = iter(session.live.trades("BTCUSDT"))
    gc.collect()
    assert contiguous(ids(list(islice(events, 10))))


def test_several_symbols(session: cx.Session) -> None:
    feed = session.live.klines(["BTCUSDT", "ETHUSDT"], "1m", history=3)
    other = session.live.book_ticker("BTCUSDT")
    assert feed.topic == ["paper:klines:BTCUSDT:1m", "paper:klines:ETHUSDT:1m"]
    assert feed.interval == "1m"
    assert set(feed.frame().index.get_level_values("symbol")) == {"BTCUSDT", "ETHUSDT"}
    assert {event.symbol for event in islice(feed, 60)} == {"BTCUSDT", "ETHUSDT"}
    assert session.unsubscribe("BTC/USDT") == 2
    assert (feed.topic, feed.is_running, other.is_running) == (["paper:klines:ETHUSDT:1m"], True, False)
    assert {event.symbol for event in islice(feed, 10)} == {"ETHUSDT"}


def test_twenty_threads_share_one_stream(session: cx.Session) -> None:
    found: dict[int, list[int]] = {}
    hubs, errors = set(), []

    def read(number: int) -> None:
        try:
            with session.live.trades("BTCUSDT", history=10) as feed:
                hubs.add(feed._feed._hub)
                found[number] = ids(list(islice(feed, 20)))
                assert contiguous(feed.frame().id.tolist())
                assert len(feed._feed._hub._kept) == 1  # type: ignore[union-attr]
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert len(found) == 20
    assert all(contiguous(numbers) and len(numbers) == 20 for numbers in found.values())
    assert len(hubs) == 1
    hubs.clear()


def test_one_iterator_may_be_read_by_several_threads(session: cx.Session) -> None:
    events, found = iter(session.live.trades("BTCUSDT")), []
    threads = [threading.Thread(target=lambda: found.extend(ids(list(islice(events, 10))))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 40
    assert contiguous(sorted(found))


def test_inside_a_running_loop_of_the_users(session: cx.Session) -> None:
    async def user() -> list[int]:
        with session.live.trades("BTCUSDT") as feed:
            return ids(list(islice(feed, 5)))

    assert contiguous(asyncio.run(user()))


def test_what_is_wrong_is_told_at_once(session: cx.Session) -> None:
    with pytest.raises(cx.errors.BadSymbol, match="BTCUSDT") as unknown:
        session.live.trades("BTCUSD")
    assert unknown.value.suggested == {"call": "live.trades", "symbol": "BTCUSDT"}
    assert unknown.value.__traceback__ is not None
    assert unknown.value.__traceback__.tb_next is not None
    assert unknown.value.__traceback__.tb_next.tb_next is None
    with pytest.raises(cx.errors.BadSymbol, match="'!'") as strange:
        session.live.agg_trades("BTC!")
    assert strange.value.suggested == {"call": "live.agg_trades", "symbol": "BTC"}
    with pytest.raises(cx.errors.BadInterval) as interval:
        session.live.klines("BTCUSDT", "1H", 20)
    suggested = interval.value.suggested
    assert suggested == {"call": "live.klines", "symbol": "BTCUSDT", "interval": "1h", "history": 20}
    with pytest.raises(cx.errors.ValidationError, match="levels=7") as levels:
        session.live.depth("BTCUSDT", 7)
    assert levels.value.suggested == {"call": "live.depth", "symbol": "BTCUSDT", "levels": 20}
    feed = session.live.ticker("BTCUSDT")
    with pytest.raises(cx.errors.ValidationError, match="rows"):
        feed.frame(0)
    with pytest.raises(cx.errors.ValidationError, match="on"):
        feed.on(3)  # type: ignore[arg-type]
    session.close()
    with pytest.raises(cx.errors.ConfigurationError, match="closed"):
        session.live.trades("BTCUSDT")


def test_all_kinds_of_feeds(frozen: tuple[cx.PaperExchange, cx.Session]) -> None:
    exchange, session = frozen
    live = session.live
    feeds = [live.trades("BTCUSDT"), live.agg_trades("BTCUSDT"), live.klines("BTCUSDT"), live.ticker("BTCUSDT")]
    feeds += [live.book_ticker("BTCUSDT"), live.depth("BTCUSDT", 10), live.book("BTCUSDT")]
    own = [live.orders(), live.account()]
    assert repr(live) == f"<Live: {', '.join(feed.kind for feed in (*feeds, *own))}>"
    assert all(feed.status.synced for feed in own)
    exchange.clock.advance("1m")
    for feed in feeds:
        until(lambda feed=feed: feed.latest is not None and len(feed.frame()))  # type: ignore[misc]
        assert feed.status.connected, feed
    assert len({str(feed.topic) for feed in feeds}) == 7
    assert len(feeds[5].frame(3)) == 6
    assert len(feeds[6].frame()) > 40


def test_the_default_session_has_feeds_too(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door._default, "_session", None)
    session = cx.use(exchange)
    assert "trades" in repr(cx.live)
    feed = cx.live.trades("BTCUSDT", history=5)
    other = session.live.trades("BTCUSDT")
    assert feed._feed._hub is other._feed._hub
    # Another default session leaves the feeds of the former one alone.
    cx.use(exchange)
    del session
    gc.collect()
    assert len(list(islice(feed, 3))) == 3
    assert cx.unsubscribe("BTCUSDT") == 0
    fresh = cx.live.trades("BTCUSDT")
    assert cx.unsubscribe("BTCUSDT") == 1
    assert not fresh.is_running
    feed.stop()
    other.stop()
    until(lambda: not serving())


def test_making_a_feed_again_and_again_leaves_one_stream(session: cx.Session) -> None:
    feed = session.live.klines("BTCUSDT", "1m")
    hub: Any = feed._feed._hub
    for _ in range(100):
        feed = session.live.klines("BTCUSDT", "1m")
    until(lambda: len(hub._topics["paper:klines:BTCUSDT:1m"].sessions) == 1)
    assert len(hub._kept) == 1
    assert hub._kept[0].streams.keys() == {"btcusdt@kline_1m"}
    assert len([thread for thread in threading.enumerate() if thread.name == "cryptox"]) == 1
    assert feed_threads() == []
    assert feed.status.reconnects == 0


def test_the_asynchronous_twins() -> None:
    async def user() -> tuple[int, bool]:
        with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED)) as exchange:
            async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
                assert isinstance(feed, cx.aio.AsyncFeed)
                seen = []
                async for event in feed:
                    seen.append(event)
                    if len(seen) == 10:
                        break
                return len(seen), contiguous(ids(seen))

    assert asyncio.run(user()) == (10, True)
