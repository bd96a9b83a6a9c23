"""The WebSocket API: connections, requests with the same handlers and limits as REST, and events of accounts.

Source: https://developers.binance.com/docs/binance-spot-api-docs/websocket-api (July 2026).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from cryptox.paper.answers import Answers, Done
from cryptox.paper.gate import Pass
from cryptox.paper.refusals import Refused
from cryptox.paper.requests import Logged, RequestLog
from cryptox.paper.routes import ROUTES
from cryptox.paper.sockets import Connects, Line, Lines, Rules
from cryptox.paper.tampering import Meddling
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.methods import Access
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.wire.general import RateLimit
from cryptox.venues.binance.wire.user import LimitData, Push, RequestError, ServerShutdown

from .connection import Connection, Tamper
from .feed import Feed
from .handshake import read_handshake, refusal_of_handshake
from .own import answer_own, check_session
from .requests import Call, Unread, read_call
from .session import Session

if TYPE_CHECKING:
    from cryptox.paper.desk import Desk

__all__ = ["WsApi", "serve_ws_api"]

OPENING_WEIGHT = 2
UNREADABLE_WEIGHT = 1  # own
REVOKED = RequestError(int(Code.REJECTED_MBX_KEY), "Invalid API-key, IP, or permissions for action.")

Meddle = Callable[[Call], Meddling | None]


async def serve_ws_api(request: Any, api: WsApi) -> Any:
    """Answer one HTTP request to the WebSocket API: a connection until its end, or a refusal."""
    return await api.serve(request)


class WsApi:
    """All connections of the WebSocket API; lives on the server's loop.

    Parameters
    ----------
    desk, answers
        What works on requests, and what counts and writes them.
    rules
        Pings and life of connections.
    connects
        Counts of connection attempts by address; to share them with the streams.
    latency
        Seconds from a request's arrival to its answer; the market is looked at half-way, and events take half of it.
    log
        Where requests are written down, as method ``WS`` and the method's name.
    wall
        Real seconds since the epoch.

    Attributes
    ----------
    lines : Lines
        The open connections.
    meddle : callable or None
        What faults do to a request; asked once for each.
    tamper : callable or None
        What becomes of each outgoing message: none, it, or several. For faults.
    heard : callable
        Called after a request about sessions and subscriptions: somebody may have begun to listen.
    """

    def __init__(
        self,
        desk: Desk,
        answers: Answers,
        *,
        rules: Rules | None = None,
        connects: Connects | None = None,
        latency: float = 0.0,
        log: RequestLog | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.lines = Lines()
        self.meddle: Meddle | None = None
        self.tamper: Tamper | None = None
        self.heard: Callable[[], None] = lambda: None
        self._desk, self._answers, self._wall = desk, answers, wall
        self._rules = rules or Rules()
        self._connects = Connects() if connects is None else connects
        self._latency, self._log = latency, log
        self._connections: set[Connection] = set()
        self._feed = Feed(desk, self._connections, self._send_event)
        self._under_way: deque[Callable[[], None]] = deque()
        attempts = RateLimit("CONNECTIONS", "MINUTE", round(self._connects.seconds / 60), self._connects.amount)
        self._limits = (*(one for one in answers.limits if one.kind != "RAW_REQUESTS"), attempts)
        desk.listeners.append(self._feed.tell)

    async def serve(self, request: Any) -> Any:
        """One connection, from handshake to end."""
        from aiohttp import web

        now, address = self._wall(), request.remote or ""
        try:
            wanted = read_handshake(request.raw_path)
            wait = self._connects.admit(address, now)
            if wait is not None:
                raise Refused(
                    Code.TOO_MANY_REQUESTS, text="Too many connection attempts.", status=429, retry_after=wait
                )
            self._answers.charge(address, OPENING_WEIGHT, now)
        except Refused as refused:
            body, headers = refusal_of_handshake(refused)
            return web.Response(status=refused.status, body=body, headers=headers)
        microseconds = wanted.microseconds
        line = Line(request, self._rules, notice=lambda: self._notice(microseconds))
        if not await line.open():
            return line.response
        session = Session(self._desk.clock.now_us())
        connection = Connection(
            line, session, microseconds=microseconds, rate_limits=wanted.rate_limits, tamper=lambda: self.tamper
        )
        self.lines.add(line)
        self._connections.add(connection)
        try:
            await connection.run(self._answer)
        finally:
            self._connections.discard(connection)
            self.lines.remove(line)
        return line.response

    @property
    def is_listened(self) -> bool:
        """Whether any connection has subscribed to user data."""
        return any(connection.session.subscriptions for connection in self._connections)

    def end_user_streams(self, account: int | None = None) -> int:
        """End the subscriptions to an account, or all; returns how many there were."""
        ended = 0
        for connection in tuple(self._connections):
            session = connection.session
            numbers = session.unsubscribe() if account is None else session.end_account(account)
            self._send_event(partial(connection.terminated, numbers, self._desk.clock.now_us()))
            ended += len(numbers)
        return ended

    async def close(self) -> None:
        """Tell all connections that the exchange goes down, and close them."""
        if self._feed.tell in self._desk.listeners:
            self._desk.listeners.remove(self._feed.tell)
        await self.lines.close()

    def __len__(self) -> int:
        """Number of open connections."""
        return len(self._connections)

    def _send_event(self, push: Callable[[], None]) -> None:
        """An event takes as long as the answer to what brought it about, which goes first."""
        if not self._latency:
            push()
            return
        loop = asyncio.get_running_loop()
        self._under_way.append(push)
        loop.call_later(self._latency / 2, loop.call_soon, loop.call_soon, self._event_arrives)

    def _event_arrives(self) -> None:
        self._under_way.popleft()()  # timers that are due at the same time come in any order

    async def _answer(self, connection: Connection, frame: str | bytes) -> None:
        """One request, from frame to answer."""
        if self._latency:
            await asyncio.sleep(self._latency / 2)
        arrived = self._wall()
        call, refused = None, None
        try:
            call = read_call(frame)
        except Unread as unread:
            refused, number = unread.refused, unread.id
        else:
            number = call.id
        if check_session(connection, self._answers.gate) is not None:
            self._revoke(connection)
            return
        meddling = None if call is None or self.meddle is None else self.meddle(call)
        delay = 0.0 if meddling is None else meddling.delay
        if delay:
            await asyncio.sleep(delay / 2)
        ended: list[int] = []
        made: Done | Refused
        if call is None:
            assert refused is not None
            made, weight = self._unreadable(connection, refused, arrived)
        else:
            made, ended, weight = await self._made(connection, call, arrived, meddling)
        if self._latency or delay:
            await asyncio.sleep((self._latency + delay) / 2)
        told: Done | Refused | None = made
        if meddling is not None:
            made = meddling.answer or made
            told = None if meddling.is_silent else made
            if meddling.is_cut:
                connection.line.cut()
        if told is not None:
            self._send(connection, call, number, told)
        connection.terminated(ended, self._desk.clock.now_us())
        if self._log is not None and call is not None:
            status = 0 if told is None else told.status if isinstance(told, Refused) else 200
            fault = None if meddling is None else meddling.kind
            self._log.add(Logged("WS", call.method.name, urlencode(call.params), status, arrived, weight, fault))
        if isinstance(made, Refused) and made.status == 418:
            self.lines.ban(connection.line.address)

    def _unreadable(self, connection: Connection, refused: Refused, now: float) -> tuple[Refused, int]:
        try:
            self._answers.charge(connection.line.address, UNREADABLE_WEIGHT, now)
        except Refused as full:
            return full, UNREADABLE_WEIGHT
        return refused, UNREADABLE_WEIGHT

    async def _made(
        self, connection: Connection, call: Call, now: float, meddling: Meddling | None
    ) -> tuple[Done | Refused, list[int], int]:
        """What a request leads to, the subscriptions that end with it, and what it weighs."""
        address, twin = connection.line.address, call.method.twin
        weight = call.method.cost(call.params)
        charged = 0 if twin is not None and twin.free else weight
        try:
            self._answers.charge(address, charged, now)
        except Refused as refused:
            return refused, [], weight
        try:
            if meddling is not None and not meddling.accepted:
                raise meddling.answer or Refused(Code.TIMEOUT, status=504)  # without an answer nobody will see it
            if twin is None:
                shown = self._shows(connection, call)
                gate, now_us = self._answers.gate, self._desk.clock.now_us()
                outcome = answer_own(connection, call, gate, now_us, rate_limits=shown)
                self.heard()
                return Done(outcome.body, {}, weight), outcome.ended, weight
            skew_us = 0 if meddling is None else meddling.skew_us
            made = await self._worked(connection, call, twin, now, skew_us)
        except Refused as refused:
            made = refused
        except Exception as error:  # noqa: BLE001 - whoever asked is owed an answer; the error goes to the loop
            told = {"message": f"{call.method.name} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(told)
            made = Refused(Code.UNKNOWN, status=500)
        if twin is not None:
            weight = self._answers.settle(address, twin, weight, made, now)
        return made, [], weight

    async def _worked(
        self, connection: Connection, call: Call, twin: ep.Endpoint, now: float, skew_us: int
    ) -> Done | Refused:
        """A request that REST knows too: the gate, then the same handler, where the engine works."""
        passed: Pass | None = None
        if call.method.access is not Access.OPEN:
            now_us = self._desk.clock.now_us()
            passed = self._answers.gate.call(twin.security, call.params, now_us, connection.session.key)

        def work(now_us: int) -> Done | Refused:
            return self._answers.call(
                twin,
                call.params,
                now_us,
                now,
                passed,
                microseconds=connection.microseconds,
                limits=self._limits,
            )

        if not ROUTES[twin.method, twin.path][1].parameters and passed is None:
            # nothing is asked of the market
            return work(self._desk.clock.now_us() + (skew_us if twin is ep.TIME else 0))
        return await self._desk.run(work)

    def _shows(self, connection: Connection, call: Call | None) -> bool:
        wanted = None if call is None else call.rate_limits
        return connection.rate_limits if wanted is None else wanted

    def _send(self, connection: Connection, call: Call | None, number: Any, made: Done | Refused) -> None:
        limits = self._usage(connection, call) if self._shows(connection, call) else None
        if isinstance(made, Refused):
            connection.answer(call, number, made.status, _error(made, self._wall()), limits)
        else:
            connection.answer(call, number, 200, made.body, limits)

    def _usage(self, connection: Connection, call: Call | None) -> list[CountedLimit]:
        """The limits that a request touches: the weight, and where it places something the account's orders."""
        account = None
        if call is not None and call.method.twin is not None and call.method.twin.orders:
            account = self._account(connection, call)
        return self._answers.usage(connection.line.address, self._wall(), account)

    def _account(self, connection: Connection, call: Call) -> int | None:
        api_key, session = call.params.get("apiKey"), connection.session.key
        try:
            return self._answers.gate.key(api_key).account if api_key or session is None else session.account
        except Refused:
            return None

    def _revoke(self, connection: Connection) -> None:
        """The logged-on key opens nothing any more: the session ends, and the request has no other answer."""
        ended = connection.session.logout()
        connection.answer(None, None, 401, REVOKED, None)
        connection.terminated(ended, self._desk.clock.now_us())

    def _notice(self, microseconds: bool) -> bytes:
        now_us = self._desk.clock.now_us()
        event = ServerShutdown(now_us if microseconds else now_us // 1_000)
        return msgspec.json.encode(Push(event=msgspec.Raw(msgspec.json.encode(event))))


def _error(refused: Refused, now: float) -> RequestError:
    """A refusal; over a limit with the moment from which on it is worth asking again."""
    data = refused.data
    if refused.retry_after is not None:
        now_ms = int(now * 1_000)
        data = LimitData(now_ms, now_ms + refused.retry_after * 1_000)
    return RequestError(int(refused.code), refused.text, msgspec.UNSET if data is None else data)
