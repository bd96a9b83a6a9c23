"""One line for each client, from the sections of ``docs/benchmarks.md``."""

from __future__ import annotations

from collections.abc import Callable

LINKED = {
    "cryptox": "cryptox",
    "python-binance": "python-binance",
    "ccxt": "ccxt",
    "sdk": "official SDK",
    "cryptofeed": "cryptofeed",
    "unicorn": "unicorn",
    "pybotters": "pybotters",
}


def summary(rows_of: Callable[[str], list[list[str]]]) -> list[list[str]]:
    """The rows of the summary; a dash stands for what a client has not, or was not measured."""
    history, pages, refused, streams = (
        rows_of(name) for name in ("peers-history", "peers-pages", "peers-refused", "peers-streams")
    )
    columns = [
        ("49,999 candles at 20 ms", history, "time", ""),
        ("how", history, "how", ""),
        ("a page of 1,000 to floats, CPU", pages, "a page to floats, CPU", ""),
        ("requests after a 429 (in its first 0.1 s)", refused, "sent after the first 429", ""),
        ("trades/s to one's code", streams, "trades/s", ", callback"),
    ]
    found = [["library", *(title for title, *_ in columns)]]
    for name, shown in LINKED.items():
        cells = [cell(rows, name + (ours if name == "cryptox" else ""), column) for _, rows, column, ours in columns]
        early = cell(refused, name, "of these, in its first 0.1 s")
        cells[3] += "" if early == "–" else f" ({early})"
        found.append([shown, *cells])
    return found


def cell(rows: list[list[str]], name: str, column: str) -> str:
    """What a table says of a client in a column."""
    found = [dict(zip(rows[0], row, strict=True))[column] for row in rows[1:] if row[0] == name]
    return found[0] if found else "–"
