"""Feeds of the user's own: orders and balances, by way of the session's user stream."""

from __future__ import annotations

import asyncio
import weakref
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptox.errors import CryptoxError
from cryptox.model.events import Event
from cryptox.model.updates import BalanceUpdate, OrderUpdate
from cryptox.sessions.core import Core
from cryptox.sessions.keys import keyless
from cryptox.sessions.userstream import UserStream
from cryptox.table.batch import Batch
from cryptox.table.records import balances_batch, orders_batch
from cryptox.transport.life import Address, Allowance
from cryptox.venues.port import Rows, Subject

from .hub import Hub
from .kept import Carrier, Sink
from .plan import Plan
from .rows import Records
from .topic import Topic

__all__ = ["WHOLE", "OwnHub", "OwnPlan", "own_hub"]

WHOLE = ""  # in the place of a symbol: all of them


@dataclass(frozen=True)
class OwnPlan(Plan):
    """What a feed of the user's own is to be."""

    async def check(self) -> None:
        """See whether the session has a key, and the exchange knows the symbols; raises as ``Plan.check``."""
        if self.session.signer is None:
            raise keyless(self.venue_name, self.session.user)
        if self.symbols != (WHOLE,):
            await super().check()


class OwnLine:
    """Brings what the user stream tells to the topics; in the place of a kept connection."""

    def __init__(self, stream: UserStream, hub: OwnHub) -> None:
        self.stream = stream
        self._hub = weakref.ref(hub)
        self.streams: dict[str, list[Sink]] = {}
        stream.listeners.append(self)

    def heard_at(self) -> float:
        """When anything was heard last, in monotonic seconds."""
        return self.stream.line.heard_at()

    def add(self, stream: str, sink: Sink) -> None:
        """Bring a kind of events."""
        self.streams.setdefault(stream, []).append(sink)
        if self.stream.line.is_carried:
            self.stream.loop.call_soon(self._carried, stream, sink)

    def remove(self, stream: str, sink: Sink) -> None:
        """Bring nothing more to that sink."""
        sinks = self.streams.get(stream, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self.streams.pop(stream, None)

    def stop(self) -> None:
        """Nobody listens any more; the session's stream goes on."""
        if self in self.stream.listeners:
            self.stream.listeners.remove(self)

    def changed(self, events: list[Event]) -> None:
        """Orders or balances have changed."""
        for topic in self._topics():
            topic.changed(events)

    def carried(self) -> None:
        """It is subscribed, for the first time or again."""
        for topic in self._topics():
            topic.carried()

    def cut(self) -> None:
        """No connection tells anything any more."""
        for topic in self._topics():
            topic.cut()

    def failed(self, why: str) -> None:
        """Something is in the way, and is tried again."""
        for topic in self._topics():
            topic.failed(why)

    def ended(self, error: CryptoxError | None) -> None:
        """It will never tell anything more."""
        hub = self._hub()
        for topic in self._topics():
            topic.over(error)
        if hub is not None and error is not None:
            hub.finish(error)

    def _carried(self, stream: str, sink: Sink) -> None:
        if sink in self.streams.get(stream, ()) and self.stream.line.is_carried:
            sink.carried()

    def _topics(self) -> list[OwnTopic]:
        return [sink for sinks in self.streams.values() for sink in sinks if isinstance(sink, OwnTopic)]


class OwnTopic(Topic):
    """Events of one user, of all symbols or of one."""

    _latest: Event | None = None

    @property
    def stream_of_user(self) -> UserStream:
        """The session's stream."""
        hub = self.hub
        assert isinstance(hub, OwnHub)
        return hub.stream

    @property
    def latest(self) -> Event | None:
        """The newest event."""
        return self._latest

    def changed(self, events: list[Event]) -> None:
        """Pass on what is of this topic."""
        wanted = [event for event in events if self._wants(event)]
        if wanted:
            self.take(Records(wanted))

    def failed(self, why: str) -> None:
        """Something is in the way; a look that fails while nothing is missing is none."""
        if not self.synced:
            self.trouble = why

    def take(self, told: Rows) -> None:
        """Pass events on."""
        self.received += len(told)
        newest = self._latest = told.newest()
        self._publish(told)
        self._note(newest.event_time_ms, newest.received_ns)

    async def repair(self) -> bool:
        """Wait until everything was looked at over REST, which the stream does by itself."""
        await self.stream_of_user.ready()
        self._caught_up()
        return True

    def give_up(self, reason: str) -> None:
        """Go on waiting."""

    def over(self, error: CryptoxError | None) -> None:
        """The stream has ended: nothing more comes."""
        self.connected = False
        if error is not None:
            self.failure = error
            self.trouble = f"{type(error).__name__}: {error}"
        self._done()

    @abstractmethod
    def _wants(self, event: Event) -> bool:
        """Whether an event is of this topic."""


class OrdersTopic(OwnTopic):
    """Orders."""

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:  # noqa: ARG002 - of candles
        """The orders that this session knows of, those that changed last at the end."""
        known = self.stream_of_user.blotter.orders(self.symbol or None)
        return orders_batch(known if rows is None else known[-rows:])

    def glance(self, rows: int) -> Batch:
        """All open orders, and so many of the others that changed last."""
        known = self.stream_of_user.blotter.orders(self.symbol or None)
        others = [order for order in known if not order.is_active]
        return orders_batch([*others[-rows:], *(order for order in known if order.is_active)])

    def _wants(self, event: Event) -> bool:
        return isinstance(event, OrderUpdate) and self.symbol in (WHOLE, event.symbol)


class AccountTopic(OwnTopic):
    """Balances."""

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:  # noqa: ARG002 - of candles
        """What the account has now, zeros left out."""
        known = [one for one in self.stream_of_user.blotter.balances().values() if one.total]
        return balances_batch(known if rows is None else known[:rows])

    def _wants(self, event: Event) -> bool:
        return isinstance(event, BalanceUpdate)


class OwnHub(Hub):
    """The topics of one user."""

    kinds: Mapping[str, type[Topic]] = {"orders": OrdersTopic, "account": AccountTopic}

    def __init__(self, session: Core, stream: UserStream) -> None:
        super().__init__(session, "", asyncio.get_running_loop(), Address(Allowance(1, 1.0)))
        self.stream = stream

    def stream_of(self, subject: Subject) -> str:
        """Its kind and symbol."""
        return f"{subject.kind}:{subject.symbol}"

    def finish(self, error: CryptoxError) -> None:
        """Nothing more comes: readers get what waits for them, and then the error."""
        for feed in list(self._feeds):
            if feed.is_running and feed.is_started:  # one that is starting says so itself
                feed.finish(error)

    def _line_for(self, stream: str) -> Carrier:  # noqa: ARG002 - there is but one
        for kept in self._kept:
            return kept
        line = OwnLine(self.stream, self)
        self._kept.append(line)
        return line


_hubs: weakref.WeakValueDictionary[UserStream, OwnHub] = weakref.WeakValueDictionary()


def own_hub(session: Core) -> Hub:
    """The hub of a session's own feeds on the running loop; raises what beginning the user stream raises."""
    owner: Any = session
    stream: UserStream = owner._user_stream()
    hub = _hubs.get(stream)
    if hub is None:
        hub = _hubs[stream] = OwnHub(session, stream)
    return hub
