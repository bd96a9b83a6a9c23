"""How sessions are doing: facts gathered from where they arise, and one cheap request to each address.

Each check is a task with a time limit of its own, and none raises. What is read of live connections is read from any
thread without asking their loop: one that stands still must not hold up the answer, and shows by its age.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from difflib import get_close_matches
from logging import WARNING
from typing import Any, Final, TypeVar, overload
from urllib.parse import urlsplit

from cryptox import _process, logs, portal
from cryptox.errors import Banned, CryptoxError, NetworkError, NotSent, RateLimited, ValidationError
from cryptox.model import judging
from cryptox.model.diagnosis import FIREWALL, NOT_HERE
from cryptox.model.health import Component, Connection, ExchangeAddress, Health, UserConnection
from cryptox.model.judging import AddressFacts, ConnectionFacts, Problem, UserFacts
from cryptox.sessions.core import NO_SUCH_PATH
from cryptox.sessions.tending import begun_again
from cryptox.transport.messages import Answer

__all__ = ["check_component", "look"]

T = TypeVar("T")

log = logs.logger("sessions.health")

_late_s: ContextVar[float] = ContextVar("cryptox_health_late_s", default=0.0)  # by so much a look began late
_is_whole: ContextVar[bool] = ContextVar("cryptox_health_is_whole", default=False)  # of the process, not of sessions

CHECK_S: Final = 8.0  # for one component
ADDRESS_S: Final = 7.0  # for one address: one that takes too long must not hide the others
PROBE_S: Final = 5.0  # for an answer, where the session's timeout is not shorter
PATIENCE_S: Final = 1.0  # for weight
DUE_S: Final = 0.02  # by this the loop's lateness is measured
STALE_S: Final = 2.0  # after a silent connection was asked for a sign of life
TRIES: Final = 5  # to read what another thread is changing
RECENT_S: Final = 60.0  # how late an event was that came before says nothing about now


def check_component(component: str | None) -> None:
    """Refuse the name of a component that there is not; None is all of them.

    Raises
    ------
    ValidationError
        With the nearest name.
    """
    if component is None or (isinstance(component, str) and component in judging.COMPONENTS):
        return
    near = get_close_matches(str(component), judging.COMPONENTS, n=1)
    raise ValidationError(
        f"There is no component {component!r}.",
        recovery_suggestions=[f"Components are: {', '.join(judging.COMPONENTS)}."],
        suggested={"component": near[0]} if near else None,
    )


@overload
async def look(
    sessions: Iterable[Any], component: None = None, *, due_at: float | None = None, whole: bool = False
) -> Health: ...
@overload
async def look(
    sessions: Iterable[Any], component: str | None, *, due_at: float | None = None, whole: bool = False
) -> Health | Component: ...
async def look(
    sessions: Iterable[Any], component: str | None = None, *, due_at: float | None = None, whole: bool = False
) -> Health | Component:
    """How these sessions are doing, all together, or one component of it.

    Parameters
    ----------
    sessions, component
        Whose; which, None for all.
    due_at
        When it was to begin, in monotonic seconds: by so much the loop was late.
    whole
        Whether the whole process is asked about: what was begun again is told whosever it is.

    Raises
    ------
    ValidationError
        There is no such component.
    """
    check_component(component)
    _late_s.set(0.0 if due_at is None else max(0.0, time.monotonic() - due_at))
    _is_whole.set(whole)
    own = list(sessions)
    wanted = judging.COMPONENTS if component is None else (component,)
    parts = await asyncio.gather(*(_checked(name, CHECKS[name], own) for name in wanted))
    if component is not None:
        return parts[0]
    return judging.health(parts, timestamp_ms=time.time_ns() // 1_000_000)


async def _checked(name: str, check: Callable[[Sequence[Any]], Awaitable[Component]], sessions: list[Any]) -> Component:
    """One check, within its time; whatever becomes of it is a component."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await check(sessions)
    except TimeoutError:
        return judging.not_found_out(name, f"It was not found out within {CHECK_S:g} s.")
    except Exception as error:  # noqa: BLE001  # health tells how things are, whatever they are
        told = f"{type(error).__name__}: {error}"
        logs.event(log, "health.failed", level=WARNING, component=name, error=told)
        return judging.not_found_out(name, f"It could not be found out: {told}", because="failed")


