"""What must happen at most once: journalled, sent once, and where no answer came, asked about until it is known.

The rule is DESIGN, section 5. A request here is never sent again by itself, with one exception: a definite "your time
is off" proves that nothing was done, so it goes out once more under the same client order id, with the time read anew.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from logging import ERROR, INFO, WARNING
from typing import Any, TypeVar, cast

from cryptox import _telemetry, logs
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
from cryptox.sessions.acts import Act, Pending, how_it_stands
from cryptox.sessions.counts import OrderCounts
from cryptox.sessions.journal import Entry
from cryptox.sessions.settling import Settling, named, seen
from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Answer
from cryptox.venues.port import Request

__all__ = ["Acting"]

T = TypeVar("T")

log = logs.logger("sessions.orders")

INTERRUPTED_S = 1.0  # how long an interrupted call waits for its answer, to say how its order stands
SKEWED_TWICE = 2
WAITS = 4  # times its time limit is the longest that an act may wait to be sent


class _Doubt(Exception):  # not an error: a state
    def __init__(self, why: str, told: Any = None) -> None:
        super().__init__(why)
        self.why, self.told = why, told


class _TooLate(CryptoxError):  # not an error: turned into one where it is caught
    """Nothing may be sent any more: others may hold the act for one of a dead process, and settle it."""


class Acting(Settling):
    """A session that may act."""

    @functools.cached_property
    def _counts(self) -> OrderCounts:
        """Of the account; limits are known once rules were read."""
        return OrderCounts()

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
        side, type_ = (act.about.get("terms") or (None, None))[:2]
        facts = {"venue": self.venue.name, "side": side, "type": type_}
        span = _telemetry.act(act.operation, act.symbol, client_order_id=act.client_order_id, **facts)
        with logs.context(**self._about), span as told:
            return await self._done_once(act, told)

    async def _done_once(self, act: Act[T], told: _telemetry.Told) -> T:
        await self._as_of()
        loop = asyncio.get_running_loop()
        if self._recovered_on is not loop:
            self._recover()
        if self._is_carried(act.client_order_id):
            raise ValidationError(
                f"{act.client_order_id!r} is under way already; nothing was sent.",
                recovery_suggestions=["Look at session.unresolved(), or leave client_order_id out."],
                context={"client_order_id": act.client_order_id, "sent": False},
            )
        self._carry_here(act.client_order_id)  # nothing is awaited in between
        try:
            await self._room(act.request.orders)
            pending = self._noted(act)
        except BaseException:
            self._carry_no_more(act.client_order_id)
            raise
        pending.task = loop.create_task(self._carry(act, pending), name="cryptox-order")
        pending.task.add_done_callback(functools.partial(self._never_begun, pending))
        try:
            result: T = await asyncio.shield(pending.outcome)
        except asyncio.CancelledError as interrupt:
            await self._tell_interrupted(pending, interrupt)
            told.tell(cryptox__outcome="interrupted")
            raise
        except OutcomeUnknown:
            told.tell(cryptox__outcome="unknown")
            raise
        except CryptoxError as error:
            told.tell(cryptox__outcome="not_done", cryptox__error_code=getattr(error, "code", None))
            raise
        told.tell(cryptox__outcome="done", cryptox__order_id=pending.order_id)
        return result

    def _noted(self, act: Act[Any]) -> Pending:
        """The act in the journal: nothing is sent before."""
        settings, sent_ms = self.settings, self._timestamp_ms()
        # It may wait for weight before it is sent, and be under way until its time limit.
        wait_s = WAITS * settings.order_timeout
        about = dict(act.about)
        if act.about.get("given") and act.client_order_id in self._former:
            about["former"] = self._former[act.client_order_id]
        until_ms = int(sent_ms + wait_s * 1000 + settings.order_recv_window)
        entry = Entry(act.client_order_id, act.operation, act.symbol, sent_ms, until_ms, about)
        pending = Pending(entry, asyncio.get_running_loop().create_future(), accepted_until_ms=until_ms)
        pending.latest_at, pending.known = time.monotonic() + wait_s, act.known
        pending.outcome.add_done_callback(seen)
        self._acts[act.client_order_id] = pending
        self._journal.begin(entry)
        logs.event(log, "order.sending", level=INFO, **named(entry))
        return pending

    def _stamped(self, pending: Pending) -> int:
        """The time to sign with; called at the moment of sending."""
        now, stamp, entry = time.monotonic(), self._timestamp_ms(), pending.entry
        if now > pending.latest_at:
            raise _TooLate("It waited too long to be sent.", context={"sent": False})
        until_ms = int(stamp + self.settings.order_recv_window)
        if stamp < entry.sent_ms or until_ms > entry.accepted_until_ms:  # the exchange's clock was set
            pending.entry = dataclasses.replace(entry, sent_ms=stamp, accepted_until_ms=until_ms)
            self._journal.begin(pending.entry)
        elif stamp > entry.sent_ms:  # it has waited
            pending.entry = dataclasses.replace(entry, sent_ms=stamp)
        pending.state, pending.sent_at, pending.accepted_until_ms = "sent", now, until_ms
        return stamp

    async def _carry(self, act: Act[Any], pending: Pending) -> None:
        """From sending to the definite end, however long that takes."""
        try:
            try:
                result = await self._deliver(act, pending)
            except _Doubt as doubt:
                if doubt.told is not None:
                    about = {**pending.entry.about, "duplicate": True}
                    pending.entry = dataclasses.replace(pending.entry, about=about)
                    pending.told = doubt.told
                await self._settle(pending, doubt.why)
            except Exception as error:  # noqa: BLE001  # told to whoever waits, or settled
                if pending.state == "waiting":  # a definite end, and whoever waits for it is told
                    self._finish(pending, "not_done", error=error)
                    return
                # A defect of ours proves nothing about the exchange.
                logs.event(log, "order.defect", level=ERROR, error=repr(error), **named(pending.entry))
                await self._settle(pending, f"{type(error).__name__}: {error}")
            else:
                self._finish(pending, "done", result)
        except asyncio.CancelledError:
            if pending.state == "waiting":
                self._finish(pending, "not_done", error=NotSent("It was stopped; nothing was done."))
            else:
                pending.detail = pending.detail or "The task that sent it was stopped."
                self._stopped(pending)
            raise

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
            unsigned = venue.outgoing(request, self.settings.encoding)
            outgoing = self._signed(
                unsigned, self.settings.order_recv_window, functools.partial(self._stamped, pending)
            )
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
            except _TooLate as late:
                raise _waited_too_long(pending.entry) from late
            except (NetworkError, ExchangeError) as error:
                raise _Doubt(error.user_message) from error
            refused, result = self._judged_answer(request, answer)
            if refused is None:
                half: CryptoxError | None = getattr(result, "order_error", None)  # of a replacement
                if half is not None and _is_duplicate(half):
                    raise _Doubt(half.user_message, result)
                self._claim(pending.entry, result)
                if getattr(result, "cancel_error", None) is not None:
                    result = await self._done_before(pending, result) or result
                return cast(T, result)
            explained = await self._explained(refused, request)
            if _is_duplicate(refused):
                raise _Doubt(refused.user_message, explained)
            if (found := await self._done_before(pending, explained)) is not None:
                return cast(T, found)
            pending.state = "waiting"  # nothing was done
            if not isinstance(refused, ClockSkew) or attempt == SKEWED_TWICE - 1:
                raise explained
            logs.event(log, "order.again", level=WARNING, why=refused.user_message, **named(pending.entry))
            try:
                await self._read_clock()
            except CryptoxError as error:
                raise explained from error
        raise AssertionError("unreachable")

    def _judged_answer(self, request: Request[Any], answer: Answer) -> tuple[CryptoxError | None, Any]:
        """The definite refusal, or what was done.

        Raises
        ------
        _Doubt
            Neither can be told from it.
        """
        self._address.clock.steady = self.venue.is_steady(answer)
        self._counts.told(self._trading_venue.order_usage(answer), self._limit_ms())
        refused = self.venue.refusal(request, answer)
        if isinstance(refused, OutcomeUnknown):
            raise _Doubt(refused.user_message)
        if refused is not None:
            return refused, None
        try:
            return None, request.read(answer)
        except ExchangeError as error:
            raise _Doubt(f"the answer cannot be read: {error.user_message}") from error

    async def _done_before(self, pending: Pending, told: Any) -> Any:
        """What an earlier copy of a request did that was refused; None where none is known to have done anything.

        Raises
        ------
        _Doubt
            It could not be asked for.
        """
        question = self._questions[pending.entry.operation]
        try:
            async with asyncio.timeout(self.settings.order_timeout):
                found = await question.done_before(pending.entry, told)
        except RateLimited:  # that is no sign of anything
            return None
        except (CryptoxError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and not self._has_weight():  # it has waited for weight
                return None
            raise _Doubt("it was refused, perhaps because it had been sent twice", told) from error
        if found is not None:
            logs.event(log, "order.sent_twice", level=WARNING, **named(pending.entry))
        return found

    async def _room(self, orders: int) -> None:
        """Wait until the account may place so many orders, for ``order_timeout`` at most."""
        if orders == 0:
            return
        until = time.monotonic() + self.settings.order_timeout
        while (wait_s := self._counts.wait_ms(orders, self._limit_ms()) / 1000) > 0:  # others wait for the same room
            if time.monotonic() + wait_s > until:
                raise RateLimited(
                    f"The account's order count is used up for another {wait_s:.1f} s; nothing was sent.",
                    retry_after=wait_s,
                    context={"sent": False},
                )
            logs.event(log, "order.waits", level=INFO, wait_s=round(wait_s, 3), orders=orders)
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
        logs.event(log, "order.interrupted", level=WARNING, how=told, **named(entry))


def _is_duplicate(refused: CryptoxError) -> bool:
    """Whether its client order id was in use: perhaps by an earlier copy of the same request."""
    return bool(refused.context.get("duplicate"))


def _waited_too_long(entry: Entry) -> NotSent:
    return NotSent(
        f"{entry.operation} on {entry.symbol} waited too long to be sent; nothing was sent.",
        recovery_suggestions=["The same call can safely be made again."],
        context={"symbol": entry.symbol, "client_order_id": entry.client_order_id, "sent": False},
    )
