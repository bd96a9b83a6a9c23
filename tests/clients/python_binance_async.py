"""python-binance's asynchronous client: orders told three ways, by the answer, by a query and by the user's socket.

PEER_PYTHON tests/clients/python_binance_async.py < addresses.json
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

from binance import DepthCacheManager
from checks import ATOM, ZERO, Book, every, exact, first, until
from python_binance import (
    HOUR_MS,
    MINUTE_MS,
    STEP,
    SYMBOL,
    TAKER,
    TICK,
    AsyncClient,
    BinanceAPIException,
    BinanceSocketManager,
    api_key,
    checks,
    held,
    refused,
    secret_key,
)

STREAM = SYMBOL.lower()


class Trader:
    def __init__(self, trading: AsyncClient) -> None:
        self.client = trading
        self.events: list[dict[str, Any]] = []  # of the user's socket
        self.trades: list[dict[str, Any]] = []  # of the symbol's trade stream
        self.book = Book()

    async def listen(self, socket: Any, take: Callable[[Any], None]) -> None:
        while True:
            take(await socket.recv())

    async def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        return held(await self.client.get_account())

    async def bid(self) -> Decimal:
        return exact((await self.client.get_orderbook_ticker(symbol=SYMBOL))["bidPrice"])

    async def empty_bid(self) -> Decimal:
        """A price far below the best bid, inside of the visible book, at which nobody stands."""
        rows = (await self.client.get_order_book(symbol=SYMBOL, limit=5000))["bids"]
        prices = [exact(price) for price, _ in rows]
        gaps = [low for high, low in itertools.pairwise(prices) if high - low >= 3 * TICK]
        return gaps[len(gaps) // 2] + TICK

    async def reports(self, order: int, count: int, within: float = 15, **wanted: Any) -> list[Mapping[str, Any]]:
        """Execution reports of an order, once there are so many."""
        names = {"e": "executionReport", "i": order, **wanted}
        await until(lambda: len(every(self.events, **names)) >= count, within)
        return every(self.events, **names)

    async def position(self, since: int, asset: str) -> tuple[Decimal, Decimal] | None:
        """Free and locked of an asset as the user's socket told it last, after its event number ``since``."""

        def rows() -> list[Mapping[str, Any]]:
            positions = every(self.events[since:], e="outboundAccountPosition")
            return [row for event in positions for row in event["B"] if row["a"] == asset]

        await until(rows)
        await asyncio.sleep(0.1)  # a position per event: the last one counts
        return (exact(rows()[-1]["f"]), exact(rows()[-1]["l"])) if rows() else None

    # Scenario.

    async def resting(self) -> None:
        before, since = await self.balances(), len(self.events)
        price, quantity = f"{await self.empty_bid():.2f}", "0.01234"
        cost = exact(price) * exact(quantity)
        answer = await self.client.order_limit_buy(symbol=SYMBOL, quantity=quantity, price=price)
        order = answer["orderId"]
        checks.equal(
            "limit order, answer", (answer["status"], answer["fills"], answer["executedQty"]), ("NEW", [], "0.00000000")
        )
        query = await self.client.get_order(symbol=SYMBOL, orderId=order)
        checks.equal(
            "limit order, query",
            (query["status"], query["price"], query["origQty"], query["isWorking"]),
            ("NEW", f"{price}000000", "0.01234000", True),
        )
        (report,) = await self.reports(order, 1)
        told_ = [report[name] for name in ("x", "X", "c", "p", "q", "z", "w", "r", "t")]
        checks.equal(
            "limit order, event",
            told_,
            ["NEW", "NEW", answer["clientOrderId"], f"{price}000000", "0.01234000", "0.00000000", True, "NONE", -1],
        )
        checks.equal("open orders", [row["orderId"] for row in await self.client.get_open_orders()], [order])
        locked = (before["USDT"][0] - cost, cost)
        checks.equal("funds locked, query", (await self.balances())["USDT"], locked)
        checks.equal("funds locked, event", await self.position(since, "USDT"), locked)
        at = exact(price)
        checks.true(
            "it stands in the depth stream",
            await until(lambda: exact(quantity) in self.book.steps(at)),  # others may come to the same price meanwhile
            (price, self.book.seen.get(at)),
        )

        since = len(self.events)
        cancel = await self.client.cancel_order(symbol=SYMBOL, orderId=order)
        checks.equal(
            "cancel, answer", (cancel["status"], cancel["origClientOrderId"]), ("CANCELED", answer["clientOrderId"])
        )
        query = await self.client.get_order(symbol=SYMBOL, origClientOrderId=answer["clientOrderId"])
        checks.equal("cancel, query", (query["status"], query["orderId"]), ("CANCELED", order))
        reports = await self.reports(order, 2)
        told_ = [reports[-1][name] for name in ("x", "X", "C", "c")]
        checks.equal("cancel, event", told_, ["CANCELED", "CANCELED", answer["clientOrderId"], cancel["clientOrderId"]])
        checks.equal("funds back, query", await self.balances(), before)
        checks.equal("funds back, event", await self.position(since, "USDT"), before["USDT"])
        checks.true("it left the depth stream", await until(lambda: -exact(quantity) in self.book.steps(at)), price)
        with refused("cancel of a cancelled order", -2011, "Unknown order sent."):
            await self.client.cancel_order(symbol=SYMBOL, orderId=order)

    async def market(self, what: str, side: str, amount: dict[str, str]) -> None:
        before, since = await self.balances(), len(self.events)
        answer = await self.client.create_order(symbol=SYMBOL, side=side, type="MARKET", **amount)
        order, fills = answer["orderId"], answer["fills"]
        done, spent = exact(answer["executedQty"]), exact(answer["cummulativeQuoteQty"])
        checks.equal(f"{what}, answer", (answer["status"], done > 0), ("FILLED", True))
        if "quantity" in amount:
            checks.equal(f"{what}, filled whole", done, exact(amount["quantity"]))
        else:
            step = exact(fills[-1]["price"]) * STEP  # a sale comes as near as a step allows, from either side
            checks.true(f"{what}, the amount", abs(exact(amount["quoteOrderQty"]) - spent) <= step, (spent, step))
        checks.equal(f"{what}, fills add up", sum(exact(one["qty"]) for one in fills), done)
        worth = sum((exact(one["price"]) * exact(one["qty"])).quantize(ATOM) for one in fills)
        checks.equal(f"{what}, fills pay", worth, spent)
        fee = sum(exact(one["commission"]) for one in fills)
        received = [exact(one["qty"]) * (1 if side == "BUY" else exact(one["price"])) for one in fills]
        wanted = sum((part * TAKER).quantize(ATOM, "ROUND_DOWN") for part in received)
        checks.equal(f"{what}, commission", fee, wanted)
        checks.equal(
            f"{what}, commission asset", {one["commissionAsset"] for one in fills}, {"BTC" if side == "BUY" else "USDT"}
        )
        btc, usdt = (done - fee, -spent) if side == "BUY" else (-done, spent - fee)
        after = {**before, "BTC": (before["BTC"][0] + btc, ZERO), "USDT": (before["USDT"][0] + usdt, ZERO)}
        checks.equal(f"{what}, balances, query", await self.balances(), after)
        for asset in ("BTC", "USDT"):
            checks.equal(f"{what}, {asset}, event", await self.position(since, asset), after[asset])
        query = await self.client.get_order(symbol=SYMBOL, orderId=order)
        checks.equal(
            f"{what}, query",
            [query[name] for name in ("status", "executedQty", "cummulativeQuoteQty")],
            [answer[name] for name in ("status", "executedQty", "cummulativeQuoteQty")],
        )
        mine = await self.client.get_my_trades(symbol=SYMBOL, orderId=order)
        row = ("price", "qty", "commission", "commissionAsset")
        checks.equal(
            f"{what}, my trades",
            [(one["id"], *(one[name] for name in row)) for one in mine],
            [(one["tradeId"], *(one[name] for name in row)) for one in fills],
        )
        reports = await self.reports(order, len(fills), x="TRADE")
        checks.equal(
            f"{what}, events",
            [(one["t"], one["L"], one["l"], one["n"], one["N"]) for one in reports],
            [(one["tradeId"], *(one[name] for name in row)) for one in fills],
        )
        states = [one["X"] for one in await self.reports(order, 1 + len(fills))]
        checks.equal(f"{what}, states", states, ["NEW", *["PARTIALLY_FILLED"] * (len(fills) - 1), "FILLED"])
        numbers = {one["tradeId"] for one in fills}
        await until(lambda: numbers <= {one["t"] for one in self.trades})
        public = [one for one in self.trades if one["t"] in numbers]
        checks.equal(
            f"{what}, trade stream",
            [(one["t"], one["p"], one["q"], one["m"]) for one in public],
            [(one["tradeId"], one["price"], one["qty"], side == "SELL") for one in fills],
        )

    async def oco(self) -> None:
        before, since, bid = await self.balances(), len(self.events), await self.bid()
        answer = await self.client.create_oco_order(
            symbol=SYMBOL,
            side="SELL",
            quantity="0.1",
            aboveType="LIMIT_MAKER",
            abovePrice=f"{bid * 2:.2f}",
            belowType="STOP_LOSS_LIMIT",
            belowStopPrice=f"{bid / 2:.2f}",
            belowPrice=f"{bid / 2 - 10:.2f}",
            belowTimeInForce="GTC",
        )
        number = answer["orderListId"]
        legs = [one["orderId"] for one in answer["orders"]]
        checks.equal(
            "OCO, answer", (answer["contingencyType"], answer["listOrderStatus"], len(legs)), ("OCO", "EXECUTING", 2)
        )
        kinds = {one["orderId"]: one["type"] for one in answer["orderReports"]}
        checks.equal("OCO, legs", sorted(kinds.values()), ["LIMIT_MAKER", "STOP_LOSS_LIMIT"])
        btc = before["BTC"][0]
        locked = (btc - Decimal("0.1"), Decimal("0.1"))
        checks.equal("OCO locks once", (await self.balances())["BTC"], locked)
        rows = await self.client.get_open_orders(symbol=SYMBOL)
        checks.equal(
            "OCO, open orders",
            sorted((one["orderId"], one["isWorking"]) for one in rows),
            sorted((leg, kinds[leg] == "LIMIT_MAKER") for leg in legs),
        )
        lists = await self.client.get_open_oco_orders()
        checks.equal("OCO, open lists", [one["orderListId"] for one in lists], [number])
        status = await until(lambda: first(self.events[since:], e="listStatus", g=number))
        checks.equal(
            "OCO, event",
            status and (status["c"], status["l"], status["L"], len(status["O"])),
            ("OCO", "EXEC_STARTED", "EXECUTING", 2),
        )
        cancel = await self.client.cancel_order(symbol=SYMBOL, orderId=legs[0])
        checks.equal(
            "OCO, cancel of a leg", (cancel.get("orderListId"), cancel.get("listOrderStatus")), (number, "ALL_DONE")
        )
        states = [(await self.client.get_order(symbol=SYMBOL, orderId=leg))["status"] for leg in legs]
        checks.equal("OCO, both cancelled", states, ["CANCELED", "CANCELED"])
        done = await until(lambda: first(self.events[since:], e="listStatus", g=number, L="ALL_DONE"))
        checks.equal("OCO, last event", done and done["l"], "ALL_DONE")
        checks.equal("OCO, funds back", await self.balances(), before)
        with refused("OCO with prices crossed", -2010, "The relationship of the prices for the orders is not correct."):
            await self.client.create_oco_order(
                symbol=SYMBOL,
                side="SELL",
                quantity="0.1",
                aboveType="LIMIT_MAKER",
                abovePrice=f"{bid / 2:.2f}",
                belowType="STOP_LOSS",
                belowStopPrice=f"{bid / 4:.2f}",
            )

    async def maker(self) -> None:
        """A tick below the best ask until somebody sells: the order fills as maker, against the market."""
        before, answer = await self.balances(), {}
        for _ in range(12):
            ask = exact((await self.client.get_orderbook_ticker(symbol=SYMBOL))["askPrice"])
            try:
                answer = await self.client.create_order(
                    symbol=SYMBOL, side="BUY", type="LIMIT_MAKER", quantity="0.001", price=f"{ask - TICK:.2f}"
                )
            except BinanceAPIException as error:
                if error.code != -2010:  # the market moved through the price meanwhile
                    raise
                continue
            if await self.reports(answer["orderId"], 1, within=4, X="FILLED"):
                break
            try:
                await self.client.cancel_order(symbol=SYMBOL, orderId=answer["orderId"])
            except BinanceAPIException as error:
                if error.code != -2011:
                    raise
        query = await self.client.get_order(symbol=SYMBOL, orderId=answer["orderId"])
        checks.equal("resting order filled by the market", query["status"], "FILLED")
        mine = await self.client.get_my_trades(symbol=SYMBOL, orderId=answer["orderId"])
        told_ = {(one["isMaker"], one["price"]) for one in mine}
        checks.equal("as maker, at its price", told_, {(True, query["price"])})
        events = every(self.events, e="executionReport", i=answer["orderId"], x="TRADE")
        checks.equal(
            "as maker, events",
            [(one["t"], one["l"], one["m"]) for one in events],
            [(one["id"], one["qty"], True) for one in mine],
        )
        got = Decimal("0.001") - sum(exact(one["commission"]) for one in mine)
        checks.equal("as maker, balance", (await self.balances())["BTC"], (before["BTC"][0] + got, ZERO))

    async def over_websocket_api(self) -> None:
        time_ = await self.client.ws_get_time()
        checks.true("WebSocket API, time", abs(time_["serverTime"] - time.time() * 1000) < 1000, time_)
        candle = await self.client.ws_get_klines(symbol=SYMBOL, interval="1d", limit=1)
        checks.equal("WebSocket API, klines", (len(candle), candle[0][0] % (24 * HOUR_MS)), (1, 0))
        price = f"{await self.bid() * Decimal('0.9'):.2f}"
        answer = await self.client.ws_order_limit_buy(symbol=SYMBOL, quantity="0.01", price=price)
        checks.equal("WebSocket API, place", (answer["status"], answer["price"]), ("NEW", f"{price}000000"))
        query = await self.client.ws_get_order(symbol=SYMBOL, orderId=answer["orderId"])
        rest = await self.client.get_order(symbol=SYMBOL, orderId=answer["orderId"])
        checks.equal("WebSocket API, query as REST", query, rest)
        account, other = await self.client.ws_get_account(), await self.client.get_account()
        checks.equal("WebSocket API, account as REST", account, other)
        cancel = await self.client.ws_cancel_order(symbol=SYMBOL, orderId=answer["orderId"])
        checks.equal("WebSocket API, cancel", cancel["status"], "CANCELED")
        with refused("WebSocket API, wrong symbol", -1121, "Invalid symbol."):
            await self.client.ws_get_order_book(symbol="NOPEUSDT")
        with refused(
            "WebSocket API, insufficient funds", -2010, "Account has insufficient balance for requested action."
        ):
            await self.client.ws_order_limit_buy(symbol=SYMBOL, quantity="100", price=price)


