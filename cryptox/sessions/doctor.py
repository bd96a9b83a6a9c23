"""The doctor's questions to an exchange: all at once, each with a time limit, and none of them raises."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from cryptox._loop import apart
from cryptox.errors import ConfigurationError, CryptoxError, ExchangeError, RateLimited
from cryptox.model.diagnosis import (
    Clock,
    Key,
    Proxied,
    Trial,
    Weight,
    judged_binary,
    judged_clock,
    judged_endpoint,
    judged_journal,
    judged_key,
    judged_limits,
    judged_proxy,
    judged_region,
    judged_session,
)
from cryptox.model.doctor import Finding, Verdict
from cryptox.sessions.account import LIMIT_WORDS, window_name
from cryptox.sessions.core import ALL, NO_SUCH_PATH
from cryptox.sessions.journal import state_folder
from cryptox.sessions.live.hub import streams_address
from cryptox.sessions.usercalls import user_address
from cryptox.transport.proxies import Proxies
from cryptox.transport.socket import Socket, Terms

if TYPE_CHECKING:
    from cryptox.sessions.session import AsyncSession
    from cryptox.transport.life import Address
    from cryptox.transport.messages import Answer

__all__ = ["CHECK_S", "examine"]

T = TypeVar("T")

CHECK_S = 8.0  # each check takes at most so long
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class _Timed:
    """How REST was reached, and what its clock said; None where it has none."""

    trial: Trial
    clock: Clock | None = None


class _Stop(NamedTuple):
    """For how long the exchange wants no request from this machine, and whether that is a ban."""

    left_s: float
    banned: bool


async def examine(session: AsyncSession, *, check_s: float | None = None) -> list[Finding]:
    """What there is to say of a session and the way to its exchange; never raises.

    Parameters
    ----------
    session
        Whose addresses, proxy and key.
    check_s
        Seconds that each check may take; they run at once. None: ``CHECK_S``.
    """
    if session._closed is not None:
        return [judged_session(session._ended())]
    limit_s = CHECK_S if check_s is None else check_s
    checks: dict[str, Awaitable[list[Finding]]] = {
        "REST": _reach(session, limit_s),
        "key": _key(session, limit_s),
        "proxy": _proxy(session),
        "journal": _journal(session),
    }
    *found, _ = await asyncio.gather(
        *(_told(what, check) for what, check in checks.items()), _told("limits", _learn_limits(session, limit_s))
    )
    # What the other questions have used, or set off, is told as well.
    found.insert(list(checks).index("proxy"), await _told("limits", _limits(session)))
    return [_venue(session), *(finding for findings in found for finding in findings)]


async def _told(what: str, check: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await check
    except Exception as error:  # noqa: BLE001 - a defect of one check must not take the others' findings with it
        advice = ("This is a defect of cryptox; the other lines hold.",)
        return [Finding(Verdict.UNKNOWN, what, f"the check itself failed: {type(error).__name__}", advice)]


def _venue(session: AsyncSession) -> Finding:
    able = "trades" if session.trading and session.signer is not None else "reads only"
    money = "real money" if session.venue.capabilities.real_money else "no real money"
    user = "" if session.user is None else f"user {session.user!r}, "
    return Finding(Verdict.OK, "session", f"{session.venue.name}, {user}{able}, {money}")


async def _reach(session: AsyncSession, limit_s: float) -> list[Finding]:
    """REST, its binary answers, both kinds of WebSocket; and what follows from them for clock and region."""
    timed, (binary, media_type), stream, ws_api = await asyncio.gather(
        _timed(session, limit_s),
        _binary(session, limit_s),
        _handshake(session, "streams_url", streams_address, limit_s),
        _handshake(session, "user_url", user_address, limit_s),
    )
    hosts = session.venue.hosts
    findings = [judged_endpoint("REST", hosts.rest, timed.trial, limit_s)]
    if "sbe" in session.venue.capabilities.encodings:
        findings.append(judged_binary(binary, media_type, session.settings.encoding, rest=timed.trial))
    return [
        *findings,
        judged_endpoint("streams", hosts.stream or "the address", stream, limit_s),
        judged_endpoint("WebSocket API", hosts.ws_api or "the address", ws_api, limit_s),
        judged_region((timed.trial, stream, ws_api)),
        judged_clock(timed.clock),
    ]


async def _tried(work: Awaitable[T], limit_s: float) -> tuple[T | None, Trial]:
    """What came of it, if anything did, and how it ended."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(limit_s):
            result = await work
    except TimeoutError:
        return None, Trial()
    except CryptoxError as error:
        return None, Trial(error=error)
    return result, Trial((time.monotonic() - began) * 1000)


