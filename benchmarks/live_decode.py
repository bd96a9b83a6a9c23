"""Stream messages, bytes to what is kept of them, against ``orjson.loads`` of the same bytes in the same run.

    python benchmarks/live_decode.py [folder of recorded data]

The messages are five recorded minutes of BTCUSDT (``data/hftbacktest`` in the folder ``shared`` beside the checkout):
3,451 diffs of 36 levels on average and 9,757 trades. Without them nothing is measured. Messages come in bursts, as one
read of a busy socket brings them, and one at a time. A second set of diffs is the paper exchange's. Told is the time of
the processor, which other programs on the machine lengthen less than that of the clock.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson
from measure import machine, medians, show

from cryptox.model.columns import TRADES
from cryptox.table.frames import build
from cryptox.table.ring import Ring
from cryptox.venues.binance.channels import Feed
from cryptox.venues.binance.events import Inbox
from cryptox.venues.binance.readers import READERS
from cryptox.venues.binance.sequence import LocalBook
from cryptox.venues.binance.wire.market import Depth

SHARED = Path(__file__).resolve().parents[2] / "shared"
BURST = 300
TOGETHER = 50  # diffs: 64 KB
PAPER = 300  # half a minute of the paper exchange


def messages(folder: Path) -> tuple[dict[Feed, list[bytes]], Depth[str]]:
    """The recorded frames by feed, and the snapshot among them."""
    with gzip.open(folder / "data/hftbacktest/btcusdt_20240808.gz") as file:
        lines = [line.split(b" ", 1)[1].strip() for line in file if line.strip()]
    answer = next(line for line in lines if line.startswith(b'{"lastUpdateId"'))
    found = Inbox().sort(lines).streams
    return {stream.channel.feed: some for stream, some in found.items()}, msgspec.json.decode(answer, type=Depth[str])


def into_book(diffs: list[bytes], snapshot: Depth[str], *, read: bool) -> Callable[[], None]:
    """Frames as they come from a socket, into a book; its best prices read after each of them, or not."""
    read_diff = READERS[Feed.DEPTH].row

    def work() -> None:
        book = LocalBook("BTCUSDT")
        book.snapshot(snapshot, limit=1000)
        for frame in diffs:
            book.diff(read_diff(frame))
            if read:
                book.best()
        assert book.synced

    return work


def into_book_together(diffs: list[bytes], snapshot: Depth[str]) -> Callable[[], None]:
    """Frames as a busy connection brings them: parted by stream, decoded and applied in bursts."""
    bursts = [diffs[start : start + TOGETHER] for start in range(0, len(diffs), TOGETHER)]

    def work() -> None:
        book, inbox = LocalBook("BTCUSDT"), Inbox()
        book.snapshot(snapshot, limit=1000)
        for frames in bursts:
            for stream, some in inbox.sort(frames).streams.items():
                rows, _ = READERS[stream.channel.feed].rows(some)
                book.diffs(rows)
                book.best()
        assert book.synced

    return work


async def paper_diffs() -> tuple[list[bytes], Depth[str]]:
    """Diffs of the paper exchange at real speed, from the first that its snapshot does not hold."""
    from urllib.request import urlopen

    from websockets.asyncio.client import connect

    import cryptox as cx

    with cx.PaperExchange(1) as exchange:
        url = f"{exchange.stream_url}/stream?streams=btcusdt@depth@100ms"
        async with connect(url, compression=None, max_size=None) as connection:
            frames = [await connection.recv(decode=False)]
            rest = f"{exchange.rest_url}/api/v3/depth?symbol=BTCUSDT&limit=1000"
            body = await asyncio.to_thread(lambda: urlopen(rest).read())
            frames += [await connection.recv(decode=False) for _ in range(PAPER)]
    snapshot = msgspec.json.decode(body, type=Depth[str])
    rows, _ = READERS[Feed.DEPTH].rows(frames)
    return [
        frame for frame, row in zip(frames, rows, strict=True) if row.last_update_id > snapshot.last_update_id
    ], snapshot


def into_ring(trades: list[bytes], burst: int, *, events: bool = False) -> Callable[[], None]:
    """Frames as they come from a socket, into columns; an event made of each, or not."""
    bursts = [trades[start : start + burst] for start in range(0, len(trades), burst)]
    ring = Ring(TRADES, 100_000, packer=READERS[Feed.TRADE])
    inbox = Inbox()

    def work() -> None:
        for frames in bursts:
            for stream, some in inbox.sort(frames).streams.items():
                reader = READERS[stream.channel.feed]
                rows, _ = reader.rows(some)
                ring.append(rows)
                if events:
                    for row in rows:
                        reader.event(row, stream.symbol, 0)

    return work


def each(function: Callable[[bytes], Any], frames: list[bytes]) -> Callable[[], None]:
    """A function called with every frame."""

    def work() -> None:
        for frame in frames:
            function(frame)

    return work


def compared(title: str, count: int, works: dict[str, Callable[[], Any]]) -> None:
    """Measure works over ``count`` messages and print them against the first."""
    seconds = medians(works, rounds=21, clock=time.process_time)
    base = next(iter(seconds.values()))
    rows: list[tuple[str, ...]] = [(title, "CPU us a message", "messages/s of CPU", "times the first")]
    for name, value in seconds.items():
        rows.append((name, f"{value / count * 1e6:.2f}", f"{count / value:,.0f}", f"{value / base:.2f}"))
    show(rows)


def frames_of_the_past(trades: list[bytes]) -> None:
    """100,000 trades of a ring as a frame."""
    ring = Ring(TRADES, 100_000, packer=READERS[Feed.TRADE])
    rows, _ = READERS[Feed.TRADE].rows(trades)
    for _ in range(100_000 // len(rows) + 1):
        ring.append(rows)
    works = {backend: lambda backend=backend: build(ring.newest(), backend, {}) for backend in ("pandas", "polars")}
    seconds = medians(works, rounds=21)
    named = [(name, f"{value * 1000:.2f}") for name, value in seconds.items()]
    show([("100,000 trades of a ring to a frame", "ms"), *named])


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    if not (folder / "data/hftbacktest").is_dir():
        raise SystemExit(f"no recorded data in {folder}")
    found, snapshot = messages(folder)
    diffs, trades = found[Feed.DEPTH], found[Feed.TRADE]
    print(machine(), "\n")
    chain = diffs[2:]  # from the first that the snapshot does not hold: in step throughout
    for whose, some, answer in (("recorded", chain, snapshot), ("paper", *asyncio.run(paper_diffs()))):
        compared(
            f"{len(some)} diffs, {whose}, {sum(map(len, some)) / len(some):,.0f} bytes each",
            len(some),
            {
                "orjson.loads alone": each(orjson.loads, some),
                "decoded": each(READERS[Feed.DEPTH].row, some),
                "the snapshot alone, spread over them": lambda answer=answer: LocalBook("X").snapshot(
                    answer, limit=1000
                ),
                "into a book": into_book(some, answer, read=False),
                "into a book, best prices read each time": into_book(some, answer, read=True),
                f"into a book, {TOGETHER} at a time": into_book_together(some, answer),
            },
        )
    part = trades[: 3 * BURST]
    compared(
        f"{len(part)} trades",
        len(part),
        {
            "orjson.loads alone": each(orjson.loads, part),
            f"into a ring, {BURST} at a time": into_ring(part, BURST),
            "into a ring, one at a time": into_ring(part, 1),
            "into a ring and an event of each": into_ring(part, BURST, events=True),
        },
    )
    frames_of_the_past(trades)


if __name__ == "__main__":
    main()