async def _application(sessions: Sequence[Any]) -> Component:
    loop = asyncio.get_running_loop()
    due = loop.time() + DUE_S
    await asyncio.sleep(DUE_S)
    late_ms = max(_late_s.get(), loop.time() - due) * 1000
    return judging.application(
        uptime_ms=int((time.monotonic() - _process.LOADED_AT) * 1000),
        memory_mb=_process.memory_mb(),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks(loop)),
        loop_lag_ms=late_ms,
        begun_again=begun_again(time.monotonic(), None if _is_whole.get() else await _owners(sessions)),
    )


async def _owners(sessions: Sequence[Any]) -> list[Any]:
    """Whose tasks serve these sessions."""
    hubs = [hub for session in sessions for hub in await _steadily(_hubs, session)]
    return [*sessions, *hubs]


async def _exchange_api(sessions: Sequence[Any]) -> Component:
    """One request to each address, by each way to it."""
    here = asyncio.get_running_loop()
    ways: dict[tuple[str, str | None], list[Any]] = {}
    for session in sorted(sessions, key=lambda one: here not in one._lines):  # what has connections here comes first
        ways.setdefault((session._address.url, session.settings.proxy), []).append(session)
    found = await asyncio.gather(*map(_address, ways.values()))
    return judging.exchange_api([one for one in found if one is not None])


async def _address(sessions: list[Any]) -> AddressFacts | None:
    """An address, asked by one of its sessions; None where all of them have been closed meanwhile."""
    for session in sessions:
        problem, latency_ms = await _asked(session)
        if problem is None or session._closed is None:
            return _figures(session, problem, latency_ms)
    return None


async def _asked(session: Any) -> tuple[Problem | None, float | None]:
    """As ``_probe``, within its time: other calls of the session may wait before it."""
    try:
        async with asyncio.timeout(ADDRESS_S):
            return await _probe(session)
    except TimeoutError:
        return Problem("silent", f"Nothing came within {ADDRESS_S:g} s: other calls wait for answers, too."), None


def _figures(session: Any, problem: Problem | None, latency_ms: float | None) -> AddressFacts:
    now, address = time.monotonic(), session._address
    figures, weight = address.tally.figures(now), session.weight_used()
    success = figures.last_success_at
    found = ExchangeAddress(
        venue=session.venue.name,
        address=_place(address.url),
        status="healthy",
        latency_ms=latency_ms,
        last_success_ms=None if success is None else int((time.time() - (now - success)) * 1000),
        requests=figures.requests,
        error_rate=figures.errors / figures.requests if figures.requests else None,
        weight_used=None if weight is None else weight[0],
        weight_limit=None if weight is None else weight[1],
        breaker=address.breaker.state(now),
    )
    return AddressFacts(found, problem, figures.errors, figures.in_a_row)


