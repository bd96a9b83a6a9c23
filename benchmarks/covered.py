"""How much of cryptox the tests ran, floor by floor: reads what ``coverage combine`` left and prints a table.

The commands that come before are in ``docs/proof.md``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from coverage import Coverage, __version__
from measure import machine

# From what a person touches down to the leaves, as in ARCHITECTURE.
FLOORS = ("cli", "aio", "sync", "show", "widgets", "sessions", "paper", "venues", "transport", "table", "model")
# Where an error costs money or tells something that is not so; a folder stands for all that is in it.
MONEY = {
    "signing and secrets": ("_secrets", "transport/crypto", "transport/private", "venues/binance/signing"),
    "orders: rules, requests, sending, verdicts": (
        *("model/drafts", "model/demands", "model/numbers", "model/orders"),
        *("venues/binance/filters", "venues/binance/bounds", "venues/binance/orders", "venues/binance/trading"),
        *("venues/binance/refusals", "venues/binance/words"),
        *(f"sessions/{name}" for name in ("orders", "legs", "preview", "lists", "changes", "acting", "acts")),
        *(f"sessions/{name}" for name in ("settling", "questions", "lookups", "repeats", "resolution", "rules")),
    ),
    "journal, blotter, reconciling": ("sessions/journal", "sessions/blotter", "sessions/reconcile"),
    "limits": (
        *("transport/limiter", "transport/gate", "transport/stops", "transport/breaker", "transport/retry"),
        *("transport/window", "sessions/counts", "venues/binance/limits"),
    ),
    "decoders": (
        *("venues/binance/wire", "venues/binance/sbe", "venues/binance/columns", "venues/binance/digits"),
        *("venues/binance/read", "venues/binance/events", "venues/binance/readers", "venues/binance/userdata"),
        *("venues/binance/tickers", "venues/binance/symbols", "venues/binance/account", "venues/binance/headers"),
        "transport/frames",
    ),
    "order books and their repair": (
        *("model/book", "venues/binance/sequence", "venues/binance/levels", "sessions/live/localbook"),
        *("sessions/live/executed", "sessions/live/candles", "sessions/book"),
    ),
    "the paper exchange's matching and balances": (
        *("paper/trading", "paper/orders", "paper/accounts", "paper/store", "paper/gate", "paper/signatures"),
        "paper/order_counts",
    ),
}


class Count(NamedTuple):
    """Modules, lines that could run and that ran, ways out of conditions that there are and that were taken."""

    modules: int = 0
    lines: int = 0
    run: int = 0
    branches: int = 0
    taken: int = 0

    def plus(self, other: Count) -> Count:
        return Count(*(mine + its for mine, its in zip(self, other, strict=True)))

    def row(self, name: str) -> str:
        shares = (percent(self.run, self.lines), percent(self.taken, self.branches))
        return f"| {name} | {self.modules} | {self.lines:,} | {shares[0]} | {self.branches:,} | {shares[1]} |"


def percent(part: int, whole: int) -> str:
    """A share, never rounded up to a hundred."""
    return f"{int(1000 * part / whole) / 10:.1f} %" if whole else "–"


def measured() -> dict[str, Count]:
    """Module (``sessions/acting``) to what was counted."""
    data = Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        data.json_report(outfile=str(path))
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {module(name): count(file["summary"]) for name, file in sorted(files.items())}


def module(file: str) -> str:
    path = PurePosixPath(file.replace("\\", "/"))
    return path.relative_to("cryptox").with_suffix("").as_posix()


def count(facts: dict[str, int]) -> Count:
    return Count(1, facts["num_statements"], facts["covered_lines"], facts["num_branches"], facts["covered_branches"])


def floor(name: str) -> str:
    first, _, rest = name.partition("/")
    if first in FLOORS or (rest and first != "_dev"):
        return f"`{first}`"
    return "`_dev` (generators)" if rest else "leaves"


def total(counts: list[Count]) -> Count:
    whole = Count()
    for one in counts:
        whole = whole.plus(one)
    return whole


def table(first: str, groups: dict[str, list[Count]]) -> list[str]:
    return [
        f"| {first} | modules | lines | of them run | branches | of them taken |",
        "| --- | --- | --- | --- | --- | --- |",
        *(total(counts).row(name) for name, counts in groups.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--below", type=float, default=90.0, help="name modules with less than this in either (%%)")
    below = parser.parse_args().below
    found = measured()
    floors: dict[str, list[Count]] = {f"`{name}`": [] for name in FLOORS} | {"leaves": [], "`_dev` (generators)": []}
    for name, counts in found.items():
        floors[floor(name)].append(counts)
    money = {
        what: [counts for name, counts in found.items() if any(f"{name}/".startswith(f"{one}/") for one in names)]
        for what, names in MONEY.items()
    }
    print(f"{machine()}; coverage {__version__}\n")
    print("\n".join(table("floor", floors | {"**all**": list(found.values())})), end="\n\n")
    print("\n".join(table("where money or truth rides", money)), end="\n\n")
    poor = {
        f"`{name}`": [one]
        for name, one in found.items()
        if one.run * 100 < below * one.lines or one.taken * 100 < below * one.branches
    }
    print("\n".join(table(f"below {below:g} % in lines or branches", poor)))


if __name__ == "__main__":
    main()
