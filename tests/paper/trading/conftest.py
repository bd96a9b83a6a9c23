"""A market whose tape and book are written by hand, and an engine over it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from cryptox.model.interval import Interval
from cryptox.paper.market import Aggregates, Candles, Levels, Listing, Statistics, Tape
from cryptox.paper.trading.accounts import Account, Balance, Rates
from cryptox.paper.trading.engine import Engine
from cryptox.paper.trading.orders import ListTicket, Order, OrderList, Placed, Ticket
from cryptox.paper.trading.reports import Execution, ListReport, LockReport, PositionReport, Report
from cryptox.venues.binance.words import OrderType, SelfTradePrevention, Side, TimeInForce

START_MS = 1_767_225_600_000  # 2026-01-01
FREE = Rates(0, 0)
Book = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def ints(values: Any) -> Any:
    return np.array(list(values), np.int64)


class HandMarket:
    """Trades are (time in ms, price, quantity, buyer is maker), each an aggregate; books hold until the next one."""

    def __init__(self) -> None:
        self.end_ms: int | None = None
        self.listings = {
            name + "USDT": Listing(name + "USDT", name, "USDT", START_MS - 86_400_000, quantity_exponent=places)
            for name, places in (("BTC", -5), ("BNB", -3))
        }
        self.trades: dict[str, list[tuple[int, int, int, bool]]] = {
            "BTCUSDT": [(START_MS - 1000, 10_000, 50, True)],
            "BNBUSDT": [(START_MS - 1000, 26_000, 50, True)],
        }
        self.books: dict[str, list[tuple[int, Book]]] = {
            "BTCUSDT": [(0, ([(10_000 - 2 * n, 100) for n in range(50)], [(10_002 + 2 * n, 100) for n in range(50)]))],
            "BNBUSDT": [(0, ([(26_000, 1000)], [(26_001, 1000)]))],
        }
        self.read = 0  # trades looked at
        self.drawn: list[int] = []  # moments of books drawn

    def then(
        self, after_ms: int, price: int, quantity: int = 10, *, sold: bool = True, symbol: str = "BTCUSDT"
    ) -> None:
        """A trade so many milliseconds after the start; ``sold``: its taker sold."""
        self.trades[symbol].append((START_MS + after_ms, price, quantity, sold))

    def book(self, after_ms: int, bids: Any, asks: Any, symbol: str = "BTCUSDT") -> None:
        """Another book from so many milliseconds after the start on."""
        self.books[symbol].append((START_MS + after_ms, (list(bids), list(asks))))

    def last_trade_id(self, symbol: str, now_ms: int) -> int:
        return bisect_right(self.trades[symbol], now_ms, key=lambda row: row[0]) - 1

    last_aggregate_id = last_trade_id

    def aggregate_at(self, symbol: str, time_ms: int, now_ms: int) -> int:
        return min(self.last_trade_id(symbol, time_ms - 1), self.last_trade_id(symbol, now_ms)) + 1

    def _rows(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> tuple[Any, Any]:
        ids = range(max(0, first_id), min(last_id, self.last_trade_id(symbol, now_ms)) + 1)
        self.read += len(ids)
        return ints(ids), [self.trades[symbol][number] for number in ids]

    def tape(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Tape:
        ids, rows = self._rows(symbol, first_id, last_id, now_ms)
        times, prices, steps, sold = zip(*rows, strict=True) if rows else ((), (), (), ())
        return Tape(ids, ints(prices), ints(steps), ints(times) * 1000, np.array(sold, np.bool_))

    def aggregates(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        tape = self.tape(symbol, first_id, last_id, now_ms)
        return Aggregates(tape.id, tape.price, tape.quantity, tape.id, tape.id, tape.time_us, tape.buyer_is_maker)

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
        assert not newest
        rows = []
        step, trades = interval.step_ms, self.trades[symbol]
        for opened in range(-(-start_ms // step) * step, min(end_ms, now_ms + 1), step)[:limit]:
            first = bisect_right(trades, opened - 1, key=lambda row: row[0])
            last = bisect_right(trades, opened + step - 1, key=lambda row: row[0])
            prices = [row[1] for row in trades[first:last]] or [trades[first - 1][1]]
            rows.append((opened, prices[0], max(prices), min(prices), prices[-1], opened + step - 1))
        columns = [ints(column) for column in zip(*rows, strict=True)] if rows else [ints(())] * 6
        none = np.zeros(len(rows), np.int64)
        return Candles(*columns[:5], none, columns[5], none, none, none, none)

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        self.drawn.append(now_ms)
        tick = now_ms // 100 * 100
        index = bisect_right(self.books[symbol], tick, key=lambda row: row[0]) - 1
        bids, asks = (side[:limit] for side in self.books[symbol][index][1])
        sides = [ints(level[at] for level in side) for side in (bids, asks) for at in (0, 1)]
        return Levels(now_ms // 100, *sides)

    def statistics(self, symbol: str, start_ms: int, now_ms: int) -> Statistics:
        raise NotImplementedError


@dataclass
class Scene:
    """An engine over the hand-made market, with accounts 1 to 4; 3 and 4 are of one trade group."""

    market: HandMarket = field(default_factory=HandMarket)
    rates: Rates = FREE

    def __post_init__(self) -> None:
        self.accounts = {uid: Account(uid, standard=self.rates, group=7 if uid > 2 else -1) for uid in (1, 2, 3, 4)}
        for account in self.accounts.values():
            account.balances = {asset: Balance(10**13) for asset in ("USDT", "BTC", "BNB")}
        self.engine = Engine(self.market, self.accounts)
        self.records = self.engine.records
        self.now_us = START_MS * 1000
        self._made = 0

    def at(self, after_ms: int) -> None:
        """Move the engine to so many milliseconds after the start."""
        self.now_us = (START_MS + after_ms) * 1000
        self.engine.advance(self.now_us)

    def restart(self) -> None:
        """Another engine with the same memory."""
        old = self.engine
        self.engine = Engine(self.market, self.accounts, self.records, old.prints, since_us=old.now_us)
        self.engine._life.reports = old.take_reports()

    def ticket(self, side: str, kind: str = "LIMIT", quantity: int = 0, price: int = 0, **more: Any) -> Ticket:
        self._made += 1
        more.setdefault("client_id", f"id{self._made}")
        for name, words in (("time_in_force", TimeInForce), ("prevention", SelfTradePrevention)):
            if name in more:
                more[name] = words(more[name])
        more.setdefault("symbol", "BTCUSDT")
        return Ticket(side=Side(side), type=OrderType(kind), quantity=quantity, price=price, **more)

    def place(self, uid: int, *arguments: Any, **more: Any) -> Placed:
        return self.engine.place(self.accounts[uid], self.ticket(*arguments, **more), self.now_us)

    def order(self, uid: int, *arguments: Any, **more: Any) -> Order:
        return self.place(uid, *arguments, **more).order

    def place_list(
        self, uid: int, *legs: Ticket, working: Ticket | None = None, takes_bought: bool = False
    ) -> tuple[OrderList, list[Order]]:
        """The list, and its orders as they are now."""
        self._made += 1
        asked = ListTicket("BTCUSDT", f"list{self._made}", working, legs, takes_bought)
        made, placed = self.engine.place_list(self.accounts[uid], asked, self.now_us)
        orders = [self.records.order("BTCUSDT", number) for number in made.order_ids]
        assert [one.order.id for one in placed] == list(made.order_ids)
        return made, [order for order in orders if order is not None]

    def cancel(self, order: Order) -> list[Order]:
        return self.engine.cancel(order, "cancelled", self.now_us)

    def balance(self, uid: int, asset: str) -> tuple[int, int]:
        held = self.accounts[uid].balance(asset)
        return held.free, held.locked

    def reports(self, uid: int | None = None) -> list[Report]:
        return [one for one in self.engine.take_reports() if uid is None or one.account == uid]

    def story(self, uid: int | None = None) -> list[str]:
        """Reports in short: ``id kind status``, ``list type``, ``position assets``."""
        lines = []
        for one in self.reports(uid):
            if isinstance(one, Execution):
                lines.append(f"{one.order.id} {one.kind} {one.order.status}")
            elif isinstance(one, ListReport):
                lines.append(f"list {one.list.status_type}")
            elif isinstance(one, PositionReport):
                lines.append("position " + " ".join(asset for asset, _, _ in one.balances))
            else:
                lines.append(f"{'lock' if isinstance(one, LockReport) else 'balance'} {one.asset} {one.delta}")
        return lines

    def levels(self, count: int = 3, symbol: str = "BTCUSDT") -> Book:
        got = self.engine.levels(symbol, self.now_us, count)
        bids = list(zip(got.bid_price.tolist(), got.bid_quantity.tolist(), strict=True))
        return bids, list(zip(got.ask_price.tolist(), got.ask_quantity.tolist(), strict=True))

    def check(self) -> None:
        """What must be true of every engine at any time."""
        held: dict[tuple[int, str], int] = defaultdict(int)
        for order in self.records.all_orders():
            assert 0 <= order.executed + order.prevented <= order.quantity
            assert order.is_open or not order.hold
            assert order.hold >= 0
            if order.is_open:
                listing = self.market.listings[order.symbol]
                held[order.account, listing.base if order.side is Side.SELL else listing.quote] += order.hold
            assert sum(f.quantity for f in self.fills(order)) == order.executed
            assert sum(f.quote for f in self.fills(order)) == order.quote
        for uid, account in self.accounts.items():
            for asset, balance in account.balances.items():
                assert balance.free >= 0
                assert balance.locked == held[uid, asset] + account.external.get(asset, 0), (uid, asset)
        bids, asks = self.levels(1)
        assert not bids or not asks or bids[0][0] < asks[0][0]

    def fills(self, order: Order) -> list[Any]:
        return [f for f in self.records.fills_of(order.account, order.symbol) if f.order_id == order.id]


@pytest.fixture
def scene() -> Scene:
    """An engine over the hand-made market; no commission."""
    return Scene()


@pytest.fixture
def scenes() -> type[Scene]:
    """Makes such scenes."""
    return Scene


@pytest.fixture
def hand_market() -> type[HandMarket]:
    """Makes such markets."""
    return HandMarket
