"""Recordings played again: five real minutes give what a plain reading of them gives."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.book import BookUpdate
from cryptox.model.events import BookTicker, Event, Gap, Trade
from cryptox.sessions.live.replay import AsyncReplay
from cryptox.transport import tape

pytestmark = pytest.mark.anyio

DEPTH, BEST, TRADES = "btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    """Recorded by hftbacktest's author on 2024-08-08; see shared/data/README.md."""
    return shared / "data/hftbacktest/btcusdt_20240808.gz"


@pytest.fixture(scope="module")
def plain(real: Path) -> list[tuple[int, dict[str, Any]]]:
    """The same file, read without cryptox."""
    lines = [line.split(b" ", 1) for line in gzip.decompress(real.read_bytes()).splitlines() if line.strip()]
    return [(int(stamp), json.loads(text)) for stamp, text in lines]


def of(plain: list[tuple[int, dict[str, Any]]], stream: str) -> list[tuple[int, dict[str, Any]]]:
    return [(at, message["data"]) for at, message in plain if message.get("stream") == stream]


async def play(
    path: Path, *makes: Callable[[AsyncReplay], Any], speed: float | None = None
) -> tuple[AsyncReplay, list[Any], list[list[Event]]]:
    """Play a file; the replay, its feeds, and every event of each."""
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=speed)
        feeds = [make(replay) for make in makes]
        readers = [feed.events() for feed in feeds]
        for feed in feeds:
            await feed.start()

        async def read(reader: Any) -> list[Event]:
            return [event async for event in reader]

        async with asyncio.timeout(60):
            found = await asyncio.gather(*map(read, readers))
        await replay.wait()
        return replay, feeds, list(found)


def lines(path: Path, *entries: tuple[int, bytes]) -> Path:
    path.write_bytes(b"".join(tape.render(int(at * 1e9), message) for at, message in entries))
    return path


def trade(number: int) -> bytes:
    data = {"e": "trade", "E": 1_700_000_000_000 + number, "s": "BTCUSDT", "t": number, "p": "1.5", "q": "2",
            "T": 1_700_000_000_000 + number, "m": True, "M": True}  # fmt: skip
    return combined(TRADES, data)


def diff(first: int, last: int, bids: list[list[str]], symbol: str = "btcusdt") -> bytes:
    data = {"e": "depthUpdate", "E": 1_700_000_000_000, "s": symbol.upper(), "U": first, "u": last, "b": bids, "a": []}
    return combined(f"{symbol}@depth@100ms", data)


def snapshot(last: int, price: str = "10.0") -> bytes:
    return json.dumps({"lastUpdateId": last, "bids": [[price, "1.0"]], "asks": [["20.0", "1.0"]]}).encode()


