"""A market of plain formulas, in the place of the seeded one, and exchanges that serve it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from cryptox.model.interval import INTERVALS, Interval
from cryptox.paper.accounts import Accounts
from cryptox.paper.answers import Answers, Done
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.gate import Pass
from cryptox.paper.market import Aggregates, Candles, Levels, Listing, Statistics, Tape
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.engine import Engine
from cryptox.paper.trading.orders import NONE, Fill, Order, OrderList
from cryptox.paper.weights import read_limits
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.words import (
    Contingency,
    ListOrderStatus,
    ListStatusType,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

LISTED_MS = 1_704_067_200_000  # 2024-01-01
NOW = "2024-06-01 12:00:30.5"
NOW_MS = 1_717_243_230_500
NOW_US, HOUR_US = NOW_MS * 1_000, 3_600_000_000
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
    timeout: float = 10.0

    def __call__(self, tail: str, params: Any = None, method: str = "GET", **headers: str) -> Got:
        """``tail`` is the path after ``/api/v3/``, or a whole path."""
        path = tail if tail.startswith("/") else f"/api/v3/{tail}"
        query = params if isinstance(params, str) else urlencode(params or {})
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.exchange.port, timeout=self.timeout)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, f"{path}?{query}" if query else path, headers=names)
        answer = self._connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class View:
    """An account's view of an exchange whose memory a test fills by hand."""

    def __init__(self, market: Any) -> None:
        self.accounts = Accounts(7)
        self.account, self.key = self.accounts.create({"USDT": Decimal("100.5"), "XYZ": Decimal(3)}, NOW_US - HOUR_US)
        self.engine = Engine(market, self.accounts.accounts)
        self.records = self.engine.records
        self.answers = Answers(market, read_limits(None), accounts=self.accounts, engine=self.engine)

    def __call__(self, endpoint: ep.Endpoint, /, microseconds: bool = False, **params: Any) -> Any:
        """The answer, or (code, text) of the refusal."""
        passed = Pass(self.account, self.key, None)
        made = self.answers.call(endpoint, params, NOW_US, time.time(), passed, microseconds=microseconds)
        if isinstance(made, Refused):
            return int(made.code), made.text
        assert isinstance(made, Done)
        return json.loads(made.body)

    def order(self, number: int, *, uid: int | None = None, symbol: str = "BTCUSDT", **more: Any) -> Order:
        """Remember an order, sent ``number`` hours before now unless told otherwise."""
        settings = {"created_us": NOW_US - number * HOUR_US, "updated_us": NOW_US, **more}
        order = Order(
            number,
            symbol,
            self.account.uid if uid is None else uid,
            f"c{number}",
            Side.BUY,
            OrderType.LIMIT,
            TimeInForce.GTC,
            30_000,
            9_000_000,
            0,
            0,
            0,
            0,
            SelfTradePrevention.EXPIRE_MAKER,
            **settings,
        )
        self.records.add(order)
        return order

    def fill(self, number: int, order_id: int, hours_ago: float, **more: Any) -> None:
        settings = {"is_maker": False, "side": Side.BUY, **more}
        self.records.add_fill(
            Fill(
                number,
                "BTCUSDT",
                self.account.uid,
                order_id,
                NONE,
                settings["side"],
                9_450_000,
                10_000,
                945_000_000_000,
                10_000,
                "BTC",
                NOW_US - int(hours_ago * HOUR_US),
                settings["is_maker"],
            )
        )

    def order_list(self, number: int, hours_ago: float, *, done: bool = False, uid: int | None = None) -> None:
        for leg in (2 * number, 2 * number + 1):
            self.order(leg, list_id=number)
        self.records.add_list(
            OrderList(
                number,
                "BTCUSDT",
                self.account.uid if uid is None else uid,
                f"L{number}",
                Contingency.OCO,
                (2 * number, 2 * number + 1),
                status_type=ListStatusType.ALL_DONE if done else ListStatusType.EXEC_STARTED,
                status=ListOrderStatus.ALL_DONE if done else ListOrderStatus.EXECUTING,
                created_us=NOW_US - int(hours_ago * HOUR_US),
            )
        )


class Trader:
    """A plain client of an account of its own, over REST; it signs for the WebSocket API as well."""

    def __init__(self, ask: Caller) -> None:
        self.ask, self.exchange = ask, ask.exchange
        self.now_ms = ask.exchange.clock.now_ms  # its own clock agrees with the exchange's
        self.keys = ask.exchange.create_account()

    def __call__(self, method: str, tail: str, **params: Any) -> Got:
        """The answer to a signed request."""
        query = urlencode({**params, "timestamp": self.now_ms()})
        return self.ask(tail, f"{query}&signature={self._sign(query)}", method, X_MBX_APIKEY=self.keys.api_key)

    def place(self, client_id: str, price: str = "30000.00") -> Got:
        """The answer to an order that rests."""
        return self("POST", "order", **self.order(client_id, price))

    def order(self, client_id: str, price: str = "30000.00") -> dict[str, str]:
        """The parameters of an order that rests."""
        return {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.001",
            "price": price,
            "newClientOrderId": client_id,
        }

    def open_orders(self) -> list[str]:
        """Client ids of the orders that rest."""
        return [order["clientOrderId"] for order in self("GET", "openOrders").json]

    def call(self, method: str, number: Any = 1, **params: Any) -> str:
        """A signed request of the WebSocket API."""
        params = {**params, "apiKey": self.keys.api_key, "timestamp": self.now_ms()}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        return json.dumps({"id": number, "method": method, "params": {**params, "signature": self._sign(payload)}})

    def _sign(self, payload: str) -> str:
        return hmac.new(self.keys.secret_key.encode(), payload.encode(), hashlib.sha256).hexdigest()


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


@dataclass
class Wall:
    """Real time as an exchange's limits see it: it stands still in the middle of a minute unless moved."""

    now: float

    def time(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """Takes the windows of limits off the wall clock, so that no test meets the end of one."""
    made = Wall(time.time() // 60 * 60 + 90)
    for module in ("server", "front"):
        monkeypatch.setattr(f"cryptox.paper.{module}.time", made)
    return made


@pytest.fixture
def ask(opened: Callable[..., Caller]) -> Caller:
    """A client of an exchange on the plain market, frozen at ``NOW``."""
    return opened()


@pytest.fixture
def trading() -> type[Trader]:
    """Makes clients with accounts."""
    return Trader


@pytest.fixture
def trader(ask: Caller) -> Trader:
    """A client with an account, of an exchange on the plain market, frozen at ``NOW``."""
    return Trader(ask)


@pytest.fixture
def now_ms() -> int:
    """Market time of ``ask``."""
    return NOW_MS


@pytest.fixture
def intervals() -> dict[str, Interval]:
    """All intervals by name."""
    return INTERVALS


@pytest.fixture
def flat() -> FlatMarket:
    """The plain market by itself."""
    return FlatMarket()


@pytest.fixture
def seen(flat: FlatMarket) -> View:
    """What an account of an exchange on the plain market is told; its memory is filled by the test."""
    return View(flat)
