"""Writes what was measured into the pages: each table between its markers, with command, machine, date and load.

    python benchmarks/report.py --venvs VENVS             # all that are short, seven minutes in all
    python benchmarks/report.py --only decode imports     # only these
    python benchmarks/report.py --only live-memory        # the long ones by their names
    python benchmarks/report.py --list

A section is a program of this folder. It runs as one would run it by hand and hands its tables over
(``measure.show``); they replace what stands between ``<!-- measured: NAME -->`` and ``<!-- end of NAME -->`` in
``docs/benchmarks.md``, and nothing else is touched. Where a program fails its section stays as it was. The summary in
README.md and ``docs/comparison.md`` is then put together from that page, so that no figure can differ.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from measure import REPORT, machine
from summary import summary
from venvs import PACKAGES, surroundings, versions

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
SUMMARIES = (ROOT / "README.md", ROOT / "docs" / "comparison.md")
LIMIT_S = 900


@dataclass(frozen=True)
class Section:
    """A program, what it is given, and what it compares with."""

    command: str
    seconds: int = 30  # about, on two cores
    packages: str = ""  # whose versions matter
    peers: bool = False  # other clients take part: it is given --venvs
    is_long: bool = False  # runs only when it is named


SECTIONS = {
    "peers-history": Section("peers.py history --rounds 2", 60, peers=True),
    "peers-pages": Section("peers.py pages --rounds 3", 30, peers=True),
    "peers-refused": Section("peers.py refused", 65, peers=True),
    "peers-streams": Section("peers.py streams --rounds 2", 70, peers=True),
    "lost-answer": Section("lost_answer.py", 45, peers=True, is_long=True),
    "order-overhead": Section("order_overhead.py --orders 200 --rounds 3", 15, peers=True),
    "decode": Section("decode.py", 10, "orjson pandas polars"),
    "bulk-small": Section("bulk.py small", 15, "aiohttp pandas"),
    "bulk-large": Section("bulk.py large", 75, "aiohttp pandas", is_long=True),
    "limits": Section("limits.py --clock both --runs 12", 400, is_long=True),
    "exchange": Section("exchange.py", 25),
    "sockets": Section("sockets.py --loops asyncio", 40, "websockets aiohttp"),
    "live": Section("live.py --loops asyncio", 55, "websockets"),
    "live-decode": Section("live_decode.py", 60, "orjson", is_long=True),
    "live-memory": Section("live_memory.py", 180, is_long=True),
    "live-campaign": Section("live_campaign.py --seed 11", 220, is_long=True),
    "orders-campaign": Section("orders_campaign.py --orders 10000 --seed 2", 150, is_long=True),
    "plots": Section("plots.py", 90, "plotly pandas polars", is_long=True),
    "widgets": Section("widgets.py", 180, "plotly anywidget ipykernel jupyterlab", is_long=True),
    "notebooks": Section("notebooks.py --times 5", 480, "nbval", is_long=True),
    "imports": Section("imports.py", 25, "numpy pandas"),
    "fuzz": Section("fuzz.py --minutes 4", 250, is_long=True),
}


def markers(name: str) -> tuple[str, str]:
    """The lines that a section stands between."""
    return f"<!-- measured: {name} -->", f"<!-- end of {name} -->"


def between(text: str, name: str) -> str:
    """What stands between the markers; ValueError where they are not there, or not once."""
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"no place for {name}: {begin} and {end} must stand in the page, once each")
    return text[text.index(begin) + len(begin) : text.index(end)]


def written(text: str, name: str, body: str) -> str:
    """The page with this between the markers, and all else as it was."""
    begin, end = markers(name)
    return text.replace(f"{begin}{between(text, name)}{end}", f"{begin}\n\n{body.strip()}\n\n{end}")


def markdown(rows: list[list[str]]) -> str:
    """Rows as a table of a page; the first is the heading."""
    lines = ["| " + " | ".join(cell.strip().replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]])


def rows_of(text: str, name: str) -> list[list[str]]:
    """The rows of a section's tables as they stand in the page, without their rules."""
    lines = [line for line in between(text, name).splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def measured(name: str, folder: str | None) -> str | None:
    """Run a section; what to write of it, or None where it failed."""
    section, before, began = SECTIONS[name], os.getloadavg()[0], time.monotonic()
    line = section.command.split()
    shown = f"python benchmarks/{section.command}"
    if section.peers and folder:
        line, shown = [*line, "--venvs", folder], f"{shown} --venvs VENVS"
    print(f"\n== {name}: {shown}", flush=True)
    with tempfile.TemporaryDirectory() as room:
        kept = Path(room) / "tables"
        try:
            code = subprocess.run(
                [sys.executable, str(ROOT / "benchmarks" / line[0]), *line[1:]],
                env={**surroundings("cryptox"), REPORT: str(kept)}, cwd=ROOT, timeout=LIMIT_S, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            code = -1
        tables = [json.loads(one) for one in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []
    if code or not tables:
        print(f"{name}: ended with {code} and {len(tables)} tables; the page keeps what it has", flush=True)
        return None
    load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} at the end"
    print(f"   {time.monotonic() - began:.0f} s, {load}", flush=True)
    head = f"`{shown}`, {time.strftime('%Y-%m-%d', time.gmtime())}, {load}; {machine()}"
    told = [f"{head}{used(section, folder)}."]
    for one in tables:
        told += [*filter(None, [one["about"]]), markdown(one["rows"])]
    return "\n\n".join(told)


def used(section: Section, folder: str | None) -> str:
    """The versions that matter, as text."""
    found = versions(folder, [*PACKAGES]) if section.peers else {}
    for name in section.packages.split():
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return "".join(f"{', ' if at else '; '}{name} {one}" for at, (name, one) in enumerate(found.items()))


def main() -> int:
    """Measure, and write the page after each section; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--venvs", metavar="FOLDER", help="where benchmarks/venvs.py put the other clients")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    names = asked.only or [name for name, section in SECTIONS.items() if not section.is_long]
    if asked.list:
        for name, section in SECTIONS.items():
            print(f"{name:16} {section.seconds:4} s {'long ' if section.is_long else '     '} {section.command}")
        print(f"{sum(SECTIONS[name].seconds for name in names)} s without --only")
        return 0
    failed = 0
    for name in names:
        between(PAGE.read_text(encoding="utf-8"), name)  # before anything is measured in vain
    for name in names:
        body = measured(name, asked.venvs)
        if body is None:
            failed = 1
        else:
            PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), name, body), encoding="utf-8")
    summarise()
    return failed


def summarise() -> None:
    """Put the summaries together from what the page has."""
    text = PAGE.read_text(encoding="utf-8")
    body = markdown(summary(lambda name: rows_of(text, name)))
    for page in SUMMARIES:
        page.write_text(written(page.read_text(encoding="utf-8"), "summary", body), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
