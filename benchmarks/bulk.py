"""Long histories over HTTP, against the network's own time and against paging one at a time.

    python benchmarks/bulk.py            # both parts
    python benchmarks/bulk.py small      # 5,000 x 1h at 50 ms
    python benchmarks/bulk.py large      # 500,000 x 1m at 20 ms

The exchange runs in a process of its own, with its market's clock frozen, so that no run renders other pages than
the one before it. "Paging one at a time" uses the same transport and decoder: only the way of asking differs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from measure import machine, show

import cryptox as cx
from cryptox.model.interval import INTERVALS
from cryptox.model.time import to_ms
from cryptox.paper.process import PaperProcess

CLOCK = "2024-06-01 12:00"
HOURS, SMALL_LATENCY = 5_000, 0.05
MINUTES, LARGE_LATENCY = 500_000, 0.02
END = to_ms(CLOCK, now_ms=0)

FIRST_CALL = """
import json, sys, time
import numpy, pandas, aiohttp, yarl, msgspec
import cryptox as cx
import cryptox.paper.venue, cryptox.sync.connect, cryptox.sessions.line, cryptox.table.pandas, cryptox.table.frames
import cryptox.venues.binance.venue, cryptox.venues.binance.sbe.arrays, cryptox.show.progress
session = cx.connect("binance", rest_url=sys.argv[1])
began = time.perf_counter()
frame = session.klines_bulk("BTCUSDT", "1h", 5000)
first = time.perf_counter() - began
assert len(frame) == 5000
print(json.dumps(first))
"""


def small() -> list[tuple[str, ...]]:
    """5,000 hourly candles in round trips: a fresh process, and a session that has been used."""
    rows = []
    with PaperProcess(latency=SMALL_LATENCY) as exchange:
        with cx.connect("binance", rest_url=exchange.rest_url, max_in_flight=16) as session:
            session.klines_bulk("BTCUSDT", "1h", HOURS)
            warm = []
            for _ in range(15):
                began = time.perf_counter()
                frame = session.klines_bulk("BTCUSDT", "1h", HOURS)
                warm.append(time.perf_counter() - began)
                assert len(frame) == HOURS
        first = [
            json.loads(subprocess.check_output([sys.executable, "-c", FIRST_CALL, exchange.rest_url], text=True))
            for _ in range(5)
        ]
    for name, seconds in (("warm session", warm), ("first call of a process, imports apart", first)):
        value = statistics.median(seconds)
        rows.append(
            (
                f"{HOURS:,} x 1h, {SMALL_LATENCY * 1000:.0f} ms: {name}",
                f"{value * 1000:.1f} ms",
                f"{value / SMALL_LATENCY:.2f} round trips",
            )
        )
    return rows


async def one_at_a_time(session: Any) -> int:
    """The same rows, page after page, each begun when the one before is in."""
    grid = INTERVALS["1m"]
    start, rows = grid.shift(END, -MINUTES), 0
    while start < END:
        stop = grid.shift(start, 1000)
        request = session.venue.klines("BTCUSDT", "1m", start_ms=start, end_ms=stop, limit=1000, exact=False)
        rows += len(await session._ask(request, bulk=True))
        start = stop
    return rows


def large() -> list[tuple[str, ...]]:
    """500,000 minutes: parallel against one at a time; CPU and memory of the client."""
    with PaperProcess(latency=LARGE_LATENCY, clock=CLOCK, limit=["REQUEST_WEIGHT=100000/1m"]) as exchange:
        asyncio.run(_sequential(exchange.rest_url, rounds=1))  # renders every page once
        slow = asyncio.run(_sequential(exchange.rest_url, rounds=2))
        with cx.connect("binance", rest_url=exchange.rest_url, max_in_flight=16) as session:
            session.klines_bulk("BTCUSDT", "1m", 2_000)
            fast, cpu, growth = [], [], []
            for _ in range(5):
                gc.collect()
                before, peak_before = _rss(), _reset_peak()
                began, cpu_began = time.perf_counter(), time.process_time()
                frame = session.klines_bulk("BTCUSDT", "1m", MINUTES, end=END)
                fast.append(time.perf_counter() - began)
                cpu.append(time.process_time() - cpu_began)
                assert len(frame) == MINUTES
                size = frame.memory_usage(deep=True).sum()
                growth.append((_peak() - min(before, peak_before)) / size)
                del frame
    wall = statistics.median(fast)
    return [
        (f"{MINUTES:,} x 1m, {LARGE_LATENCY * 1000:.0f} ms: page by page", f"{statistics.median(slow):.2f} s", ""),
        (
            f"{MINUTES:,} x 1m: klines_bulk, 16 in flight",
            f"{wall:.2f} s",
            f"{statistics.median(slow) / wall:.1f} times as fast, {MINUTES / wall:,.0f} rows/s",
        ),
        ("    CPU of the client", f"{statistics.median(cpu):.2f} s", ""),
        ("    peak memory growth", "", f"{statistics.median(growth):.2f} times the frame"),
    ]


async def _sequential(url: str, *, rounds: int) -> list[float]:
    found = []
    async with cx.aio.connect("binance", rest_url=url) as session:
        for _ in range(rounds):
            began = time.perf_counter()
            assert await one_at_a_time(session) == MINUTES
            found.append(time.perf_counter() - began)
    return found


def _rss() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _reset_peak() -> int:
    """Begin a new peak (Linux); gives the memory in use."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _rss()


def _peak() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def main() -> None:
    """Measure and print."""
    part = sys.argv[1] if len(sys.argv) > 1 else "all"
    rows: list[tuple[str, ...]] = [("what", "time", "in other words")]
    if part in ("all", "small"):
        rows += small()
    if part in ("all", "large"):
        rows += large()
    print(machine())
    show(rows)


if __name__ == "__main__":
    main()
