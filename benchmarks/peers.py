"""A long history through other clients' own pagers and through ours, all in one run.

    python benchmarks/peers.py --python-binance VENV --ccxt VENV [--rows 100000] [--rounds 3]

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
    "cryptox": """
found = session.klines_bulk("BTCUSDT", "1m", start=start, end=end)
count, first, last = len(found), int(found.index.asi8[0]), int(found.index.asi8[-1])
total = float(found["volume"].sum())
""",
}

MODULES = {"python-binance": "import binance.client", "ccxt": "import ccxt", "cryptox": "import cryptox"}
MADE = {"python-binance": "lists of text", "ccxt": "lists, 6 columns", "cryptox": "DataFrame, 11 columns"}


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
    parser.add_argument("--python-binance", metavar="VENV")
    parser.add_argument("--ccxt", metavar="VENV")
    parser.add_argument("--rows", type=int, default=100_000)
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
    pythons = {
        "python-binance": interpreter(asked.python_binance),
        "ccxt": interpreter(asked.ccxt),
        "cryptox": sys.executable,
    }
    clients = [name for name, python in pythons.items() if present(name, python)]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in clients}
    with PaperProcess(latency=LATENCY_S, clock=CLOCK, limit=["REQUEST_WEIGHT=1000000/1m"]) as exchange:
        run("cryptox", sys.executable, exchange.rest_url, asked.rows)  # renders the pages it asks for
        for name in clients:
            run(name, str(pythons[name]), exchange.rest_url, asked.rows)  # and each client those of its own
        for _ in range(asked.rounds):
            for name in clients:
                found[name].append(run(name, str(pythons[name]), exchange.rest_url, asked.rows))
    volumes = {round(total, 4) for runs in found.values() for _, _, total in runs}
    ours = statistics.median(wall for wall, _, _ in found["cryptox"])
    lines: list[tuple[str, ...]] = [("client", "gives", "time", "CPU", "rows/s", "cryptox is faster")]
    for name, runs in found.items():
        wall, cpu = (statistics.median(one[at] for one in runs) for at in (0, 1))
        ratio = "" if name == "cryptox" else f"{wall / ours:.1f} times"
        lines.append((name, MADE[name], f"{wall:.2f} s", f"{cpu:.2f} s", f"{asked.rows / wall:,.0f}", ratio))
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{machine()}{load}; {asked.rows:,} x 1m, {LATENCY_S * 1000:.0f} ms, median of {asked.rounds}")
    print("all clients have the same rows" if len(volumes) == 1 else f"DIFFERENT VOLUMES: {volumes}")
    print(table(lines))


if __name__ == "__main__":
    main()
