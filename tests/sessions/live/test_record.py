"""Recordings of live feeds: the frames as they came, and as live again afterwards."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import BadSymbol, ConfigurationError, ValidationError
from cryptox.model.events import Gap, Trade
from cryptox.sessions.live import record
from cryptox.transport import tape

pytestmark = pytest.mark.anyio

BEST = "btcusdt@bookTicker"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as exchange:
        yield exchange


@pytest.fixture
def steady() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as exchange:
        yield exchange


def messages(path: Path) -> list[bytes]:
    return [entry.message for entry in tape.read(path) if entry is not None and tape.note_in(entry.message) is None]


def notes(path: Path) -> list[dict[str, Any]]:
    found = [tape.note_in(entry.message) for entry in tape.read(path) if entry is not None]
    return [dict(facts) for facts in found if facts is not None]


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is polled has no events
            await asyncio.sleep(0.005)


async def test_the_file_has_the_frames_of_its_feeds_byte_for_byte(
    steady: cx.PaperExchange, shared: Path, tmp_path: Path
) -> None:
    """Sent are five real minutes: shared/data/README.md."""
    real = shared / "data/hftbacktest/btcusdt_20240808.gz"
    lines = [line.split(b" ", 1)[1] for line in gzip.decompress(real.read_bytes()).splitlines() if line]
    sent = [line for line in lines if line.startswith(b'{"stream":"%s"' % BEST.encode())]
    path = tmp_path / "tape.gz"
    async with cx.aio.connect(steady) as session, session.live.depth("BTCUSDT"):  # of no concern to the recording
        feed = session.live.book_ticker("BTCUSDT")
        recording = await session.record(path, feed)
        assert recording.is_running
        await until(lambda: feed.status.connected)
        await asyncio.to_thread(steady.replay, real, speed=None)
        await until(lambda: recording.counts.messages >= len(sent))
        await recording.stop()
        assert not recording.is_running
        assert feed.is_running
    written, wanted = messages(path), set(sent)
    assert [one for one in written if one in wanted] == sent
    assert {one[: one.find(b",")] for one in written} == {b'{"stream":"%s"' % BEST.encode()}
    assert recording.counts == (len(written), 0, 0, path.stat().st_size, None)
    times = [entry.time_ns for entry in tape.read(path) if entry is not None]
    assert times == sorted(times)


def makes(live: Any) -> list[Any]:
    return [live.trades("BTCUSDT"), live.klines("BTCUSDT", "1s", history=0), live.book_ticker("BTCUSDT")]


async def test_a_recording_played_again_gives_the_same_events(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "tape"
    async with cx.aio.connect(exchange) as session:
        feeds = makes(session.live)
        readers = [feed.events() for feed in feeds]
        async with await session.record(path, *feeds):
            await until(lambda: all(feed.status.synced and feed.status.received > 5 for feed in feeds))
        lived = [await reader.take() for reader in readers]
        replay = session.replay(path, speed=None)
        again = makes(replay.live)
        seen = [feed.events() for feed in again]
        for feed in again:
            await feed.start()
        await replay.wait()
        played = [await reader.take() for reader in seen]
    streamed = {entry.time_ns for entry in tape.read(path) if entry is not None}
    for before, after in zip(lived, played, strict=True):
        want = [event for event in before if event.received_ns in streamed]
        assert len(want) > 3
        assert after[: len(want)] == want
        assert len(after) >= len(want)


async def test_books_come_with_their_snapshots(steady: cx.PaperExchange, tmp_path: Path) -> None:
    """Of one feed that begins with the recording, and of one that runs already."""
    path = tmp_path / "tape.gz"
    async with cx.aio.connect(steady) as session, session.live.book("BTCUSDT") as old:
        await until(lambda: old.status.synced)
        new, events = session.live.book("ETHUSDT"), {}
        for feed in (old, new):
            feed.on(lambda event: events.setdefault((event.symbol, event.last_update_id), event.bids))
        recording = await session.record(path, old, new)
        count = old.status.received
        await until(lambda: min(old.status.received - count, new.status.received) > 6)
        await recording.stop()
        assert recording.counts.snapshots == 2
        replay = session.replay(path, speed=None)
        again = await replay.live.book(["BTCUSDT", "ETHUSDT"])
        reader = again.events()
        await replay.wait()
        found = [event async for event in reader]
    assert {event.symbol for event in found} == {"BTCUSDT", "ETHUSDT"}
    same = [event for event in found if (event.symbol, event.last_update_id) in events]
    assert len(same) > 6
    assert all(event.synced and event.bids == events[event.symbol, event.last_update_id] for event in same)


async def test_nothing_else_is_written(steady: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "tape"
    async with cx.aio.connect(steady) as session, session.live.trades("BTCUSDT"):
        recording = await session.record(path, session.live.book("BTCUSDT"))
        await until(lambda: recording.counts.messages > 3 and recording.counts.snapshots)
    keys = {tuple(json.loads(message)) for message in messages(path)}
    assert keys == {("stream", "data"), ("lastUpdateId", "bids", "asks")}
    assert {one["cryptox"] for one in notes(path)} == {"connected", "snapshot"}
    for word in (b"127.0.0.1", b"trade", b"signature", b"X-MBX", b"User-Agent"):
        assert word not in path.read_bytes()


async def test_memory_is_bounded_and_what_is_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()
    write = tape.Writer.write

    def waiting(self: tape.Writer, lines: Any) -> None:
        assert disk.wait(20)
        write(self, lines)

    monkeypatch.setattr(tape.Writer, "write", waiting)
    monkeypatch.setattr(record, "MOST_WAITING", 100_000)
    scribe = record._Scribe(tape.Writer(tmp_path / "tape"), lambda frame: frame[:2].decode(), {"{ "})
    scribe.start()
    frames = [b"{ " + b"x" * 97 + b"}", b"[" + b"x" * 98 + b"]"]  # one that is wanted, one that is not
    for at in range(2_000):
        scribe.put(at, frames)
    assert 1_000 <= scribe.dropped <= 1_500
    assert scribe.counts().messages == 0
    disk.set()
    await until(lambda: scribe.messages == 2_000 - scribe.dropped)
    scribe.put(2_000, frames)
    scribe.finish()
    scribe.join(10)
    assert [one["messages"] for one in notes(tmp_path / "tape")] == [scribe.dropped]
    times = [entry.time_ns for entry in tape.read(tmp_path / "tape") if entry is not None]
    assert times == [*range(2_000 - scribe.dropped), 2_000, 2_000]


async def test_the_file_is_usable_while_it_is_written(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "tape.gz"
    async with cx.aio.connect(exchange) as session:
        recording = await session.record(path, session.live.trades("BTCUSDT"))
        await until(lambda: recording.counts.messages > 2)
        assert len(messages(path)) > 2
        assert repr(recording).startswith("<AsyncRecording tape.gz recording, ")
        assert "cryptox-record" in {thread.name for thread in threading.enumerate()}
    assert not recording.is_running
    assert "cryptox-record" not in {thread.name for thread in threading.enumerate()}
    assert len(messages(path)) == recording.counts.messages


async def test_a_cut_is_in_the_file_and_a_gap_when_it_is_played(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "tape"
    async with cx.aio.connect(exchange) as session, session.live.trades("BTCUSDT") as feed:
        recording = await session.record(path, feed)
        await until(lambda: recording.counts.messages > 1)
        exchange.faults.cut()
        await until(lambda: feed.status.reconnects == 1 and feed.status.synced)
        count = recording.counts.messages
        await until(lambda: recording.counts.messages > count + 1)
        await recording.stop()
        assert feed.status.gaps == 0
        assert [(one["cryptox"], one["streams"]) for one in notes(path)] == [
            ("connected", ["btcusdt@trade"]),
            ("cut", ["btcusdt@trade"]),
            ("connected", ["btcusdt@trade"]),
        ]
        replay = session.replay(path, speed=None)
        again = replay.live.trades("BTCUSDT")
        reader = again.events()
        await again.start()
        await replay.wait()
        events = [event async for event in reader]
        ids = [event.id for event in events if isinstance(event, Trade)]
        missing = [
            number for event in events if isinstance(event, Gap) for number in range(event.first_id, event.last_id + 1)
        ]
        assert sorted(ids + missing) == list(range(ids[0], ids[-1] + 1))
        assert again.status.reconnects == 1


async def test_a_disk_that_fails_is_told_and_the_feed_goes_on(
    exchange: cx.PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: tape.Writer, lines: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tape.Writer, "write", full)
    async with cx.aio.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        recording = await session.record(tmp_path / "tape", feed)
        await until(lambda: recording.counts.error is not None)
        assert "No space left on device" in str(recording.counts.error)
        count = feed.status.received
        await until(lambda: feed.status.received > count)


async def test_what_cannot_be_recorded_is_refused(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("precious")
    async with cx.aio.connect(exchange) as session:
        feed, other = session.live.trades("BTCUSDT"), cx.aio.connect("binance")
        for feeds, error, match in (
            ((), ValidationError, "takes the feeds"),
            (("BTCUSDT",), ValidationError, "not str"),
            ((feed, other.live.trades("BTCUSDT")), ValidationError, "one venue"),
        ):
            with pytest.raises(error, match=match):
                await session.record(tmp_path / "new", *feeds)
        with pytest.raises(FileExistsError):
            await session.record(there, feed)
        assert there.read_text() == "precious"
        assert not feed.is_running
        recording = await session.record(tmp_path / "tape", feed)
        await recording.stop()
        await recording.stop()
        with pytest.raises(ConfigurationError, match="has ended"):
            await recording.start()


async def test_an_attempt_that_fails_leaves_no_file_in_the_way(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    path = tmp_path / "tape.gz"
    async with cx.aio.connect(exchange) as session:
        with pytest.raises(BadSymbol):
            await session.record(path, session.live.trades("NOPEUSDT"))
        ended = await session.live.trades("BTCUSDT")
        await ended.stop()
        with pytest.raises(ConfigurationError, match="has ended"):
            await session.record(path, ended)
        assert not path.exists()
        await (await session.record(path, session.live.trades("BTCUSDT"))).stop()
        assert path.exists()
