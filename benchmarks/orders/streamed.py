"""The users' own streams in a campaign: their connections on virtual time, and whether what they tell is so."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from cryptox.errors import CryptoxError, NotSent
from cryptox.model.updates import OrderUpdate
from cryptox.paper.wsapi.api import WsApi
from cryptox.paper.wsapi.connection import Connection
from cryptox.paper.wsapi.session import Session
from cryptox.transport import rpc
from cryptox.transport.terms import Ended

__all__ = ["Told", "VirtualStreams", "judge_streams"]

ATOMS, LOT = 10**8, Decimal("0.00001")  # the units of the books
IN_STEP_S = 120.0


class Told:
    """Hears all that is new in one stream, and notes what goes back or comes twice."""

    def __init__(self, wrong: list[str]) -> None:
        self.wrong, self.events = wrong, 0
        self._last: dict[int, tuple[Any, ...]] = {}
        self._fills: set[int] = set()

    def changed(self, events: list[Any]) -> None:
        self.events += len(events)
        for one in events:
            if not isinstance(one, OrderUpdate):
                continue
            order = one.order
            state = (order.is_final, order.filled, -(order.quantity or Decimal(0)), order.prevented)
            before = self._last.setdefault(order.order_id, state)
            if any(new < old for new, old in zip(state, before, strict=True)):
                self.wrong.append(f"order {order.order_id} went back in the stream from {before} to {state}")
            self._last[order.order_id] = state
            if one.fill is not None and one.fill.id in self._fills:
                self.wrong.append(f"fill {one.fill.id} came twice in the stream")
            if one.fill is not None:
                self._fills.add(one.fill.id)

    def carried(self) -> None:
        pass

    def cut(self) -> None:
        pass

    def failed(self, why: str) -> None:
        pass

    def ended(self, error: CryptoxError | None) -> None:
        pass


async def judge_streams(world: Any) -> None:
    """What the blotters of listening sessions believe at the end, against the exchange's own records."""
    state = world.exchange._state
    for at, session in enumerate(world.sessions):
        stream = session._stream
        if stream is None:
            continue
        stream.check()
        if not await _is_so(state, world.keys[at], stream):
            found = _differences(state, world.keys[at], stream) or [f"not in step: {stream.trouble}"]
            world.campaign.wrong += [f"stream of account {at}: {why}" for why in found]
        world.campaign.events += sum(told.events for told in world.told[at])
        world.campaign.streams += len(world.told[at])
        world.campaign.wrong += [f"stream of account {at}: {why}" for told in world.told[at] for why in told.wrong]
        world.campaign.refused += stream.blotter.refused


async def _is_so(state: Any, keys: Any, stream: Any) -> bool:
    until = time.monotonic() + IN_STEP_S
    while time.monotonic() < until:
        if stream.in_step and not _differences(state, keys, stream):
            return True
        await asyncio.sleep(0.5)
    return False


def _differences(state: Any, keys: Any, stream: Any) -> list[str]:
    account = state.accounts.by_api_key(keys.api_key).account
    records, blotter, wrong = state.desk.records, stream.blotter, []
    true = {one.id: one for one in records.all_orders() if one.account == account}
    believed = {one.order_id for one in blotter.open_orders()}
    standing = {number for number, one in true.items() if one.is_open}
    if believed != standing:
        wrong.append(f"open orders are {sorted(standing)[-9:]}, believed are {sorted(believed)[-9:]}")
    for order in blotter.orders():
        there = true.get(order.order_id)
        if there is None:
            wrong.append(f"order {order.order_id} is believed in, and does not exist")
        elif (order.status.upper(), order.filled) != (there.status.value, there.executed * LOT):
            wrong.append(f"order {order.order_id} is {there.status.value}, believed {order.status} {order.filled}")
    kept = state.accounts.accounts[account].balances
    for asset, told in blotter.balances().items():
        if (told.free * ATOMS, told.locked * ATOMS) != (kept[asset].free, kept[asset].locked):
            wrong.append(f"balance of {asset} is {kept[asset]}, believed {told}")
    return wrong


