"""From what was found to status, reasons and advice. Pure: ages and times are arguments.

Each part of a component is judged alone, then all of them together: some down is degraded, all down unhealthy. What
could not be found out is unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeVar, cast

from .health import (
    BREAKER_STATES,
    STATUSES,
    Application,
    Component,
    Connection,
    ExchangeAddress,
    ExchangeApi,
    Health,
    HealthStatus,
    TradingSystem,
    UserConnection,
    UserConnections,
    WebsocketConnections,
)
from .health_advice import ADVICE, Trouble
from .lines import count, duration, one_line

__all__ = [
    "ADVICE",
    "COMPONENTS",
    "AddressFacts",
    "ConnectionFacts",
    "Problem",
    "UserFacts",
    "application",
    "exchange_api",
    "health",
    "not_found_out",
    "trading_system",
    "user_connections",
    "websocket_connections",
]

COMPONENTS: Final[Mapping[str, type[Component]]] = MappingProxyType(
    {kind.name: kind for kind in (Application, ExchangeApi, WebsocketConnections, TradingSystem, UserConnections)}
)

T = TypeVar("T", ExchangeAddress, Connection, UserConnection)

LATE_LOOP_MS: Final = 500.0  # the loop was so late: something holds it up
SLOW_MS: Final = 1_000.0  # for an answer to the cheapest request
MANY_ERRORS: Final = 0.05  # of the requests of the last minutes
FEW_REQUESTS: Final = 20  # of so few no rate is judged
NEARLY_USED: Final = 0.9  # of the weight
FAILING: Final = 3  # failures in a row: one more answer that did not come is no accident
SLOW_ORDER_MS: Final = 2_000.0
NEWEST_ORDER_S: Final = 300.0  # older orders say nothing about now
LONG_UNRESOLVED_S: Final = 60.0
LAG_S: Final = 2.0  # from the exchange's sending to receipt
SKEW_MS: Final = 1_000.0
BEGUN_AGAIN_S: Final = 10.0  # for so long after it ended before its time a task or thread counts


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request just now did not succeed.

    Attributes
    ----------
    kind
        ``banned``, ``limited`` (the weight is used up), ``resting`` (the breaker is open), ``busy`` (5xx), ``blocked``
        (this place is not served), ``firewall`` (this address is turned away), ``refused`` (another refusal),
        ``unreachable``, ``silent`` (no answer in time).
    text
        What was said, in a sentence.
    wait_s
        Seconds for which nothing is sent.
    """

    kind: Trouble
    text: str
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """An address, its figures, and what became of the request."""

    found: ExchangeAddress  # its status is not looked at
    problem: Problem | None = None
    errors: int = 0  # of ``found.requests``
    failures: int = 0  # in a row


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """A connection, its figures, and from which age on it counts as quiet."""

    found: Connection
    quiet_s: float
    runs: bool = True  # the loop that it lives on
    inherited: bool = False  # it is the parent's, which this process was forked from


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A user's connection, its figures, whether it has ended by itself, and whether nothing is left to be looked at."""

    found: UserConnection
    quiet_s: float
    refused: str | None = None
    in_step: bool = True
    runs: bool = True  # the loop that it lives on
    inherited: bool = False  # it is the parent's, which this process was forked from


class _Verdict(NamedTuple):
    status: HealthStatus
    reasons: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()  # keys of ADVICE


