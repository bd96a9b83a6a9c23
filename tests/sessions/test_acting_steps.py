"""What is noted of an act before it is sent and at the moment of sending, and what its questions start from."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

import cryptox as cx
from cryptox.model.orders import Order, Replaced
from cryptox.sessions import settling
from cryptox.sessions.acting import _Doubt, _TooLate
from cryptox.sessions.acts import Act, Known, Pending, Settled
from cryptox.sessions.journal import Entry
from cryptox.sessions.orders import OrderCalls
from tests.sessions.test_acting import exchange, soon

__all__ = ["exchange", "soon"]

NOW_MS = 1_767_225_600_000
WINDOW_MS, TIMEOUT_S = 300, 1.5


def order(number: int, status: str) -> Order:
    return Order(
        symbol="BTCUSDT", order_id=number, client_order_id=f"cx-{number}", side="buy", type="LIMIT", status=status,
        quantity=Decimal(1), time_ms=NOW_MS, updated_ms=NOW_MS,
    )  # fmt: skip


def begun_of(session: Any) -> list[tuple[str, int, int]]:
    return [(one.client_order_id, one.sent_ms, one.accepted_until_ms) for one in session._journal.open_entries()]


def on(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, body: Callable[[Any], Awaitable[None]]) -> None:
    """The body, with a session whose exchange time is ``NOW_MS``; it acts nowhere."""

    async def main() -> None:
        async with cx.aio.connect(exchange, order_timeout=TIMEOUT_S, order_recv_window=WINDOW_MS) as session:
            monkeypatch.setattr(session, "_timestamp_ms", lambda: NOW_MS)
            await body(session)

    asyncio.run(main())


def mine(**about: Any) -> Act[Any]:
    return Act("place_order", "BTCUSDT", "mine", SimpleNamespace(orders=1), about, Known(frozenset({5}), frozenset()))  # type: ignore[arg-type]


def test_what_is_noted_before_anything_is_sent(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait four times its time limit to be sent, and be under way for the window after that."""

    async def body(session: Any) -> None:
        session._had("mine", 7)
        before = time.monotonic()
        pending = session._noted(mine(given=True))
        until_ms = NOW_MS + 6_000 + WINDOW_MS
        assert pending.accepted_until_ms == pending.entry.accepted_until_ms == until_ms
        assert before + 6.0 <= pending.latest_at <= time.monotonic() + 6.0
        assert pending.entry.about == {"given": True, "former": 7}
        assert (pending.state, pending.sent_at) == ("waiting", None)
        assert begun_of(session) == [("mine", NOW_MS, until_ms)]
        assert session._acts == {"mine": pending}
        assert session._known_before(pending.entry).last == 5
        assert "former" not in session._noted(mine()).entry.about  # an id of ours comes once

    on(exchange, monkeypatch, body)


