"""The user stream over a real exchange: whatever breaks, the blotter ends up equal to what the exchange knows."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import cryptox as cx
from cryptox.errors import AuthenticationError, ConfigurationError
from cryptox.model.events import Event
from cryptox.model.orders import Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.paper.sockets import Rules
from cryptox.sessions import userline, userstream
from cryptox.venues.user import Notice

sys.path.insert(0, str(Path(__file__).parent))
from outsider import SYMBOL, Outsider, believed, executions

LIMITS = {"REQUEST_WEIGHT": (10_000_000, "1m"), "ORDERS": (100_000, "10s"), "RAW_REQUESTS": (10_000_000, "5m")}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SILENCE_S": 0.4, "PONG_S": 0.3, "CAP_S": 0.3, "OFFLINE_CAP_S": 0.3}.items():
        monkeypatch.setattr(userline, name, seconds)


@pytest.fixture
def exchange() -> Iterator[Any]:
    with cx.PaperExchange(limits=LIMITS) as made:
        yield made


@pytest.fixture
def outsider(exchange: Any) -> Iterator[Outsider]:
    made = Outsider(exchange, exchange.create_account({"USDT": 1_000_000, "BTC": 20, "BNB": 5}))
    yield made
    made.close()


class Heard:
    """Listens to a stream."""

    def __init__(self, stream: Any) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []
        stream.listeners.append(self)

    def changed(self, events: list[Event]) -> None:
        self.events += events

    def carried(self) -> None:
        self.said.append("carried")

    def cut(self) -> None:
        self.said.append("cut")

    def failed(self, why: str) -> None:
        self.said.append(f"failed {why}")

    def ended(self, error: Exception | None) -> None:
        self.said.append(f"ended {type(error).__name__}")

    def orders(self) -> list[OrderUpdate]:
        return [one for one in self.events if isinstance(one, OrderUpdate)]


async def poll(what: Callable[[], Any], within_s: float = 15.0) -> Any:
    until = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < until, "it did not come about in time"
        await asyncio.sleep(0.01)
    return found


async def equal(outsider: Outsider, stream: Any, within_s: float = 15.0) -> None:
    """The blotter becomes what the exchange says, executions of the orders that it knows included."""
    until = time.monotonic() + within_s
    while True:
        truth = outsider.truth()
        ids = {one.order_id for one in stream.blotter.orders(SYMBOL)}
        executed = sorted(one for one in outsider.executed() if one[1] in ids)
        known, fills = believed(stream.blotter), sorted(executions(stream.blotter))
        if (truth, executed) == (known, fills):
            return
        if time.monotonic() > until:
            assert known == truth
            assert fills == executed
        await asyncio.sleep(0.02)


def connected(exchange: Any, outsider: Outsider) -> Any:
    return cx.aio.connect(exchange, api_key=outsider.keys.api_key, secret_key=outsider.keys.secret_key)


def run(exchange: Any, outsider: Outsider, main: Callable[[Any, Any], Any]) -> None:
    """``main`` with a session and its stream, in step."""

    async def whole() -> None:
        async with connected(exchange, outsider) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            await main(session, stream)

    asyncio.run(whole())


def forward(updates: list[OrderUpdate]) -> bool:
    """Whether no order ever went back, and no execution came twice."""
    last: dict[tuple[str, int], tuple[Any, ...]] = {}
    fills = [(one.symbol, one.order_id, one.fill.id) for one in updates if one.fill is not None]
    for one in updates:
        order = one.order
        state = (order.is_final, order.filled, -order.quantity, order.prevented, order.updated_ms)
        before = last.setdefault((one.symbol, order.order_id), state)
        if any(new < old for new, old in zip(state, before, strict=True)):
            return False
        last[one.symbol, order.order_id] = state
    return len(fills) == len(set(fills))


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


def test_a_cut_is_mended_and_nothing_counts_twice(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        waiting = [outsider.rest() for _ in range(3)]
        assert stream.unbroken_since is not None
        first = stream.unbroken_since
        exchange.faults.cut()
        outsider.market(quantity="2")  # what nobody hears
        outsider.cancel(waiting[0])
        await poll(lambda: stream.line.subscriptions == 2)
        assert heard.said == ["cut", "carried"]
        await equal(outsider, stream)
        assert stream.unbroken_since is not None
        assert stream.unbroken_since > first
        assert stream.blotter.order(SYMBOL, waiting[0]["orderId"]).status == "canceled"
        assert forward(heard.orders())
        assert len(exchange._front.ws_api) == 1

    run(exchange, outsider, main)


def test_what_was_placed_and_ended_while_nothing_was_heard_is_told(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(session: Any, stream: Any) -> None:
        before = outsider.rest()
        await poll(lambda: stream.blotter.order(SYMBOL, before["orderId"]))
        heard = Heard(stream)
        few = dataclasses.replace(session.venue.capabilities, orders_cap=2)  # so that it takes several pages
        monkeypatch.setattr(session.venue, "capabilities", few)
        exchange.faults.cut()
        missed = [outsider.market(quantity="0.02") for _ in range(5)]
        gone = outsider.rest()
        outsider.cancel(gone)
        await poll(lambda: stream.line.subscriptions == 2)
        await equal(outsider, stream)
        for one in missed:
            order = stream.blotter.order(SYMBOL, one["orderId"])
            assert (order.status, order.filled) == ("filled", Decimal("0.02"))
            assert sum(fill.quantity for fill in order.fills) == order.filled
        assert stream.blotter.order(SYMBOL, gone["orderId"]).status == "canceled"
        told = {order.order_id for order in heard.orders()}
        assert told == {*(one["orderId"] for one in missed), gone["orderId"]}
        assert forward(heard.orders())

    run(exchange, outsider, main)


def test_a_look_while_the_connection_was_deaf_hides_nothing_of_what_ended_before_it(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userline, "SILENCE_S", 30.0)
    monkeypatch.setattr(userstream, "CONFIRM_S", 0.2)
    monkeypatch.setattr(userstream, "MARGIN_MS", 0)

    async def main(session: Any, stream: Any) -> None:
        before = outsider.rest()
        await poll(lambda: stream.blotter.order(SYMBOL, before["orderId"]))
        heard = Heard(stream)
        exchange.faults.freeze(60)
        missed = outsider.market()  # nobody tells of it
        await asyncio.sleep(0.01)
        looks = len(exchange.requests.of("openOrders"))
        stream.check()
        await poll(lambda: len(exchange.requests.of("openOrders")) > looks)
        exchange.faults.cut()
        await poll(lambda: stream.line.subscriptions == 2)
        await poll(lambda: stream.blotter.order(SYMBOL, missed["orderId"]))
        await equal(outsider, stream)
        assert {one.order_id for one in heard.orders()} == {missed["orderId"]}

    run(exchange, outsider, main)


def test_while_nothing_is_subscribed_nothing_is_promised(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        assert await stream.line.confirm(2.0)
        before = stream.line.heard_at()
        await asyncio.sleep(0.01)
        assert await stream.line.confirm(2.0)
        assert stream.line.heard_at() > before
        fault = exchange.faults.add("drop", path="userDataStream.subscribe.signature")
        exchange.faults.cut()
        await poll(lambda: stream.unbroken_since is None)
        assert not stream.in_step
        assert not await stream.line.confirm(0.1)
        exchange.faults.remove(fault)

    run(exchange, outsider, main)


def test_silence_is_noticed(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.freeze(60)
        assert not await stream.line.confirm(0.1)
        outsider.rest()
        await poll(lambda: stream.line.subscriptions == 2)
        await equal(outsider, stream)

    run(exchange, outsider, main)


@pytest.mark.parametrize("cap", [2, 1_000])
def test_executions_that_never_came_are_asked_for(
    exchange: Any, outsider: Outsider, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(session: Any, stream: Any) -> None:
        few = dataclasses.replace(session.venue.capabilities, orders_cap=cap)
        monkeypatch.setattr(session.venue, "capabilities", few)
        heard = Heard(stream)
        traded = b'"x":"TRADE"'
        exchange.faults.add("frame", how="drop", times=2, after=1, when=lambda seen: traded in seen.payload)
        taken = outsider.market(quantity="5")
        assert len(taken["fills"]) > 3
        await equal(outsider, stream, 5.0)  # long before the next regular look
        assert forward(heard.orders())
        assert stream.line.subscriptions == 1

    run(exchange, outsider, main)


@pytest.mark.parametrize("event", ["executionReport", "outboundAccountPosition"])
def test_events_that_never_came_are_found_by_a_look_now_and_then(
    exchange: Any, outsider: Outsider, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userstream, "CHECK_S", 0.3)

    async def main(session: Any, stream: Any) -> None:
        waiting = outsider.rest()
        await equal(outsider, stream)
        exchange.faults.add("frame", how="drop", event=event, times=4)
        outsider.rest()
        outsider.cancel(waiting)
        outsider.rest()
        await equal(outsider, stream)
        assert stream.line.subscriptions == 1

    run(exchange, outsider, main)


@pytest.mark.parametrize("how", ["duplicate", "reorder"])
def test_events_twice_or_in_another_order_lead_to_the_same(exchange: Any, outsider: Outsider, how: str) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        settings = {"seconds": 0.2} if how == "reorder" else {}
        exchange.faults.add("frame", how=how, event="*", **settings)
        for _ in range(4):
            waiting = outsider.rest()
            outsider.market(quantity="1.5")
            outsider.market("SELL", quantity="1")
            outsider.cancel(waiting)
        await equal(outsider, stream)
        assert forward(heard.orders())
        assert stream.blotter.refused == 0

    run(exchange, outsider, main)


def test_a_subscription_that_the_exchange_ends_is_made_again(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        since = stream.unbroken_since
        assert exchange.faults.end_user_streams() == 1
        outsider.rest()
        await poll(lambda: stream.line.subscriptions == 2)
        assert heard.said.index("cut") < heard.said.index("carried")
        assert stream.unbroken_since > since
        await equal(outsider, stream)

    run(exchange, outsider, main)


def test_a_hand_over_misses_nothing_and_leaves_one_connection(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        since = stream.unbroken_since
        exchange.faults.shut_down(60)
        while stream.line.subscriptions < 2 or len(exchange._front.ws_api) > 1:
            outsider.market()
            await asyncio.sleep(0.01)
        await equal(outsider, stream)
        assert stream.unbroken_since == since
        assert "cut" not in heard.said
        assert forward(heard.orders())
        assert all(one.execution for one in heard.orders())  # events told of all of it, no answer did

    run(exchange, outsider, main)


def test_a_hand_over_from_a_connection_that_is_deaf_promises_nothing(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userline, "SILENCE_S", 30.0)

    async def main(session: Any, stream: Any) -> None:
        heard, since, line = Heard(stream), stream.unbroken_since, stream.line
        exchange.faults.freeze(60)
        outsider.rest()  # nobody tells of it
        (wire,) = line._wires.values()
        line._life.retire(wire.number, time.monotonic(), 0.5)
        line._wake.set()
        await poll(lambda: line.subscriptions == 2)
        assert stream.unbroken_since > since
        assert "cut" not in heard.said
        await equal(outsider, stream)

    run(exchange, outsider, main)


def test_a_subscription_that_has_ended_promises_nothing_from_that_moment(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        (wire,) = stream.line._wires.values()
        stream.line._told(wire, Notice("over"))
        assert stream.unbroken_since is None
        await poll(lambda: stream.line.subscriptions == 2)

    run(exchange, outsider, main)


def test_connections_that_end_by_themselves_are_replaced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(userline, "STEADY_S", 0.5)  # what carried so long is followed by the next at once
    monkeypatch.setattr(Rules, "notice", 2.0)  # room for a hand-over on a busy machine
    with cx.PaperExchange(limits=LIMITS, connection_life=3.0) as exchange:
        outsider = Outsider(exchange, exchange.create_account())

        async def main(session: Any, stream: Any) -> None:
            heard, since = Heard(stream), stream.unbroken_since
            while stream.line.subscriptions < 3:
                outsider.rest()
                await asyncio.sleep(0.05)
            await equal(outsider, stream)
            assert "cut" not in heard.said
            assert stream.unbroken_since == since
            assert forward(heard.orders())

        run(exchange, outsider, main)
        outsider.close()


def test_a_restart_of_the_exchange(tmp_path: Any) -> None:
    exchange = cx.PaperExchange(limits=LIMITS, path=tmp_path / "exchange.db")
    with exchange:
        port = exchange.port
        keys = exchange.create_account()
        outsider = Outsider(exchange, keys)

        async def main(session: Any, stream: Any) -> None:
            heard = Heard(stream)
            outsider.rest()
            outsider.market(quantity="2")
            waiting = outsider.rest()
            await equal(outsider, stream)
            exchange.stop()
            await poll(lambda: stream.unbroken_since is None)
            assert len(stream.blotter.open_orders()) == 2  # what is known stays known
            with cx.PaperExchange(limits=LIMITS, path=tmp_path / "exchange.db", port=port) as again:
                other = Outsider(again, keys)
                other.cancel(waiting)
                other.market(quantity="1")
                await poll(lambda: stream.line.subscriptions == 2, 30)
                await equal(other, stream)
                other.close()
            assert forward(heard.orders())

        run(exchange, outsider, main)
        outsider.close()


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


def test_looks_that_fail_are_repeated_and_events_go_on(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        async with connected(exchange, outsider) as session:
            exchange.faults.add("status", path="openOrders", code=502, times=12)
            stream = session._user_stream()
            await poll(lambda: stream.line.subscriptions == 1)
            await poll(lambda: stream.trouble is not None)
            assert "NetworkError" in stream.trouble
            placed = outsider.rest()
            await poll(lambda: stream.blotter.order(SYMBOL, placed["orderId"]))
            await asyncio.wait_for(stream.ready(), 30)
            assert stream.trouble is None
            await equal(outsider, stream)

    asyncio.run(main())


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


def test_a_key_that_rest_refuses_ends_it_too(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.add("status", path="account", code=401, error_code=-2015)
        stream.check()
        await poll(lambda: stream.failure)
        assert isinstance(stream.failure, AuthenticationError)
        assert stream.line.is_over

    run(exchange, outsider, main)


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


def test_an_order_that_the_exchange_denies_twice_is_forgotten(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userstream, "AGAIN_S", 0.3)

    async def main(session: Any, stream: Any) -> None:
        ghost = Order(
            symbol=SYMBOL, order_id=10**9, client_order_id="g", side="buy", type="LIMIT", status="new", updated_ms=1
        )
        stream.note(ghost)
        stream.check()
        await poll(lambda: stream._misses)
        assert stream.blotter.open_orders() == [ghost]  # once is no proof
        await poll(lambda: not stream.blotter.open_orders())

    run(exchange, outsider, main)


def test_an_event_that_cannot_be_read_breaks_the_promise_and_leads_to_a_look(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        since, weight = stream.unbroken_since, len(exchange.requests)
        stream.told(Notice("other", "news"))
        assert stream.unbroken_since == since
        stream.told(Notice("lost", "an event"))
        assert stream.unbroken_since > since
        await poll(lambda: len(exchange.requests) > weight)

    run(exchange, outsider, main)


def test_deposits_reach_the_balances(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.add("frame", how="drop", event="outboundAccountPosition", times=1)
        exchange.deposit(outsider.keys.api_key, "USDT", 77)
        await equal(outsider, stream, 5.0)

    run(exchange, outsider, main)


def test_a_clock_that_is_off_is_read_anew(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.step_clock(120)
        exchange.faults.cut()
        await poll(lambda: stream.line.subscriptions == 2)
        assert stream.failure is None
        asked = [one for one in exchange.requests if one.path == "userDataStream.subscribe.signature"]
        assert [one.status for one in asked] == [200, 400, 200]
        await asyncio.wait_for(stream.ready(), 10)

    run(exchange, outsider, main)


def curve_key() -> tuple[str, str]:
    """A new Ed25519 key in PEM: the private half, the public one."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public