def combined(stream: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def ids(events: Iterable[Event]) -> list[int]:
    return [event.id for event in events if isinstance(event, Trade)]


@pytest.mark.slow
async def test_five_real_minutes_are_what_a_plain_reading_of_them_is(
    real: Path, plain: list[tuple[int, dict[str, Any]]]
) -> None:
    replay, (trades, best, book), (traded, quoted, changed) = await play(
        real,
        lambda replay: replay.live.trades("BTCUSDT"),
        lambda replay: replay.live.book_ticker("BTCUSDT"),
        lambda replay: replay.live.book("BTCUSDT", levels=5),
    )
    assert replay.counts[:3] == (41_248, 41_248, 0)
    assert replay.counts.is_over
    assert [(e.received_ns, e.id, e.price, e.quantity, e.time_ms) for e in traded if isinstance(e, Trade)] == [
        (at, d["t"], float(d["p"]), float(d["q"]), d["T"]) for at, d in of(plain, TRADES)
    ]
    assert ids(traded) == list(range(3_735_683_259, 3_735_683_259 + 9_757))
    assert [
        (e.received_ns, e.update_id, e.bid, e.bid_quantity, e.ask, e.ask_quantity)
        for e in quoted
        if isinstance(e, BookTicker)
    ] == [(at, d["u"], *(float(d[key]) for key in "bBaA")) for at, d in of(plain, BEST)]
    assert len(quoted) == 28_040

    tops = {d["u"]: (d["b"], d["B"], d["a"], d["A"]) for _, d in of(plain, BEST)}
    compared = in_step = 0
    for event in changed:
        assert isinstance(event, BookUpdate)
        in_step += event.synced  # below the snapshot's last level nothing is certain, and the feed says so
        if event.synced and event.last_update_id in tops:
            compared += 1
            (bid, ask), want = (event.bids[0], event.asks[0]), tops[event.last_update_id]
            assert (*map(float, bid), *map(float, ask)) == tuple(map(float, want))
    assert compared > 500
    assert in_step > 3_000
    assert changed[-1].synced

    frame = trades.frame()
    assert frame["id"].tolist() == ids(traded)
    assert frame["price"].tolist() == [float(d["p"]) for _, d in of(plain, TRADES)]
    assert frame.attrs["as_of"] == "2024-08-08T23:59:59.999Z"
    assert best.frame(3)["bid"].tolist() == [float(d["b"]) for _, d in of(plain, BEST)[-3:]]
    assert len(book.frame(1)) == 2
    for feed in (trades, best, book):
        assert (feed.is_running, feed.status.gaps, feed.status.dropped) == (False, 0, 0)


async def test_only_what_is_wanted_is_played(real: Path) -> None:
    replay, (feed,), (events,) = await play(real, lambda replay: replay.live.trades("ETHUSDT"))
    assert replay.counts[:3] == (41_248, 0, 0)
    assert events == []
    assert len(feed.frame()) == 0


async def test_it_keeps_the_time_of_the_recording(tmp_path: Path) -> None:
    path = lines(tmp_path / "t", *((100 + 20 * i, trade(i)) for i in range(6)))
    began = time.monotonic()
    _, _, (events,) = await play(path, lambda replay: replay.live.trades("BTCUSDT"), speed=400)
    assert 0.25 <= time.monotonic() - began < 25
    assert ids(events) == list(range(6))
    began = time.monotonic()
    for speed in (None, 0):
        await play(path, lambda replay: replay.live.trades("BTCUSDT"), speed=speed)
    assert time.monotonic() - began < 25


async def test_what_is_missing_is_a_gap_and_what_is_late_is_put_in_order(tmp_path: Path) -> None:
    order = [1, 2, 4, 3, 3, 5, 9, 10, 8, 7]
    path = lines(tmp_path / "t", *((100 + 0.01 * i, trade(number)) for i, number in enumerate(order)))
    _, (feed,), (events,) = await play(path, lambda replay: replay.live.trades("BTCUSDT"))
    assert [event.kind if isinstance(event, Gap) else event.id for event in events] == [
        1,
        2,
        3,
        4,
        5,
        "gap",
        7,
        8,
        9,
        10,
    ]
    gap = events[5]
    assert isinstance(gap, Gap)
    assert (gap.first_id, gap.last_id, gap.reason) == (6, 6, "the recording does not have it")
    assert feed.status.gaps == 1
    late = lines(tmp_path / "late", (100, trade(1)), (100.1, trade(3)), (100.4, trade(4)), (100.5, trade(2)))
    _, _, (events,) = await play(late, lambda replay: replay.live.trades("BTCUSDT"))
    assert [event.kind if isinstance(event, Gap) else event.id for event in events] == [1, "gap", 3, 4]


async def test_a_cut_is_seen_again(tmp_path: Path) -> None:
    entries = [
        (100.0, tape.note("connected", streams=[TRADES])),
        (100.0, trade(1)),
        (100.1, tape.note("cut", streams=[TRADES, DEPTH])),
        (103.1, tape.note("connected", streams=[TRADES])),
        (103.2, trade(8)),
    ]
    seen = []
    async with cx.aio.connect("binance") as session:
        replay = session.replay(lines(tmp_path / "t", *entries), speed=20)
        feed = await replay.live.trades("BTCUSDT")
        assert (feed.status.connected, str(feed.status.last_error)[:11]) == (False, "not started")
        await replay.start()
        assert feed.status.connected
        async with asyncio.timeout(60):
            while not replay.counts.is_over:
                seen.append(feed.status.connected)
                await asyncio.sleep(0.01)
        assert feed.status.reconnects == 1
        assert feed.status.gaps == 1
    assert True in seen
    assert False in seen[seen.index(True) :]


async def test_a_snapshot_is_used_for_the_book_it_is_of(tmp_path: Path) -> None:
    entries = [
        (100.0, diff(90, 100, [["9.0", "1.0"]])),
        (100.0, diff(5_000, 5_010, [["9.0", "1.0"]], "ethusdt")),
        (100.1, snapshot(5_005, "11.0")),
        (100.2, diff(101, 110, [["12.0", "1.0"]])),
        (100.2, diff(5_011, 5_020, [["13.0", "1.0"]], "ethusdt")),
        (100.3, tape.note("snapshot", streams=[DEPTH], limit=5_000)),
        (100.3, snapshot(110, "10.5")),
        (100.4, diff(111, 120, [["12.5", "1.0"]])),
    ]
    _, (bitcoin, ether), (changed, _) = await play(
        lines(tmp_path / "t", *entries),
        lambda replay: replay.live.book("BTCUSDT", levels=1),
        lambda replay: replay.live.book("ETHUSDT", levels=1),
    )
    assert [event.last_update_id for event in changed] == [110, 120]
    assert bitcoin.frame()["price"].tolist() == [12.5, 10.5, 20.0]
    assert ether.latest.last_update_id == 5_020
    assert ether.frame()["price"].tolist() == [13.0, 11.0, 20.0]  # below 11 nothing is certain


async def test_a_slow_reader_loses_nothing_where_it_is_as_fast_as_possible(real: Path) -> None:
    async with cx.aio.connect("binance") as session:
        replay = session.replay(real, speed=None)
        feed = await replay.live.book_ticker("BTCUSDT")
        found = []
        reader = feed.events(2_000)
        async with asyncio.timeout(60):
            async for event in reader:
                found.append(event.update_id)
                if not len(found) % 1_000:
                    await asyncio.sleep(0.03)
        assert len(found) == 28_040
        assert reader.dropped == 0


async def test_at_the_end_readers_and_callbacks_get_what_waits_for_them(tmp_path: Path) -> None:
    path = lines(tmp_path / "t", *((100, trade(i)) for i in range(3_000)))
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=None)
        found, over = list[int](), threading.Event()

        def note(event: Any) -> None:
            assert over.wait(10)
            found.append(event.id)

        feed = await replay.live.trades("BTCUSDT").on(note)
        reader = feed.events()
        await replay.wait()
        assert not feed.is_running
        over.set()
        assert ids([event async for event in reader]) == list(range(3_000))
        async with asyncio.timeout(60):
            while len(found) < 3_000:  # noqa: ASYNC110 - filled on another thread
                await asyncio.sleep(0.001)
    assert found == list(range(3_000))


