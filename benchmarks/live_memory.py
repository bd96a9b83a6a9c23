"""The memory of live feeds: of a headless core with many streams, and over millions of messages.

    python benchmarks/live_memory.py                     # both, about three minutes
    python benchmarks/live_memory.py --only core
    python benchmarks/live_memory.py --only flood --messages 1000000

"core": a process of its own takes 50 streams of a paper exchange (trades, aggregate trades, candles of one minute,
tickers, best quotes and 20 levels of eight symbols, and two streams of candles more), 10 of them read by a task each,
and no frame is asked for. Told is the memory that is resident after each step and at most, and whether pandas, polars,
plotly, pyarrow or httpx were loaded.

"flood": recorded trades, best quotes and changes of a book, 3 : 1 : 1, with ids that count up, as fast as they are
taken: the trades by a task, by a callback and by a reader that is too slow, the book by a task. The memory is flat when
the most that is resident after the first two fifths of the messages (rings and queues are full then) is at most 5 %
above what was resident at that mark. Reads ``/proc``: Linux.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

HEAVY = ("pandas", "polars", "plotly", "pyarrow", "httpx")
MARKS = 10
FLAT = 1.05


def resident() -> tuple[float, float]:
    """Megabytes (2**20 bytes) of this process in memory, now and at most."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, most = (int(said[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


# A core with many streams -----------------------------------------------------------------------------------------


def exchange() -> None:
    """A paper exchange, until its input ends; its market clock runs at 20 times real speed."""
    import urllib.request

    import cryptox as cx

    with cx.PaperExchange(1, clock=("2024-06-01 12:00", 20)) as one:
        with urllib.request.urlopen(f"{one.rest_url}/api/v3/exchangeInfo") as answer:
            symbols = [rules["symbol"] for rules in json.load(answer)["symbols"] if rules["status"] == "TRADING"]
        print(json.dumps([{"rest_url": one.rest_url, "stream_url": one.stream_url}, symbols]), flush=True)
        sys.stdin.read()


async def core(addresses: dict[str, str], symbols: list[str], seconds: float) -> None:
    """Take 50 streams, read 10 feeds, and say what it takes; then five local books besides."""
    steps = [("Python and asyncio", *resident())]
    import cryptox as cx

    steps.append(("import cryptox", *resident()))
    async with cx.aio.connect("binance", **addresses) as session:
        steps.append(("a session", *resident()))
        import aiohttp  # noqa: F401 - what calls over REST go by, on its own

        steps.append(("import aiohttp", *resident()))
        live, counts = session.live, [0] * 10
        kinds = (live.trades, live.agg_trades, live.klines, live.ticker, live.book_ticker, live.depth)
        feeds = [kind(symbol) for symbol in symbols for kind in kinds] + [live.klines(symbols[0], "1s")]
        feeds += [live.klines(symbols[0], "1h")]
        assert len(feeds) == 50
        await asyncio.gather(*feeds)
        steps.append(("50 streams carried", *resident()))

        async def read(place: int, feed: Any) -> None:
            async for _ in feed:
                counts[place] += 1

        tasks = [asyncio.create_task(read(place, feed)) for place, feed in enumerate(feeds[::5])]
        await asyncio.sleep(seconds)
        steps.append((f"50 streams, 10 readers, {seconds:g} s", *resident()))
        received, seen = sum(feed.status.received for feed in feeds), sum(counts)
        assert all(feed.status.connected for feed in feeds)
        books = [live.book(symbol) for symbol in symbols[:5]]
        await asyncio.gather(*books)
        await asyncio.sleep(seconds / 2)
        levels = sum(len(batch) for book in books for batch in book.snapshot().batches.values())
        steps.append((f"5 local books of {levels:,} levels besides", *resident()))
        for task in tasks:
            task.cancel()
    from measure import show

    rows = [("after", "MB", "MB at most"), *((name, f"{now:.1f}", f"{most:.1f}") for name, now, most in steps)]
    show(rows)
    print(f"{received:,} messages received, {seen:,} events read by 10 tasks")
    print("loaded of " + ", ".join(HEAVY) + ": " + (" ".join(name for name in HEAVY if name in sys.modules) or "none"))


def run_core(seconds: float) -> None:
    import subprocess

    me = [sys.executable, __file__]
    with subprocess.Popen([*me, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            assert said, "the exchange did not start"
            subprocess.run([*me, "--client", said, str(seconds)], check=True)
        finally:
            server.kill()


# Millions of messages ---------------------------------------------------------------------------------------------


async def flood(url: str, count: int) -> bool:
    """Take them, and say what was resident at each mark; whether that was flat."""
    import cryptox as cx

    rest = url.replace("ws:", "http:")
    told, seen = [0] * 4, list[tuple[int, float]]()
    async with cx.aio.connect("binance", rest_url=rest, stream_url=f"{url}/flood/{count}", encoding="json") as session:
        live = session.live
        trades, quotes, book = live.trades("BTCUSDT"), live.book_ticker("BTCUSDT"), live.book("BTCUSDT")

        async def read(place: int, feed: Any, pause_s: float) -> None:
            async for _ in feed:
                told[place] += 1
                if pause_s:
                    await asyncio.sleep(pause_s)

        def note(_: Any) -> None:
            told[3] += 1

        trades.on(note)
        tasks = [asyncio.create_task(read(*one)) for one in ((0, trades, 0.0), (1, trades, 0.001), (2, book, 0.0))]
        for feed in (trades, quotes, book):
            await feed
        received = 0
        for mark in range(1, MARKS + 1):
            while received < count * mark // MARKS:
                await asyncio.sleep(0.05)
                received = sum(feed.status.received for feed in (trades, quotes, book))
            seen.append((received, resident()[0]))
        assert len(trades.frame()) == 100_000
        assert trades.status.reconnects == 0, "the connection was lost"
        assert trades.status.gaps == quotes.status.gaps == book.status.gaps == 0
        assert book.status.synced, f"the book is not in step: {book.status}"
        dropped = trades.status.dropped
        for task in tasks:
            task.cancel()
    from measure import show

    rows = [("messages", "MB"), *((f"{received:,}", f"{now:.1f}") for received, now in seen)]
    show(rows)
    print(f"read: trades {told[0]:,}, by callback {told[3]:,}, by the slow reader {told[1]:,}, books {told[2]:,}; "
          f"dropped for those that were too slow: {dropped:,}")  # fmt: skip
    warm = seen[2 * MARKS // 5 - 1 :]
    base, most = warm[0][1], max(now for _, now in warm)
    flat = most <= FLAT * base
    print(f"{'flat' if flat else 'NOT FLAT'}: at most {most / base:.3f} times what was resident after two fifths")
    return flat


def run_flood(count: int) -> bool:
    import subprocess

    program = Path(__file__).with_name("live.py")
    with subprocess.Popen([sys.executable, program, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"ws://127.0.0.1:{server.stdout.readline().strip()}"
            return asyncio.run(flood(url, count))
        finally:
            server.kill()


def main() -> None:
    if sys.argv[1:2] == ["--client"]:  # measured: nothing is loaded that it does not need
        asyncio.run(core(*json.loads(sys.argv[2]), float(sys.argv[3])))
        return
    import argparse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=["core", "flood"])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        exchange()
    else:
        from measure import machine

        print(machine())
        if chosen.only in (None, "core"):
            run_core(chosen.seconds)
        if chosen.only in (None, "flood") and not run_flood(chosen.messages):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
