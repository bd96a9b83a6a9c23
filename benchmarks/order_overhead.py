"""What a signed order costs the client: CPU and time, against a bare ``http.client`` loop with the same signature.

    python benchmarks/order_overhead.py [--orders 400] [--rounds 5] [--venvs VENVS]

The paper exchange runs in a process of its own. Each round places the same number of market orders by every client in
turn, so that a busy machine troubles all alike; CPU is this process's own (``process_time``), the median of the rounds,
and "times" the median of the rounds' own ratios. With ``--venvs`` (the folder of ``benchmarks/venvs.py``) so do
python-binance and ccxt, each in a process of its own that reports its CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import http.client
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from measure import machine, show
from venvs import python, versions

import cryptox as cx
from cryptox.paper.process import PaperProcess
from cryptox.venues.binance.endpoints import NEW_ORDER

ORDER = {"symbol": "BTCUSDT", "type": "MARKET", "quantity": "0.001", "newOrderRespType": "FULL"}
SIDES = ("BUY", "SELL")
CELLS = ("{:.0f} µs", "{:.0f} µs", "{:.1f}", "{:.0f} µs")

PEERS = {
    "python-binance": """
import sys, time
from binance.client import Client
url, key, secret, count = *sys.argv[1:4], int(sys.argv[4])
Client.API_URL = url + "/api"
client = Client(key, secret, ping=False)
def place(n): client.create_order(symbol="BTCUSDT", side=("BUY", "SELL")[n % 2], type="MARKET", quantity="0.001")
""",
    "ccxt": """
import sys, time
import ccxt
url, key, secret, count = *sys.argv[1:4], int(sys.argv[4])
only_spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
client = ccxt.binance({"apiKey": key, "secret": secret, "enableRateLimit": False, "options": only_spot})
client.urls["api"] = {"public": url + "/api/v3", "private": url + "/api/v3"}
client.load_markets()
def place(n): client.create_order("BTC/USDT", "market", ("buy", "sell")[n % 2], 0.001)
""",
}
TIMED = """
for n in range(20): place(n)
cpu, wall = time.process_time(), time.perf_counter()
for n in range(count): place(n)
print((time.process_time() - cpu) / count, (time.perf_counter() - wall) / count)
"""


def bare(exchange: PaperProcess) -> Callable[[int], None]:
    """The least that places an order: one kept connection, one signature, one decoded answer."""
    address = urlsplit(exchange.rest_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    secret = exchange.keys.secret_key.encode()
    headers = {"X-MBX-APIKEY": exchange.keys.api_key, "Content-Type": "application/x-www-form-urlencoded"}

    def place(n: int) -> None:
        text = urlencode({**ORDER, "side": SIDES[n % 2], "timestamp": int(time.time() * 1000)})
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        connection.request("POST", NEW_ORDER.path, f"{text}&signature={signature}", headers)
        answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "FILLED", answer

    return place


def connected(exchange: PaperProcess) -> dict[str, str | bool]:
    return {"rest_url": exchange.rest_url, "api_key": exchange.keys.api_key, "secret_key": exchange.keys.secret_key,
            "trading": True}  # fmt: skip


def timed(place: Callable[[int], None], orders: int) -> tuple[float, float]:
    """Seconds of CPU and of time per order."""
    for n in range(4):
        place(n)
    cpu, wall = time.process_time(), time.perf_counter()
    for n in range(orders):
        place(n)
    return (time.process_time() - cpu) / orders, (time.perf_counter() - wall) / orders


async def timed_async(session: cx.aio.AsyncSession, orders: int) -> tuple[float, float]:
    for n in range(4):
        await session.place_order("BTCUSDT", SIDES[n % 2], "MARKET", quantity="0.001")
    cpu, wall = time.process_time(), time.perf_counter()
    for n in range(orders):
        await session.place_order("BTCUSDT", SIDES[n % 2], "MARKET", quantity="0.001")
    return (time.process_time() - cpu) / orders, (time.perf_counter() - wall) / orders


def peer(interpreter: str, name: str, exchange: PaperProcess, orders: int) -> tuple[float, float] | None:
    """The same by another client in a process of its own; None where it is not installed or fails."""
    keys = [exchange.rest_url, exchange.keys.api_key, exchange.keys.secret_key, str(orders)]
    done = subprocess.run(
        [interpreter, "-c", PEERS[name] + TIMED, *keys], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        print(f"{name} left out: {(done.stderr.strip().splitlines() or ['?'])[-1][:160]}")
        return None
    cpu, wall = map(float, done.stdout.split()[-2:])
    return cpu, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venvs", metavar="FOLDER", help="where the other clients are")
    asked = parser.parse_args()
    print(machine())
    there = versions(asked.venvs, [*PEERS])
    found: dict[str, list[tuple[float, float]]] = {}
    limits = ["REQUEST_WEIGHT=1000000/1m", "ORDERS=100000/10s", "ORDERS=10000000/1d"]
    with PaperProcess(clock="now", symbol=["BTCUSDT"], limit=limits, port=0) as exchange:
        place = bare(exchange)
        with cx.connect("binance", **connected(exchange)) as session:  # type: ignore[arg-type]
            blocking = lambda n: session.place_order("BTCUSDT", SIDES[n % 2], "MARKET", quantity="0.001")  # noqa: E731

            async def by_await() -> tuple[float, float]:
                async with cx.aio.connect("binance", **connected(exchange)) as own:  # type: ignore[arg-type]
                    return await timed_async(own, asked.orders)

            for _ in range(asked.rounds):
                found.setdefault("http.client, bare", []).append(timed(place, asked.orders))
                found.setdefault("cryptox, await", []).append(asyncio.run(by_await()))
                found.setdefault("cryptox, blocking", []).append(timed(blocking, asked.orders))
                for name in there:
                    if (told := peer(str(python(asked.venvs, name)), name, exchange, asked.orders)) is not None:
                        found.setdefault(name, []).append(told)
    bare_cpu = [cpu for cpu, _ in found["http.client, bare"]]
    rows: list[tuple[str, ...]] = [
        ("client", "CPU per order", "of the best round", "times the bare loop", "time per order")
    ]
    for name, each in found.items():
        cpu, wall = (statistics.median(column) for column in zip(*each, strict=True))
        times = statistics.median(own / least for (own, _), least in zip(each, bare_cpu, strict=False))
        best = min(own for own, _ in each)
        cells = (cpu * 1e6, best * 1e6, times, wall * 1e6)
        rows.append((name, *(text.format(cell) for text, cell in zip(CELLS, cells, strict=True))))
    show(
        rows, f"Medians of {asked.rounds} rounds of {asked.orders} orders; times: the median of the rounds' own ratios."
    )


if __name__ == "__main__":
    main()
