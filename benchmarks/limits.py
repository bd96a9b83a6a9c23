"""A million rows under a tight limit that others use too: never a 429, and nothing of the limit left lying.

    python benchmarks/limits.py                        # 200 weight per second, half a minute
    python benchmarks/limits.py --clock frozen --runs 5 --windows

The exchange announces 200 weight per second. A second client takes a steady 40 %, a third bursts 2 % of the limit every
100 ms, and two cryptox processes download at once. "Left by the others" is what those two leave of each window. Counted
are the whole windows from the second one after both have asked for their first page until one of them asks no more: how
long a process takes to start, on a busy machine seconds, is not the limiter's doing.

Every 429 is explained from the exchange's own log: when in its window it came, who sent it, and what each had used by
then. A window in which the sum passed the limit after our last request is told apart: there the others are refused.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from measure import machine, show, table

import cryptox as cx

LIMIT = 200
ROWS = 1_000_000
WARM_UP_WINDOWS = 1
CLOCKS = {"running": None, "frozen": "2024-06-01 12:00"}
ENDS = {"first": "2024-06-01", "second": "2022-06-01"}
BETWEEN_MS = 1_656_633_600_000  # 2022-07-01: what is asked before belongs to the second process

WORKER = """
import json, sys, time
import cryptox as cx
session = cx.connect("binance", rest_url=sys.argv[1])
began = time.time()
frame = session.klines_bulk("BTCUSDT", "1m", int(sys.argv[2]), end=sys.argv[3], progress=False)
print(json.dumps([began, time.time(), len(frame)]))
"""


@dataclass
class Second:
    """What was used of one window, in the order in which the exchange counted it."""

    used: Counter[str] = field(default_factory=Counter)
    others: int = 0
    last_ms: float = 0.0  # when our last request came
    refused: list[str] = field(default_factory=list)

    @property
    def ours(self) -> int:
        """Weight of the cryptox processes."""
        return sum(self.used.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clock", choices=[*CLOCKS, "both"], default="running", help="of the exchange's market time")
    parser.add_argument("--runs", type=int, default=1, help="how often; with both clocks, they take turns")
    parser.add_argument("--windows", action="store_true", help="print every window")
    options = parser.parse_args()
    clocks = list(CLOCKS) if options.clock == "both" else [options.clock]
    print(machine())
    rows = [("clock", "rows", "windows", "429 or 418", "others over", "of what was left", "seconds", "load", "at")]
    for run in range(options.runs):
        rows.append(campaign(clocks[run % len(clocks)], every_window=options.windows))
        if options.runs > 1:
            print(table([rows[0], rows[-1]]), flush=True)
    show(rows)


def campaign(clock: str, *, every_window: bool) -> tuple[str, ...]:
    """One run: a row of the table."""
    exchange = cx.PaperExchange(clock=CLOCKS[clock], limits={"REQUEST_WEIGHT": (LIMIT, "1s")}).start()
    exchange.faults.add("weight", rate=0.4 * LIMIT)
    exchange.faults.add("weight", amount=int(0.02 * LIMIT), every=0.1)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, exchange.rest_url, str(ROWS // 2), end], stdout=subprocess.PIPE, text=True
        )
        for end in ENDS.values()
    ]
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    seconds = read_log(exchange)
    exchange.stop()
    asked = [[start for start, second in seconds.items() if second.used[name]] for name in ENDS]
    windows = range(max(map(min, asked)) + 1 + WARM_UP_WINDOWS, min(map(max, asked)))
    whole = [seconds[second] for second in windows]
    left = sum(LIMIT - second.others for second in whole)
    for start, second in sorted(seconds.items()):
        if every_window or second.refused:
            print(described(start - windows.start, second))
            print("".join(f"    {line}\n" for line in second.refused), end="")
    return (
        clock,
        f"{sum(rows for _, _, rows in told):,}",
        str(len(windows)),
        str(sum(len(second.refused) for second in seconds.values())),
        str(sum(second.ours + second.others > LIMIT and not second.refused for second in seconds.values())),
        f"{sum(second.ours for second in whole) / left:.1%}" if left else "nan",
        f"{max(end for _, end, _ in told) - min(start for start, _, _ in told):.1f}",
        f"{os.getloadavg()[0]:.1f}",
        time.strftime("%Y-%m-%d"),
    )


def read_log(exchange: cx.PaperExchange) -> dict[int, Second]:
    """What the exchange counted, window by window."""
    requests = sorted(exchange.requests, key=lambda request: request.time)
    every = range(int(requests[0].time), int(requests[-1].time) + 1)
    seconds = {start: Second(others=exchange.faults.others(start, start + 1 - 1e-6)) for start in every}
    for request in requests:
        start = int(request.time)
        second = seconds[start]
        who = sender(request.params)
        second.used[who] += request.weight
        second.last_ms = (request.time - start) * 1000
        if request.status in (418, 429):
            by_then = exchange.faults.others(start, request.time)
            ours = ", ".join(f"{name} {used}" for name, used in sorted(second.used.items()))
            second.refused.append(
                f"{request.status} to {who} at {second.last_ms:.1f} ms: others {by_then}, {ours}, "
                f"in all {by_then + second.ours}"
            )
    return seconds


def sender(params: dict[str, str]) -> str:
    """Which process asked: their histories do not overlap."""
    asked_ms = params.get("startTime") or params.get("endTime")
    if asked_ms is None:
        return "unknown"
    return "second" if int(asked_ms) < BETWEEN_MS else "first"


def described(number: int, second: Second) -> str:
    """One window in a line."""
    ours = ", ".join(f"{name} {used}" for name, used in sorted(second.used.items()))
    used, left = second.ours, LIMIT - second.others
    return f"window {number:3}: {used / left:6.1%} of {left}, {ours}; our last at {second.last_ms:.0f} ms"


if __name__ == "__main__":
    main()