def application(
    *,
    uptime_ms: int,
    memory_mb: float | None,
    threads: int,
    tasks: int,
    loop_lag_ms: float,
    begun_again: Sequence[tuple[str, float]] = (),
    stands: str = "",
) -> Application:
    """This process: degraded where its loop is late, and after something that was to go on had ended.

    ``begun_again`` has what ended, and how many seconds ago; ``stands`` says that the loop does not answer at all.
    """
    verdicts = [_Verdict("healthy")]
    if stands:
        verdicts.append(_Verdict("unhealthy", (one_line(f"{stands}."),), ("stuck",)))
    elif loop_lag_ms > LATE_LOOP_MS:
        verdicts.append(_Verdict("degraded", (f"The loop was {loop_lag_ms:.0f} ms late.",), ("late",)))
    newest = {what: age_s for what, age_s in begun_again if age_s <= BEGUN_AGAIN_S}
    verdicts += [
        _Verdict("degraded", (one_line(f"It had ended and was begun again {age_s:.0f} s ago: {what}."),), ("again",))
        for what, age_s in newest.items()
    ]
    told = _worst(verdicts)
    return Application(
        status=told.status,
        reasons=told.reasons,
        advice=_texts(told.advice),
        uptime_ms=uptime_ms,
        memory_mb=memory_mb,
        threads=threads,
        tasks=tasks,
        loop_lag_ms=loop_lag_ms,
    )


def exchange_api(facts: Sequence[AddressFacts]) -> ExchangeApi:
    """The REST APIs of all addresses."""
    verdicts = [_address(one) for one in facts]
    found = tuple(_with_status(one.found, verdict) for one, verdict in zip(facts, verdicts, strict=True))
    requests = sum(one.requests for one in found)
    fullest = max((one for one in found if one.weight_limit), key=_share, default=None)
    told = _together([f"{one.venue} at {one.address}" for one in found], verdicts)
    return ExchangeApi(
        status=told.status,
        in_use=bool(facts),
        reasons=told.reasons if facts else ("Nothing was asked: no session is open.",),
        advice=told.advice,
        latency_ms=max((one.latency_ms for one in found if one.latency_ms is not None), default=None),
        last_success_ms=max((one.last_success_ms for one in found if one.last_success_ms is not None), default=None),
        error_rate=sum(one.errors for one in facts) / requests if requests else None,
        weight_used=None if fullest is None else fullest.weight_used,
        weight_limit=None if fullest is None else fullest.weight_limit,
        addresses=found,
    )


def websocket_connections(facts: Sequence[ConnectionFacts]) -> WebsocketConnections:
    """The connections of live feeds."""
    own = [one for one in facts if not one.inherited]
    verdicts = [_inherited(bool(own)) if one.inherited else _connection(one) for one in facts]
    found = tuple(_with_status(one.found, verdict) for one, verdict in zip(facts, verdicts, strict=True))
    told = _together([f"{one.venue} at {one.address}" for one in found], verdicts)
    return WebsocketConnections(
        status=told.status,
        in_use=bool(facts),
        reasons=told.reasons,
        advice=told.advice,
        connected=bool(own) and all(one.found.is_up for one in own),
        circuit_breaker_state=max((one.breaker for one in found), key=BREAKER_STATES.index, default="closed"),
        total_reconnects=sum(one.reconnects for one in found),
        connections=found,
    )


def trading_system(
    *,
    total_users: int,
    active_connections: int,
    unresolved_ages_s: Sequence[float],
    last_order_latency_ms: float | None = None,
    last_order_ms: int | None = None,
    last_order_age_s: float | None = None,
) -> TradingSystem:
    """Orders: degraded while an outcome is not known or orders are slow, unhealthy where none becomes known."""
    verdicts, unresolved = [_Verdict("healthy")], len(unresolved_ages_s)
    if unresolved:
        oldest_s, long = max(unresolved_ages_s), max(unresolved_ages_s) > LONG_UNRESOLVED_S
        text = f"Of {count(unresolved, 'order')} the outcome is not known, of one since {duration(oldest_s)}."
        advice = ("unresolved", "long") if long else ("unresolved",)
        verdicts.append(_Verdict("unhealthy" if long else "degraded", (text,), advice))
    latency = last_order_latency_ms
    if latency is not None and latency > SLOW_ORDER_MS and (last_order_age_s or 0.0) <= NEWEST_ORDER_S:
        verdicts.append(_Verdict("degraded", (f"The last order took {latency:.0f} ms.",), ("slow_orders",)))
    told = _worst(verdicts)
    return TradingSystem(
        status=told.status,
        in_use=bool(total_users or unresolved),
        reasons=told.reasons,
        advice=_texts(told.advice),
        total_users=total_users,
        active_connections=active_connections,
        unresolved=unresolved,
        last_order_latency_ms=latency,
        last_order_ms=last_order_ms,
    )