async def test_a_damaged_file_is_told_after_what_came_before(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b"".join(tape.render(i, trade(i)) for i in range(60_000)), mtime=0))
    whole[-2_000:-1_900] = b"\xff" * 100
    path = tmp_path / "t.gz"
    path.write_bytes(whole)
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=None)
        feed = await replay.live.trades("BTCUSDT")
        with pytest.raises(OSError, match="is damaged"):
            await replay.wait()
        assert len(feed.frame()) > 10_000
        assert "is damaged" in feed.status.last_error
        with pytest.raises(OSError, match="is damaged"):
            await replay.wait()


@pytest.mark.parametrize("text", ["open_time,open\n1,2\n", "hello", '{"json": "but no time"}\n'])
async def test_a_file_that_is_no_recording_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "klines.csv").write_text(text)
    (tmp_path / "empty").touch()
    async with cx.aio.connect("binance") as session:
        with pytest.raises(OSError, match=r"klines\.csv is no recording: no line is a message"):
            await session.replay(tmp_path / "klines.csv", speed=None).wait()
        assert (await session.replay(tmp_path / "empty", speed=None).wait()).is_over  # one that nothing came into yet


async def test_what_cannot_be_played_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "t", (100, trade(1)))
    session = cx.aio.connect("binance")
    with pytest.raises(FileNotFoundError):
        session.replay(tmp_path / "nothing")
    for speed in (-1, float("nan"), float("inf"), True, "fast"):
        with pytest.raises(ValidationError, match="speed="):
            session.replay(path, speed=speed)
    replay = session.replay(path, speed=None)
    await replay.wait()
    with pytest.raises(ConfigurationError, match="is over"):
        await replay.start()
    with pytest.raises(ConfigurationError, match="is over"):
        await replay.live.trades("BTCUSDT")
    await session.close()
    with pytest.raises(ConfigurationError, match="closed"):
        session.replay(path)


