"""What happens to a user's account, as it happens: events, held against REST after each break and now and then.

Everything told, by events or by answers, goes through the session's blotter, so that nothing counts twice and nothing
goes back; only what is new in it is passed on.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from logging import WARNING
from typing import Protocol

from cryptox import logs
from cryptox.errors import ConfigurationError, CryptoxError
from cryptox.model.events import Event
from cryptox.model.orders import Order
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.transport.life import Address
from cryptox.transport.rpc import Reply
from cryptox.venues.user import Notice, UserTold

from .blotter import Blotter
from .reconcile import ask_fills, ask_missed, ask_truth
from .userline import UserLine, is_final
from .usernews import news_of_answer, news_of_event, news_of_truth
from .userroles import UserSession

__all__ = ["Listener", "UserStream"]

log = logs.logger("sessions.userstream")

CHECK_S = 300.0  # between two looks over REST while nothing seems wrong
GRACE_S = 0.3  # for what is missing to come by itself
AGAIN_S = 1.5  # after a look that did not find an order that was believed to be open
BASE_S, LONGEST_S = 0.2, 10.0  # pauses between attempts to look
MARGIN_MS = 1_000  # by which a time of the exchange may be off
CONFIRM_S = 2.0  # for a sign of life after a look
MOST_UNKNOWN = 2  # looks in a row that must not find it


class Listener(Protocol):
    """Who hears what is new."""

    def changed(self, events: list[Event]) -> None:
        """Orders or balances have changed; at least one event."""

    def carried(self) -> None:
        """It is subscribed, for the first time or again."""

    def cut(self) -> None:
        """No connection tells anything any more."""

    def failed(self, why: str) -> None:
        """Something is in the way, and is tried again."""

    def ended(self, error: CryptoxError | None) -> None:
        """It will never tell anything more: why, or None where it was stopped."""


class UserStream:
    """Lives on the loop it was made on, until its session ends or its key is refused.

    Attributes
    ----------
    blotter
        What is known.
    line
        The connection; ``line.unbroken_since`` says since when no event can have been missed.
    failure
        Why it has ended by itself: the key was refused.
    trouble
        What is in the way just now, in a line.
    event_at
        When the newest event came, in monotonic seconds; None before the first.
    """

    def __init__(self, session: UserSession, blotter: Blotter, address: Address) -> None:
        self.blotter = blotter
        self.failure: CryptoxError | None = None
        self.trouble: str | None = None
        self.listeners: list[Listener] = []
        self.received = 0
        self.event_at: float | None = None
        self._name = session.venue.name
        self._user = session.user
        self._checked = 0  # the subscription after which everything was looked at
        self._looked_ms: int | None = None  # in exchange time, up to when everything was heard or found
        self._unbroken_then: float | None = None  # what the line could say of itself at that look
        self._look = asyncio.Event()
        self._turn = asyncio.Event()  # set, and replaced, when it gets in step or ends
        self._held: list[OrderUpdate | tuple[BalanceUpdate, ...]] | None = None
        self._told_of: set[str] = set()  # assets, since the last look began
        self._misses: dict[tuple[str, int], int] = {}
        self._refused = blotter.refused
        self.line = UserLine(session, self, address)
        self.line.keep(self._watch, what="looks at the account")

    def __repr__(self) -> str:
        """Where it stands."""
        return f"<UserStream {self._name} {self.line.state}, {self.received} events>"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it lives on."""
        return self.line.loop

    @property
    def unbroken_since(self) -> float | None:
        """Monotonic moment since which no event can have been missed, up to ``line.heard_at()``."""
        return self.line.unbroken_since

    @property
    def in_step(self) -> bool:
        """Whether everything was looked at over REST since it was last subscribed."""
        return self.line.is_carried and self._checked == self.line.subscriptions

    async def ready(self) -> None:
        """Return when it is in step.

        Raises
        ------
        CryptoxError
            Its key was refused; or it was stopped.
        """
        while not self.in_step:
            if self.failure is not None:
                raise self.failure
            if self.line.is_over:
                raise ConfigurationError("The user's stream has ended.")
            await self._turn.wait()

    def check(self) -> None:
        """Hold what is believed against REST soon."""
        self._look.set()

    def note(self, order: Order) -> None:
        """Take what an answer tells of an order; on its loop."""
        self._publish(news_of_answer(self.blotter, order, time.time_ns()))

    def told(self, told: UserTold) -> None:
        """Something has come on the connection."""
        if isinstance(told, Notice):
            self._noticed(told)
        elif isinstance(told, Reply):
            if told.error is not None and is_final(told.error):
                self.line.stop(told.error)
        else:
            self.received += 1
            self.event_at = time.monotonic()
            if not isinstance(told, OrderUpdate):
                self._told_of.update(one.asset for one in told)
            if self._held is not None:
                self._held.append(told)
            else:
                self._take(told)

    def carried(self) -> None:
        """It is subscribed, for the first time or again."""
        self.trouble = None
        for listener in tuple(self.listeners):
            listener.carried()
        self.check()

    def cut(self) -> None:
        """No connection tells anything any more."""
        for listener in tuple(self.listeners):
            listener.cut()

    def stumbled(self, event: str, error: CryptoxError) -> None:
        """Something is in the way, and is tried again."""
        self.trouble = f"{type(error).__name__}: {error}"
        logs.event(log, event, level=WARNING, venue=self._name, error=self.trouble)
        for listener in tuple(self.listeners):
            listener.failed(self.trouble)

    def over(self, error: CryptoxError | None) -> None:
        """The connection has ended for good."""
        if error is not None and self._user is not None:
            error.context.setdefault("user", self._user)
        self.failure = error
        self._look.set()
        listeners, self.listeners = self.listeners, []
        for listener in listeners:
            listener.ended(error)
        self._turned()

    def stop(self) -> None:
        """End it; on its loop."""
        self.line.stop()

    async def close(self) -> None:
        """End it, and wait until everything is closed."""
        await self.line.close()

    def _take(self, told: OrderUpdate | tuple[BalanceUpdate, ...]) -> None:
        self._publish(news_of_event(self.blotter, told))
        if isinstance(told, OrderUpdate) and self.blotter.is_short(told.symbol, told.order.order_id):
            self.loop.call_later(GRACE_S, self._look_for, told.symbol, told.order.order_id)
        if self.blotter.refused > self._refused:  # something impossible was told
            self._refused = self.blotter.refused
            self.check()

    def _noticed(self, notice: Notice) -> None:
        if notice.kind == "moved":
            self.loop.call_later(GRACE_S, self.check)  # the balances themselves mostly follow
        elif notice.kind == "lost":
            logs.event(log, "user_stream.unreadable", level=WARNING, venue=self._name, what=notice.text)
            self.line.doubt()
            self.check()

    def _look_for(self, symbol: str, order_id: int) -> None:
        if self.blotter.is_short(symbol, order_id):
            self.check()

    def _publish(self, events: list[Event]) -> None:
        if events:
            for listener in tuple(self.listeners):
                listener.changed(events)

    async def _watch(self) -> None:
        """Look at everything over REST whenever that is due."""
        failures = 0
        self._look.set()  # it may have been begun again, amid a look
        while not self.line.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._look.wait()
            self._look.clear()
            if not self.line.is_carried:
                continue  # subscribing leads here again
            try:
                await self._reconcile(hold=not (self.in_step or failures))
                failures = 0
            except CryptoxError as error:
                if is_final(error):
                    self.line.stop(error)
                    return
                self.stumbled("user_stream.check_failed", error)
                failures += 1
                pause_s = min(LONGEST_S, BASE_S * 2.0 ** min(failures - 1, 20)) * (0.5 + random.random() / 2)
                await asyncio.sleep(max(pause_s, error.retry_after or 0.0))
                self._look.set()

    async def _reconcile(self, *, hold: bool) -> None:
        """One look; with ``hold`` what is told meanwhile waits for it, because it is newer."""
        number, session = self.line.subscriptions, self.line.owner
        unbroken_since = self.line.unbroken_since  # a hand-over leaves it as it is
        self._held = [] if hold else None
        self._told_of.clear()
        try:
            begun_ms = await session._as_of()
            believed = [(order.symbol, order.order_id) for order in self.blotter.open_orders()]
            truth = await ask_truth(session, believed)
            if self._looked_ms is not None and unbroken_since != self._unbroken_then:  # what ended in between
                truth.orders += await ask_missed(session, self.blotter.symbols(), self._looked_ms - MARGIN_MS)
            news = news_of_truth(self.blotter, truth, time.time_ns(), () if hold else self._told_of)
            if self._checked:  # what there was at the beginning has not happened now
                self._publish(news)
            self._give_up(truth.unknown)
        finally:
            held, self._held = self._held, None
            for told in held or ():
                self._take(told)
        for fill in await ask_fills(session, self.blotter.short_of_fills()):
            known = self.blotter.order(fill.symbol, fill.order_id)
            news = [] if known is None else news_of_answer(self.blotter, known.changed(fills=(fill,)), time.time_ns())
            if self._checked:
                self._publish(news)
        self._checked, self._unbroken_then = number, unbroken_since
        self.trouble = None
        self._turned()
        # A connection that has gone deaf may have told nothing for a while: what ended then is still to be found.
        if self._looked_ms is None or await self.line.confirm(CONFIRM_S):
            self._looked_ms = begun_ms

    def _give_up(self, unknown: list[tuple[str, int]]) -> None:
        """Forget orders that the exchange denies again and again: once is no proof."""
        self._misses = {key: self._misses.get(key, 0) + 1 for key in unknown}
        for (symbol, order_id), times in self._misses.items():
            if times < MOST_UNKNOWN:
                self.loop.call_later(AGAIN_S, self.check)
                continue
            self.blotter.forget(symbol, order_id)
            logs.event(log, "order.forgotten", level=WARNING, venue=self._name, symbol=symbol, order_id=order_id)

    def _turned(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()