async def _timed(session: AsyncSession, limit_s: float) -> _Timed:
    began = time.monotonic()
    came, trial = await _tried(session._answered(session.venue.server_time(), bulk=False), limit_s)
    if trial.status == NO_SUCH_PATH:
        return _Timed(Trial((time.monotonic() - began) * 1000))  # there is no clock there, but somebody who says so
    if came is None:
        return _Timed(trial)
    server_ms, answer = came
    monotonic, wall_s = time.monotonic(), time.time()
    session._address.clock.observe(server_ms, answer.sent_at, answer.received_at, wall_s)
    trip_s = answer.received_at - answer.sent_at
    halfway_ms = (wall_s - (monotonic - answer.received_at) - trip_s / 2) * 1000
    clock = Clock(halfway_ms - server_ms, trip_s * 500 + 1, session.venue.is_steady(answer))
    return _Timed(Trial(trip_s * 1000), clock)


async def _binary(session: AsyncSession, limit_s: float) -> tuple[Trial, str]:
    """How a question in binary alone ended, and the media type of its answer."""
    outgoing = session.venue.outgoing(session.venue.server_time(), "sbe")

    async def ask() -> Answer:
        line = await session._line_here()
        request = session.venue.server_time()
        answer = await line.send(
            outgoing,
            weight=request.weight,
            deadline_s=limit_s,
            patience_s=limit_s,
            urgent=True,
            legible=_any,
            repeatable=False,  # the line of REST tells of failures that pass
            counts=False,
        )
        refused = session.venue.refusal(request, answer)
        if refused is not None:
            raise refused
        return answer

    answer, trial = await _tried(ask(), limit_s)
    return trial, "" if answer is None else answer.content_type


def _any(_: Answer) -> bool:
    return True


async def _handshake(
    session: AsyncSession, url_of: str, address_of: Callable[[AsyncSession, str], Address], limit_s: float
) -> Trial:
    """How an attempt to connect ends, made only where one is allowed now; nothing is asked over it."""
    told: Callable[[], str] | None = getattr(session.venue, url_of, None)
    try:
        if told is None:
            raise ConfigurationError(f"{session.venue.name} has no such address.", recovery_suggestions=())
        url = told()
    except ConfigurationError as error:
        return Trial(error=error, is_given=False)
    took_ms, trial = await _tried(_connected(session, url, address_of(session, url), limit_s), limit_s)
    return trial if took_ms is None else Trial(took_ms)


async def _connected(session: AsyncSession, url: str, address: Address, limit_s: float) -> float:
    """How many ms a handshake takes."""
    began = time.monotonic()
    if (stop := _stop(session)).left_s > 0:
        raise RateLimited("the exchange wants to be left alone.", retry_after=stop.left_s)
    wait_s = address.admit(began)
    if wait_s > 0:
        raise RateLimited("connections to it pause after failures or a limit.", retry_after=wait_s)
    try:
        socket = await Socket.connect(
            url, on_frames=_ignore, terms=Terms(connect_s=limit_s), proxies=Proxies(session.settings.proxy)
        )
    except CryptoxError as error:
        now = time.monotonic()
        address.breaker.failure(now, admitted_at=began)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            address.hold(now + error.retry_after)
        raise
    except BaseException:
        address.breaker.abandon(began)
        raise
    address.breaker.success()
    took_ms = (time.monotonic() - began) * 1000
    await socket.close()
    return took_ms


