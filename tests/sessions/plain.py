"""A plain exchange in a dict: what klines_bulk must equal, read from the documented rules and nothing of ours."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cryptox.errors import BadSymbol, NetworkError
from cryptox.model.columns import KLINES
from cryptox.sessions.klines import KlineCalls
from cryptox.settings import Settings
from cryptox.table.batch import Batch
from cryptox.venues.port import Capabilities, Hosts

FIXED = {"1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400}
FIXED |= {"6h": 21600, "8h": 28800, "12h": 43200, "1d": 86400, "3d": 259200}
INTERVALS = [*FIXED, "1w", "1M"]


def opens(interval: str, start_ms: int, end_ms: int) -> list[int]:
    """Open times of the grid in [start_ms, end_ms), by pandas' own calendar."""
    if interval == "1M":
        first = pd.Timestamp(start_ms, unit="ms").to_period("M").to_timestamp()
        times = pd.date_range(first, pd.Timestamp(end_ms, unit="ms"), freq="MS")
    elif interval == "1w":
        first = pd.Timestamp(start_ms, unit="ms").to_period("W-SUN").start_time
        times = pd.date_range(first, pd.Timestamp(end_ms, unit="ms"), freq="7D")
    else:
        step = FIXED[interval] * 1000
        return list(range(-(-start_ms // step) * step, end_ms, step))
    stamps = times.to_numpy().astype("datetime64[ms]").astype(np.int64).tolist()
    return [stamp for stamp in stamps if start_ms <= stamp < end_ms]


class Asked(NamedTuple):
    """One request for candles."""

    symbol: str
    start_ms: int | None
    end_ms: int | None
    limit: int
    interval: str


class PlainVenue:
    """Candles of one interval as open times; the rest of a row follows from them."""

    name = "plain"
    _made = itertools.count()

    def __init__(self, books: dict[str, list[int]], cap: int, server_cap: int | None = None) -> None:
        # What belongs to an address is shared by its sessions: each plain exchange has one of its own.
        self.hosts = Hosts(rest=f"http://127.0.0.1:9/{next(self._made)}")
        self.capabilities = Capabilities(klines_cap=cap, intervals=tuple(INTERVALS))
        self.books = books
        self.server_cap = cap if server_cap is None else server_cap
        self.asked: list[Asked] = []
        self.fail: Any = None  # called with each request; what it gives is raised

    def klines(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int, exact: bool
    ) -> Asked:
        assert not exact
        return Asked(symbol, start_ms, end_ms, limit, interval)

    def answer(self, asked: Asked) -> Batch:
        """The window rule of the exchange: the oldest with a start, the newest without."""
        self.asked.append(asked)
        if self.fail is not None and (error := self.fail(asked)) is not None:
            raise error
        if asked.symbol not in self.books:
            raise BadSymbol(f"no {asked.symbol}")
        low = -1 if asked.start_ms is None else asked.start_ms
        high = 2**62 if asked.end_ms is None else asked.end_ms
        rows = [open_ms for open_ms in self.books[asked.symbol] if low <= open_ms < high]
        limit = min(asked.limit, self.server_cap)
        rows = rows[:limit] if asked.start_ms is not None else rows[-limit:]
        return batch(rows)


def batch(rows: list[int]) -> Batch:
    """Rows that can be told apart in every column."""
    keys = np.array(rows, np.int64)
    columns = {
        column.name: keys.copy() if column.kind in ("time", "integer") else keys.astype(np.float64) + place
        for place, column in enumerate(KLINES.columns)
    }
    return Batch(KLINES, columns)


class PlainSession(KlineCalls):
    """The real calls, over the plain exchange."""

    def __init__(self, venue: PlainVenue, as_of: int, **settings: Any) -> None:
        super().__init__(venue, Settings(**settings))  # type: ignore[arg-type]  # only what klines_bulk asks for
        self.as_of = as_of

    async def _ask(self, request: Any, *, bulk: bool = False) -> Any:
        await asyncio.sleep(0)
        return self.venue.answer(request)  # type: ignore[attr-defined]

    async def _as_of(self, *, rules_of: str | None = None, bulk: bool = False) -> int:
        return self.as_of


def broken(_: Asked) -> NetworkError:
    """A fault for every request."""
    return NetworkError("gone")
