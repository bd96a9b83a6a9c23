"""A long history through other clients' own pagers and through ours, all in one run.

    python benchmarks/peers.py --python-binance VENV --ccxt VENV --sdk VENV --cryptofeed VENV --pybotters VENV
        [--rows 99999] [--rounds 3]

Clients that page by themselves do so; ccxt and the official SDK are given the usual loop, pybotters requests that go
out together, sixteen at once. cryptofeed's pager fails where the last page is full, so the rows are no multiple of
1,000. unicorn-binance-rest-api is not among them: it asks the real exchange when it is made.

Each peer runs in the virtual environment named for it; one that is not named, or not installed there, is left out with
a message. The exchange runs in a process of its own with its market's clock frozen, 20 ms latency and a limit that
nobody meets; every page is rendered once before anything is timed. Rounds take turns, so that a noisy moment hits all.
Import is not counted. Ratios within one run matter, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from measure import machine, table

from cryptox.model.time import to_ms
from cryptox.paper.process import PaperProcess

CLOCK = "2024-06-01 12:00"
END = to_ms(CLOCK, now_ms=0)
MINUTE_MS = 60_000
LATENCY_S = 0.02

MEASURE = """
import json, sys, time
url, start, end, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
{setup}
wall, cpu = time.perf_counter(), time.process_time()
{work}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps([wall, cpu, count, first, last, total]))
"""

SETUP: dict[str, str] = {
    "python-binance": """
from binance.client import Client
client = Client(ping=False)
client.API_URL = url + "/api"
""",
    "ccxt": """
import ccxt
only_spot = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
client = ccxt.binance({"enableRateLimit": False, "options": only_spot})
client.urls["api"]["public"] = url + "/api/v3"
client.load_markets()
""",
    "sdk": """
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.spot import Spot
client = Spot(config_rest_api=ConfigurationRestAPI(api_key="", api_secret="", base_path=url)).rest_api
client.time()
""",
    "cryptofeed": """
from cryptofeed.connection import RestEndpoint, Routes
from cryptofeed.exchanges import Binance
Binance.rest_endpoints = [RestEndpoint(url, routes=Routes("/api/v3/exchangeInfo"))]
Binance.api = url + "/api/v3/"
client = Binance()
""",
    "pybotters": """
import asyncio, pybotters
""",
    "cryptox": """
import cryptox as cx
session = cx.connect("binance", rest_url=url)
session.klines_bulk("BTCUSDT", "1m", 2000)
""",
}

WORK: dict[str, str] = {
    "python-binance": """
found = client.get_historical_klines("BTCUSDT", "1m", start, end - 1)
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "ccxt": """
found, since = [], start
while since < end:
    page = client.fetch_ohlcv("BTC/USDT", "1m", since=since, limit=1000)
    page = [row for row in page if row[0] < end]
    if not page:
        break
    found += page
    since = page[-1][0] + 60_000
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(row[5] for row in found)
""",
    "sdk": """
found, since = [], start
while since < end:
    page = client.klines("BTCUSDT", "1m", start_time=since, end_time=end - 1, limit=1000).data()
    if not page:
        break
    found += page
    since = page[-1][0] + 60_000
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "cryptofeed": """
pages = client.candles_sync("BTC-USDT", start=start / 1000, end=(end - 1) / 1000, interval="1m")
found = [row for page in pages for row in page]
count, first, last = len(found), round(found[0].start * 1000), round(found[-1].start * 1000)
total = float(sum(row.volume for row in found))
""",
    "pybotters": """
async def main():
    room = asyncio.Semaphore(16)
    async with pybotters.Client(base_url=url) as client:
        async def page(since):
            given = {"symbol": "BTCUSDT", "interval": "1m", "startTime": since, "endTime": end - 1, "limit": 1000}
            async with room:
                return (await client.fetch("GET", "/api/v3/klines", params=given)).data
        pages = await asyncio.gather(*(page(since) for since in range(start, end, 60_000_000)))
    return [row for page in pages for row in page]
found = asyncio.run(main())
count, first, last = len(found), found[0][0], found[-1][0]
total = sum(float(row[5]) for row in found)
""",
    "cryptox": """