def test_an_ed25519_key_logs_on(exchange: Any, outsider: Outsider) -> None:
    pem, public = curve_key()
    key = exchange.add_key(outsider.keys.api_key, public)

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=key.api_key, private_key=pem) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            outsider.rest()
            await equal(outsider, stream)
            exchange.faults.cut()
            outsider.rest()
            await equal(outsider, stream)

    asyncio.run(main())
    calls = [one.path for one in exchange.requests if one.method == "WS"]
    assert calls == ["session.logon", "userDataStream.subscribe"] * 2


def test_a_key_that_is_refused_ends_it_at_once(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange, user="eve", api_key="k" * 64, secret_key="s" * 64) as session:
            stream = session._user_stream()
            heard = Heard(stream)
            with pytest.raises(AuthenticationError) as caught:
                await asyncio.wait_for(stream.ready(), 10)
            assert (caught.value.context["user"], caught.value.context["venue"]) == ("eve", "paper")
            assert isinstance(stream.failure, AuthenticationError)
            assert heard.said[-1] == "ended AuthenticationError"
            asked = len(exchange.requests)
            await asyncio.sleep(0.5)
            assert len(exchange.requests) == asked  # no endless retries
            assert session._user_stream() is not stream  # whoever wants to may try again
            with pytest.raises(AuthenticationError):
                await asyncio.wait_for(session._user_stream().ready(), 10)

    asyncio.run(main())


