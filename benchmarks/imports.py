"""What ``import cryptox`` and its first calls cost, each in fresh processes.

    python benchmarks/imports.py

"Above Python" takes off what an interpreter that imports nothing needs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from measure import machine, show

HEAVY = ["numpy", "pandas", "polars", "pyarrow", "plotly", "httpx", "aiohttp", "ipywidgets", "websockets"]
ROUNDS = 15
CASES = {
    "import nothing": "pass",
    "import cryptox": "import cryptox",
    "the names of a session, none used": "import cryptox as cx; cx.connect; cx.klines",
    "cx.connect('binance')": "import cryptox as cx; cx.connect('binance')",
    "import pandas": "import pandas",
    "import numpy": "import numpy",
}
PROGRAM = """
import sys, time
began = time.perf_counter()
{code}
took = time.perf_counter() - began
import json
print(json.dumps([took, [name for name in {heavy} if name in sys.modules]]))
"""


def once(code: str) -> tuple[float, float, list[str]]:
    """Seconds of the code and of its whole process, and the heavy packages it loaded."""
    began = time.perf_counter()
    said = subprocess.check_output([sys.executable, "-c", PROGRAM.format(code=code, heavy=HEAVY)], text=True)
    whole = time.perf_counter() - began
    took, loaded = json.loads(said)
    return took, whole, loaded


def main() -> None:
    """Measure and print."""
    runs: dict[str, list[tuple[float, float, list[str]]]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, code in CASES.items():
            runs[name].append(once(code))
    bare = statistics.median(whole for _, whole, _ in runs["import nothing"])
    rows: list[tuple[str, ...]] = [("in a fresh process", "ms", "process above Python, ms", "loaded of the heavy ones")]
    for name, found in runs.items():
        took = statistics.median(took for took, _, _ in found)
        whole = statistics.median(whole for _, whole, _ in found)
        rows.append((name, f"{took * 1000:.1f}", f"{(whole - bare) * 1000:.1f}", " ".join(found[0][2]) or "none"))
    print(machine())
    show(rows)


if __name__ == "__main__":
    main()