found = session.klines_bulk("BTCUSDT", "1m", start=start, end=end)
count, first, last = len(found), int(found.index.asi8[0]), int(found.index.asi8[-1])
total = float(found["volume"].sum())
""",
}

MODULES = {
    "python-binance": "import binance.client",
    "ccxt": "import ccxt",
    "sdk": "import binance_sdk_spot",
    "cryptofeed": "import cryptofeed",
    "pybotters": "import pybotters",
    "cryptox": "import cryptox",
}
MADE = {
    "python-binance": "lists of text",
    "ccxt": "lists, 6 columns",
    "sdk": "lists",
    "cryptofeed": "objects, decimals",
    "pybotters": "lists of text",
    "cryptox": "DataFrame, 11 columns",
}


def present(name: str, python: str | None) -> bool:
    """Whether a peer can be run; says why not."""
    if python is None:
        print(f"{name}: left out, no virtual environment given (--{name} PATH)")
        return False
    try:
        tried = subprocess.run(
            [python, "-c", MODULES[name]], check=False, capture_output=True, text=True, env=surroundings(name)
        )
    except OSError as error:
        print(f"{name}: left out, {python} cannot be run ({error.strerror})")
        return False
    if tried.returncode:
        print(f"{name}: left out, not in {python} ({(tried.stderr.strip() or '?').splitlines()[-1]})")
    return tried.returncode == 0


def surroundings(name: str) -> dict[str, str]:
    """The environment of a client: ours finds this checkout, the others must not."""
    found = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if name == "cryptox":
        found["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    return found


def run(name: str, python: str, url: str, rows: int) -> tuple[float, float, float]:
    """Wall and CPU seconds of one history, and its volume; it must be complete."""
    start = END - rows * MINUTE_MS
    script = MEASURE.format(setup=SETUP[name], work=WORK[name])
    said = subprocess.check_output(
        [python, "-c", script, url, str(start), str(END), str(rows)], text=True, env=surroundings(name)
    )
    wall, cpu, count, first, last, total = json.loads(said.splitlines()[-1])
    if (count, first, last) != (rows, start, END - MINUTE_MS):
        raise SystemExit(f"{name}: {count} rows from {first} to {last}, not {rows} from {start} to {END - MINUTE_MS}")
    return wall, cpu, total


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in MODULES.keys() - {"cryptox"}:
        parser.add_argument(f"--{name}", metavar="VENV")
    parser.add_argument("--rows", type=int, default=99_999)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def interpreter(venv: str | None) -> str | None:
    """The Python of a virtual environment."""
    if venv is None:
        return None
    return str(Path(venv) / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def main() -> None:
    """Measure and print."""
    asked = options()
    venvs = {name: getattr(asked, name.replace("-", "_"), None) for name in MODULES}
    pythons = {name: sys.executable if name == "cryptox" else interpreter(venv) for name, venv in venvs.items()}
    clients = [name for name, python in pythons.items() if present(name, python)]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in clients}
    with PaperProcess(latency=LATENCY_S, clock=CLOCK, limit=["REQUEST_WEIGHT=1000000/1m"]) as exchange:
        run("cryptox", sys.executable, exchange.rest_url, asked.rows)  # renders the pages it asks for
        for name in clients:
            run(name, str(pythons[name]), exchange.rest_url, asked.rows)  # and each client those of its own
        for _ in range(asked.rounds):
            for name in clients:
                found[name].append(run(name, str(pythons[name]), exchange.rest_url, asked.rows))
    volumes = [total for runs in found.values() for _, _, total in runs]  # sums of floats, and of decimals
    ours = statistics.median(wall for wall, _, _ in found["cryptox"])
    lines: list[tuple[str, ...]] = [("client", "gives", "time", "CPU", "rows/s", "cryptox is faster")]
    for name, runs in found.items():
        wall, cpu = (statistics.median(one[at] for one in runs) for at in (0, 1))
        ratio = "" if name == "cryptox" else f"{wall / ours:.1f} times"
        lines.append((name, MADE[name], f"{wall:.2f} s", f"{cpu:.2f} s", f"{asked.rows / wall:,.0f}", ratio))
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{machine()}{load}; {asked.rows:,} x 1m, {LATENCY_S * 1000:.0f} ms, median of {asked.rounds}")
    same = max(volumes) - min(volumes) <= 1e-9 * max(volumes)
    print("all clients have the same rows" if same else f"DIFFERENT VOLUMES: {volumes}")
    print(table(lines))


if __name__ == "__main__":
    main()
