"""What a user's stream tells: orders, lists, prevented trades, deposits, and what it does not know."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptox.model.orders import Order
from cryptox.model.updates import BalanceUpdate

sys.path.insert(0, str(Path(__file__).parents[1]))
from listener import Heard, connected, equal, poll, run
from outsider import SYMBOL, Outsider, believed


def test_orders_of_somebody_else_with_the_same_account_are_told(exchange: Any, outsider: Outsider) -> None:
    before = outsider.rest()

    async def main(session: Any, stream: Any) -> None:
        assert believed(stream.blotter) == outsider.truth()  # what was there before
        heard = Heard(stream)
        waiting = outsider.rest()
        outsider("PUT", "order/amend/keepPriority", symbol=SYMBOL, orderId=waiting["orderId"], newQty="0.005",
                 newClientOrderId="amended")  # fmt: skip
        outsider.cancel(waiting)
        taken = outsider.market(quantity="3")
        assert len(taken["fills"]) > 1
        await equal(outsider, stream)
        told = [(one.order_id, one.execution, one.status) for one in heard.orders()]
        assert told[:3] == [
            (waiting["orderId"], "new", "new"),
            (waiting["orderId"], "replaced", "new"),
            (waiting["orderId"], "canceled", "canceled"),
        ]
        assert told[3] == (taken["orderId"], "new", "new")
        assert {one[1] for one in told[4:]} == {"trade"}
        assert told[-1][2] == "filled"
        assert [one.fill.id for one in heard.orders()[4:]] == [one["tradeId"] for one in taken["fills"]]
        assert stream.blotter.by_client_id(SYMBOL, "amended").order_id == waiting["orderId"]
        assert stream.blotter.by_client_id(SYMBOL, waiting["clientOrderId"]).order_id == waiting["orderId"]
        assert stream.blotter.order(SYMBOL, before["orderId"]).status == "new"
        assert all(one.received_ns > 0 and one.event_time_ms for one in heard.events)
        balance = [one for one in heard.events if isinstance(one, BalanceUpdate) and one.asset == "BTC"][-1]
        assert (balance.free, balance.locked) == outsider.truth()[1]["BTC"]

    run(exchange, outsider, main)


def test_order_lists_and_prevented_trades_too(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        bid, ask = outsider.quote()
        above, below = (ask * Decimal("1.02")).quantize(Decimal(1)), (bid * Decimal("0.98")).quantize(Decimal(1))
        outsider("POST", "orderList/oco", symbol=SYMBOL, side="SELL", quantity="0.02", aboveType="LIMIT_MAKER",
                 abovePrice=above, belowType="STOP_LOSS_LIMIT", belowStopPrice=below, belowPrice=below - 10,
                 belowTimeInForce="GTC")  # fmt: skip
        await equal(outsider, stream)
        assert {one.order_list_id is None for one in stream.blotter.open_orders()} == {False}
        outsider("DELETE", "openOrders", symbol=SYMBOL)
        for mode in ("DECREMENT", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"):
            maker = outsider.rest("1.0", "0.05")  # at the best bid
            outsider.order(symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="IOC", quantity="2",
                           price=maker["price"], selfTradePreventionMode=mode)  # fmt: skip
        await equal(outsider, stream)
        prevented = [one for one in stream.blotter.orders() if one.prevented or one.status == "expired_in_match"]
        assert prevented
        assert stream.blotter.refused == 0

    run(exchange, outsider, main)


def test_both_sides_of_a_trade_with_oneself_are_told(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        maker = outsider.rest("1.0", "0.05")  # at the best bid
        taker = outsider.order(symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="IOC", quantity="2",
                               price=maker["price"], selfTradePreventionMode="NONE")  # fmt: skip
        await equal(outsider, stream)
        told = {(one.order_id, one.fill.id) for one in heard.orders() if one.fill is not None}
        rows = outsider("GET", "myTrades", symbol=SYMBOL)
        assert told == {(one["orderId"], one["id"]) for one in rows}
        assert {one[0] for one in told} == {maker["orderId"], taker["orderId"]}
        assert stream.blotter.short_of_fills() == []

    run(exchange, outsider, main)


def test_two_users_of_one_exchange_never_hear_of_each_other(exchange: Any, outsider: Outsider) -> None:
    other = Outsider(exchange, exchange.create_account())

    async def main() -> None:
        async with connected(exchange, outsider) as one, connected(exchange, other) as two:
            streams = one._user_stream(), two._user_stream()
            heard = [Heard(stream) for stream in streams]
            for stream in streams:
                await asyncio.wait_for(stream.ready(), 10)
            mine = {outsider.rest()["orderId"] for _ in range(3)} | {outsider.market()["orderId"]}
            theirs = {other.rest()["orderId"] for _ in range(2)} | {other.market()["orderId"]}
            await equal(outsider, streams[0])
            await equal(other, streams[1])
            assert {update.order_id for update in heard[0].orders()} == mine
            assert {update.order_id for update in heard[1].orders()} == theirs
            assert not mine & theirs

    asyncio.run(main())
    other.close()


def test_what_is_told_while_the_first_look_is_under_way_waits_for_it(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        async with connected(exchange, outsider) as session:
            asked = [
                exchange.faults.add("latency", path=path, seconds=seconds, times=1)
                for path, seconds in (("account", 0.8), ("openOrders", 0.001))
            ]
            stream = session._user_stream()
            heard = Heard(stream)
            await poll(lambda: all(one.hits for one in asked))
            await asyncio.sleep(0.1)  # there was no order yet for the look to find
            placed = outsider.rest()
            await poll(lambda: stream.received)
            assert heard.events == []
            await asyncio.wait_for(stream.ready(), 10)
            assert [one.order_id for one in heard.orders()] == [placed["orderId"]]
            await equal(outsider, stream)
            slow = exchange.faults.add("latency", path="account", seconds=2.0)
            looks = len(exchange.requests.of("account"))  # later ones delay nothing
            stream.check()
            await asyncio.sleep(0.1)
            outsider.rest()
            await poll(lambda: len(heard.orders()) == 2)
            assert len(exchange.requests.of("account")) == looks
            exchange.faults.remove(slow)
            await equal(outsider, stream)

    asyncio.run(main())


def test_answers_are_told_to_listeners_whatever_the_loop(exchange: Any, outsider: Outsider) -> None:
    made = Order(
        symbol=SYMBOL, order_id=10**9, client_order_id="g", side="buy", type="LIMIT", status="canceled", updated_ms=1
    )

    async def elsewhere(session: Any) -> None:
        session._note_order(made)

    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        await asyncio.to_thread(asyncio.run, elsewhere(session))
        await poll(lambda: heard.orders())
        session._note_order(made)  # nothing new
        session._note_order(made.changed(order_id=7))
        assert [(one.order_id, one.execution) for one in heard.orders()] == [(10**9, None), (7, None)]
        await stream.close()
        session._note_order(made.changed(order_id=8))
        assert session._blotter.order(SYMBOL, 8).status == "canceled"
        assert session._user_stream().blotter is session._blotter  # what is known outlives the stream

    run(exchange, outsider, main)


def test_deposits_reach_the_balances(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.add("frame", how="drop", event="outboundAccountPosition", times=1)
        exchange.deposit(outsider.keys.api_key, "USDT", 77)
        await equal(outsider, stream, 5.0)

    run(exchange, outsider, main)
