"""One client of the market streams: what it has subscribed to, what it says, and when it says too much."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from cryptox.paper.sockets import BINARY, INTERNAL, POLICY, Line, Rules, frame
from cryptox.venues.binance.channels import SHUTDOWN_EVENT, SHUTDOWN_STREAM
from cryptox.venues.binance.wire.streams import ServerShutdown

from .control import Command, Mistaken, answered, read_command, too_many
from .messages import Form, Name, SbeName, Told
from .opening import MOST_STREAMS, Opening

__all__ = ["Connection", "Switchboard"]

MOST_SAID = 5  # messages, pings and pongs of a client in a second
SECOND_S = 1.0


class Switchboard(Protocol):
    """What a connection asks of the hub."""

    rules: Rules

    def now_us(self) -> int:
        """Market time in microseconds."""

    async def subscribe(self, connection: Connection, names: Iterable[str]) -> None:
        """Send these streams to the connection from now on."""

    def unsubscribe(self, connection: Connection, names: Iterable[str]) -> None:
        """Send them no longer."""

    def answer(self, connection: Connection, payload: bytes) -> None:
        """Send it the answer to what it said."""

    def flooded(self, connection: Connection) -> None:
        """It has said too much, and is being closed."""


class Connection:
    """A client's connection, from the handshake to its end.

    Attributes
    ----------
    streams : dict
        Names that the client has subscribed to, in order, served or not.
    combined, microseconds : bool
        The form of events.
    line : Line
        The WebSocket itself.
    """

    def __init__(self, hub: Switchboard, request: Any, opening: Opening, *, sbe: bool = False) -> None:
        self.streams: dict[str, None] = {}
        self.combined, self.microseconds = opening.combined, opening.microseconds
        self.line = Line(request, hub.rules, notice=self._notice, heard=self._heard)
        if sbe:
            self.line.data = BINARY
        self._hub, self._first, self._sbe = hub, opening.streams, sbe
        self._inbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        # Who is pinged several times a second answers as often.
        self._most = MOST_SAID + int(SECOND_S / hub.rules.ping_every)
        self._heard_at: deque[float] = deque(maxlen=self._most + 1)
        self._flooded = False

    @property
    def form(self) -> Form:
        """Whether events come in envelopes, and the unit of their times."""
        return self.combined, self.microseconds

    def name(self, text: str) -> Name:
        """What this client means by a stream's name."""
        return SbeName(text) if self._sbe else text

    async def serve(self) -> None:
        """Shake hands, and go on until the connection ends, by whichever side."""
        if not await self.line.open():
            return
        async with asyncio.TaskGroup() as tasks:
            talker = tasks.create_task(self._talk())
            talker.add_done_callback(self._untold)
            try:
                await self.line.run(self._inbox.put_nowait)
            finally:
                talker.cancel()

    def _untold(self, talker: asyncio.Task[None]) -> None:
        """One that was killed answers nothing any more."""
        if talker.cancelled():
            self.line.end(INTERNAL, "Internal error")

    def push(self, payload: bytes) -> None:
        """Send a message past the hub's tamper: one that was held back, or made up."""
        self.line.write(frame(payload, self.line.data))

    async def _talk(self) -> None:
        """Subscribe to what the address named, then carry out one control message after another."""
        await self._hub.subscribe(self, self._first)
        while True:
            text = await self._inbox.get()
            try:
                answer = await self._carry_out(read_command(text))
            except Mistaken as mistaken:
                answer = mistaken.answer
            self._hub.answer(self, json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())

    async def _carry_out(self, command: Command) -> dict[str, Any]:
        if command.method == "SUBSCRIBE":
            if len(self.streams.keys() | command.streams) > MOST_STREAMS:
                raise too_many()
            await self._hub.subscribe(self, command.streams)
        elif command.method == "UNSUBSCRIBE":
            self._hub.unsubscribe(self, command.streams)
        elif command.method == "LIST_SUBSCRIPTIONS":
            return answered(command, list(self.streams))
        elif command.method == "GET_PROPERTY":
            return answered(command, self.combined)
        else:
            self.combined = command.value
        return answered(command)

    def _heard(self) -> None:
        now = asyncio.get_running_loop().time()
        self._heard_at.append(now)
        if self._flooded or len(self._heard_at) <= self._most or now - self._heard_at[0] >= SECOND_S:
            return
        self._flooded = True
        self.line.end(POLICY, "Too many requests")
        self._hub.flooded(self)

    def _notice(self) -> bytes:
        event = ServerShutdown(SHUTDOWN_EVENT, self._hub.now_us())
        return Told(SHUTDOWN_STREAM, event).payload(self.form)
