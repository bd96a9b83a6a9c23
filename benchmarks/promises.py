"""What was promised of speed and size, measured: latency, orders, how many at once, memory.

    python benchmarks/promises.py                    # about a minute
    python benchmarks/promises.py --seconds 60

A process of its own takes 50 streams of a paper exchange (trades, aggregate trades, candles, tickers, best quotes and
five levels of eight symbols, and two streams of candles more) and has ten users with keys, each with a stream of its
own orders. The exchange runs in a process of its own at real speed, on loopback.

"Market data": from the event's time at the exchange to the callback, for every event of all feeds whose events carry
such a time (trades, aggregate trades, candles and tickers); in it is how often the exchange looks for what it has to
send. Beside it from the socket to the callback alone. "Orders": ``place_order`` from the call to its ``Order``, by all
ten users, each once a second, while the streams run. Memory is what is resident, step by step and at most, of a process
that does nothing else and asks for no frame, in the first half of the time with callbacks on ten of the feeds; it must
not have loaded pandas, polars or plotly.

It ends with 1 where a promise is not held. Reads ``/proc``: Linux.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

HEAVY = ("pandas", "polars", "plotly", "pyarrow", "httpx")
DATA_MS, ORDER_MS = 100.0, 500.0
STREAMS, USERS = 50, 10
MOST_MB, AIM_MB = 60.0, 50.0
CALLBACKS = 10
TIMED = ("trades", "agg_trades", "klines", "ticker")


def resident() -> tuple[float, float]:
    """Megabytes (2**20 bytes) of this process in memory, now and at most."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, most = (int(said[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


async def client(hosts: dict[str, str], keys: list[list[str]], seconds: float) -> dict[str, Any]:
    """What is measured, in a process that has loaded nothing else."""
    steps = [("Python and asyncio", *resident())]
    import cryptox as cx

    steps.append(("import cryptox", *resident()))
    session = await cx.aio.connect("binance", **hosts)
    steps.append(("a session, with numpy and msgspec", *resident()))
    import aiohttp  # noqa: F401 - what calls over REST go by, on its own

    steps.append(("import aiohttp, the HTTP transport", *resident()))
    from crowd import TRADED, feeds_of

    feeds = feeds_of(session.live, books=False)
    await asyncio.gather(*feeds)
    steps.append((f"{len(feeds)} streams carried", *resident()))
    data: list[tuple[float, float]] = []
    orders: list[float] = []
    seen = asyncio.Event()

    def told(event: Any) -> None:
        if event.event_time_ms is not None and seen.is_set():
            now_ns = time.time_ns()
            data.append((now_ns / 1e6 - event.event_time_ms, (now_ns - event.received_ns) / 1e6))

    timed = [feed for feed in feeds if feed.kind in TIMED]
    for feed in timed[:CALLBACKS]:
        feed.on(told)
    users = [
        await cx.aio.connect("binance", user=f"user-{place}", api_key=api, secret_key=secret, trading=True, **hosts)
        for place, (api, secret) in enumerate(keys)
    ]
    own = [user.live.orders() for user in users]
    await asyncio.gather(*own)
    steps.append((f"{len(users)} users logged on", *resident()))

    async def trade(place: int, user: Any) -> None:
        await asyncio.sleep(place / len(users))
        quantity, price = TRADED["BTCUSDT"]
        while time.monotonic() < ends:
            began = time.perf_counter()
            order = await user.place_order("BTCUSDT", "buy", quantity=quantity, price=price + place)
            orders.append((time.perf_counter() - began) * 1000)
            await user.cancel_order("BTCUSDT", order)
            await asyncio.sleep(1.0)

    for user in users:  # rules and the exchange's clock, once
        await user.test_order("BTCUSDT", "buy", "MARKET", quantity="0.001")
    seen.set()
    ends = time.monotonic() + seconds
    trading = asyncio.gather(*(trade(place, user) for place, user in enumerate(users)))
    await asyncio.sleep(seconds / 2)
    most = resident()[1]
    steps.append((f"all of it for {seconds / 2:g} s", *resident()))
    for feed in timed[CALLBACKS:]:
        feed.on(told)
    await trading
    steps.append((f"and {seconds / 2:g} s more with {len(timed)} callbacks, a thread each", *resident()))
    books = [session.live.book(symbol) for symbol in TRADED]
    await asyncio.gather(*books)
    await asyncio.sleep(2.0)
    levels = sum(len(batch) for book in books for batch in book.snapshot().batches.values())
    steps.append((f"{len(books)} local books of {levels:,} levels besides", *resident()))
    up = [feed.status.connected and feed.status.synced for feed in feeds]
    health = await cx.aio.health()
    found = {
        "steps": steps,
        "most": most,
        "data": data,
        "orders": orders,
        "streams": sum(up),
        "users": sum(feed.status.connected for feed in own),
        "received": sum(feed.status.received for feed in feeds),
        "loaded": [name for name in HEAVY if name in sys.modules],
        "health": health.status,
    }
    for one in [session, *users]:
        await one.close()
    return found


def measured(seconds: float) -> dict[str, Any]:
    """An exchange and a client, each in a process of its own."""
    import subprocess

    from crowd import Exchange, environment

    with Exchange(USERS) as exchange:
        given = json.dumps([exchange.hosts, exchange.keys, seconds])
        done = subprocess.run(
            [sys.executable, __file__, "--client", given],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=environment(),
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def of(values: list[float], share: float) -> float:
    """The value that such a share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def judged(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Each promise: what was promised, what was measured, whether it is held."""
    data, own = [one for one, _ in found["data"]], [one for _, one in found["data"]]
    orders, most = found["orders"], found["most"]

    def figures(values: list[float]) -> str:
        return f"median {of(values, 0.5):.1f} ms, p99 {of(values, 0.99):.1f} ms of {len(values):,}"

    return [
        ("market data to the callback", f"under {DATA_MS:.0f} ms", figures(data), of(data, 0.99) < DATA_MS),
        ("  from the socket on, alone", "", figures(own), True),
        ("order placed", f"under {ORDER_MS:.0f} ms", figures(orders), of(orders, 0.99) < ORDER_MS),
        ("streams at once", f"{STREAMS}", f"{found['streams']}", found["streams"] >= STREAMS),
        ("users at once", f"{USERS}", f"{found['users']}", found["users"] >= USERS),
        ("memory", f"under {MOST_MB:.0f} MB", f"{most:.1f} MB at most", most < MOST_MB),
        ("  aim", f"{AIM_MB:.0f} MB", f"{most - AIM_MB:+.1f} MB", True),
        ("not loaded", " ".join(HEAVY), " ".join(found["loaded"]) or "none of them", not found["loaded"]),
        ("health", "healthy", found["health"], found["health"] == "healthy"),
    ]


def main() -> int:
    """Measure, and print; 1 where a promise is not held."""
    if sys.argv[1:2] == ["--client"]:
        print(json.dumps(asyncio.run(client(*json.loads(sys.argv[2])))))
        return 0
    import argparse
    import os

    from measure import machine, show

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0)
    given = parser.parse_args()
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    found = measured(given.seconds)
    rows = judged(found)
    told = [
        (what, promise, value, "" if what.startswith(" ") else "yes" if held else "NO")
        for what, promise, value, held in rows
    ]
    show([("what", "promise", "measured", "held"), *told])
    print()
    steps = [(name, f"{now:.1f}", f"{most:.1f}") for name, now, most in found["steps"]]
    show([("memory after", "MB", "MB at most"), *steps])
    print(f"{found['received']:,} events received")
    return 0 if all(held for *_, held in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