async def streams(trading: AsyncClient, sockets: BinanceSocketManager, trader: Trader) -> None:
    async with AsyncExitStack() as stack:
        names = [f"{STREAM}@aggTrade", f"{STREAM}@bookTicker", f"{STREAM}@miniTicker", "!miniTicker@arr"]
        several = await stack.enter_async_context(sockets.multiplex_socket(names))
        kline = await stack.enter_async_context(sockets.kline_socket(SYMBOL, "1m"))
        partial = await stack.enter_async_context(sockets.depth_socket(SYMBOL, depth="5"))
        message = await asyncio.wait_for(kline.recv(), 10)
        bar = message["k"]
        checks.equal("kline stream", (message["e"], bar["i"], bar["T"] - bar["t"]), ("kline", "1m", MINUTE_MS - 1))
        low, high = exact(bar["l"]), exact(bar["h"])
        checks.true("kline stream, prices", low <= exact(bar["o"]) <= high and low <= exact(bar["c"]) <= high, bar["c"])
        rows = await trading.get_klines(symbol=SYMBOL, interval="1m", startTime=bar["t"], limit=1)
        checks.equal("kline stream, open as REST", rows[0][1], bar["o"])
        top = await asyncio.wait_for(partial.recv(), 10)
        checks.equal("partial depth stream", (len(top["bids"]), len(top["asks"])), (5, 5))
        checks.true("partial depth, not crossed", exact(top["bids"][0][0]) < exact(top["asks"][0][0]), top["bids"][0])
        seen: dict[str, Any] = {}
        end = time.monotonic() + 20
        while set(seen) < set(names) and time.monotonic() < end:
            message = await asyncio.wait_for(several.recv(), 10)
            seen.setdefault(message["stream"], message["data"])
        checks.equal("combined streams", sorted(seen), sorted(names))
        checks.equal("combined, aggregate trade", seen[names[0]]["e"], "aggTrade")
        row = await trading.get_aggregate_trades(symbol=SYMBOL, fromId=seen[names[0]]["a"], limit=1)
        checks.equal("aggregate trade as REST", {name: seen[names[0]][name] for name in row[0]}, row[0])
    until_ms = time.time() * 1000 - 1000  # a trade is told within a second
    rows = await trading.get_historical_trades(symbol=SYMBOL, fromId=trader.trades[0]["t"], limit=1000)
    told_ = [(one["t"], one["p"], one["q"], one["T"], one["m"]) for one in trader.trades if one["T"] <= until_ms]
    checks.equal(
        "trade stream as REST, none missing",
        told_,
        [
            (row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"])
            for row in rows
            if row["time"] <= until_ms
        ],
    )


async def depth(trading: AsyncClient, book: Book, wanted: int = 10) -> None:
    """Snapshots against the book of the stream, at the very ids where both speak of the same moment."""
    verdicts: list[bool] = []
    end = time.monotonic() + 15
    while len(verdicts) < wanted and time.monotonic() < end:
        snapshot = await trading.get_order_book(symbol=SYMBOL, limit=20)
        await until(lambda: book.events[-1]["u"] >= snapshot["lastUpdateId"], 2)  # noqa: B023 - awaited here
        verdict = book.agrees(snapshot)
        verdicts += [] if verdict is None else [verdict]
        await asyncio.sleep(0.03)
    checks.equal("depth stream reconciles with snapshots", verdicts, [True] * wanted)
    checks.equal("depth stream has no hole", book.holes, [])


async def depth_cache(trading: AsyncClient) -> None:
    async with DepthCacheManager(trading, SYMBOL, ws_interval=100, conv_type=Decimal) as manager:
        states = {}
        for _ in range(25):
            cache = await asyncio.wait_for(manager.recv(), 5)
            states[cache.update_time] = (cache.get_bids()[:20], cache.get_asks()[:20])
        bids, asks = states[cache.update_time]
        checks.true("depth cache, not crossed", bids[0][0] < asks[0][0], (bids[0][0], asks[0][0]))
        ticker = await trading.get_orderbook_ticker(symbol=SYMBOL)
        away = abs(exact(ticker["bidPrice"]) / bids[0][0] - 1)
        checks.true("depth cache, near the market", away < Decimal("0.001"), f"{away:.6f} away")


async def asynchronous() -> None:
    trading = await AsyncClient.create(api_key, secret_key)
    tasks: list[asyncio.Task[None]] = []
    try:
        sockets = BinanceSocketManager(trading, max_queue_size=10_000)
        trader = Trader(trading)
        async with AsyncExitStack() as stack:
            for socket, take in (
                (sockets.user_socket(), trader.events.append),
                (sockets.trade_socket(SYMBOL), trader.trades.append),
                (sockets.depth_socket(SYMBOL, interval=100), trader.book.take),
            ):
                tasks.append(asyncio.create_task(trader.listen(await stack.enter_async_context(socket), take)))
            await until(lambda: len(trader.book.events) > 2)
            trader.book.start(await trading.get_order_book(symbol=SYMBOL, limit=5000))
            await checks.async_part("resting order", trader.resting)
            await checks.async_part("market buy", trader.market, "market buy", "BUY", {"quantity": "0.5"})
            what = "market sell by amount"
            await checks.async_part(what, trader.market, what, "SELL", {"quoteOrderQty": "3000"})
            await checks.async_part("OCO", trader.oco)
            await checks.async_part("maker", trader.maker, within=70)
            await checks.async_part("WebSocket API", trader.over_websocket_api)
            await checks.async_part("streams", streams, trading, sockets, trader)
            await checks.async_part("depth", depth, trading, trader.book)
            await checks.async_part("depth cache", depth_cache, trading)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await trading.close_connection()


if __name__ == "__main__":
    asyncio.run(checks.async_part("asynchronous client", asynchronous, within=150))
    checks.end()
