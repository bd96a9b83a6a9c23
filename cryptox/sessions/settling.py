"""Finding out what became of an act: whose answer never came, or whose process has died. Nothing here sends an act."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from collections import OrderedDict
from collections.abc import Mapping
from logging import ERROR, INFO, WARNING
from typing import Any

from cryptox import logs, portal
from cryptox.errors import CryptoxError, NotSent, OutcomeUnknown, RateLimited
from cryptox.model.orders import Order, Replaced
from cryptox.sessions.acts import Pending, Question, Settled, is_carried_elsewhere, unknown
from cryptox.sessions.journal import Entry, Journal
from cryptox.sessions.resolution import Resolution
from cryptox.sessions.signed import Signed
from cryptox.sessions.tending import AGAIN_S, is_winding_down

__all__ = ["Settling"]

log = logs.logger("sessions.orders")

ENDED = "the process that sent it has ended"
TRY_S = 1.0  # while somebody waits, the exchange is tried so often however long it has failed
REMEMBERED = 10_000  # ids of the user's own

_Slot = tuple[str, str]  # whose journal, and a client order id

_under_way: dict[_Slot, asyncio.AbstractEventLoop] = {}  # acts of this process, and the loops that carry them


class Settling(Signed):
    """A session that follows acts to their end."""

    _recovered_on: asyncio.AbstractEventLoop | None = None
    _last_act: tuple[float, float] | None = None  # how long it took in seconds, and when it ended, monotonic

    @functools.cached_property
    def _acts(self) -> dict[str, Pending]:
        return {}

    @functools.cached_property
    def _former(self) -> OrderedDict[str, int]:
        """Client order ids that the user gave, and the last order or list that had each."""
        return OrderedDict()

    @functools.cached_property
    def _journal(self) -> Journal:
        return Journal(self.venue.name, self._key().fingerprint)

    @property
    def _questions(self) -> Mapping[str, Question]:
        """How to find out about each kind of act."""
        return {}

    def _slot(self, client_order_id: str) -> _Slot:
        return self._journal.stem, client_order_id

    def _is_carried(self, client_order_id: str) -> bool:
        """Whether a loop of this process carries it; one that has stopped carries nothing any more."""
        loop = _under_way.get(self._slot(client_order_id))
        return loop is not None and loop.is_running() and not portal.is_lost(loop)

    def _carry_here(self, client_order_id: str) -> None:
        _under_way[self._slot(client_order_id)] = asyncio.get_running_loop()

    def _carry_no_more(self, client_order_id: str) -> None:
        _under_way.pop(self._slot(client_order_id), None)

    async def _settle(self, pending: Pending, why: str) -> None:
        """Ask until it is known; after ``resolve_timeout`` whoever waits is told that it is not known yet."""
        entry = pending.entry
        pending.state, pending.detail = "asking", why
        logs.event(log, "order.doubt", level=WARNING, why=why, **named(entry))
        question = self._questions[entry.operation]
        clock, began = self._address.clock, time.monotonic()
        resolution = Resolution(
            pending.accepted_until_ms,
            began,
            sent_at=pending.sent_at,
            steady=clock.steady,
            window_ms=self.settings.order_recv_window,
        )
        loop = asyncio.get_running_loop()
        patience = loop.call_later(self.settings.resolve_timeout, self._give_up, pending, why)
        looks: set[asyncio.Task[None]] = set()
        self._take_hearsay(pending)
        try:
            while pending.state == "asking":
                now = time.monotonic()
                waited_for = not pending.outcome.done() and self._has_weight()
                exchange_ms = clock.now_ms(now) if clock.known else None
                pause_s = resolution.pause_s(now, exchange_ms, under_way=len(looks), company=waited_for)
                if pause_s is None or pause_s > 0:
                    ended = await _first_of(looks, pause_s)
                    looks -= ended
                    for look in ended:
                        if look.cancelled() and self._closed is None:
                            resolution.could_not_ask()
                        else:
                            await look  # it may have been stopped, with the session
                    if ended or pause_s is None:
                        continue
                    if pending.state != "asking":
                        break
                if waited_for and (line := self._lines.get(loop)) is not None:
                    line.hurry(TRY_S)
                resolution.begins(time.monotonic())
                looks.add(loop.create_task(self._timed_look(question, resolution, pending), name="cryptox-order-look"))
        finally:
            patience.cancel()
            for look in looks:
                look.cancel()

    async def _timed_look(self, question: Question, resolution: Resolution, pending: Pending) -> None:
        try:
            async with asyncio.timeout(resolution.look_s):
                await self._look(question, resolution, pending)
        except TimeoutError:
            pending.detail = "The exchange does not answer what became of it."
            resolution.could_not_ask()

    def _has_weight(self) -> bool:
        """Whether questions that may prove to be needless leave enough to other calls."""
        used = self.weight_used()
        return used is None or used[0] < used[1] / 2

    async def _look(self, question: Question, resolution: Resolution, pending: Pending) -> None:
        """One query, with a reading of exchange time before it where that is wanted."""
        entry = pending.entry
        try:
            if resolution.wants_time:
                server_ms = await self._read_clock()
                now = time.monotonic()
                resolution.told_time(server_ms, now)
                if resolution.steady and pending.sent_at is not None:  # its clock may have been set back since
                    sent_ms = int(server_ms - (now - pending.sent_at) * 1000)
                    if sent_ms < pending.entry.sent_ms:
                        pending.entry = dataclasses.replace(pending.entry, sent_ms=sent_ms)
            entry = pending.entry
            over, began = not resolution.wants_time, time.monotonic()
            found = await question.sign(entry)
            if found is None:
                resolution.found_nothing(began, time.monotonic(), time_was_over=over)
                if not resolution.proven:
                    return
                found = await question.absence(entry)
        except Settled as settled:
            if isinstance(pending.told, Replaced):
                self._finish(pending, "done", pending.told)
            else:
                self._finish(pending, "not_done", error=pending.told or settled.error)
        except CryptoxError as error:
            if self._closed is not None:
                raise asyncio.CancelledError from error
            pending.detail = error.user_message
            resolution.could_not_ask()
        except Exception as error:  # noqa: BLE001  # a defect of ours is no answer of the exchange
            pending.detail = f"{type(error).__name__}: {error}"
            logs.event(log, "order.defect", level=ERROR, error=pending.detail, **named(entry))
            resolution.could_not_ask()
        else:
            self._finish(pending, "done", found)

    def _hearsay(self, entry: Entry) -> Order | None:  # noqa: ARG002  # for those who hear anything
        """What became of an act, by what an answer or the user's own stream has told of its order."""
        return None

    def _take_hearsay(self, pending: Pending) -> None:
        """End an act in doubt where something was heard of it; on its loop."""
        if pending.state == "asking" and (order := self._hearsay(pending.entry)) is not None:
            self._finish(pending, "done", order)

    def _claim(self, entry: Entry, result: Any) -> None:
        """What the answer to an act itself says that it canceled: no other act did."""

    def _learn_of(self, result: Any) -> None:
        """What an answer or a query tells of the user's orders."""

    def _finish(self, pending: Pending, state: str, result: Any = None, *, error: BaseException | None = None) -> None:
        """The definite end of an act; the first one counts."""
        if pending.state in ("done", "not_done"):
            return
        self._learn_of(result)
        if pending.sent_at is not None and not isinstance(error, NotSent | RateLimited):
            now = time.monotonic()
            self._last_act = now - pending.sent_at, now
        entry = pending.entry
        placed = _placed(result)
        pending.state, pending.order_id = state, getattr(placed, "order_id", pending.order_id)
        self._journal.end(entry.client_order_id, state, pending.order_id)
        self._carry_no_more(entry.client_order_id)
        if entry.about.get("given"):
            self._remember(entry.client_order_id, placed)
        if not (pending.outcome.done() and isinstance(pending.outcome.exception(), OutcomeUnknown)):
            self._acts.pop(entry.client_order_id, None)  # otherwise unresolved() tells what became of it
        told = {} if error is None else {"error": type(error).__name__}
        name = "order.done" if state == "done" else "order.not_done"
        logs.event(log, name, level=INFO, order_id=pending.order_id, **told, **named(entry))
        if pending.outcome.done():
            half = getattr(result, "order_error", None)  # of a replacement, whose other half was done
            pending.detail = "found later" if error is None and half is None else str(error or half)
        elif error is None:
            pending.outcome.set_result(result)
        else:
            pending.outcome.set_exception(error)

    def _noticed(self, client_order_id: str | None, order: Order) -> None:
        """An order was met elsewhere: a sign of existence, and from an amend on the last one under that id."""
        pending = self._acts.get(client_order_id or "")
        if pending is None or pending.state != "asking" or pending.entry.about.get("given"):
            return
        if pending.entry.operation in ("place_order", "amend_order") and pending.entry.symbol == order.symbol:
            self._finish(pending, "done", order)

    def _never_begun(self, pending: Pending, task: asyncio.Task[None]) -> None:
        """A task that was cancelled before its first step has not said so itself."""
        if not task.cancelled() or pending.task is not task:
            return
        if pending.state == "waiting":
            self._finish(pending, "not_done", error=NotSent("It was stopped; nothing was done."))
        elif pending.state == "asking":
            self._stopped(pending)

    def _stopped(self, pending: Pending) -> None:
        """The task that carried an act was cancelled: with its session or its loop, or else it is begun again."""
        pending.task = None
        loop = asyncio.get_running_loop()
        if self._closed is not None or is_winding_down(loop):
            self._leave(pending)
        else:
            loop.call_later(AGAIN_S, self._go_on, pending)

    def _go_on(self, pending: Pending) -> None:
        """Ask on for what nobody asks for any more; on its loop."""
        if pending.state in ("done", "not_done"):
            return
        if self._closed is not None:
            self._leave(pending)
            return
        logs.event(log, "order.asking_again", level=WARNING, **named(pending.entry))
        loop = asyncio.get_running_loop()
        self._settle_from(pending, loop)

    def _settle_from(self, pending: Pending, loop: asyncio.AbstractEventLoop) -> None:
        pending.task = loop.create_task(self._settle_quietly(pending), name="cryptox-order")
        pending.task.add_done_callback(functools.partial(self._never_begun, pending))

    def _leave(self, pending: Pending, error: BaseException | None = None) -> None:
        """Nobody asks any more; the journal keeps it open for the next session."""
        self._carry_no_more(pending.entry.client_order_id)
        if not pending.outcome.done():
            pending.outcome.set_exception(error or unknown(pending.entry, "the session ended meanwhile"))

    def _remember(self, client_order_id: str, placed: Any) -> None:
        """Which order or list had an id that the user gave: the next one of that id is another."""
        number = getattr(placed, "order_list_id" if hasattr(placed, "orders") else "order_id", None)
        if number is not None:
            self._had(client_order_id, number)

    def _had(self, client_order_id: str, number: int) -> None:
        self._former[client_order_id] = number
        self._former.move_to_end(client_order_id)
        if len(self._former) > REMEMBERED:
            self._former.popitem(last=False)

    def _give_up(self, pending: Pending, why: str) -> None:
        if not pending.outcome.done():
            logs.event(log, "order.unknown", level=WARNING, why=why, **named(pending.entry))
            pending.outcome.set_exception(unknown(pending.entry, why))

    def _recover(self) -> None:
        """Begin to ask about what former processes of this key, and loops that have ended, left open."""
        self._recovered_on = asyncio.get_running_loop()
        now_ms = self._timestamp_ms()
        self._journal.tidy()
        entries, given = self._journal.read()
        for name, number in given.items():
            if number > self._former.get(name, -1):
                self._had(name, number)
        for entry in entries:
            id_ = entry.client_order_id
            if self._is_carried(id_) or is_carried_elsewhere(entry, now_ms):
                continue
            self._carry_here(id_)
            loop = asyncio.get_running_loop()
            pending = Pending(entry, loop.create_future(), "asking", accepted_until_ms=entry.accepted_until_ms)
            pending.outcome.add_done_callback(seen)
            pending.outcome.set_exception(unknown(pending.entry, ENDED))
            self._acts[id_] = pending
            self._settle_from(pending, loop)

    async def _settle_quietly(self, pending: Pending) -> None:
        logs.set_context(**self._about)  # of this task
        try:
            await self._settle(pending, pending.detail or ENDED)
        except asyncio.CancelledError:
            self._stopped(pending)
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
        tasks = [pending.task for pending in list(self._acts.values()) if pending.task is not None]
        for task in tasks:
            if not task.get_loop().is_closed():
                task.get_loop().call_soon_threadsafe(task.cancel)
        return tasks


async def _first_of(looks: set[asyncio.Task[None]], pause_s: float | None) -> set[asyncio.Task[None]]:
    """Those that have ended, as soon as there is one, or when the pause is over."""
    if not looks:
        await asyncio.sleep(pause_s or 0.0)
        return set()
    return (await asyncio.wait(looks, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED))[0]


def _placed(result: Any) -> Any:
    """Of a replacement the new order."""
    return result.order if isinstance(result, Replaced) else result


def seen(outcome: asyncio.Future[Any]) -> None:
    """Whoever asked may have been interrupted: the error was told all the same."""
    if not outcome.cancelled():
        outcome.exception()


def named(entry: Entry) -> dict[str, Any]:
    """An act's name in the log."""
    return {"operation": entry.operation, "symbol": entry.symbol, "client_order_id": entry.client_order_id}