class _InOrder(dict[Any, None]):
    """In the place of a set, whose order is that of addresses in memory: a campaign must be the same again."""

    def add(self, one: Any) -> None:
        self[one] = None

    def discard(self, one: Any) -> None:
        self.pop(one, None)


class VirtualStreams:
    """Connections of the WebSocket API without sockets: the exchange's own, as often cut as the dice say."""

    def __init__(self, exchange: Any, desk: Any, dice: random.Random, is_down: Callable[[], bool]) -> None:
        state = exchange._state
        state.desk._loop = asyncio.get_running_loop()  # whoever listens is told there
        self.api = WsApi(desk, state.answers, wall=lambda: time.time())  # noqa: PLW0108  # the virtual one
        self.api._connections = self.api._feed._connections = _InOrder()  # type: ignore[assignment]
        self.dice, self.is_down, self.clock = dice, is_down, state.clock
        self.open = _InOrder()
        self.cuts = 0

    @contextmanager
    def laid(self) -> Iterator[None]:
        """User streams begun within go over these connections."""
        with patch.object(rpc, "Socket", self):
            yield

    async def connect(self, _url: str, *, on_frames: Any, **_: Any) -> _Socket:
        """In the place of ``Socket.connect``."""
        await asyncio.sleep(0.005)
        if self.is_down():
            raise NotSent("No connection could be made.", context={"sent": False})
        return _Socket(self, on_frames)

    def cut(self) -> None:
        """One connection breaks; what is on its way is lost."""
        if self.open:
            self.cuts += 1
            self.dice.choice(list(self.open)).end("lost")


class _Line:
    """The exchange's end."""

    address = "127.0.0.1"

    def __init__(self, send: Callable[[bytes], None], ended: asyncio.Future[Ended]) -> None:
        self.send, self._ended = send, ended
        self.take: Any = None

    async def run(self, take: Any) -> None:
        self.take = take
        await asyncio.wait([self._ended])


class _Socket:
    """This end: what a user's stream uses of a ``Socket``."""

    def __init__(self, streams: VirtualStreams, on_frames: Any) -> None:
        self._streams, self._on_frames, self._loop = streams, on_frames, asyncio.get_running_loop()
        self.closed: asyncio.Future[Ended] = self._loop.create_future()
        self.last_heard = self._due = time.monotonic()
        self.awaits_pong = False
        self._line = _Line(self._sent, self.closed)
        session = Session(streams.clock.now_us())
        self._there: Any = Connection(
            self._line,  # type: ignore[arg-type]
            session,
            microseconds=True,
            rate_limits=False,
            tamper=lambda: None,
        )
        streams.open.add(self)
        streams.api._connections.add(self._there)
        self._task = self._loop.create_task(self._serve())

    @property
    def is_open(self) -> bool:
        return not self.closed.done()

    def send(self, text: bytes) -> None:
        if not self.is_open:
            raise NotSent("The connection is closed; nothing was sent.", context={"sent": False})
        self._loop.call_later(0.003, self._arrive, text)

    def ping(self) -> None:
        self.awaits_pong = True
        self._after(self._pong)

    async def close(self) -> Ended:
        self.end("closed")
        return await self.closed

    def end(self, reason: Any) -> None:
        if not self.closed.done():
            self._streams.open.discard(self)
            self._streams.api._connections.discard(self._there)
            self.closed.set_result(Ended(reason, None, "", time.monotonic()))

    async def _serve(self) -> None:
        await self._there.run(self._streams.api._answer)

    def _arrive(self, text: bytes) -> None:
        if self.is_open and self._line.take is not None:
            self._line.take(text.decode())

    def _sent(self, payload: bytes) -> None:
        """What the exchange sends comes later, and in order."""
        self._after(lambda: self._on_frames([payload], time.time_ns()))

    def _after(self, do: Callable[[], Any]) -> None:
        late_s = self._streams.dice.choice([0.002, 0.002, 0.01, 0.3]) if self.is_open else 0.0
        self._due = max(self._due, self._loop.time() + late_s)
        self._loop.call_at(self._due, self._hear, do)

    def _hear(self, do: Callable[[], Any]) -> None:
        if self.is_open:
            self.last_heard = time.monotonic()
            do()

    def _pong(self) -> None:
        self.awaits_pong = False
