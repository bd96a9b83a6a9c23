"""Other clients and ours, side by side, against a server of prepared bytes (``mock_server.py``).

    python benchmarks/venvs.py VENVS                       # installs the clients, each in an environment of its own
    python benchmarks/peers.py history --venvs VENVS [--rows 49999] [--rounds 3]
    python benchmarks/peers.py pages --venvs VENVS         # a page to numbers, and the first call of a process
    python benchmarks/peers.py refused --venvs VENVS       # what is sent after a 429
    python benchmarks/peers.py streams --venvs VENVS       # trades a second to one's own code

A client that is not there is left out with a message. All speak JSON, which is what the server has; ours would have
asked the exchange for SBE. Each runs in a process of its own; rounds take turns, so that a noisy moment hits all, and
what came is compared before a figure counts. Ratios within one run matter, seconds do not.

History: clients that page by themselves do so; ccxt and the official SDK are given the usual loop, pybotters requests
that go out together, sixteen at once. Import and a first history of 2,999 rows are not counted; ccxt's pauses are off.
cryptofeed's pager fails where the last page is full, so the rows are no multiple of 1,000. unicorn has streams only:
the package for REST beside it asks the real exchange when it is made.

Pages: one call after another and the six numbers of each candle as floats, without latency; the first call from the
import to the first page's numbers. The server's rules are of two symbols, the exchange's of some thousands: ccxt reads
all of them in its first call, so it is let off lightly here.

Refused: 300 pages, sixteen at a time, each asked for by itself (``return_exceptions=True``), the client's own rate
limiting as it is by default; after 20 pages the server answers 429 for 15 seconds. Counted is what comes after that
first answer was written, until those seconds are over.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from textwrap import indent
from typing import Any

from measure import machine, show
from mock_server import END_MS, started
from peer_programs import AT_ONCE, HEAD, HISTORY, MANY, PAGE, SETUP, TELL_HISTORY, TELL_PAGES
from peer_streams import streams
from venvs import python, surroundings, versions

MINUTE_MS = 60_000
LATENCY_S = 0.02
PAGES = 40
WANTED, BEFORE, RETRY_AFTER_S = 300, 20, 15.0
HOW = {
    "python-binance": ("`get_historical_klines`", "lists of text"),
    "ccxt": ("`fetch_ohlcv` in a loop", "lists, 6 columns"),
    "sdk": ("`klines` in a loop", "lists"),
    "cryptofeed": ("`candles_sync`", "objects, decimals"),
    "pybotters": ("sixteen requests at once, by hand", "lists of text"),
    "cryptox": ("`klines_bulk`", "DataFrame, 11 columns"),
}


def told(folder: str | None, name: str, program: str, url: str, given: dict[str, Any]) -> Any:
    """What a client's program says in its last line; nothing where it fails, which is said."""
    line = [str(python(folder, name)), "-c", HEAD + program, url, json.dumps(given)]
    done = subprocess.run(
        line, capture_output=True, text=True, env=surroundings(name), timeout=300, check=name == "cryptox"
    )
    if done.returncode:
        print(f"{name}: left out ({(done.stderr.strip() or '?').splitlines()[-1]})")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def history(folder: str | None, there: dict[str, str], rounds: int, rows: int) -> None:
    """A long range of candles: time, processor time, and how many times as fast ours is."""
    start = END_MS - rows * MINUTE_MS
    found: dict[str, list[list[float]]] = {name: [] for name in there}
    with started("--rows", rows, "--latency", LATENCY_S, "--limit", 10**6) as server:
        for _ in range(rounds):
            for name in there:
                program = SETUP[name] + PAGE[name] + TELL_HISTORY.format(work=indent(HISTORY[name], "    "))
                said = told(folder, name, program, server.rest, {"start": start, "end": END_MS})
                if said is None:
                    continue
                *took, count, first, last, total = said
                if (count, first, last) != (rows, start, END_MS - MINUTE_MS):
                    raise SystemExit(f"{name}: {count} rows from {first} to {last}, not {rows} from {start}")
                found[name].append([*took, total])
    same([one[2] for runs in found.values() for one in runs])
    ours = statistics.median(wall for wall, *_ in found["cryptox"])
    lines = [("client", "how", "gives", "time", "CPU", "rows/s", "cryptox is faster")]
    for name, runs in ((name, runs) for name, runs in found.items() if runs):
        wall, cpu = (statistics.median(one[at] for one in runs) for at in (0, 1))
        ratio = "" if name == "cryptox" else f"{wall / ours:.1f} times"
        lines.append((name, *HOW[name], f"{wall:.2f} s", f"{cpu:.2f} s", f"{rows / wall:,.0f}", ratio))
    about = (
        f"{rows:,} candles of a minute, {LATENCY_S * 1000:.0f} ms, medians of {rounds} rounds; all have the same rows."
    )
    show(lines, about)


