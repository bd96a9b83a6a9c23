"""A million rows under a tight limit that others use too: never a 429, and nothing of the limit left lying.

    python benchmarks/limits.py          # 200 weight per second, about a minute

The exchange announces 200 weight per second. A second client takes a steady 40 %, a third bursts 2 % of the limit every
100 ms, and two cryptox processes download at once. "Left by the others" is what those two leave of each window.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter

from measure import machine, table

import cryptox as cx

LIMIT = 200
ROWS = 1_000_000
WARM_UP_WINDOWS = 1

WORKER = """
import json, sys, time
import cryptox as cx
session = cx.connect("binance", rest_url=sys.argv[1])
began = time.time()
frame = session.klines_bulk("BTCUSDT", "1m", int(sys.argv[2]), end=sys.argv[3], progress=False)
print(json.dumps([began, time.time(), len(frame)]))
"""


def main() -> None:
    """Measure and print."""
    exchange = cx.PaperExchange(limits={"REQUEST_WEIGHT": (LIMIT, "1s")}).start()
    exchange.faults.add("weight", rate=0.4 * LIMIT)
    exchange.faults.add("weight", amount=int(0.02 * LIMIT), every=0.1)
    ends = ("2024-06-01", "2022-06-01")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, exchange.rest_url, str(ROWS // 2), end], stdout=subprocess.PIPE, text=True
        )
        for end in ends
    ]
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    began, ended = max(start for start, _, _ in told), min(end for _, end, _ in told)
    requests = list(exchange.requests)
    used = Counter(int(request.time) for request in requests for _ in range(request.weight))
    refused = sum(request.status in (418, 429) for request in requests)
    windows = range(int(began) + 1 + WARM_UP_WINDOWS, int(ended))
    left = LIMIT - 0.4 * LIMIT - 0.02 * LIMIT * 10
    share = sum(used[second] for second in windows) / (left * len(windows)) if windows else float("nan")
    exchange.stop()
    rows = [
        ("measure", "value"),
        ("rows", f"{sum(rows for _, _, rows in told):,}"),
        ("whole windows with both processes", str(len(windows))),
        ("answers 429 or 418", str(refused)),
        ("of what the others left", f"{share:.1%}"),
        ("seconds", f"{max(end for _, end, _ in told) - min(start for start, _, _ in told):.1f}"),
        ("at", time.strftime("%Y-%m-%d")),
    ]
    print(machine())
    print(table(rows))


if __name__ == "__main__":
    main()