@pytest.mark.parametrize(
    ("later_ms", "sent_ms", "lines"),
    [
        (0, NOW_MS, 1),
        (250, NOW_MS + 250, 1),  # it has waited
        (6_000, NOW_MS + 6_000, 1),
        (6_001, NOW_MS + 6_001, 2),  # the exchange's clock was set forward: it may be accepted for longer than noted
        (-1, NOW_MS - 1, 2),  # it was set back
    ],
)
def test_what_is_noted_at_the_moment_of_sending(
    later_ms: int, sent_ms: int, lines: int, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        pending, noted = session._noted(mine()), []
        begin = session._journal.begin
        monkeypatch.setattr(session._journal, "begin", lambda entry: (noted.append(entry), begin(entry)))
        monkeypatch.setattr(session, "_timestamp_ms", lambda: NOW_MS + later_ms)
        before = time.monotonic()
        assert session._stamped(pending) == sent_ms
        assert (pending.state, pending.entry.sent_ms) == ("sent", sent_ms)
        assert pending.accepted_until_ms == sent_ms + WINDOW_MS
        assert before <= pending.sent_at <= time.monotonic()
        assert 1 + len(noted) == lines
        if noted:  # what the next process would go by
            assert begun_of(session) == [("mine", sent_ms, sent_ms + WINDOW_MS)]

    on(exchange, monkeypatch, body)


def test_what_has_waited_too_long_is_not_signed(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(session: Any) -> None:
        pending = session._noted(mine())
        pending.latest_at = time.monotonic() - 0.001
        with pytest.raises(_TooLate):
            session._stamped(pending)
        assert (pending.state, pending.sent_at) == ("waiting", None)

    on(exchange, monkeypatch, body)


@pytest.mark.parametrize("steady", [True, False])
def test_what_proof_of_absence_starts_from(
    steady: bool, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Exception):
        pass

    started: list[Any] = []

    def resolution(*given: Any, **named: Any) -> None:
        started.append((*given, named))
        raise Stop

    async def body(session: Any) -> None:
        monkeypatch.setattr(settling, "Resolution", resolution)
        session._address.clock.steady = steady
        pending = session._noted(mine())
        session._stamped(pending)
        with pytest.raises(Stop):
            await session._settle(pending, "no answer came")
        ((until_ms, _began, named),) = started
        assert until_ms == NOW_MS + WINDOW_MS
        assert named == {"sent_at": pending.sent_at, "steady": steady, "window_ms": WINDOW_MS}
        assert (pending.state, pending.detail) == ("asking", "no answer came")

    on(exchange, monkeypatch, body)


def test_an_act_is_carried_by_one_loop_until_it_ends(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        assert not session._is_carried("mine")
        session._carry_here("mine")
        assert session._is_carried("mine")
        assert not session._is_carried("yours")
        pending = session._noted(mine(given=True))
        session._finish(pending, "done", order(42, "new"))
        assert not session._is_carried("mine")
        assert session._acts == {}
        assert session._journal.read() == ([], {"mine": 42})  # the next process tells it from a later one
        assert session._former["mine"] == 42
        session._finish(pending, "not_done", error=cx.errors.NotSent("the first end counts"))
        assert (pending.state, pending.outcome.result().order_id) == ("done", 42)

    on(exchange, monkeypatch, body)


def test_what_a_former_process_left_is_taken_over_once(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        asked: list[Pending] = []
        monkeypatch.setattr(session, "_settle_from", lambda pending, _loop: asked.append(pending))
        left = Entry("left", "place_order", "BTCUSDT", NOW_MS - 9_000, NOW_MS - 4_000, {"given": True})
        session._had("again", 9)
        for name, number in (("again", 8), ("newer", 3)):
            session._journal.begin(Entry(name, "place_order", "BTCUSDT", 1, 2, {"given": True}))
            session._journal.end(name, "done", number)
        session._journal.begin(left)
        session._recover()
        session._recover()
        (pending,) = asked
        assert (pending.entry, pending.state, pending.sent_at) == (left, "asking", None)
        assert pending.accepted_until_ms == left.accepted_until_ms
        assert session._is_carried("left")
        assert session._former == {"again": 9, "newer": 3}  # what is known of later is not forgotten for it
        session._carry_no_more("left")

    on(exchange, monkeypatch, body)


def test_who_canceled_what_by_the_exchanges_own_word() -> None:
    session: Any = SimpleNamespace(_claims=OrderedDict())
    first, second, replaced = (
        Entry(name, operation, "BTCUSDT", NOW_MS, NOW_MS + 1)
        for name, operation in (("one", "cancel_all"), ("two", "cancel_order"), ("three", "replace_order"))
    )
    gone, also = order(5, "canceled"), order(6, "canceled")
    OrderCalls._claim(session, first, [gone, order(7, "new")])
    OrderCalls._claim(session, replaced, Replaced(also, order(8, "new"), None, None))
    OrderCalls._claim(session, Entry("four", "place_order", "BTCUSDT", NOW_MS, NOW_MS + 1), order(9, "canceled"))
    assert session._claims == {("BTCUSDT", 5): "one", ("BTCUSDT", 6): "three"}

    def may(entry: Entry, one: Order) -> bool:
        return OrderCalls._may_have_canceled(session, entry, one)

    assert [may(entry, gone) for entry in (first, second, replaced)] == [True, False, False]
    assert [may(entry, also) for entry in (first, second, replaced)] == [False, False, True]
    assert may(second, order(10, "canceled"))  # nobody is known to have done it
    assert not may(second, order(10, "filled"))
    knew = Entry("five", "cancel_order", "BTCUSDT", NOW_MS, NOW_MS + 1, {"ended": [10]})
    assert not may(knew, order(10, "canceled"))  # it had ended before


def test_what_the_exchange_says_of_a_copy_is_kept_while_it_is_asked(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        told, settled = cx.errors.OrderRejected("There is one."), []

        async def deliver(*_: Any) -> None:
            raise _Doubt("in use", told)

        async def settle(*given: Any) -> None:
            settled.append(given)

        monkeypatch.setattr(session, "_deliver", deliver)
        monkeypatch.setattr(session, "_settle", settle)
        pending = session._noted(mine(given=True))
        await session._carry(mine(), pending)
        assert settled == [(pending, "in use")]
        assert pending.told is told
        assert pending.entry.about == {"given": True, "duplicate": True}

    on(exchange, monkeypatch, body)


@pytest.mark.parametrize("begun", [True, False])
def test_an_act_that_is_stopped_while_it_waits_was_not_sent(
    begun: bool, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its task has not had its first step."""

    async def body(session: Any) -> None:
        loop, note = asyncio.get_running_loop(), session._noted

        async def deliver(*_: Any) -> None:
            pending.task.cancel()
            await asyncio.sleep(60)

        def noted(act: Any) -> Pending:
            nonlocal pending
            pending = note(act)
            if not begun:
                loop.call_soon(lambda: pending.task.cancel())
            return pending

        pending: Any = None
        monkeypatch.setattr(session, "_deliver", deliver)
        monkeypatch.setattr(session, "_noted", noted)
        with pytest.raises(cx.errors.NotSent, match="nothing was done"):
            await asyncio.wait_for(session._act(mine()), 10)
        assert begun_of(session) == []

    on(exchange, monkeypatch, body)


def test_an_act_that_is_stopped_after_it_was_sent_is_not_known(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        async def deliver(_: Any, pending: Pending) -> None:
            session._stamped(pending)
            pending.task.cancel()
            await asyncio.sleep(60)

        monkeypatch.setattr(session, "_deliver", deliver)
        monkeypatch.setattr(settling, "is_winding_down", lambda _loop: True)
        with pytest.raises(cx.errors.OutcomeUnknown):
            await asyncio.wait_for(session._act(mine()), 10)
        assert begun_of(session) == [("mine", NOW_MS, NOW_MS + 6_000 + WINDOW_MS)]  # for the next session

    on(exchange, monkeypatch, body)


class Question:
    """Of which the answer is given."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def sign(self, _entry: Entry) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Open:
    """A resolution that notes what it is told."""

    wants_time, steady, proven = True, True, False

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self.told.append(name)


HALF = Replaced(order(5, "canceled"), None, None, cx.errors.OrderRejected("no"))  # type: ignore[arg-type]
REFUSED = cx.errors.OrderRejected("There is one.")
ABSENT = cx.errors.NotSent("There is none.")


@pytest.mark.parametrize(
    ("told", "answer", "ends", "failed"),
    [
        (None, order(42, "new"), order(42, "new"), False),
        (None, Settled(ABSENT), ABSENT, False),
        (REFUSED, Settled(ABSENT), REFUSED, False),  # the exchange's own word
        (HALF, Settled(ABSENT), HALF, False),  # of which the other half was done
        (None, None, None, False),
        (None, cx.errors.NetworkError("nobody there"), None, True),
        (None, ZeroDivisionError("of ours"), None, True),
    ],
)
def test_what_one_look_ends_with(
    told: Any, answer: Any, ends: Any, failed: bool, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        async def read_clock() -> int:
            return NOW_MS + 60_000

        monkeypatch.setattr(session, "_read_clock", read_clock)
        pending, resolution = session._noted(mine()), Open()
        session._stamped(pending)
        pending.state, pending.told = "asking", told
        await session._look(Question(answer), resolution, pending)
        assert pending.outcome.done() == (ends is not None)
        if isinstance(ends, Exception):
            assert pending.outcome.exception() is ends
        elif ends is not None:
            assert pending.outcome.result() == ends
        assert ("could_not_ask" in resolution.told) == failed
        assert ("found_nothing" in resolution.told) == (answer is None)
        assert resolution.told[0] == "told_time"
        assert pending.entry.sent_ms == NOW_MS

    on(exchange, monkeypatch, body)


def test_a_clock_that_was_set_back_makes_an_act_older(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what it did would be taken for something of before."""

    async def body(session: Any) -> None:
        async def read_clock() -> int:
            return NOW_MS - 60_000

        monkeypatch.setattr(session, "_read_clock", read_clock)
        pending = session._noted(mine())
        session._stamped(pending)
        await session._look(Question(None), Open(), pending)
        assert NOW_MS - 90_000 < pending.entry.sent_ms <= NOW_MS - 60_000

    on(exchange, monkeypatch, body)


def test_what_was_heard_already_is_not_asked_for(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(session: Any) -> None:
        monkeypatch.setattr(session, "_hearsay", lambda _entry: order(42, "new"))
        monkeypatch.setattr(session, "_timed_look", None)
        pending = session._noted(mine())
        session._stamped(pending)
        await session._settle(pending, "no answer came")
        assert pending.outcome.result().order_id == 42

    on(exchange, monkeypatch, body)


def test_of_a_replacement_the_new_order_is_told(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(session: Any) -> None:
        pending = session._noted(mine(given=True))
        session._finish(pending, "done", Replaced(order(5, "canceled"), order(8, "new"), None, None))
        assert (pending.order_id, session._former["mine"]) == (8, 8)

    on(exchange, monkeypatch, body)


def test_what_nobody_asks_for_any_more_is_asked_again(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(session: Any) -> None:
        asked: list[Pending] = []
        monkeypatch.setattr(session, "_settle_from", lambda pending, _loop: asked.append(pending))
        pending = session._noted(mine())
        pending.state = "asking"
        session._go_on(pending)
        assert asked == [pending]

    on(exchange, monkeypatch, body)