async def test_closing_the_session_ends_it(real: Path) -> None:
    before = asyncio.all_tasks()
    session = cx.aio.connect("binance")
    replay = await session.replay(real).start()
    feed = await replay.live.trades("BTCUSDT")
    assert repr(replay).startswith("<AsyncReplay btcusdt_20240808.gz playing")
    await session.close()
    assert not replay.is_running
    assert not feed.is_running
    async with asyncio.timeout(60):
        while asyncio.all_tasks() != before:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def message(stream: str, data: bytes) -> bytes:
    return b'{"stream":"btcusdt@%s","data":%s}' % (stream.encode(), data)


CANDLE = (
    b'{"e":"kline","E":1700000000000,"s":"BTCUSDT","k":{"t":%b,"T":1700000059999,"s":"BTCUSDT","i":"1m","f":1,"L":5,'
    b'"o":"1.0","c":"1.0","h":"1.0","l":"1.0","v":"1.0","n":%b,"x":true,"q":"1.0","V":"1.0","Q":"1.0","B":"0"}}'
)
RUBBISH = {
    "no text in a note": b'{"cryptox":"cut","streams":["\xff"]}',
    "no text in a snapshot": b'{"lastUpdateId":5,"bids":[["1\xff","2.0"]],"asks":[]}',
    "no number in a snapshot": b'{"lastUpdateId":5,"bids":[["NaN","2.0"]],"asks":[]}',
    "no text in a stream": b'{ "stream":"btcusdt@\xfftrade","data":{}}',
    "an id beyond all columns": trade(2**63),
    "a product beyond all decimals": trade(2).replace(b'"1.5"', b'"1e25"').replace(b'"2"', b'"1e25"'),
    "a candle of no year": message("kline_1m", CANDLE % (b"9" * 19, b"3")),
    "a candle of too many trades": message("kline_1m", CANDLE % (b"1700000000000", b"9" * 25)),
    "nesting without end": b'{"cryptox":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("what", RUBBISH)
async def test_rubbish_is_passed_over_and_what_follows_is_played(tmp_path: Path, what: str) -> None:
    path = lines(tmp_path / "t", (100, trade(1)), (101, RUBBISH[what]), (102, trade(2)), (103, trade(3)))
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=None)
        trades = await replay.live.trades("BTCUSDT")
        others = [replay.live.klines("BTCUSDT"), replay.live.book("BTCUSDT"), replay.live.depth("BTCUSDT")]
        for feed in others:
            await feed
        counts = await replay.wait()
        assert counts.at is not None
        assert counts.at.timestamp() == 103
        assert trades.frame()["id"].tolist()[-2:] == [2, 3]
        assert [len(feed.frame()) for feed in others] == [0, 0, 0]


async def test_a_snapshot_that_cannot_be_read_is_no_book_and_no_end(tmp_path: Path) -> None:
    told = tape.note("snapshot", streams=[DEPTH], limit=5)
    bad = b'{"lastUpdateId":5,"bids":[["NaN","2.0"]],"asks":[]}'
    path = lines(tmp_path / "t", (100, told), (100, bad), (101, diff(6, 7, [["1.0", "2.0"]])), (102, trade(1)))
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=None)
        book, trades = await replay.live.book("BTCUSDT"), await replay.live.trades("BTCUSDT")
        await replay.wait()
        assert "not a plain decimal" in str(book.status.last_error)
        assert book.frame().empty
        assert trades.frame()["id"].tolist() == [1]


async def test_a_snapshot_came_when_the_recording_says(tmp_path: Path) -> None:
    told = tape.note("snapshot", streams=[DEPTH], limit=5)
    good = b'{"lastUpdateId":5,"bids":[["1.0","2.0"]],"asks":[["3.0","2.0"]]}'
    path = lines(tmp_path / "t", (100, told), (100.5, good))
    async with cx.aio.connect("binance") as session:
        replay = session.replay(path, speed=None)
        book = await replay.live.book("BTCUSDT")
        await replay.wait()
        assert book.latest is not None
        assert book.latest.received_at.timestamp() == 100.5


async def test_a_failure_of_ours_is_not_taken_for_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ArithmeticError("a bug")

    monkeypatch.setattr("cryptox.sessions.live.past.PastLine.deliver", fail)
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: failures.append(what["exception"]))
    async with cx.aio.connect("binance") as session:
        replay = session.replay(lines(tmp_path / "t", (100, trade(1))), speed=None)
        feed = await replay.live.trades("BTCUSDT")
        with pytest.raises(ArithmeticError, match="a bug"):
            await replay.wait()
        assert not feed.is_running
    assert [str(failure) for failure in failures] == ["a bug"]
