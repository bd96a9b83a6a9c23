"""How the benchmarks measure: interleaved runs, the median of each, and ratios within one run."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["REPORT", "machine", "medians", "show", "table"]

REPORT = "BENCHMARK_REPORT"  # names the file that report.py reads tables from


def medians(
    works: dict[str, Callable[[], Any]], *, rounds: int, calls: int = 1, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds per call of each work; all take turns, so that a noisy moment hits all of them.

    With ``time.process_time`` as ``clock`` only the time counts in which the processor worked for this process.
    """
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, work in works.items():
                began = clock()
                for _ in range(calls):
                    work()
                found[name].append((clock() - began) / calls)
    finally:
        gc.enable()
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as text in columns; the first is the heading."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def show(rows: list[tuple[str, ...]], about: str = "") -> None:
    """Print a table below what it is about; where ``report.py`` asked for it, hand it over."""
    print("\n".join(filter(None, [about, table(rows)])), flush=True)
    if path := os.environ.get(REPORT):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"about": about, "rows": rows}) + "\n")


def machine() -> str:
    """What it runs on, for the record."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
