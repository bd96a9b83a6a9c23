"""ccxt.pro: what the exchange answers, what it tells when asked, and what its sockets bring.

PEER_PYTHON tests/clients/ccxt_pro.py < addresses.json
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.pro
from ccxt_client import BY_HEART, MARKET, SYMBOL, TAKER, checks, held, paper
from checks import ATOM, ZERO, every, exact, first, until


class Desk:
    def __init__(self, pro: Any) -> None:
        self.pro = pro
        self.orders: list[dict[str, Any]] = []
        self.my_trades: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.candles: list[list[Any]] = []
        self.balances: list[dict[str, tuple[Decimal, Decimal]]] = []
        self.books: dict[int, tuple[list[Any], list[Any]]] = {}
        self.broken: list[str] = []

    def note_book(self, book: Any) -> None:
        self.books[book["nonce"]] = tuple([list(row[:2]) for row in book[side][:20]] for side in ("bids", "asks"))

    def watching(self) -> list[asyncio.Task[None]]:
        pro = self.pro
        loops: list[tuple[Callable[[], Awaitable[Any]], Callable[[Any], None]]] = [
            (lambda: pro.watch_orders(SYMBOL), lambda rows: self.orders.extend(dict(row) for row in rows)),
            (lambda: pro.watch_my_trades(SYMBOL), self.my_trades.extend),
            (lambda: pro.watch_balance(), lambda balance: self.balances.append(held(balance))),
            (lambda: pro.watch_trades(SYMBOL), self.trades.extend),
            (lambda: pro.watch_ohlcv(SYMBOL, "1m"), self.candles.extend),
            (lambda: pro.watch_order_book(SYMBOL), self.note_book),
        ]
        return [asyncio.create_task(self._watch(call, take)) for call, take in loops]

    async def _watch(self, call: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        try:
            while True:
                take(await call())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.broken.append(repr(error))

    async def held(self) -> dict[str, tuple[Decimal, Decimal]]:
        return held(await self.pro.fetch_balance())

    async def balance_told(self, what: str, wanted: dict[str, tuple[Decimal, Decimal]], *assets: str) -> None:
        """What the socket told last of these assets is what is wanted of them."""

        def known() -> list[Any]:
            return [self.balances[-1].get(asset) for asset in assets] if self.balances else []

        moved = [wanted[asset] for asset in assets]
        await until(lambda: known() == moved, 5)
        checks.equal(what, known(), moved)

    # Scenario.

    async def resting(self) -> None:
        before = await self.held()
        bid = exact((await self.pro.fetch_ticker(SYMBOL))["bid"])
        price = float(f"{bid * Decimal('0.85'):.2f}")
        order = await self.pro.create_order(SYMBOL, "limit", "buy", 0.05, price)
        number, names = order["id"], ("status", "price", "amount", "filled", "remaining")
        wanted = ["open", price, 0.05, 0.0, 0.05]
        checks.equal("limit order, answer", [order[name] for name in names], wanted)
        query = await self.pro.fetch_order(number, SYMBOL)
        checks.equal("limit order, query", [query[name] for name in names], wanted)
        event = await until(lambda: first(self.orders, id=number, status="open"))
        checks.equal("limit order, event", event and [event[name] for name in names], wanted)
        checks.equal("open orders", [one["id"] for one in await self.pro.fetch_open_orders(SYMBOL)], [number])
        cost = exact(price) * Decimal("0.05")
        locked = {**before, "USDT": (before["USDT"][0] - cost, cost)}
        checks.equal("funds locked, query", await self.held(), locked)
        await self.balance_told("funds locked, event", locked, "USDT")
        cancel = await self.pro.cancel_order(number, SYMBOL)
        query = await self.pro.fetch_order(number, SYMBOL)
        event = await until(lambda: first(self.orders, id=number, status="canceled"))
        checks.equal(
            "cancel, three ways",
            (cancel["status"], query["status"], event and event["status"]),
            ("canceled", "canceled", "canceled"),
        )
        checks.equal("funds back, query", await self.held(), before)
        await self.balance_told("funds back, event", before, "USDT")

    async def market(self, side: str, amount: float) -> None:
        what, before = f"market {side}", await self.held()
        order = await self.pro.create_order(SYMBOL, "market", side, amount)
        number, fills = order["id"], order["info"]["fills"]
        spent = sum((exact(one["price"]) * exact(one["qty"])).quantize(ATOM) for one in fills)
        checks.equal(f"{what}, answer", (order["status"], order["filled"]), ("closed", amount))
        checks.equal(f"{what}, cost of the fills", exact(order["info"]["cummulativeQuoteQty"]), spent)
        checks.equal(f"{what}, cost", order["cost"], float(spent))
        fee = sum(exact(one["commission"]) for one in fills)
        gets = [exact(one["qty"]) * (1 if side == "buy" else exact(one["price"])) for one in fills]
        checks.equal(f"{what}, fee", fee, sum((part * TAKER).quantize(ATOM, "ROUND_DOWN") for part in gets))
        done = exact(amount)
        btc, usdt = (done - fee, -spent) if side == "buy" else (-done, spent - fee)
        after = {**before, "BTC": (before["BTC"][0] + btc, ZERO), "USDT": (before["USDT"][0] + usdt, ZERO)}
        checks.equal(f"{what}, balances, query", await self.held(), after)
        await self.balance_told(f"{what}, balances, event", after, "BTC", "USDT")
        names = ("status", "filled", "cost", "average")
        wanted = [order[name] for name in names]
        query = await self.pro.fetch_order(number, SYMBOL)
        checks.equal(f"{what}, query", [query[name] for name in names], wanted)
        event = await until(lambda: first(self.orders, id=number, status="closed"))
        checks.equal(f"{what}, event", event and [event[name] for name in names[:3]], wanted[:3])
        numbers = [str(one["tradeId"]) for one in fills]
        rows = [one for one in await self.pro.fetch_my_trades(SYMBOL) if one["order"] == number]
        checks.equal(f"{what}, my trades", [one["id"] for one in rows], numbers)
        await until(lambda: len(every(self.my_trades, order=number)) >= len(fills))
        mine = every(self.my_trades, order=number)
        row = ("id", "price", "amount", "side", "takerOrMaker")
        checks.equal(
            f"{what}, my trades, events",
            [[one[name] for name in row] for one in mine],
            [[one[name] for name in row] for one in rows],
        )
        await until(lambda: set(numbers) <= {one["id"] for one in self.trades})
        public = [(one["id"], one["price"], one["amount"], one["side"]) for one in self.trades if one["id"] in numbers]
        checks.equal(
            f"{what}, trade stream",
            public,
            [(str(one["tradeId"]), float(one["price"]), float(one["qty"]), side) for one in fills],
        )

    async def oco(self) -> None:
        before, bid = await self.held(), exact((await self.pro.fetch_ticker(SYMBOL))["bid"])
        answer = await self.pro.private_post_orderlist_oco(
            {
                "symbol": MARKET,
                "side": "SELL",
                "quantity": "0.2",
                "aboveType": "LIMIT_MAKER",
                "abovePrice": f"{bid * 2:.2f}",
                "belowType": "STOP_LOSS",
                "belowStopPrice": f"{bid / 2:.2f}",
            }
        )
        legs = [str(one["orderId"]) for one in answer["orders"]]
        checks.equal("OCO, answer", (answer["contingencyType"], answer["listOrderStatus"]), ("OCO", "EXECUTING"))
        open_ = await self.pro.fetch_open_orders(SYMBOL)
        checks.equal("OCO, open orders", sorted(one["id"] for one in open_), sorted(legs))
        types = sorted((one["type"], one["triggerPrice"]) for one in open_)
        checks.equal("OCO, types", types, [("limit", None), ("market", float(f"{bid / 2:.2f}"))])
        locked = {**before, "BTC": (before["BTC"][0] - Decimal("0.2"), Decimal("0.2"))}
        checks.equal("OCO locks once, query", await self.held(), locked)
        await self.balance_told("OCO locks once, event", locked, "BTC")
        await self.pro.cancel_order(legs[1], SYMBOL)
        states = [(await self.pro.fetch_order(leg, SYMBOL))["status"] for leg in legs]
        checks.equal("OCO, cancel of one cancels both", states, ["canceled", "canceled"])
        events = [await until(lambda leg=leg: first(self.orders, id=leg, status="canceled")) for leg in legs]
        checks.true("OCO, both in events", all(events), legs)
        await self.balance_told("OCO, funds back, event", before, "BTC")

    async def over_the_socket(self) -> None:
        bid = exact((await self.pro.fetch_ticker(SYMBOL))["bid"])
        price = float(f"{bid * Decimal('0.9'):.2f}")
        order = await self.pro.create_order_ws(SYMBOL, "limit", "buy", 0.01, price)
        checks.equal("WebSocket API, place", (order["status"], order["price"], order["amount"]), ("open", price, 0.01))
        query = await self.pro.fetch_order_ws(order["id"], SYMBOL)
        rest = await self.pro.fetch_order(order["id"], SYMBOL)
        names = ("status", "price", "amount", "filled", "timestamp", "clientOrderId")
        checks.equal("WebSocket API, query as REST", [query[name] for name in names], [rest[name] for name in names])
        # ccxt 4.5.90 leaves the balances of a spot account unread here; they are in its ``info``.
        balance, rest = (await self.pro.fetch_balance_ws())["info"], (await self.pro.fetch_balance())["info"]
        checks.equal("WebSocket API, balance as REST", balance["balances"], rest["balances"])
        cancel = await self.pro.cancel_order_ws(order["id"], SYMBOL)
        checks.equal("WebSocket API, cancel", cancel["status"], "canceled")
        text = "Account has insufficient balance for requested action."
        with checks.refused("WebSocket API, insufficient funds", ccxt.InsufficientFunds, BY_HEART, text):
            await self.pro.create_order_ws(SYMBOL, "limit", "buy", 100, price)
        with checks.refused("WebSocket API, cancel of no order", ccxt.OrderNotFound, -2011, "Unknown order sent."):
            await self.pro.cancel_order_ws("999999999", SYMBOL)

    async def streams(self) -> None:
        wanted = 10
        verdicts: list[bool] = []
        end = time.monotonic() + 20
        while len(verdicts) < wanted and time.monotonic() < end:
            book = await self.pro.fetch_order_book(SYMBOL, 20)
            await until(lambda: max(self.books) >= book["nonce"], 2)  # noqa: B023 - awaited here
            if book["nonce"] in self.books:
                verdicts.append(self.books[book["nonce"]] == (book["bids"], book["asks"]))
        checks.equal("watched book reconciles with snapshots", verdicts, [True] * wanted)
        until_ms = time.time() * 1000 - 1000  # a trade is told within a second
        first_id = self.trades[0]["id"]
        rows = await self.pro.public_get_historicaltrades({"symbol": MARKET, "fromId": first_id, "limit": 1000})
        watched = [one for one in self.trades if one["timestamp"] <= until_ms]
        checks.equal(
            "watched trades as REST, none missing",
            [(one["id"], one["price"], one["timestamp"]) for one in watched],
            [(str(row["id"]), float(row["price"]), int(row["time"])) for row in rows if int(row["time"]) <= until_ms],
        )
        await until(lambda: len(self.candles) > 1)
        last = self.candles[-1]
        rows = await self.pro.fetch_ohlcv(SYMBOL, "1m", since=self.candles[0][0], limit=5)
        checks.equal("watched candle, open as REST", {row[0]: row[1] for row in rows}.get(last[0]), last[1])
        good = last[3] <= min(last[1], last[4]) and max(last[1], last[4]) <= last[2]
        checks.true("watched candle, prices", good, last)
        ticker = await self.pro.watch_ticker(SYMBOL)
        checks.true("watched ticker", ticker["low"] <= ticker["last"] <= ticker["high"], ticker["last"])
        both = await self.pro.watch_bids_asks([SYMBOL, "ETH/USDT"])
        checks.true("watched best prices", all(one["bid"] < one["ask"] for one in both.values()), list(both))
        checks.equal("no watcher broke", self.broken, [])


async def asynchronous() -> None:
    pro = paper(ccxt.pro.binance)
    tasks: list[asyncio.Task[None]] = []
    try:
        await pro.load_markets()
        await pro.watch_ticker(SYMBOL)
        desk = Desk(pro)
        await pro.authenticate()
        tasks = desk.watching()
        await until(lambda: desk.books and desk.trades)
        await checks.async_part("resting order", desk.resting)
        await checks.async_part("market buy", desk.market, "buy", 0.6)
        await checks.async_part("market sell", desk.market, "sell", 0.25)
        await checks.async_part("OCO", desk.oco)
        await checks.async_part("WebSocket API", desk.over_the_socket)
        await checks.async_part("streams", desk.streams)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pro.close()


if __name__ == "__main__":
    asyncio.run(checks.async_part("ccxt.pro", asynchronous, within=150))
    checks.end()