def _ignore(_frames: list[bytes], _received_ns: int) -> None:
    """Nothing is asked for, so nothing that comes is of interest."""


async def _key(session: AsyncSession, limit_s: float) -> list[Finding]:
    money = session.venue.capabilities.real_money
    if session.signer is None:
        return [judged_key(None, None, trading=session.trading, real_money=money)]
    key, trial = await _tried(_rights(session), limit_s)
    error = trial.error
    if key is None and error is None:
        error = ExchangeError("no answer in time", recovery_suggestions=["See the line of REST."])
    return [judged_key(key, error, trading=session.trading, real_money=money)]


async def _rights(session: AsyncSession) -> Key:
    venue = session._trading_venue
    try:
        rights = await session._ask_signed(venue.key_rights())
        return Key(rights)
    except CryptoxError as error:
        if error.context.get("status") != NO_SUCH_PATH:
            raise
    account = await session._ask_signed(venue.account())
    return Key(None, account.can_trade)


async def _learn_limits(session: AsyncSession, limit_s: float) -> list[Finding]:
    """Ask for them; that may be what is not allowed, and what is known already counts then."""
    await _tried(session._as_of(rules_of=session._address.rules_of or ALL), limit_s)
    return []


async def _limits(session: AsyncSession) -> list[Finding]:
    """What is used, and whether anything may be sent."""
    address = session._address
    stop = _stop(session)
    known = address.clock.known or address.rules_known
    weights = [
        Weight(
            LIMIT_WORDS.get(state.limit.kind, state.limit.kind.lower()),
            window_name(state.limit.window_ms),
            state.used,
            state.limit.amount,
        )
        for state in (address.limiter.states(session._moment()) if known else ())
    ]
    return [judged_limits(weights, stopped_s=stop.left_s, banned=stop.banned)]


def _stop(session: AsyncSession) -> _Stop:
    """What is in force now, whichever process was told."""
    address = session._address
    own = _Stop(max(0.0, address.limiter.forbidden_until - time.monotonic()), address.limiter.banned)
    noted = address.stops.current()
    others = own if noted is None else _Stop(address.stops.left_s(noted), noted.banned)
    return max(own, others)


async def _proxy(session: AsyncSession) -> list[Finding]:
    hosts = session.venue.hosts
    ways: dict[str, str | None] = {}
    direct_by_https = False
    try:
        proxies = Proxies(session.settings.proxy)
        for url in (hosts.rest, hosts.stream, hosts.ws_api):
            parts = urlsplit(url or "")
            if parts.hostname:
                scheme = "https" if parts.scheme in ("https", "wss") else "http"
                way = proxies.choose(scheme, parts.hostname, parts.port)
                ways[parts.hostname] = None if way is None else _bare(way)
                plain = proxies.choose("http", parts.hostname, parts.port)
                direct_by_https = direct_by_https or (scheme == "https" and way is None and plain is not None)
    except CryptoxError as error:
        return [judged_proxy(None, error)]
    named = [name for name in VARIABLES if os.environ.get(name) or os.environ.get(name.lower())]
    source = "from the setting proxy" if session.settings.proxy else ", ".join(named)
    return [judged_proxy(Proxied(ways, source, halfway=direct_by_https))]


def _bare(proxy: str) -> str:
    """A proxy's address without the name and password that may be in it."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


async def _journal(session: AsyncSession) -> list[Finding]:
    folder = state_folder()
    try:
        error = await apart(_unwritable, folder)
    except OSError as problem:
        error = problem.strerror or type(problem).__name__
    return [judged_journal(str(folder), error, trading=session.trading and session.signer is not None)]


def _unwritable(folder: Path) -> str | None:
    """Why no file can be made in a folder, or in the one that it would be made in; None where one can."""
    there = next(one for one in (folder / "orders", folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__