def pages(folder: str | None, there: dict[str, str], rounds: int) -> None:
    """A page to numbers, and the first call of a process."""
    found: dict[str, list[list[float]]] = {name: [] for name in there}
    with started("--limit", 10**6) as server:
        for _ in range(rounds):
            for name in there:
                given = {"end": END_MS, "pages": PAGES}
                said = told(folder, name, SETUP[name] + PAGE[name] + TELL_PAGES, server.rest, given)
                if said is None:
                    continue
                *took, count, total = said
                if count != 1_000:
                    raise SystemExit(f"{name}: a page of {count} rows")
                found[name].append([*took, total])
    same([one[3] for runs in found.values() for one in runs])
    lines = [("client", "a page to floats, CPU", "time", "cryptox needs less", "first call, with import")]
    ours = statistics.median(one[2] for one in found["cryptox"])
    for name, runs in ((name, runs) for name, runs in found.items() if runs):
        first, wall, cpu = (statistics.median(one[at] for one in runs) for at in range(3))
        ratio = "" if name == "cryptox" else f"{cpu / ours:.1f} times"
        lines.append((name, f"{cpu * 1000:.2f} ms", f"{wall * 1000:.2f} ms", ratio, f"{first:.2f} s"))
    show(
        lines, f"1,000 candles a page, no latency, medians of {rounds} rounds of {PAGES} pages; all have the same rows."
    )


def same(totals: list[float]) -> None:
    """The volumes agree: sums of floats in different orders, and of decimals."""
    if max(totals) - min(totals) > 1e-9 * max(totals):
        raise SystemExit(f"different volumes: {totals}")


def refused(folder: str | None, there: dict[str, str]) -> None:
    """What each client sends after the first 429."""
    lines = [
        (
            "client",
            "answered before",
            "sent after the first 429",
            "of these, in its first 0.1 s",
            "what came of 300 pages",
        )
    ]
    given = {"start": END_MS - WANTED * 1_000 * MINUTE_MS, "end": END_MS}
    for name in there:
        often = ["--refuse-after", BEFORE, "--retry-after", RETRY_AFTER_S]
        with started("--rows", WANTED * 1_000, "--latency", LATENCY_S, *often) as server:
            outcome = over(folder, name, server.rest, given)
            log = server.log()
        answered = sum(status == 200 and "klines" in target for _, _, target, status in log)
        first = next((done for _, done, _, status in log if status == 429), None)
        if first is None:
            raise SystemExit(f"{name} was never refused: {outcome}")
        after = [came - first for came, *_ in log if first < came < first + RETRY_AFTER_S]
        before = sum(status == 200 and "klines" in target and came < first for came, _, target, status in log)
        early = sum(one < 0.1 for one in after)
        lines.append((name, str(before), str(len(after)), str(early), outcome.format(answered=answered)))
    show(lines, f"300 pages, sixteen at a time; 429 after {BEFORE} pages, `Retry-After: {RETRY_AFTER_S:.0f}`; one run.")


def over(folder: str | None, name: str, url: str, given: dict[str, Any]) -> str:
    """Let a client run for as long as it is refused and some seconds more; what it got and what it raised."""
    line = [str(python(folder, name)), "-c", HEAD + MANY + AT_ONCE[name], url, json.dumps(given)]
    try:
        done = subprocess.run(
            line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=surroundings(name), check=True,
            timeout=RETRY_AFTER_S + 8,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{{answered}} pages, the others still waiting {RETRY_AFTER_S + 8:.0f} s after the start"
    got, raised = json.loads(done.stdout.splitlines()[-1])
    return ", ".join([f"{got} pages", *(f"{count} times `{error}`" for error, count in raised.items())])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["history", "pages", "refused", "streams"])
    parser.add_argument("--venvs", metavar="FOLDER")
    parser.add_argument("--rows", type=int, default=49_999, help="of the history")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="these clients, and cryptox")
    asked = parser.parse_args()
    names = [name for name in HOW if asked.only is None or name in (*asked.only, "cryptox")]
    print(machine())
    if asked.what == "streams":
        streams(asked.venvs, asked.rounds, asked.only)
        return
    there = versions(asked.venvs, names)
    if asked.what == "history":
        history(asked.venvs, there, asked.rounds, asked.rows)
    elif asked.what == "pages":
        pages(asked.venvs, there, asked.rounds)
    else:
        refused(asked.venvs, there)


if __name__ == "__main__":
    sys.exit(main())
