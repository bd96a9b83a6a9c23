"""How fast the paper exchange is: orders in the engine, order round trips over loopback, stream messages to one reader.

    python benchmarks/exchange.py [--seconds 3]

The engine is called in this process; for round trips and streams the exchange runs in a process of its own with its
state in memory, and the client is as bare as it can be (prepared bytes on one socket), so that the exchange is what
is measured. Ratios within one run matter, figures depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from measure import machine, show

from cryptox.paper.accounts import Accounts
from cryptox.paper.process import PaperProcess
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.trading.engine import Engine
from cryptox.paper.trading.orders import Ticket
from cryptox.venues.binance.endpoints import NEW_ORDER
from cryptox.venues.binance.words import OrderType, Side

NOON_US = 1_717_243_200_000_000  # 2024-06-01 12:00 UTC
CLOCK = "2024-06-01 12:00"


def engine_rates(seconds: float) -> dict[str, float]:
    """Orders a second that the engine takes: resting limits with their cancel, market orders, crossing pairs."""
    accounts = Accounts(1)
    account, _ = accounts.create({"USDT": Decimal(10**9), "BTC": Decimal(10**5)}, NOON_US)
    engine = Engine(SeededMarket(7, symbols=["BTCUSDT"]), accounts.accounts)
    last = engine.last_price("BTCUSDT", NOON_US)
    found: dict[str, float] = {}
    made = 0

    def ticket(kind: OrderType, side: Side, price: int, steps: int) -> Ticket:
        nonlocal made
        made += 1
        return Ticket("BTCUSDT", side, kind, f"b{made}", quantity=steps, price=price)

    def resting() -> int:
        placed = engine.place(account, ticket(OrderType.LIMIT, Side.BUY, last - 10_000, 1_000), NOON_US)
        engine.cancel(placed.order, f"c{made}", NOON_US)
        return 1

    def taking() -> int:
        engine.place(account, ticket(OrderType.MARKET, Side.BUY if made % 2 else Side.SELL, 0, 10), NOON_US)
        return 1

    for name, work in (("limit orders placed and cancelled", resting), ("market orders filled", taking)):
        found[name] = _rate(work, seconds)
        engine.take_reports()
    return found


def _rate(work: Callable[[], int], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        done += work()
    return done / spent


async def round_trips(exchange: PaperProcess, seconds: float, at_once: int) -> float:
    """Resting limit orders a second over so many connections, one after another on each."""
    address = urlsplit(exchange.rest_url)
    signed = iter(range(10**9))

    def request() -> bytes:
        price = 10_000 + next(signed) % 5_000  # below the market: nothing is bought
        query = (
            f"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.001&price={price}"
            f"&timestamp={time.time_ns() // 10**6}"
        )
        signature = hmac.new(exchange.keys.secret_key.encode(), query.encode(), hashlib.sha256).hexdigest()
        return (
            f"POST {NEW_ORDER.path}?{query}&signature={signature} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"X-MBX-APIKEY: {exchange.keys.api_key}\r\nContent-Length: 0\r\n\r\n"
        ).encode()

    async def one(ends: float) -> int:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        done = 0
        while time.perf_counter() < ends:
            writer.write(request())
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(size)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(body.decode())
            done += 1
        writer.close()
        return done

    began = time.perf_counter()
    counts = await asyncio.gather(*(one(began + seconds) for _ in range(at_once)))
    return sum(counts) / (time.perf_counter() - began)


async def read_frames(url: str, streams: str, expected: int) -> tuple[float, int]:
    """Seconds from the first to the last message at a reader that only counts frames, and how many came."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**22)
    writer.write(
        f"GET /stream?streams={streams} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    count, rest, began, newest = 0, b"", 0.0, 0.0
    while count < expected:
        chunk = await reader.read(2**20)
        if not chunk:
            break
        newest = time.perf_counter()
        began = began or newest
        rest += chunk
        at = 0
        while at + 4 <= len(rest):
            size, head = rest[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(rest[at + 2 : at + 4], "big"), 4
            if at + head + size > len(rest):
                break
            at += head + size
            count += 1
        rest = rest[at:]
    writer.close()
    return newest - began, count


def streamed(recording: Path) -> tuple[float, int]:
    """Messages a second of a replayed recording, as fast as one reader takes them; the reader has this process."""
    program = (
        "import sys, json\n"
        "from cryptox.paper.exchange import PaperExchange\n"
        "x = PaperExchange(clock='2024-06-01 12:00').start()\n"
        "print(x.stream_url, flush=True)\n"
        "sys.stdin.readline()\n"
        "print(json.dumps(x.replay(sys.argv[1], speed=None).count), flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(recording)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()

        async def read() -> tuple[float, int]:
            names = "btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms"
            task = asyncio.ensure_future(read_frames(url, names, 41_248))
            await asyncio.sleep(0.5)
            assert server.stdin is not None
            server.stdin.write("\n")
            server.stdin.flush()
            return await asyncio.wait_for(task, 60)

        seconds, count = asyncio.run(read())
        sent = json.loads(server.stdout.readline())
        if sent != count:
            raise RuntimeError(f"{sent} messages sent, {count} read")
        server.stdin.write("\n")
        server.stdin.close()
    return count / seconds, count


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--recording", type=Path, default=Path("../shared/data/hftbacktest/btcusdt_20240808.gz"))
    given = options.parse_args()
    rows = [(name, f"{rate:,.0f}/s") for name, rate in engine_rates(given.seconds).items()]
    limit = ["REQUEST_WEIGHT=10000000/1m", "ORDERS=10000000/10s", "RAW_REQUESTS=10000000/5m"]
    with PaperProcess(limit=limit, symbol=["BTCUSDT"]) as exchange:
        for at_once in (1, 8):
            rate = asyncio.run(round_trips(exchange, given.seconds, at_once))
            rows.append((f"order round trips over REST, {at_once} at once", f"{rate:,.0f}/s"))
    if given.recording.exists():
        rate, count = streamed(given.recording)
        rows.append((f"stream messages to one reader ({count:,} of a recording)", f"{rate:,.0f}/s"))
    print(machine())
    show([("what", "rate"), *rows])


if __name__ == "__main__":
    main()
