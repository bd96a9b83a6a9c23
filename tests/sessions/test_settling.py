"""What ends a doubt early: a second query beside one that is lost, and what was heard without asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions import orders, resolution, settling
from cryptox.sessions.acts import Pending
from cryptox.sessions.journal import Entry
from cryptox.sessions.lookups import Lister
from tests.sessions.test_acting import FAR, exchange, placed, soon

__all__ = ["exchange", "soon"]


@pytest.fixture
def patient(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[cx.Session]:
    """A session that waits for a query that is lost beyond the end of its call."""
    monkeypatch.setattr(resolution, "LOOK_S", 1000.0)
    monkeypatch.setattr(resolution, "LONGEST_LOOK_S", 1000.0)
    given = {"order_timeout": 1.0, "order_recv_window": 300, "timeout": 60.0, "resolve_timeout": 20.0}
    with cx.connect(exchange, **given) as connected:
        connected.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        yield connected


@pytest.mark.parametrize("lost", ["time", "order"])
def test_a_query_that_is_lost_holds_up_nothing(lost: str, exchange: cx.PaperExchange, patient: cx.Session) -> None:
    exchange.faults.add("drop", path="order", method="POST", times=1)
    dropped = exchange.faults.add("drop", path=lost, method="GET", times=2)
    order = patient.buy("BTCUSDT", "0.001", FAR)
    assert placed(patient) == [order.client_order_id]
    assert dropped.hits == 2


def test_it_is_proved_beside_queries_that_are_lost(exchange: cx.PaperExchange, patient: cx.Session) -> None:
    exchange.faults.add("drop", path="order", method="POST", times=1, accepted=False)
    dropped = exchange.faults.add("drop", path="order", method="GET", times=2)
    with pytest.raises(cx.errors.NotSent):
        patient.buy("BTCUSDT", "0.001", FAR)
    assert dropped.hits == 2


def test_nobody_waits_so_queries_stay_alone(exchange: cx.PaperExchange) -> None:
    fast = {"order_timeout": 0.5, "order_recv_window": 300, "resolve_timeout": 0.2}
    with cx.connect(exchange, **fast) as session:
        session.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        dropped = exchange.faults.add("drop", path="time", method="GET")
        with pytest.raises(cx.errors.OutcomeUnknown):
            session.buy("BTCUSDT", "0.001", FAR)
        asked = dropped.hits
        time.sleep(1.8)  # time for three in company
        assert dropped.hits - asked <= 1


@pytest.mark.parametrize("kind", ["LIMIT", "MARKET"])
def test_what_the_stream_tells_of_an_order_settles_it(kind: str, exchange: cx.PaperExchange) -> None:
    """Without one query that is answered."""

    async def main() -> Any:
        fast = {"order_timeout": 0.5, "order_recv_window": 300, "timeout": 0.5}
        async with cx.aio.connect(exchange, **fast) as session:
            price = {"price": FAR} if kind == "LIMIT" else {}
            await session.test_order("BTCUSDT", "buy", kind, quantity="0.001", **price)
            await asyncio.wait_for(session._user_stream().ready(), 10)
            exchange.faults.add("drop", path="order", method="POST", times=1)
            exchange.faults.add("status", code=502, method="GET")
            return await session.place_order("BTCUSDT", "buy", kind, quantity="0.001", **price)

    order = asyncio.run(main())
    assert order.status == ("new" if kind == "LIMIT" else "filled")
    assert sum(fill.quantity for fill in order.fills) == order.filled


def test_a_defect_of_ours_is_no_answer_of_the_exchange(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look, looked = Lister.placed, []

    async def defective(self: Lister, entry: Any) -> Any:
        looked.append(entry.client_order_id)
        if len(looked) == 1:
            raise ZeroDivisionError("of ours")
        return await look(self, entry)

    monkeypatch.setattr(Lister, "placed", defective)
    with cx.connect(exchange, order_timeout=0.5, order_recv_window=300, resolve_timeout=20.0) as session:
        session.test_order("BTCUSDT", "buy", quantity="0.001", price=FAR)
        exchange.faults.add("drop", path="order", method="POST", times=1)
        order = session.buy("BTCUSDT", "0.001", FAR)
        assert placed(session) == [order.client_order_id]
    assert set(looked) == {order.client_order_id}
    assert len(looked) >= 2
    assert "ZeroDivisionError: of ours" in caplog.text


def act(loop: asyncio.AbstractEventLoop, state: str) -> Pending:
    entry = Entry(f"act-{state}", "place_order", "BTCUSDT", 1, 2)
    return Pending(entry, loop.create_future(), state, accepted_until_ms=2)


async def never_begun(pending: Pending) -> asyncio.Task[None]:
    task = pending.task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    task.cancel()
    await asyncio.wait([task])
    return task


def test_a_task_that_was_stopped_before_its_first_step(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with cx.aio.connect(exchange) as session:
            await session.account()
            waiting, asking, done = (act(loop, state) for state in ("waiting", "asking", "done"))
            for pending in (waiting, done):
                session._never_begun(pending, await never_begun(pending))
            with pytest.raises(cx.errors.NotSent, match="nothing was done"):
                waiting.outcome.result()
            assert (waiting.state, done.state, done.outcome.done()) == ("not_done", "done", False)

            task = await never_begun(asking)
            asking.task = None  # another one carries it meanwhile
            session._never_begun(asking, task)
            assert (asking.state, asking.outcome.done()) == ("asking", False)
            asking.task = task
            monkeypatch.setattr(settling, "is_winding_down", lambda loop: True)
            session._never_begun(asking, task)
            assert asking.task is None
            with pytest.raises(cx.errors.OutcomeUnknown, match="the session ended meanwhile"):
                asking.outcome.result()

            session._go_on(waiting)  # it has ended by now
            assert waiting.task is not None
            late = act(loop, "asking")
            monkeypatch.setattr(session, "_closed", "closed")
            session._go_on(late)
            assert late.task is None
            assert isinstance(late.outcome.exception(), cx.errors.OutcomeUnknown)
            monkeypatch.setattr(session, "_closed", None)

    asyncio.run(main())


def test_only_so_many_names_and_cancels_are_remembered(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setattr(settling, "REMEMBERED", 2)
        monkeypatch.setattr(orders, "MOST_CLAIMS", 1)
        async with cx.aio.connect(exchange) as session:
            first, second = [await session.buy("BTCUSDT", "0.001", FAR) for _ in range(2)]
            for order in (first, second):
                await session.cancel_order("BTCUSDT", order)
            assert list(session._claims) == [("BTCUSDT", second.order_id)]
            for name, number in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
                session._had(name, number)
            assert dict(session._former) == {"a": 3, "c": 4}

    asyncio.run(main())


def test_an_order_that_was_met_elsewhere_ends_only_the_act_it_is_a_sign_of(exchange: cx.PaperExchange) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with cx.aio.connect(exchange) as session:
            order = await session.buy("BTCUSDT", "0.001", FAR)
            pending = act(loop, "asking")
            session._acts[pending.entry.client_order_id] = pending
            session._noticed(pending.entry.client_order_id, order.changed(symbol="ETHUSDT"))
            session._noticed("somebody-else", order)
            assert (pending.state, pending.outcome.done()) == ("asking", False)
            sent = session._acts["act-sent"] = act(loop, "sent")  # its own answer may yet come
            session._noticed("act-sent", order)
            assert (session._acts.pop("act-sent").state, sent.outcome.done()) == ("sent", False)
            session._noticed(pending.entry.client_order_id, order)
            assert (pending.state, pending.outcome.result().order_id) == ("done", order.order_id)

    asyncio.run(main())
