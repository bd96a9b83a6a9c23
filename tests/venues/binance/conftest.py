"""A frozen paper exchange over a real socket, and an account that trades there through the venue's requests."""

from __future__ import annotations

import http.client
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

import cryptox as cx
from cryptox.errors import CryptoxError
from cryptox.settings import Settings
from cryptox.transport.crypto import Signer, hmac_signer
from cryptox.transport.messages import Answer, Outgoing
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Request

NOW = "2026-06-01 12:00:30"
CHINESE = "这是测试币456"
# Ticks and steps: 1e-2 1e-5, 1e-5 1e-3, 1e-4 1e-1, 1e-8 1, 1e-5 1e-2; the fifth has ended.
SYMBOLS = ["BTCUSDT", "ETHBTC", "ADAUSDT", "PEPEUSDT", "LUNCUSDT", f"{CHINESE}USDT"]
RICH = dict.fromkeys(("BTC", "ETH", "ADA", "USDT", "PEPE", "BNB", CHINESE), "10000000000")


@dataclass
class Trader:
    """Sends a venue's requests as a session would, with the standard library alone."""

    exchange: Any
    venue: BinanceVenue
    signer: Signer
    sent: list[Outgoing] = field(default_factory=list)
    newest: Answer | None = None
    _ids: Iterator[int] = field(default_factory=itertools.count)
    _connection: http.client.HTTPConnection | None = None

    def id(self) -> str:
        return f"t-{next(self._ids)}"

    def __call__(self, request: Request[Any]) -> Any:
        """What it leads to in our words; refusals are raised."""
        answer = self.answer(request)
        refused = self.venue.refusal(request, answer)
        if refused is not None:
            raise refused
        return request.read(answer)

    def answer(self, request: Request[Any]) -> Answer:
        outgoing = self.venue.outgoing(request, "auto")
        if request.signed:
            now = int(time.time() * 1000)
            outgoing = self.venue.authorised(outgoing, self.signer, timestamp_ms=now, recv_window_ms=5000)
        self.sent.append(outgoing)
        address = urlsplit(outgoing.url)
        if self._connection is None:
            self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        path = address.path + (f"?{address.query}" if address.query else "")
        headers = {"accept-encoding": "identity", **outgoing.headers}
        self._connection.request(outgoing.method, path, outgoing.body or None, headers)
        got = self._connection.getresponse()
        named = {name.lower(): value for name, value in got.getheaders()}
        self.newest = Answer(got.status, named, got.read(), 0.0, 0.1)
        return self.newest

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def refused(self, request: Request[Any]) -> CryptoxError:
        with pytest.raises(CryptoxError) as caught:
            self(request)
        return caught.value


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    limits = {"REQUEST_WEIGHT": (1_000_000, "1m"), "ORDERS": (100_000, "10s"), "RAW_REQUESTS": (1_000_000, "5m")}
    with cx.PaperExchange(symbols=SYMBOLS, clock=NOW, limits=limits, balances=RICH) as started:
        yield started


@pytest.fixture
def trader(exchange: cx.PaperExchange) -> Iterator[Trader]:
    keys = exchange.create_account()
    made = Trader(exchange, exchange.open_venue(Settings()), hmac_signer(keys.api_key, keys.secret_key))
    yield made
    made.close()