def test_a_key_that_is_withdrawn_ends_it(exchange: Any, outsider: Outsider) -> None:
    extra = exchange.add_key(outsider.keys.api_key)

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=extra.api_key, secret_key=extra.secret_key) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            exchange._state.accounts.remove_key(extra.api_key)
            exchange.faults.cut()
            await poll(lambda: stream.failure)
            assert isinstance(stream.failure, AuthenticationError)
            assert stream.unbroken_since is None

    asyncio.run(main())


def test_without_a_key_or_an_address_it_says_what_to_do() -> None:
    async def main() -> None:
        async with cx.aio.connect("binance") as session:
            with pytest.raises(ConfigurationError, match="no key on") as caught:
                session._user_stream()
            assert "api_key" in caught.value.recovery_suggestions[0]
        async with cx.aio.connect(
            "binance", api_key="k", secret_key="s", rest_url="http://127.0.0.1:1", stream_url="ws://127.0.0.1:1"
        ) as session:
            with pytest.raises(ConfigurationError, match="WebSocket API is not known"):
                session._user_stream()
        with pytest.raises(ConfigurationError, match="closed"):
            session._user_stream()

    asyncio.run(main())


def test_the_end_of_a_session_closes_its_connection(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        assert session._user_stream() is stream
        await session.close()
        assert stream.line.is_over
        await poll(lambda: len(exchange._front.ws_api) == 0)
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        session.retire("enough")
        await poll(lambda: len(exchange._front.ws_api) == 0)
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        del session
        gc.collect()
        await poll(lambda: stream.line.is_over)
        await poll(lambda: len(exchange._front.ws_api) == 0)

    asyncio.run(main())


def test_what_closes_a_connection_may_be_killed(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    spawn = userline.UserLine.spawn

    def spawned(line: Any, work: Any) -> Any:
        task = spawn(line, work)
        if work.__name__ == "_hang_up" and not killed:
            killed.append(task)
            task.cancel()
        return task

    monkeypatch.setattr(userline.UserLine, "spawn", spawned)

    async def main(session: Any, stream: Any) -> None:
        await asyncio.wait_for(session.close(), 30)
        assert killed
        await poll(lambda: len(exchange._front.ws_api) == 0)

    run(exchange, outsider, main)


def test_it_belongs_to_one_loop(exchange: Any, outsider: Outsider) -> None:
    async def elsewhere(session: Any) -> None:
        with pytest.raises(ConfigurationError, match="loop it was started on"):
            session._user_stream()

    async def main(session: Any, stream: Any) -> None:
        await asyncio.to_thread(asyncio.run, elsewhere(session))

    run(exchange, outsider, main)


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
def test_keys_and_signatures_are_nowhere(
    exchange: Any, outsider: Outsider, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    pem, public = curve_key()
    extra = exchange.add_key(outsider.keys.api_key, public if kind == "ed25519" else None)
    secret = {"private_key": pem} if kind == "ed25519" else {"secret_key": extra.secret_key}
    call = "session.logon" if kind == "ed25519" else "userDataStream.subscribe.signature"
    seen: list[str] = []

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=extra.api_key, **secret) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            exchange.faults.add("status", path=call, error_code=-1000, times=1)
            exchange.faults.add("reset", path=call, times=1, after=1)
            exchange.faults.cut()
            await poll(lambda: stream.line.subscriptions >= 2)
            things = [stream, stream.line, *stream.line._wires.values(), stream.blotter]
            things += [wire.rpc for wire in stream.line._wires.values()]
            seen.extend(repr(thing) for thing in things)
            seen.extend(repr(vars(thing)) for thing in things if hasattr(thing, "__dict__"))
            seen.extend(repr(task) for task in asyncio.all_tasks())

    asyncio.run(main())
    seen += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "httpx" not in record.name]
    assert sum("user_stream.failed" in text for text in seen) == 2
    hidden = [extra.api_key, *(pem.splitlines()[1:-1] if kind == "ed25519" else [extra.secret_key])]
    for text in seen:
        assert not any(one in text for one in hidden)
        assert "signature=" not in text
        assert '"signature"' not in text


@pytest.mark.parametrize("seed", range(3))
def test_a_campaign_of_everything_at_once(
    exchange: Any, outsider: Outsider, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userstream, "CHECK_S", 1.0)
    chance = random.Random(seed)

    async def main(session: Any, stream: Any) -> None:
        heard = Heard(stream)
        for how in ("drop", "duplicate"):
            exchange.faults.add("frame", how=how, event="*", probability=0.15, seed=seed)
        exchange.faults.add("frame", how="reorder", seconds=0.1, event="*", probability=0.15, seed=seed)
        waiting: list[Any] = []
        for _ in range(60):
            act = chance.random()
            if act < 0.35:
                waiting.append(outsider.rest(chance.choice(["0.97", "0.99", "0.9999"])))
            elif act < 0.6:
                outsider.market(chance.choice(["BUY", "SELL"]), chance.choice(["0.01", "1", "2"]))
            elif act < 0.8 and waiting:
                gone = waiting.pop(chance.randrange(len(waiting)))
                if any(one[1] == gone["orderId"] for one in outsider.truth()[0]):
                    outsider.cancel(gone)
            elif act < 0.85:
                exchange.faults.cut()
            elif act < 0.9:
                exchange.faults.end_user_streams()
            else:
                await asyncio.sleep(chance.random() / 10)
            await asyncio.sleep(0)
        exchange.faults.clear()
        await equal(outsider, stream, 20.0)
        assert forward(heard.orders())
        assert stream.blotter.refused == 0
        await poll(lambda: len(exchange._front.ws_api) == 1)

    run(exchange, outsider, main)
