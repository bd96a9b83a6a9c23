"""What must happen at most once: journalled, sent once, and where no answer came, asked about until it is known.

The rule is DESIGN, section 5. A request here is never sent again by itself, with one exception: a definite "your time
is off" proves that nothing was done, so it goes out once more under the same client order id, with the time read anew.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Mapping
from logging import INFO, WARNING
from typing import Any, TypeVar

from cryptox import logs
from cryptox.errors import (
    ClockSkew,
    CryptoxError,
    ExchangeError,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    TradingNotEnabled,
    ValidationError,
)
from cryptox.sessions.acts import Act, Pending, Question, Settled, how_it_stands, is_carried_elsewhere, unknown
from cryptox.sessions.counts import OrderCounts
from cryptox.sessions.journal import Entry, Journal
from cryptox.sessions.resolution import Resolution
from cryptox.sessions.signed import Signed
from cryptox.transport.crypto import Signer

__all__ = ["Acting"]

T = TypeVar("T")

log = logs.logger("sessions.orders")

INTERRUPTED_S = 1.0  # how long an interrupted call waits for its answer, to say how its order stands
SKEWED_TWICE = 2


class _Doubt(Exception):  # not an error: a state
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


_live: set[str] = set()  # client order ids of acts of this process that are under way


class Acting(Signed):
    """A session that may act."""

    _has_recovered = False

    @functools.cached_property
    def _acts(self) -> dict[str, Pending]:
        return {}

    @functools.cached_property
    def _counts(self) -> OrderCounts:
        """Of the account; limits are known once rules were read."""
        return OrderCounts()

    @functools.cached_property
    def _journal(self) -> Journal:
        return Journal(self.venue.name, self._key().fingerprint)

    @property
    def _questions(self) -> Mapping[str, Question]:
        """How to find out about each kind of act."""
        return {}

    def _may_act(self) -> Signer:
        """Refuse to act before anything is sent.

        Raises
        ------
        ConfigurationError
            Closed, or without a key.
        TradingNotEnabled
            The session only reads.
        """
        signer = self._key()
        if not self.trading:
            raise TradingNotEnabled(
                f"This session on {self.venue.name} only reads; nothing was sent.",
                recovery_suggestions=[
                    f"Connect with trading=True to place and cancel orders on {self.venue.name}.",
                    "preview_order(...) and test_order(...) work without it.",
                ],
            )
        return signer

    async def _act(self, act: Act[T]) -> T:
        """Do it once; what came of it.

        Raises
        ------
        NotSent
            It is proved that nothing was done: the call may be made again.
        OutcomeUnknown
            Not known within ``resolve_timeout``; asking goes on, and ``unresolved()`` shows how it stands.
        CryptoxError
            The exchange's definite refusal.
        """
        self._may_act()
        if act.client_order_id in _live:
            raise ValidationError(
                f"{act.client_order_id!r} is under way already; nothing was sent.",
                recovery_suggestions=["Look at session.unresolved(), or leave client_order_id out."],
                context={"client_order_id": act.client_order_id, "sent": False},
            )
        await self._as_of()
        if not self._has_recovered:
            self._recover()
        await self._room(act.request.orders)
        loop = asyncio.get_running_loop()
        settings = self.settings
        sent_ms = self._timestamp_ms()
        # It may wait for weight before it is sent, and be under way until its time limit.
        latest_ms = int(sent_ms + 4 * settings.order_timeout * 1000 + settings.order_recv_window)
        entry = Entry(act.client_order_id, act.operation, act.symbol, sent_ms, latest_ms, act.about)
        pending = Pending(entry, loop.create_future(), accepted_until_ms=latest_ms)
        pending.outcome.add_done_callback(_seen)
        self._acts[act.client_order_id] = pending
        _live.add(act.client_order_id)
        self._journal.begin(entry)
        logs.event(log, "order.sending", level=INFO, **_named(entry))
        pending.task = loop.create_task(self._carry(act, pending), name="cryptox-order")
        try:
            result: T = await asyncio.shield(pending.outcome)
        except asyncio.CancelledError as interrupt:
            await self._tell_interrupted(pending, interrupt)
            raise
        return result

    async def _carry(self, act: Act[Any], pending: Pending) -> None:
        """From sending to the definite end, however long that takes."""
        try:
            try:
                result = await self._deliver(act, pending)
            except _Doubt as doubt:
                await self._settle(pending, doubt.why)
                return
            self._finish(pending, "done", result)
        except asyncio.CancelledError:
            if pending.state == "waiting":
                self._finish(pending, "not_done", error=NotSent("It was stopped before anything was sent."))
            else:
                self._leave(pending)
            raise
        except CryptoxError as error:  # a definite end, and whoever waits for it is told
            self._finish(pending, "not_done", error=error)
        except Exception as error:  # noqa: BLE001  # a defect of ours proves nothing about the exchange
            pending.detail = f"{type(error).__name__}: {error}"
            self._leave(pending, error)

    async def _deliver(self, act: Act[T], pending: Pending) -> T:
        """Send it once; the definite answer, read.

        Raises
        ------
        _Doubt
            It went out, and no definite answer came back.
        CryptoxError
            A definite refusal, or nothing left.
        """
        venue, request = self._trading_venue, act.request
        for attempt in range(SKEWED_TWICE):
            line = await self._line_here()

            def timestamp_ms() -> int:
                """Called at the moment of sending."""
                stamp = self._timestamp_ms()
                pending.state = "sent"
                pending.accepted_until_ms = stamp + self.settings.order_recv_window
                return stamp

            unsigned = venue.outgoing(request, self.settings.encoding)
            outgoing = self._signed(unsigned, self.settings.order_recv_window, timestamp_ms)
            try:
                answer = await line.send(
                    outgoing,
                    weight=request.weight,
                    deadline_s=self.settings.order_timeout,
                    patience_s=self.settings.order_timeout,
                    urgent=True,
                    legible=lambda _: True,
                    repeatable=False,
                )
            except (NotSent, RateLimited):
                pending.state = "waiting"
                raise
            except (NetworkError, ExchangeError) as error:
                raise _Doubt(error.user_message) from error
            self._address.clock.steady = self.venue.is_steady(answer)
            self._counts.told(venue.order_usage(answer), self._limit_ms())
            refused = self.venue.refusal(request, answer)
            if refused is None:
                try:
                    return request.read(answer)
                except ExchangeError as error:
                    raise _Doubt(f"the answer cannot be read: {error.user_message}") from error
            if isinstance(refused, OutcomeUnknown):
                raise _Doubt(refused.user_message)
            if not isinstance(refused, ClockSkew) or attempt == SKEWED_TWICE - 1:
                raise await self._explained(refused, request)
            await self._read_clock()
        raise AssertionError("unreachable")

    async def _settle(self, pending: Pending, why: str) -> None:
        """Ask until it is known; after ``resolve_timeout`` whoever waits is told that it is not known yet."""
        entry = pending.entry
        pending.state, pending.detail = "asking", why
        logs.event(log, "order.doubt", level=WARNING, why=why, **_named(entry))
        question = self._questions[entry.operation]
        clock, began = self._address.clock, time.monotonic()
        resolution = Resolution(
            pending.accepted_until_ms, began, steady=clock.steady, window_ms=self.settings.order_recv_window
        )
        loop = asyncio.get_running_loop()
        patience = loop.call_later(self.settings.resolve_timeout, self._give_up, pending, why)
        try:
            while not resolution.proven:
                now = time.monotonic()
                await asyncio.sleep(resolution.pause_s(now, clock.now_ms(now) if clock.known else None))
                await self._look(question, entry, resolution, pending)
                if pending.state in ("done", "not_done"):
                    return
            await self._conclude(question, pending)
        finally:
            patience.cancel()

    def _leave(self, pending: Pending, error: BaseException | None = None) -> None:
        """Nobody asks any more; the journal keeps it open for the next session."""
        _live.discard(pending.entry.client_order_id)
        if not pending.outcome.done():
            pending.outcome.set_exception(error or unknown(pending.entry, "the session ended meanwhile"))

    async def _look(self, question: Question, entry: Entry, resolution: Resolution, pending: Pending) -> None:
        """One query, with a reading of exchange time before it where that is wanted."""
        began = time.monotonic()
        try:
            if resolution.wants_time:
                server_ms = await self._read_clock()
                resolution.told_time(server_ms, time.monotonic())
            over, began = not resolution.wants_time, time.monotonic()
            found = await question.sign(entry)
        except Settled as settled:
            self._finish(pending, "not_done", error=settled.error)
            return
        except CryptoxError as error:
            if self._closed is not None:
                raise asyncio.CancelledError from error
            pending.detail = error.user_message
            resolution.could_not_ask()
            return
        if found is None:
            resolution.found_nothing(began, time_was_over=over)
        else:
            self._finish(pending, "done", found)

    async def _conclude(self, question: Question, pending: Pending) -> None:
        """It is proved that it was not done."""
        try:
            result = await question.absence(pending.entry)
        except CryptoxError as error:
            self._finish(pending, "not_done", error=error)
        else:
            self._finish(pending, "done", result)

    def _finish(self, pending: Pending, state: str, result: Any = None, *, error: BaseException | None = None) -> None:
        """The definite end of an act."""
        entry = pending.entry
        pending.state, pending.order_id = state, getattr(result, "order_id", pending.order_id)
        self._journal.end(entry.client_order_id, state, pending.order_id)
        _live.discard(entry.client_order_id)
        if not (pending.outcome.done() and isinstance(pending.outcome.exception(), OutcomeUnknown)):
            self._acts.pop(entry.client_order_id, None)  # otherwise unresolved() tells what became of it
        told = {} if error is None else {"error": type(error).__name__}
        logs.event(log, f"order.{state}", level=INFO, order_id=pending.order_id, **told, **_named(entry))
        if pending.outcome.done():
            pending.detail = "found later" if error is None else f"{type(error).__name__}: {error}"
        elif error is None:
            pending.outcome.set_result(result)
        else:
            pending.outcome.set_exception(error)

    def _give_up(self, pending: Pending, why: str) -> None:
        if not pending.outcome.done():
            pending.outcome.set_exception(unknown(pending.entry, why))

    async def _room(self, orders: int) -> None:
        """Wait until the account may place so many orders, for ``order_timeout`` at most."""
        if orders == 0:
            return
        wait_s = self._counts.wait_ms(orders, self._limit_ms()) / 1000
        if wait_s > self.settings.order_timeout:
            raise RateLimited(
                f"The account's order count is used up for another {wait_s:.1f} s; nothing was sent.",
                retry_after=wait_s,
                context={"sent": False},
            )
        if wait_s > 0:
            await asyncio.sleep(wait_s + 0.01)
        self._counts.placed(orders, self._limit_ms())

    def _limit_ms(self) -> float:
        return self._address.clock.limit_now_ms(time.monotonic(), time.time())[0]

    async def _tell_interrupted(self, pending: Pending, interrupt: asyncio.CancelledError) -> None:
        """Say how an interrupted act stands; one that was not sent yet is stopped."""
        entry = pending.entry
        if pending.state == "waiting" and pending.task is not None:
            pending.task.cancel()
        await asyncio.wait({pending.outcome}, timeout=INTERRUPTED_S)
        told = how_it_stands(pending)
        interrupt.add_note(f"Interrupted: {entry.operation} on {entry.symbol} {told}.")
        logs.event(log, "order.interrupted", level=WARNING, how=told, **_named(entry))

    def _recover(self) -> None:
        """Begin to ask about what former processes of this key left open."""
        self._has_recovered = True
        now_ms = self._timestamp_ms()
        for entry in self._journal.open_entries():
            id_ = entry.client_order_id
            if id_ in _live or id_ in self._acts or is_carried_elsewhere(entry, now_ms):
                continue
            _live.add(id_)
            loop = asyncio.get_running_loop()
            pending = Pending(entry, loop.create_future(), "asking", accepted_until_ms=entry.accepted_until_ms)
            pending.outcome.set_exception(unknown(pending.entry, "the process that sent it has ended"))
            pending.outcome.add_done_callback(_seen)
            self._acts[id_] = pending
            pending.task = loop.create_task(self._settle_quietly(pending), name="cryptox-order")

    async def _settle_quietly(self, pending: Pending) -> None:
        try:
            await self._settle(pending, "the process that sent it has ended")
        except asyncio.CancelledError:
            self._leave(pending)
            raise
        except Exception as error:  # noqa: BLE001  # it stays open in the journal, and unresolved() tells why
            pending.detail = f"{type(error).__name__}: {error}"
            self._leave(pending)

    async def _leave_acts(self) -> None:
        """End what is under way; what was sent and not answered stays open in the journal."""
        here = asyncio.get_running_loop()
        ours = [task for task in self._drop_acts() if task.get_loop() is here]
        if ours:
            await asyncio.wait(ours, timeout=1.0)

    def _drop_acts(self) -> list[asyncio.Task[None]]:
        """As ``_leave_acts``, from any thread, without waiting; the tasks that are ending."""
        tasks = [pending.task for pending in self._acts.values() if pending.task is not None]
        for task in tasks:
            if not task.get_loop().is_closed():
                task.get_loop().call_soon_threadsafe(task.cancel)
        return tasks


def _seen(outcome: asyncio.Future[Any]) -> None:
    """Whoever asked may have been interrupted: the error was told all the same."""
    if not outcome.cancelled():
        outcome.exception()


def _named(entry: Entry) -> dict[str, Any]:
    return {"operation": entry.operation, "symbol": entry.symbol, "client_order_id": entry.client_order_id}
