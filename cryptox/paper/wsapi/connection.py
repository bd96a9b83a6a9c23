"""One connection of the WebSocket API: its session, what goes out on it, and the methods that only it has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from cryptox.paper.sockets import Line
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.wire.user import Answer, Push, RequestError, StreamTerminated

from .requests import Call, Id
from .session import Session

__all__ = ["Connection", "Outgoing", "Sort"]

MOST_AT_ONCE = 1_000  # requests at work; beyond that the connection is not read

_encode = msgspec.json.Encoder().encode


class Sort(StrEnum):
    """What an outgoing message is."""

    ANSWER = "ANSWER"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out, as a fault sees it."""

    sort: Sort
    payload: bytes = field(repr=False)
    connection: Connection
    name: str  # of the method that is answered, or of the event


Tamper = Callable[[Outgoing], Iterable[bytes]]


class Connection:
    """One connection's state, and the one way out.

    Parameters
    ----------
    line, session
        The socket, and who is logged on.
    microseconds, rate_limits
        Unit of times, and whether answers tell counts, as the URL wants them.
    tamper
        Gives what becomes of outgoing messages now; None for nothing.
    """

    def __init__(
        self,
        line: Line,
        session: Session,
        *,
        microseconds: bool,
        rate_limits: bool,
        tamper: Callable[[], Tamper | None],
    ) -> None:
        self.line, self.session = line, session
        self.microseconds, self.rate_limits = microseconds, rate_limits
        self._tamper = tamper
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self, answer: Callable[[Connection, str | bytes], Any]) -> None:
        """Answer what comes in, each request in a task of its own, until the connection ends."""
        async with asyncio.TaskGroup() as tasks:

            def take(frame: str | bytes) -> Awaitable[object] | None:
                """A message that came."""
                task = tasks.create_task(answer(self, frame))
                self._at_work.add(task)
                task.add_done_callback(self._at_work.discard)
                if len(self._at_work) < MOST_AT_ONCE:
                    return None
                return asyncio.wait(self._at_work, return_when=asyncio.FIRST_COMPLETED)

            await self.line.run(take)
            for task in tuple(self._at_work):  # nobody hears these answers any more
                task.cancel()

    def answer(self, call: Call | None, number: Id, status: int, body: Any, limits: list[CountedLimit] | None) -> None:
        """Send an answer: ``body`` is the JSON of a result, or an error."""
        failed = isinstance(body, RequestError)
        answer = Answer(
            number,
            status,
            result=UNSET if failed else Raw(body),
            error=body if failed else UNSET,
            rate_limits=UNSET if limits is None else limits,
        )
        self._send(Sort.ANSWER, _encode(answer), "" if call is None else call.method.name)

    def push(self, number: int, event: bytes, name: str) -> None:
        """Send an event of a subscription."""
        self._send(Sort.EVENT, b'{"subscriptionId":%d,"event":%b}' % (number, event), name)

    def terminated(self, numbers: Iterable[int], now_us: int) -> None:
        """Say that subscriptions have ended."""
        event = StreamTerminated(now_us if self.microseconds else now_us // 1_000)
        for number in numbers:
            payload = _encode(Push(number, Raw(_encode(event))))
            self._send(Sort.EVENT, payload, str(StreamTerminated.__struct_config__.tag))

    def _send(self, sort: Sort, payload: bytes, name: str) -> None:
        tamper = self._tamper()
        if tamper is None:
            self.line.send(payload)
            return
        for changed in tamper(Outgoing(sort, payload, self, name)):
            self.line.send(changed)
