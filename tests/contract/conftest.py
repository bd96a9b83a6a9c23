"""One frozen exchange for the contract, the venues that must answer alike, and a reader that has nothing of cryptox."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

import cryptox as cx

NOW = "2026-06-01 12:00:30"
NOW_MS = 1_780_315_230_000
PAGE = 1000


@dataclass
class Plain:
    """Asks an exchange with the standard library alone."""

    port: int
    _connection: http.client.HTTPConnection | None = field(default=None)

    def __call__(self, tail: str, **params: Any) -> Any:
        """The JSON answer of ``/api/v3/<tail>``; lists become JSON arrays, None is left out."""
        given = {
            name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, list) else value
            for name, value in params.items()
            if value is not None
        }
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._connection.request("GET", f"/api/v3/{tail}?{urlencode(given)}")
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body)

    def candles(self, symbol: str, interval: str, start_ms: int, end_ms: int, most: int = 10**9) -> list[list[Any]]:
        """All candles that open in [start_ms, end_ms), walked forward until there are ``most`` or no more."""
        found: list[list[Any]] = []
        while start_ms < end_ms and len(found) < most:
            page = self("klines", symbol=symbol, interval=interval, startTime=start_ms, endTime=end_ms - 1, limit=PAGE)
            found += page
            if not page:
                break
            start_ms = page[-1][0] + 1
        return found

    def newest(self, symbol: str, interval: str, end_ms: int, rows: int) -> list[list[Any]]:
        """The newest candles that open before ``end_ms``, walked backward."""
        found: list[list[Any]] = []
        while len(found) < rows and end_ms > 0:
            limit = min(PAGE, rows - len(found))
            page = self("klines", symbol=symbol, interval=interval, endTime=end_ms - 1, limit=limit)
            if not page:
                break
            found = page + found
            end_ms = page[0][0]
        return found

    def agg_trades(self, symbol: str, first_id: int, last_id: int) -> list[dict[str, Any]]:
        """Aggregate trades by id, both ends included."""
        found: list[dict[str, Any]] = []
        while first_id <= last_id:
            page = self("aggTrades", symbol=symbol, fromId=first_id, limit=PAGE)
            found += [row for row in page if row["a"] <= last_id]
            first_id = page[-1]["a"] + 1
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture(scope="session")
def shared_exchange() -> Iterator[cx.PaperExchange]:
    """A frozen exchange, shared: what it has rendered once is quick.

    Its limit is one of seconds: a session that has not read it yet takes the usual one of minutes, which all tests of
    a minute together would use up.
    """
    with cx.PaperExchange(clock=NOW, limits={"REQUEST_WEIGHT": (1_000_000, "1s")}) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared_exchange: cx.PaperExchange) -> Iterator[cx.PaperExchange]:
    """The frozen exchange, without faults before and after."""
    shared_exchange.faults.clear()
    shared_exchange.requests.clear()
    yield shared_exchange
    shared_exchange.faults.clear()


@pytest.fixture
def plain(exchange: cx.PaperExchange) -> Iterator[Plain]:
    """A reader of the frozen exchange."""
    reader = Plain(exchange.port)
    yield reader
    reader.close()


@pytest.fixture
def readers() -> Iterator[Any]:
    """Makes readers of other exchanges, and closes them."""
    made: list[Plain] = []

    def make(exchange: cx.PaperExchange) -> Plain:
        made.append(Plain(exchange.port))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture(params=["paper", "binance"])
def connected(request: pytest.FixtureRequest, exchange: cx.PaperExchange) -> Any:
    """How each venue is reached: the same contract holds for all of them."""
    venue: Any = exchange if request.param == "paper" else "binance"
    where = {} if request.param == "paper" else {"rest_url": exchange.rest_url}

    def connect(face: Any = cx, **settings: Any) -> Any:
        return face.connect(venue, **where, **settings)

    return connect


@pytest.fixture
def now_ms() -> int:
    """Market time of the frozen exchange."""
    return NOW_MS
