"""A market of plain formulas, in the place of the seeded one, and exchanges that serve it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from cryptox.model.interval import INTERVALS, Interval
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.market import Aggregates, Candles, Levels, Listing, Statistics, Tape

LISTED_MS = 1_704_067_200_000  # 2024-01-01
NOW = "2024-06-01 12:00:30.5"
NOW_MS = 1_717_243_230_500
OUTAGE = (1_709_251_200_000, 1_709_258_400_000)  # 2024-03-01 00:00 to 02:00


class FlatMarket:
    """One trade a second (two make an aggregate), candles by formula of their start."""

    def __init__(self) -> None:
        self.end_ms: int | None = None
        self.asked = 0
        self.listings = {
            one.symbol: one
            for one in (
                Listing("BTCUSDT", "BTC", "USDT", LISTED_MS, outages=(OUTAGE,)),
                Listing("ETHUSDT", "ETH", "USDT", LISTED_MS),
                Listing("PEPEUSDT", "PEPE", "USDT", LISTED_MS, price_exponent=-8, quantity_exponent=0),
                Listing("OLDUSDT", "OLD", "USDT", LISTED_MS, ended_ms=LISTED_MS + 60 * 86_400_000, status="BREAK"),
                Listing("NEWUSDT", "NEW", "USDT", NOW_MS + 86_400_000),
                Listing("币安人生USDT", "币安人生", "USDT", LISTED_MS),
            )
        }

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int,
        end_ms: int,
        limit: int,
        newest: bool,
        now_ms: int,
        shift_ms: int = 0,
    ) -> Candles:
        self.asked += 1
        listing = self.listings[symbol]
        low = max(start_ms, listing.listed_ms)
        high = min(end_ms, now_ms + 1, listing.ended_ms or 2**62)
        if newest and not interval.monthly:  # no need to walk from the listing on
            low = max(low, high - (limit + 3) * interval.step_ms - 3 * 3_600_000)
        elif not interval.monthly:
            high = min(high, low + (limit + 3) * interval.step_ms + 3 * 3_600_000)
        if interval.monthly or newest or listing.outages:
            opens = [
                local - shift_ms
                for local in interval.opens(low + shift_ms, high + shift_ms)
                if not any(a <= local - shift_ms and interval.close(local) - shift_ms < b for a, b in listing.outages)
            ]
            opens = opens[-limit:] if newest else opens[:limit]
        else:
            first = interval.ceil(low + shift_ms) - shift_ms
            opens = list(range(first, high, interval.step_ms))[:limit]
        at = np.array(opens, np.int64)
        closes = np.array([interval.close(one + shift_ms) - shift_ms for one in opens], np.int64)
        k = at // 1_000
        base = 4_000_000 + k % 1_000
        volume = 1_000 + k % 99_991
        return Candles(
            at,
            base,
            base + 60,
            base - 70,
            base + k % 13,
            volume,
            closes,
            volume * base,
            5 + k % 7 + np.where(closes >= now_ms, now_ms // 1_000 % 1_000, 0),  # an open candle still changes
            volume // 3,
            volume // 3 * base,
        )

    def last_trade_id(self, symbol: str, now_ms: int) -> int:
        listing = self.listings[symbol]
        until = now_ms if listing.ended_ms is None else min(now_ms, listing.ended_ms)
        second = (until - listing.listed_ms) // 1_000
        return second if self._at(symbol, second) <= until * 1_000 else second - 1

    def _at(self, symbol: str, number: Any) -> Any:
        """Microsecond of a trade."""
        return self.listings[symbol].listed_ms * 1_000 + number * 1_000_000 + number * 7_919 % 1_000_000

    def tape(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Tape:
        ids = np.arange(max(0, first_id), min(last_id, self.last_trade_id(symbol, now_ms)) + 1, dtype=np.int64)
        return Tape(ids, 4_000_000 + ids % 101, 1 + ids % 50, self._at(symbol, ids), ids % 3 == 0)

    def last_aggregate_id(self, symbol: str, now_ms: int) -> int:
        return (self.last_trade_id(symbol, now_ms) + 1) // 2 - 1

    def aggregate_at(self, symbol: str, time_ms: int, now_ms: int) -> int:
        number = self.last_aggregate_id(symbol, now_ms) + 1
        guess = max(0, min(number, (time_ms - self.listings[symbol].listed_ms) // 2_000 - 2))
        while guess < number and self._at(symbol, 2 * guess) < time_ms * 1_000:
            guess += 1
        return guess

    def aggregates(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        ids = np.arange(max(0, first_id), min(last_id, self.last_aggregate_id(symbol, now_ms)) + 1, dtype=np.int64)
        return Aggregates(
            ids, 4_000_000 + ids % 101, 2 + ids % 9, 2 * ids, 2 * ids + 1, self._at(symbol, 2 * ids), ids % 2 == 0
        )

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        steps = np.arange(min(limit, 6_000), dtype=np.int64)
        return Levels(now_ms // 100, 4_000_000 - steps, 10 + steps, 4_000_001 + steps, 20 + steps)

    def statistics(self, symbol: str, start_ms: int, now_ms: int) -> Statistics:
        last = self.last_trade_id(symbol, now_ms)
        first = last
        while first >= 0 and self._at(symbol, first) >= start_ms * 1_000 and last - first < 4_000:
            first -= 1
        tape = self.tape(symbol, first + 1, last, now_ms)
        listing = self.listings[symbol]
        if len(tape.id) == 0 or (listing.ended_ms is not None and listing.ended_ms < start_ms):
            return Statistics(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, -1)
        return Statistics(
            int(tape.price[0]),
            int(tape.price.max()),
            int(tape.price.min()),
            int(tape.price[-1]),
            int(tape.quantity[-1]),
            int(tape.price[0]) - 7,
            int(tape.quantity.sum()),
            int((tape.price * tape.quantity).sum()),
            int(tape.id[0]),
            int(tape.id[-1]),
            len(tape.id),
            int(tape.time_us[-1]),
        )


@dataclass
class Got:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    """A plain client: one connection, nothing of cryptox in it."""

    exchange: PaperExchange
    _connection: http.client.HTTPConnection | None = field(default=None)

    def __call__(self, tail: str, params: Any = None, method: str = "GET", **headers: str) -> Got:
        """``tail`` is the path after ``/api/v3/``, or a whole path."""
        path = tail if tail.startswith("/") else f"/api/v3/{tail}"
        query = params if isinstance(params, str) else urlencode(params or {})
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.exchange.port, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, f"{path}?{query}" if query else path, headers=names)
        answer = self._connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture
def opened() -> Iterator[Callable[..., Caller]]:
    """Starts exchanges on the plain market (frozen at ``NOW`` unless told otherwise) and stops them at the end."""
    callers: list[Caller] = []

    def open_one(**arguments: Any) -> Caller:
        arguments.setdefault("market", FlatMarket())
        arguments.setdefault("clock", NOW)
        callers.append(Caller(PaperExchange(**arguments).start()))
        return callers[-1]

    yield open_one
    for caller in callers:
        caller.close()
        caller.exchange.stop()


@pytest.fixture
def ask(opened: Callable[..., Caller]) -> Caller:
    """A client of an exchange on the plain market, frozen at ``NOW``."""
    return opened()


@pytest.fixture
def now_ms() -> int:
    """Market time of ``ask``."""
    return NOW_MS


@pytest.fixture
def intervals() -> dict[str, Interval]:
    """All intervals by name."""
    return INTERVALS
