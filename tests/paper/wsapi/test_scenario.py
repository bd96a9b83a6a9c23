"""A trader's day on the WebSocket API, with the exchange's own desk, engine and handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cryptox.paper.clock import MarketClock
from cryptox.paper.desk import Desk

NOW_MS = 1_717_243_230_500
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def day(ask: Any, served_by: Callable[..., Any]) -> Callable[..., None]:
    """Runs a talk with two accounts on the exchange's own engine, market time frozen."""

    def run(talk: Any, **options: Any) -> None:
        async def whole() -> None:
            served = served_by(ask.exchange.market, desk=Desk, **options)
            served.desk.open()
            served.desk.listeners.append(lambda reports: served.answers.counts.note(reports, 0.0))
            try:
                async with served.open():
                    await asyncio.wait_for(talk(served), 60)
            finally:
                served.desk.close()

        asyncio.run(whole())

    return run


async def events(client: Any, count: int) -> list[Any]:
    found = [await client.next() for _ in range(count)]
    assert all("event" in one for one in found), found
    return [one["event"] for one in found]


def kinds(found: list[Any]) -> list[Any]:
    return [(one["e"], one.get("x") or one.get("l"), one.get("X") or one.get("L")) for one in found]


async def begun(served: Any, client: Any) -> None:
    await client.result("session.logon", served.signed(served.ed25519))
    assert await client.result("userDataStream.subscribe") == {"subscriptionId": 0}