def user_connections(facts: Sequence[UserFacts]) -> UserConnections:
    """The users' own connections: those that were not begun do not count."""
    own = any(one.found.is_begun and not one.inherited for one in facts)
    verdicts = [_inherited(own) if one.inherited else _user(one) for one in facts]
    found = tuple(_with_status(one.found, verdict) for one, verdict in zip(facts, verdicts, strict=True))
    begun = [(one.label, verdict) for one, verdict in zip(found, verdicts, strict=True) if one.is_begun]
    told = _together([label for label, _ in begun], [verdict for _, verdict in begun])
    return UserConnections(
        status=told.status, in_use=bool(begun), reasons=told.reasons, advice=told.advice, users=found
    )


def not_found_out(component: str, why: str, *, because: Literal["failed", "silent", "stuck"] = "silent") -> Component:
    """A component that could not be looked at: not in time, as the look itself failed, or the loop stands."""
    advice = ADVICE[because]
    return COMPONENTS[component](status="unknown", reasons=(one_line(why),), advice=(advice,))


def health(components: Iterable[Component], *, timestamp_ms: int) -> Health:
    """Everything: the worst of what is in use."""
    parts = {part.name: part for part in components}
    used = [part.status for part in parts.values() if part.in_use]
    worst: HealthStatus = max(used, key=STATUSES.index, default="healthy")
    return Health(status=worst, timestamp_ms=timestamp_ms, components=MappingProxyType(parts))


def _address(facts: AddressFacts) -> _Verdict:
    """Of one address: what became of the request first, then the figures."""
    found, problem = facts.found, facts.problem
    if problem is not None:
        rest = "" if problem.wait_s is None else f" Nothing is sent for another {duration(problem.wait_s)}."
        status: HealthStatus = "unhealthy"
        if problem.kind == "limited":
            status = "degraded"
        elif problem.kind == "silent" and facts.failures < FAILING:
            status = "unknown"
        return _Verdict(status, (one_line(problem.text) + rest,), (problem.kind,))
    verdicts = [_Verdict("healthy")]
    if found.latency_ms is not None and found.latency_ms > SLOW_MS:
        verdicts.append(_Verdict("degraded", (f"The answer took {found.latency_ms:.0f} ms.",), ("slow",)))
    if found.requests >= FEW_REQUESTS and facts.errors > MANY_ERRORS * found.requests:
        text = f"{facts.errors} of {found.requests} requests failed in the last minutes."
        verdicts.append(_Verdict("degraded", (text,), ("errors",)))
    if found.weight_limit and _share(found) >= NEARLY_USED:
        text = f"{found.weight_used} of {found.weight_limit} of the weight is used."
        verdicts.append(_Verdict("degraded", (text,), ("weight",)))
    return _worst(verdicts)


def _inherited(beside_own: bool) -> _Verdict:
    """What a forked child has of its parent: no trouble where it has made its own."""
    reason = "It belongs to the process that this one was forked from: nothing is received here."
    return _Verdict("healthy" if beside_own else "unhealthy", (reason,), ("forked",))