async def _probe(session: Any) -> tuple[Problem | None, float | None]:
    """Ask for the time, once and within the limits; what is in the way, and how long the answer took in ms."""
    venue, request = session.venue, session.venue.server_time()
    try:
        line = await session._line_here()
        answer: Answer = await line.send(
            session._outgoing(request),
            weight=request.weight,
            deadline_s=min(PROBE_S, session.settings.timeout),
            patience_s=PATIENCE_S,
            urgent=True,
            legible=lambda _: True,
            repeatable=False,
            counts=False,
        )
    except CryptoxError as error:
        return _problem(error), None
    took_ms = (answer.received_at - answer.sent_at) * 1000
    session._address.clock.steady = venue.is_steady(answer)
    verdict = venue.verdict(answer)
    if verdict.kind == "stop":
        return Problem("banned" if verdict.banned else "limited", "The exchange said stop.", verdict.wait_s), took_ms
    if answer.status == NOT_HERE:
        return Problem("blocked", f"The exchange does not serve this place (HTTP {NOT_HERE})."), took_ms
    if answer.status == FIREWALL:
        return Problem("firewall", f"The exchange's firewall turns this address away (HTTP {FIREWALL})."), took_ms
    if verdict.kind == "busy":
        return Problem("busy", f"The exchange's front answered HTTP {answer.status}."), took_ms
    if answer.status == NO_SUCH_PATH:  # a server without a clock: it answers
        return None, took_ms
    refused = venue.refusal(request, answer)
    if refused is not None:
        return Problem("refused", str(refused)), took_ms
    try:
        session._address.clock.observe(request.read(answer), answer.sent_at, answer.received_at, time.time())
    except CryptoxError as error:
        return Problem("refused", f"The answer cannot be read: {error}"), took_ms
    return None, took_ms


def _problem(error: CryptoxError) -> Problem:
    """What kept a request from being answered."""
    if isinstance(error, Banned):
        return Problem("banned", "The exchange has banned this address.", error.retry_after)
    if isinstance(error, RateLimited):
        return Problem("limited", "The weight is used up.", error.retry_after)
    if isinstance(error, NotSent) and error.retry_after is not None:
        return Problem("resting", "Many requests in a row came to nothing.", error.retry_after)
    if isinstance(error, NetworkError) and error.context.get("in_time") is False:
        return Problem("silent", error.user_message)
    if isinstance(error, NetworkError):
        return Problem("unreachable", error.user_message)
    return Problem("refused", str(error))


async def _websocket_connections(sessions: Sequence[Any]) -> Component:
    hubs = {id(hub): hub for session in sessions for hub in await _steadily(_hubs, session)}
    there = [hub for hub in hubs.values() if hub.url and not hub.is_closed and not hub.loop.is_closed()]
    anew = {hub.url for hub in there if _runs(hub.loop)}  # in the place of those whose loop has ended
    kept = [hub for hub in there if _is_inherited(hub) or hub.url not in anew or not portal.is_lost(hub.loop)]
    return judging.websocket_connections([facts for hub in kept for facts in await _steadily(_lines, hub)])


def _hubs(session: Any) -> list[Any]:
    return [] if session._live is None else list(session._live._hubs)


def _lines(hub: Any) -> list[ConnectionFacts]:
    """The connections of a hub; of a replay there are none."""
    now, found = time.monotonic(), []
    runs, inherited = _runs(hub.loop), _is_inherited(hub)
    for kept, topics in hub.lines():
        lags = [lag for topic in topics if topic.heard_within(RECENT_S) and (lag := topic.latency) is not None]
        behind = [topic for topic in topics if topic.connected and not topic.synced]
        trouble = kept.trouble or next((topic.trouble for topic in behind if topic.trouble), None)
        record = Connection(
            venue=hub.venue.name,
            address=_place(hub.url),
            state=_state(kept.life.state, runs, inherited),
            breaker=kept.life.breaker_state(now),
            streams=len(kept.streams),
            reconnects=kept.life.reconnects,
            last_message_age_s=_age_s(now, kept.heard_at()) if kept.life.has_opened else None,
            lag_s=max(lags, default=None),
            behind=len(behind),
            trouble=trouble,
        )
        found.append(ConnectionFacts(record, hub.silence_s + STALE_S, runs, inherited))
    return found


