"""Looks at health as rows."""

from __future__ import annotations

import numpy as np

from cryptox.model import judging
from cryptox.model.columns import HEALTH
from cryptox.model.health import Connection, ExchangeAddress, UserConnection
from cryptox.model.judging import AddressFacts, ConnectionFacts, Problem, UserFacts
from cryptox.table.healths import health_rows, healths_batch

API = ExchangeAddress(
    venue="paper", address="http://a", status="healthy", latency_ms=7.5, requests=40, weight_used=12, weight_limit=100
)
LINE = Connection(venue="paper", address="ws://a", reconnects=2, lag_s=0.25)
ANN = UserConnection(user="ann", venue="paper", logged_on=True, state="carrying", reconnects=3)


def test_each_component_fills_its_own_figures() -> None:
    parts = [
        judging.application(uptime_ms=1, memory_mb=51.5, threads=2, tasks=9, loop_lag_ms=0.0),
        judging.exchange_api([AddressFacts(API, Problem("busy", "HTTP 502."), errors=10)]),
        judging.websocket_connections(
            [ConnectionFacts(LINE, 12.0), ConnectionFacts(Connection(venue="p", address="b", state="waiting"), 12.0)]
        ),
        judging.trading_system(
            total_users=1, active_connections=1, unresolved_ages_s=[1.0, 2.0], last_order_latency_ms=33.0
        ),
        judging.user_connections([UserFacts(ANN, 12.0), UserFacts(UserConnection(user="bob", venue="paper"), 12.0)]),
    ]
    batch = healths_batch([health_rows(judging.health(parts, timestamp_ms=time)) for time in (1_000, 31_000)])
    assert len(batch) == 10
    assert batch["time"].tolist() == [1_000] * 5 + [31_000] * 5
    assert batch["status"][:5].tolist() == ["healthy", "unhealthy", "degraded", "degraded", "healthy"]
    assert batch["reasons"][1] == "HTTP 502."
    told = {
        name: {batch["component"][at]: batch[name][at] for at in range(5) if not np.isnan(batch[name][at])}
        for name in HEALTH.names[4:-1]
    }
    assert told == {
        "latency_ms": {"exchange_api": 7.5, "trading_system": 33.0},
        "error_percent": {"exchange_api": 25.0},
        "weight_used": {"exchange_api": 12.0},
        "memory_mb": {"application": 51.5},
        "tasks": {"application": 9.0},
        "up": {"websocket_connections": 1.0, "user_connections": 1.0},
        "of": {"websocket_connections": 2.0, "user_connections": 1.0},
        "reconnects": {"websocket_connections": 2.0, "user_connections": 3.0},
        "lag_s": {"websocket_connections": 0.25},
        "unresolved": {"trading_system": 2.0},
    }


def test_no_looks_are_no_rows() -> None:
    assert len(healths_batch([])) == 0


def test_reasons_are_one_text_without_full_stops_within() -> None:
    late = judging.application(
        uptime_ms=1, memory_mb=None, threads=1, tasks=1, loop_lag_ms=700.0, begun_again=[("streams", 1.0)]
    )
    batch = healths_batch([health_rows(judging.health([late], timestamp_ms=1_000))])
    assert batch["reasons"].tolist() == ["The loop was 700 ms late; It had ended and was begun again 1 s ago: streams."]
