"""Whatever breaks, a user's blotter ends up equal to what the exchange knows."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptox.model.orders import Order
from cryptox.sessions import userline, userstream
from cryptox.venues.user import Notice

sys.path.insert(0, str(Path(__file__).parents[1]))
from listener import Heard, connected, equal, forward, poll, run
from outsider import SYMBOL, Outsider


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