def test_an_order_rests_is_seen_and_cancelled(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            order = served.stamped(**LIMIT, quantity="0.01", price="30000.00", newClientOrderId="mine")
            placed = await client.ask("order.place", {**order, "newOrderRespType": "RESULT"})
            assert placed["status"] == 200, placed
            number = placed["result"]["orderId"]
            assert (placed["result"]["clientOrderId"], placed["result"]["status"]) == ("mine", "NEW")
            report, position = await events(client, 2)
            assert kinds([report, position]) == [
                ("executionReport", "NEW", "NEW"),
                ("outboundAccountPosition", None, None),
            ]
            assert (report["i"], report["c"], report["C"], report["w"]) == (number, "mine", "", True)
            assert (report["q"], report["p"], report["W"]) == ("0.01000000", "30000.00000000", NOW_MS)
            assert {"a": "USDT", "f": "99700.00000000", "l": "300.00000000"} in position["B"]
            found = await client.result("order.status", served.stamped(symbol="BTCUSDT", orderId=number))
            assert (found["status"], found["origQty"]) == ("NEW", "0.01000000")
            listed = await client.result("openOrders.status", served.stamped(symbol="BTCUSDT"))
            assert [one["orderId"] for one in listed] == [number]
            gone = await client.result(
                "order.cancel", served.stamped(symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="stop")
            )
            assert (gone["status"], gone["clientOrderId"], gone["origClientOrderId"]) == ("CANCELED", "stop", "mine")
            report, position = await events(client, 2)
            assert (report["x"], report["X"], report["c"], report["C"]) == ("CANCELED", "CANCELED", "stop", "mine")
            assert {"a": "USDT", "f": "100000.00000000", "l": "0.00000000"} in position["B"]
            refused = await client.ask("order.cancel", served.stamped(symbol="BTCUSDT", orderId=number))
            assert (refused["status"], refused["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})
            assert (await client.result("session.logout"))["apiKey"] is None
            assert (await client.next())["event"]["e"] == "eventStreamTerminated"
            assert (await client.error("openOrders.status", served.stamped()))[1] == -1102

    day(talk)


def test_a_market_order_reports_each_fill_in_order(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            order = served.stamped(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.0005")
            answer = await client.ask("order.place", {**order, "newOrderRespType": "FULL"})
            placed = answer["result"]
            fills = placed["fills"]
            assert placed["status"] == "FILLED"
            assert len(fills) >= 2  # the levels are thin
            reports = await events(client, 2 + len(fills))
            assert kinds(reports) == [
                ("executionReport", "NEW", "NEW"),
                *[("executionReport", "TRADE", "PARTIALLY_FILLED")] * (len(fills) - 1),
                ("executionReport", "TRADE", "FILLED"),
                ("outboundAccountPosition", None, None),
            ]
            trades = reports[1:-1]
            assert [(one["L"], one["l"], one["n"], one["N"], one["t"]) for one in trades] == [
                (fill["price"], fill["qty"], fill["commission"], fill["commissionAsset"], fill["tradeId"])
                for fill in fills
            ]
            assert [one["I"] for one in reports[:-1]] == sorted({one["I"] for one in reports[:-1]})
            assert trades[-1]["z"] == placed["executedQty"] == "0.00050000"
            assert trades[-1]["Z"] == placed["cummulativeQuoteQty"]
            assert all(one["w"] is False and one["m"] is False for one in trades)
            mine = await client.result("myTrades", served.stamped(symbol="BTCUSDT"))
            assert [one["id"] for one in mine] == [one["t"] for one in trades]
            balances = (await client.result("account.status", served.stamped(omitZeroBalances=True)))["balances"]
            told = {one["a"]: (one["f"], one["l"]) for one in reports[-1]["B"]}
            assert {one["asset"]: (one["free"], one["locked"]) for one in balances if one["asset"] in told} == told

    day(talk)


def test_two_accounts_meet_and_each_hears_its_own_side(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as maker, served.client() as taker:
            await begun(served, maker)
            await taker.result("userDataStream.subscribe.signature", served.signed(served.other_hmac))
            best = await maker.result("ticker.book", {"symbol": "BTCUSDT"})
            inside = best["bidPrice"]
            await maker.result("order.place", served.stamped(**LIMIT, quantity="1", price=inside))
            assert kinds(await events(maker, 2))[0] == ("executionReport", "NEW", "NEW")
            depth = await taker.result("depth", {"symbol": "BTCUSDT", "limit": 1})
            ahead = float(depth["bids"][0][1]) - 1
            assert ahead >= 0  # the market's own quantity stands before it
            quantity = f"{ahead + 0.25:.5f}"
            sell = served.signed(served.other_hmac, symbol="BTCUSDT", side="SELL", type="MARKET", quantity=quantity)
            await taker.result("order.place", sell)
            heard = await events(maker, 2)
            assert (heard[0]["x"], heard[0]["X"], heard[0]["l"], heard[0]["m"]) == (
                "TRADE",
                "PARTIALLY_FILLED",
                "0.25000000",
                True,
            )
            told = await events(taker, 4)
            assert kinds(told)[0] == ("executionReport", "NEW", "NEW")
            assert told[2]["t"] == heard[0]["t"]
            assert told[2]["m"] is False
            assert told[3]["e"] == heard[1]["e"] == "outboundAccountPosition"

    day(talk)


def test_an_order_list_tells_its_status(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            oco = served.stamped(
                symbol="BTCUSDT",
                side="SELL",
                quantity="0.01",
                aboveType="LIMIT_MAKER",
                abovePrice="45000.00",
                belowType="STOP_LOSS_LIMIT",
                belowStopPrice="35000.00",
                belowPrice="34900.00",
                belowTimeInForce="GTC",
                listClientOrderId="list",
            )
            placed = await client.ask("orderList.place.oco", oco)
            assert placed["status"] == 200, placed
            found = await events(client, 4)
            told = {one["e"]: one for one in found}
            assert sorted(kinds(found), key=str) == sorted(
                [
                    ("listStatus", "EXEC_STARTED", "EXECUTING"),
                    ("executionReport", "NEW", "NEW"),
                    ("executionReport", "NEW", "NEW"),
                    ("outboundAccountPosition", None, None),
                ],
                key=str,
            )
            assert found[-1]["e"] == "outboundAccountPosition"
            status = told["listStatus"]
            assert (status["g"], status["C"]) == (placed["result"]["orderListId"], "list")
            assert [one["i"] for one in status["O"]] == [one["orderId"] for one in placed["result"]["orders"]]
            assert {one["g"] for one in found if one["e"] == "executionReport"} == {status["g"]}
            counts = [one["count"] for one in placed["rateLimits"] if one["rateLimitType"] == "ORDERS"]
            assert counts == [2, 2]
            await client.result("orderList.cancel", served.stamped(symbol="BTCUSDT", listClientOrderId="list"))
            found = await events(client, 4)
            assert [kind for kind in kinds(found) if kind[0] == "listStatus"] == [
                ("listStatus", "ALL_DONE", "ALL_DONE")
            ]

    day(talk)


def test_refusals_of_the_engine_bring_no_events(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            poor = served.stamped(**LIMIT, quantity="100", price="30000.00")
            text = "Account has insufficient balance for requested action."
            assert await client.error("order.place", poor) == (400, -2010, text)
            assert (await client.error("order.place", served.stamped(**LIMIT, quantity="1", price="1e3")))[0] == 400
            small = served.stamped(**LIMIT, quantity="0.000001", price="30000.00")
            status, code, text = await client.error("order.place", small)
            assert (status, code) == (400, -1013)
            assert text == "Filter failure: LOT_SIZE"
            tested = served.stamped(**LIMIT, quantity="0.01", price="30000.00")
            assert await client.result("order.test", tested) == {}
            half = await client.ask(
                "order.cancelReplace",
                {**tested, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 12_345},
            )
            assert (half["status"], half["error"]["code"]) == (400, -2022)
            assert half["error"]["data"]["cancelResult"] == "FAILURE"
            assert half["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
            assert (await client.ask("ping"))["status"] == 200  # and nothing came between

    day(talk)


@pytest.mark.parametrize(
    ("new", "text", "reason"),
    [
        (
            {"type": "LIMIT", "timeInForce": "GTC", "quantity": "100", "price": "30000.00"},
            "Account has insufficient balance for requested action.",
            "INSUFFICIENT_BALANCES",
        ),
        (
            {"type": "LIMIT_MAKER", "quantity": "0.001", "price": "50000.00"},
            "Order would immediately match and take.",
            "WOULD_MATCH_IMMEDIATELY",
        ),
        (
            {"type": "STOP_LOSS", "quantity": "0.001", "stopPrice": "30000.00"},
            "Order would trigger immediately.",
            "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_a_replacement_that_the_engine_refuses_is_reported_once_the_order_is_cancelled(
    day: Callable[..., None], mode: str, new: dict[str, str], text: str, reason: str
) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            order = served.stamped(**LIMIT, quantity="0.01", price="30000.00")
            number = (await client.result("order.place", order))["orderId"]
            await events(client, 2)
            asked = {"symbol": "BTCUSDT", "side": "BUY", "cancelReplaceMode": mode, "newClientOrderId": "next"}
            both = await client.ask("order.cancelReplace", served.stamped(**asked, **new, cancelOrderId=number))
            assert (both["status"], both["error"]["code"]) == (409, -2021)
            assert both["error"]["data"]["newOrderResponse"] == {"code": -2010, "msg": text}
            found = await events(client, 3)
            assert kinds(found) == [
                ("executionReport", "CANCELED", "CANCELED"),
                ("outboundAccountPosition", None, None),
                ("executionReport", "REJECTED", "REJECTED"),
            ]
            told = found[-1]
            assert (told["r"], told["c"], told["C"], told["w"]) == (reason, "next", "", False)
            assert (told["q"], told["z"], told["t"], told["g"]) == (
                f"{float(new['quantity']):.8f}",
                "0.00000000",
                -1,
                -1,
            )
            assert "W" not in told
            assert (told["i"], told["I"]) == (number + 1, found[0]["I"] + 1)
            missing = await client.error("order.status", served.stamped(symbol="BTCUSDT", orderId=told["i"]))
            assert missing == (400, -2013, "Order does not exist.")
            listed = await client.result("allOrders", served.stamped(symbol="BTCUSDT"))
            assert [one["orderId"] for one in listed] == [number]
            placed = await client.result("order.place", {**order, "newClientOrderId": "next"})
            assert placed["orderId"] == number + 2

    day(talk)


def test_a_replacement_is_not_reported_where_nothing_was_cancelled_or_there_is_no_word(
    day: Callable[..., None],
) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            poor = served.stamped(**LIMIT, quantity="100", price="30000.00", cancelReplaceMode="ALLOW_FAILURE")
            both = await client.ask("order.cancelReplace", {**poor, "cancelOrderId": 12_345})
            assert (both["status"], both["error"]["code"]) == (400, -2022)
            assert both["error"]["data"]["newOrderResponse"]["code"] == -2010
            assert (await client.ask("ping"))["status"] == 200
            order = served.stamped(**LIMIT, quantity="0.01", price="30000.00")
            numbers = []
            for name in ("a", "b"):
                placed = await client.result("order.place", {**order, "newClientOrderId": name})
                numbers.append(placed["orderId"])
                await events(client, 2)
            again = {**order, "newClientOrderId": "b", "cancelReplaceMode": "STOP_ON_FAILURE"}
            both = await client.ask("order.cancelReplace", {**again, "cancelOrderId": numbers[0]})
            assert both["error"]["data"]["newOrderResponse"] == {"code": -2010, "msg": "Duplicate order sent."}
            assert [one[1] for one in kinds(await events(client, 2))] == ["CANCELED", None]
            assert (await client.ask("ping"))["status"] == 200

    day(talk)


def test_a_deposit_is_told_as_balance_and_position(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            await served.desk.run(
                lambda now_us: served.desk.engine.transfer(served.account, "BTC", -50_000_000, now_us)
            )
            delta, position = await events(client, 2)
            assert delta == {"e": "balanceUpdate", "E": NOW_MS, "a": "BTC", "d": "-0.50000000", "T": NOW_MS}
            assert position["B"] == [{"a": "BTC", "f": "0.50000000", "l": "0.00000000"}]

    day(talk)


def test_a_lock_from_outside_is_told_and_orders_see_it(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        async with served.client() as client:
            await begun(served, client)
            engine, account = served.desk.engine, served.account
            await served.desk.run(lambda now_us: engine.lock(account, "BTC", 99_990_000, now_us))
            lock, position = await events(client, 2)
            assert lock == {"e": "externalLockUpdate", "E": NOW_MS, "a": "BTC", "d": "0.99990000", "T": NOW_MS}
            assert position["B"] == [{"a": "BTC", "f": "0.00010000", "l": "0.99990000"}]
            sell = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.0002"}
            text = "Account has insufficient balance for requested action."
            assert await client.error("order.place", served.stamped(**sell)) == (400, -2010, text)
            await served.desk.run(lambda now_us: engine.lock(account, "BTC", -99_990_000, now_us))
            assert [one["d"] for one in (await events(client, 2))[:1]] == ["-0.99990000"]
            assert (await client.ask("order.place", served.stamped(**sell)))["status"] == 200

    day(talk)


def test_time_lets_the_market_fill_what_rests(day: Callable[..., None]) -> None:
    async def talk(served: Any) -> None:
        clock: MarketClock = served.clock
        async with served.client() as client:
            await begun(served, client)
            best = await client.result("ticker.book", {"symbol": "BTCUSDT"})
            sell = {**LIMIT, "side": "SELL", "quantity": "0.001", "price": best["askPrice"]}
            await client.result("order.place", served.stamped(**sell))
            await events(client, 2)
            clock.advance("10m")
            await client.result("depth", {"symbol": "BTCUSDT", "limit": 1})
            report = (await events(client, 1))[0]
            assert (report["x"], report["m"], report["E"]) == ("TRADE", True, NOW_MS + 600_000)
            assert NOW_MS < report["T"] <= report["E"]

    day(talk)