def _connection(facts: ConnectionFacts) -> _Verdict:
    found = facts.found
    why = f": {found.trouble}" if found.trouble else "."
    if not facts.runs:
        return _Verdict("unhealthy", ("Its loop does not run: nothing is received.",), ("standing",))
    if not found.is_up:
        return _Verdict(
            "degraded" if _begins(found) else "unhealthy",
            (f"It is not connected ({found.state.replace('_', ' ')}){why}",),
            ("down",),
        )
    verdicts = [_Verdict("healthy")]
    if found.last_message_age_s is not None and found.last_message_age_s > facts.quiet_s:
        text = f"Nothing was heard for {duration(found.last_message_age_s)}."
        verdicts.append(_Verdict("degraded", (text,), ("quiet",)))
    if found.behind:
        verdicts.append(_Verdict("degraded", (f"{count(found.behind, 'stream')} not in step{why}",), ("behind",)))
    if found.lag_s is not None and found.lag_s > LAG_S:
        verdicts.append(_Verdict("degraded", (f"The newest event was {found.lag_s:.1f} s late.",), ("lag",)))
    return _worst(verdicts)


def _user(facts: UserFacts) -> _Verdict:
    found, verdicts = facts.found, [_Verdict("healthy")]
    if found.is_begun and not facts.runs:
        verdicts.append(_Verdict("unhealthy", ("Its loop does not run: nothing is received.",), ("standing",)))
    elif found.is_begun and not found.logged_on:
        if facts.refused is not None:
            verdicts.append(_Verdict("unhealthy", (f"Its connection has ended: {facts.refused}",), ("user_ended",)))
        else:
            why = f": {found.trouble}" if found.trouble else "."
            text = f"It is not logged on ({found.state.replace('_', ' ')}){why}"
            verdicts.append(_Verdict("degraded" if _begins(found) else "unhealthy", (text,), ("user_down",)))
    elif found.logged_on:
        if (found.last_message_age_s or 0.0) > facts.quiet_s:
            text = f"Nothing was heard for {duration(found.last_message_age_s or 0.0)}."
            verdicts.append(_Verdict("degraded", (text,), ("quiet",)))
        if found.trouble and not facts.in_step:
            text = f"What was missed could not be asked for: {found.trouble}"
            verdicts.append(_Verdict("degraded", (text,), ("behind",)))
    if found.clock_skew_ms is not None and abs(found.clock_skew_ms) > SKEW_MS:
        side = "ahead of" if found.clock_skew_ms > 0 else "behind"
        text = f"The exchange's clock is {abs(found.clock_skew_ms) / 1000:.1f} s {side} this machine's."
        verdicts.append(_Verdict("healthy", (text,), ("skew",)))
    return _worst(verdicts)


def _begins(found: Connection | UserConnection) -> bool:
    """Whether it is a first connection on its way, open and not subscribed yet at most: that is not down."""
    is_fresh = found.last_message_age_s is None or (found.state == "open" and not found.reconnects)
    return is_fresh and found.trouble is None


def _with_status(found: T, verdict: _Verdict) -> T:
    return dataclasses.replace(found, status=verdict.status)


def _worst(verdicts: Sequence[_Verdict]) -> _Verdict:
    """Several findings about one thing."""
    status = max((one.status for one in verdicts), key=STATUSES.index)
    return _Verdict(
        status,
        tuple(reason for one in verdicts for reason in one.reasons),
        tuple(key for one in verdicts for key in one.advice),
    )


def _together(labels: Sequence[str], verdicts: Sequence[_Verdict]) -> _Verdict:
    """Several things: some down is degraded, all down unhealthy; each reason says whose, where there are several."""
    statuses = {one.status for one in verdicts}
    status: HealthStatus = max(statuses, key=STATUSES.index, default="healthy")
    if status == "unhealthy" and statuses & {"healthy", "degraded"}:
        status = "degraded"
    reasons = [
        f"{label}: {reason}" if len(verdicts) > 1 else reason
        for label, verdict in zip(labels, verdicts, strict=True)
        for reason in verdict.reasons
    ]
    return _Verdict(status, tuple(map(one_line, reasons)), _texts(key for one in verdicts for key in one.advice))


def _texts(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(ADVICE[key] for key in dict.fromkeys(keys))


def _share(found: ExchangeAddress) -> float:
    return cast(int, found.weight_used) / cast(int, found.weight_limit)
