"""Judging: from facts to status, reasons and advice; every rule is tripped."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.model import judging
from cryptox.model.health import (
    STATUSES,
    Connection,
    ExchangeAddress,
    HealthStatus,
    UserConnection,
)
from cryptox.model.judging import ADVICE, AddressFacts, ConnectionFacts, Problem, UserFacts

GOOD = ExchangeAddress(
    venue="paper",
    address="http://127.0.0.1:1",
    status="healthy",
    latency_ms=12.0,
    last_success_ms=1_717_243_200_000,
    requests=100,
    error_rate=0.0,
    weight_used=100,
    weight_limit=6_000,
)
UP = Connection(venue="paper", address="ws://127.0.0.1:1", streams=2, last_message_age_s=0.5, lag_s=0.01)
ON = UserConnection(
    user="ann", venue="paper", logged_on=True, state="carrying", last_message_age_s=1.0, clock_skew_ms=3.0
)


def address(problem: Problem | None = None, *, errors: int = 0, failures: int = 0, **changed: Any) -> AddressFacts:
    return AddressFacts(dataclasses.replace(GOOD, **changed), problem, errors, failures)


def line(**changed: Any) -> ConnectionFacts:
    return ConnectionFacts(dataclasses.replace(UP, **changed), 12.0)


def user(refused: str | None = None, **changed: Any) -> UserFacts:
    return UserFacts(dataclasses.replace(ON, **changed), 12.0, refused)


def trading(**facts: Any) -> Any:
    return judging.trading_system(**{"total_users": 1, "active_connections": 1, "unresolved_ages_s": [], **facts})


PARENTS = "It belongs to the process that this one was forked from: nothing is received here."
NOT_BEGUN: dict[str, Any] = {"state": "not begun", "logged_on": False}


def application(loop_lag_ms: float, *again: tuple[str, float]) -> Any:
    return judging.application(
        uptime_ms=5_000, memory_mb=51.2, threads=3, tasks=7, loop_lag_ms=loop_lag_ms, begun_again=again
    )


DOWN = {"state": "waiting", "trouble": "NotSent: no connection"}

CASES: list[tuple[Any, HealthStatus, str, list[str]]] = [
    (application(3.0), "healthy", "", []),
    (application(500.1), "degraded", "The loop was 500 ms late.", ["late"]),
    (application(3.0, ("monitor (cancelled)", 10.1)), "healthy", "", []),
    (
        application(3.0, ("monitor (cancelled)", 9.8), ("monitor (cancelled)", 2.0)),
        "degraded",
        "It had ended and was begun again 2 s ago: monitor (cancelled).",
        ["again"],
    ),
    (judging.exchange_api([address()]), "healthy", "", []),
    (
        judging.exchange_api([address(Problem("banned", "The exchange has banned this address.", 29.2))]),
        "unhealthy",
        "The exchange has banned this address. Nothing is sent for another 30 s.",
        ["banned"],
    ),
    (judging.exchange_api([address(Problem("limited", "Used up.", 2.0))]), "degraded",
     "Used up. Nothing is sent for another 2 s.", ["limited"]),
    (judging.exchange_api([address(Problem("resting", "Failed.", 1.0))]), "unhealthy",
     "Failed. Nothing is sent for another 1 s.", ["resting"]),
    (judging.exchange_api([address(Problem("busy", "HTTP 502."))]), "unhealthy", "HTTP 502.", ["busy"]),
    (judging.exchange_api([address(Problem("blocked", "HTTP 451."))]), "unhealthy", "HTTP 451.", ["blocked"]),
    (judging.exchange_api([address(Problem("firewall", "HTTP 403."))]), "unhealthy", "HTTP 403.", ["firewall"]),
    (judging.exchange_api([address(Problem("refused", "No."))]), "unhealthy", "No.", ["refused"]),
    (judging.exchange_api([address(Problem("unreachable", "No way."))]), "unhealthy", "No way.", ["unreachable"]),
    (judging.exchange_api([address(Problem("silent", "5 s."), failures=2)]), "unknown", "5 s.", ["silent"]),
    (judging.exchange_api([address(Problem("silent", "5 s."), failures=3)]), "unhealthy", "5 s.", ["silent"]),
    (judging.exchange_api([address(latency_ms=1_000.1)]), "degraded", "The answer took 1000 ms.", ["slow"]),
    (judging.exchange_api([address(errors=6)]), "degraded", "6 of 100 requests failed in the last minutes.",
     ["errors"]),
    (judging.exchange_api([address(errors=5)]), "healthy", "", []),
    (judging.exchange_api([address(requests=19, errors=19)]), "healthy", "", []),
    (judging.exchange_api([address(weight_used=5_400)]), "degraded", "5400 of 6000 of the weight is used.",
     ["weight"]),
    (judging.exchange_api([address(weight_used=None, weight_limit=None)]), "healthy", "", []),
    (judging.exchange_api([]), "healthy", "Nothing was asked: no session is open.", []),
    (judging.websocket_connections([line()]), "healthy", "", []),
    (judging.websocket_connections([line(state="handing_over")]), "healthy", "", []),
    (judging.websocket_connections([line(**DOWN)]), "unhealthy",
     "It is not connected (waiting): NotSent: no connection", ["down"]),
    (judging.websocket_connections([line(state="connecting", last_message_age_s=None)]), "degraded",
     "It is not connected (connecting).", ["down"]),
    (judging.websocket_connections([line(state="open", reconnects=0)]), "degraded", "It is not connected (open).",
     ["down"]),
    (judging.websocket_connections([line(state="open", reconnects=1)]), "unhealthy", "It is not connected (open).",
     ["down"]),
    (judging.websocket_connections([line(state="waiting", reconnects=0)]), "unhealthy",
     "It is not connected (waiting).", ["down"]),
    (judging.websocket_connections([line(last_message_age_s=12.1)]), "degraded", "Nothing was heard for 13 s.",
     ["quiet"]),
    (judging.websocket_connections([line(behind=1, trouble="busy")]), "degraded", "1 stream not in step: busy",
     ["behind"]),
    (judging.websocket_connections([line(lag_s=2.1)]), "degraded", "The newest event was 2.1 s late.", ["lag"]),
    (judging.websocket_connections([dataclasses.replace(line(), runs=False)]), "unhealthy",
     "Its loop does not run: nothing is received.", ["standing"]),
    (judging.websocket_connections([dataclasses.replace(line(), runs=False, inherited=True)]), "unhealthy", PARENTS,
     ["forked"]),
    (judging.websocket_connections([line(), dataclasses.replace(line(), inherited=True)]), "healthy",
     f"paper at ws://127.0.0.1:1: {PARENTS}", ["forked"]),
    (trading(), "healthy", "", []),
    (trading(unresolved_ages_s=[3.0, 1.0]), "degraded", "Of 2 orders the outcome is not known, of one since 3 s.",
     ["unresolved"]),
    (trading(unresolved_ages_s=[60.1]), "unhealthy", "Of 1 order the outcome is not known, of one since 61 s.",
     ["unresolved", "long"]),
    (trading(last_order_latency_ms=2_001.0, last_order_age_s=1.0), "degraded", "The last order took 2001 ms.",
     ["slow_orders"]),
    (trading(last_order_latency_ms=2_001.0, last_order_age_s=301.0), "healthy", "", []),
    (judging.user_connections([user()]), "healthy", "", []),
    (judging.user_connections([user(logged_on=False, **DOWN)]), "unhealthy",
     "It is not logged on (waiting): NotSent: no connection", ["user_down"]),
    (judging.user_connections([user(logged_on=False, state="connecting", last_message_age_s=None)]), "degraded",
     "It is not logged on (connecting).", ["user_down"]),
    (judging.user_connections([user(logged_on=False, state="open")]), "degraded", "It is not logged on (open).",
     ["user_down"]),
    (judging.user_connections([user(logged_on=False, state="connecting")]), "unhealthy",
     "It is not logged on (connecting).", ["user_down"]),
    (judging.user_connections([user(trouble="busy")]), "healthy", "", []),
    (judging.user_connections([dataclasses.replace(user(trouble="busy"), in_step=False)]), "degraded",
     "What was missed could not be asked for: busy", ["behind"]),
    (judging.user_connections([user("key refused", logged_on=False, state="ended")]), "unhealthy",
     "Its connection has ended: key refused", ["user_ended"]),
    (judging.user_connections([user(last_message_age_s=13.0)]), "degraded", "Nothing was heard for 13 s.", ["quiet"]),
    (judging.user_connections([dataclasses.replace(user(), runs=False)]), "unhealthy",
     "Its loop does not run: nothing is received.", ["standing"]),
    (judging.user_connections([dataclasses.replace(user(), inherited=True)]), "unhealthy", PARENTS, ["forked"]),
    (judging.user_connections([dataclasses.replace(user(), inherited=True), user(**NOT_BEGUN)]), "unhealthy", PARENTS,
     ["forked"]),
    (judging.user_connections([dataclasses.replace(user(), inherited=True), user()]), "healthy",
     f"ann on paper: {PARENTS}", ["forked"]),
    (judging.user_connections([user(clock_skew_ms=1_500.0)]), "healthy",
     "The exchange's clock is 1.5 s ahead of this machine's.", ["skew"]),
    (judging.user_connections([user(clock_skew_ms=-1_500.0)]), "healthy",
     "The exchange's clock is 1.5 s behind this machine's.", ["skew"]),
    (judging.user_connections([user(state="not begun", logged_on=False, clock_skew_ms=9e9)]), "healthy", "", []),
    (judging.not_found_out("exchange_api", "It took\ntoo long."), "unknown", "It took\\ntoo long.", ["silent"]),
    (judging.not_found_out("exchange_api", "KeyError", because="failed"), "unknown", "KeyError", ["failed"]),
    (judging.not_found_out("exchange_api", "It stands.", because="stuck"), "unknown", "It stands.", ["stuck"]),
    (judging.application(uptime_ms=1, memory_mb=None, threads=1, tasks=1, loop_lag_ms=9e3, stands="It stands"),
     "unhealthy", "It stands.", ["stuck"]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "status", "reason", "advice"), CASES)
def test_what_is_found_decides(part: Any, status: HealthStatus, reason: str, advice: list[str]) -> None:
    assert (part.status, "; ".join(part.reasons)) == (status, reason)
    assert part.advice == tuple(ADVICE[key] for key in advice)


def test_every_advice_is_given_by_some_case() -> None:
    assert {key for *_, advice in CASES for key in advice} == set(ADVICE)


def test_nothing_in_use_is_healthy_and_says_nothing_about_the_whole() -> None:
    parts = [
        judging.exchange_api([]),
        judging.websocket_connections([]),
        judging.trading_system(total_users=0, active_connections=0, unresolved_ages_s=[]),
        judging.user_connections([user(state="not begun", logged_on=False)]),
    ]
    assert [(part.status, part.in_use) for part in parts] == [("healthy", False)] * 4
    whole = judging.health(parts, timestamp_ms=1_717_243_200_000)
    assert whole.status == "healthy"
    assert repr(whole) == "Health(healthy at 2024-06-01T12:00:00Z)"


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        (["healthy", "unknown"], "unknown"),
        (["unknown", "degraded"], "degraded"),
        (["degraded", "unhealthy", "unknown"], "unhealthy"),
        (["healthy"], "healthy"),
    ],
)
def test_the_whole_is_the_worst_of_what_is_in_use(statuses: list[HealthStatus], whole: str) -> None:
    names = ["exchange_api", "websocket_connections", "trading_system"]
    parts = [
        dataclasses.replace(judging.not_found_out(name, "?"), status=status)
        for name, status in zip(names, statuses, strict=False)
    ]
    unused = dataclasses.replace(judging.not_found_out("user_connections", "?"), status="unhealthy", in_use=False)
    assert judging.health([*parts, unused], timestamp_ms=0).status == whole


PROBLEMS: dict[HealthStatus, Problem | None] = {
    "healthy": None,
    "unknown": Problem("silent", "no answer"),
    "degraded": Problem("limited", "used up"),
    "unhealthy": Problem("busy", "502"),
}


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6))
def test_some_down_is_degraded_and_all_down_unhealthy(statuses: list[HealthStatus]) -> None:
    facts = [address(PROBLEMS[status], address=f"http://{at}") for at, status in enumerate(statuses)]
    part = judging.exchange_api(facts)
    assert [one.status for one in part.addresses] == statuses
    known = set(statuses) - {"unknown"}
    if "unhealthy" in known:
        wanted = "unhealthy" if known == {"unhealthy"} else "degraded"
    else:
        wanted = max(statuses, key=STATUSES.index)
    assert part.status == wanted
    assert len(part.reasons) == sum(status != "healthy" for status in statuses)


def test_reasons_of_several_say_whose_they_are_and_advice_stands_once() -> None:
    part = judging.websocket_connections([line(**DOWN), line(**DOWN), line(address="wss://elsewhere")])
    assert part.status == "degraded"
    assert part.reasons == ("paper at ws://127.0.0.1:1: It is not connected (waiting): NotSent: no connection",) * 2
    assert part.advice == (ADVICE["down"],)


def test_figures_of_several_are_the_worst_or_the_sum() -> None:
    api = judging.exchange_api(
        [
            address(latency_ms=5.0, weight_used=10, weight_limit=20, errors=1, requests=10, last_success_ms=None),
            address(latency_ms=None, weight_used=100, weight_limit=6_000, errors=0, requests=30),
        ]
    )
    assert (api.latency_ms, api.weight_used, api.weight_limit, api.error_rate) == (5.0, 10, 20, 1 / 40)
    assert str(api.last_success) == "2024-06-01 12:00:00+00:00"
    sockets = judging.websocket_connections([line(reconnects=2), line(reconnects=3, breaker="half_open", **DOWN)])
    assert (sockets.connected, sockets.total_reconnects, sockets.circuit_breaker_state) == (False, 5, "half_open")
    assert judging.websocket_connections([line(breaker="open"), line()]).circuit_breaker_state == "open"
    assert judging.websocket_connections([line()]).connected is True


def test_records_are_one_line() -> None:
    api = judging.exchange_api([address()])
    assert repr(api) == (
        "ExchangeApi(healthy, latency 12 ms, last success 2024-06-01T12:00:00Z, 0 % errors, weight 100 of 6000)"
    )
    assert repr(api.addresses[0]) == (
        "ExchangeAddress(paper at http://127.0.0.1:1, healthy, latency 12 ms, last success 2024-06-01T12:00:00Z, "
        "0 % errors, weight 100 of 6000)"
    )
    assert repr(application(1.0)) == "Application(healthy, up 5 s, 51 MB, 3 threads, 7 tasks)"
    sockets = judging.websocket_connections([line()])
    assert repr(sockets) == "WebsocketConnections(healthy, 1 of 1 connection, lag 0.010 s, 0 reconnects)"
    assert repr(sockets.connections[0]) == (
        "Connection(paper at ws://127.0.0.1:1, healthy, carrying, 2 streams, 0 reconnects, heard 0.5 s ago, "
        "lag 0.010 s)"
    )
    users = judging.user_connections([user()])
    assert repr(users) == "UserConnections(healthy, 1 of 1 logged on)"
    assert repr(users.users[0]) == "UserConnection(ann on paper, healthy, logged on, 0 reconnects, clock skew 3 ms)"
    assert repr(trading(last_order_latency_ms=4.4)) == ("TradingSystem(healthy, 1 user, 0 unresolved, last order 4 ms)")
    assert repr(judging.user_connections([])) == "UserConnections(healthy, not in use)"
    whole = judging.health([trading(unresolved_ages_s=[1.0])], timestamp_ms=0)
    assert repr(whole) == (
        "Health(degraded at 1970-01-01T00:00:00Z, "
        "trading_system degraded: Of 1 order the outcome is not known, of one since 1 s.)"
    )
    assert whole["trading_system"] is whole.components["trading_system"]
    assert whole.advice == (ADVICE["unresolved"],)


def test_what_is_inherited_is_not_connected() -> None:
    inherited = dataclasses.replace(line(), inherited=True)
    assert not judging.websocket_connections([inherited]).connected
    assert judging.websocket_connections([inherited, line()]).connected
    assert not judging.websocket_connections([inherited, line(**DOWN)]).connected