async def _trading_system(sessions: Sequence[Any]) -> Component:
    now, now_ms = time.monotonic(), time.time() * 1000
    able = [session for session in sessions if session.trading and session._keys.filled]
    acts = [one for session in sessions for one in await _steadily(_acts, session)]
    ages = [
        max(0.0, (now_ms - one.entry.sent_ms) / 1000 if one.sent_at is None else now - one.sent_at)
        for one in acts
        if one.state == "asking"
    ]
    streams = [session._stream for session in sessions if session._stream is not None]
    last = max((one._last_act for one in sessions if one._last_act is not None), key=lambda act: act[1], default=None)
    return judging.trading_system(
        total_users=len(able),
        active_connections=sum([await _steadily(_is_carried, stream) for stream in streams]),
        unresolved_ages_s=ages,
        last_order_latency_ms=None if last is None else last[0] * 1000,
        last_order_ms=None if last is None else int(now_ms - (now - last[1]) * 1000),
        last_order_age_s=None if last is None else now - last[1],
    )


def _acts(session: Any) -> list[Any]:
    """Without those that a parent process sees to."""
    return [one for one in list(session._acts.values()) if one.task is None or not _is_parents(one)]


def _is_parents(act: Any) -> bool:
    return bool(act.entry.process != os.getpid() and portal.is_lost(act.task.get_loop()))


def _is_carried(stream: Any) -> bool:
    return bool(stream.line.is_carried and _runs(stream.loop) and not _is_inherited(stream.line))


def _runs(loop: Any) -> bool:
    return bool(loop.is_running() and not portal.is_lost(loop))


def _is_inherited(thing: Any) -> bool:
    """Whether it is a copy, in a forked child, of what is its parent's."""
    return bool(thing.process != os.getpid())


def _state(state: str, runs: bool, inherited: bool) -> str:
    """What it says of itself was true where it runs."""
    return "inherited" if inherited else state if runs else "standing"


async def _user_connections(sessions: Sequence[Any]) -> Component:
    users = [session for session in sessions if session.signer is not None]
    return judging.user_connections([await _steadily(_user, session) for session in users])


def _user(session: Any) -> UserFacts:
    now, stream = time.monotonic(), session._stream
    who: dict[str, Any] = {
        "user": session.user,
        "venue": session.venue.name,
        "clock_skew_ms": _skew_ms(session._address.clock, now, time.time()),
    }
    if stream is None or (stream.loop.is_closed() and not stream.line.is_over):
        return UserFacts(UserConnection(**who), PROBE_S)
    line, life, failure = stream.line, stream.line.life, stream.failure
    runs, inherited = _runs(stream.loop) or line.is_over, _is_inherited(line)
    record = UserConnection(
        **who,
        logged_on=line.is_carried and runs and not inherited,
        state=_state("ended" if line.is_over else life.state, runs, inherited),
        breaker=life.breaker_state(now),
        reconnects=life.reconnects,
        last_event_age_s=None if stream.event_at is None else _age_s(now, stream.event_at),
        last_message_age_s=_age_s(now, line.heard_at()) if life.has_opened else None,
        trouble=stream.trouble,
    )
    refused = None if failure is None else f"{type(failure).__name__}: {failure}"
    return UserFacts(record, line.silence_s + STALE_S, refused, stream.in_step, runs, inherited)


def _age_s(now: float, then: float) -> float:
    """Not below zero: the loop that is read goes on meanwhile."""
    return max(0.0, now - then)


def _skew_ms(clock: Any, now: float, wall_s: float) -> float | None:
    """By how much the exchange's clock is certainly ahead of this machine's."""
    if not clock.known or not clock.steady:
        return None
    return float(clock.now_ms(now) - wall_s * 1000)


async def _steadily(read: Callable[[Any], T], thing: object) -> T:
    """What is read while another thread may be changing it: a walk over a dictionary that grew is made again."""
    for _ in range(TRIES - 1):
        try:
            return read(thing)
        except RuntimeError:
            await asyncio.sleep(0)
    return read(thing)


def _place(url: str) -> str:
    """An address without what may be secret in it, and without its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


CHECKS: Final[dict[str, Callable[[Sequence[Any]], Awaitable[Component]]]] = {
    "application": _application,
    "exchange_api": _exchange_api,
    "websocket_connections": _websocket_connections,
    "trading_system": _trading_system,
    "user_connections": _user_connections,
}
