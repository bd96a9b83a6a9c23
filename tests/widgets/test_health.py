"""The monitor's view: what is told of a look, and what the page draws of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from picturing import HOSTILE, drawn
from wire import Channel, opened

import cryptox as cx
from cryptox.model import judging
from cryptox.model.health import ExchangeAddress, Health
from cryptox.model.judging import ADVICE, AddressFacts, Problem
from cryptox.sessions import watch
from cryptox.widgets import plotlyjs, shown
from cryptox.widgets.health import LOOKS, picture
from cryptox.widgets.kinds import ANEW


def ill(text: str) -> Health:
    """A look that found one thing wrong."""
    found = ExchangeAddress(venue="paper", address="http://127.0.0.1:1", status="healthy", latency_ms=3.0)
    parts = [
        judging.application(uptime_ms=1_000, memory_mb=50.0, threads=2, tasks=3, loop_lag_ms=0.0),
        judging.exchange_api([AddressFacts(found, Problem("busy", text))]),
        judging.user_connections([]),
    ]
    return judging.health(parts, timestamp_ms=1_717_243_200_000)


def until(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Channel]]:
    monkeypatch.setattr(plotlyjs, "_kept", plotlyjs._Kept())
    monkeypatch.setattr(watch, "LEAST_S", 0.02)
    yield opened(monkeypatch)
    ipywidgets.Widget.close_all()


def test_a_picture_is_what_the_look_found() -> None:
    found = picture(ill("HTTP 502."))
    assert json.loads(json.dumps(found)) == found
    assert (found["status"], found["time"], found["advice"]) == ("unhealthy", "2024-06-01T12:00:00Z", [ADVICE["busy"]])
    assert found["rows"] == [
        ["application", "healthy", True, "up 1 s, 50 MB, 2 threads, 3 tasks", []],
        ["exchange_api", "unhealthy", True, "latency 3 ms, no success yet", ["HTTP 502."]],
        ["user_connections", "healthy", False, "not in use", []],
    ]
    assert picture(None) == {"status": "unknown", "time": "", "rows": [], "advice": []}


def texts(seen: Any) -> list[str]:
    return ([seen[2]] if seen[2] else []) + [text for one in seen[3:] for text in texts(one)]


def names(seen: Any) -> set[str]:
    return {seen[0]}.union(*(names(one) for one in seen[3:]))


def test_the_page_draws_it_as_text() -> None:
    first, other = picture(ill(f"502 {HOSTILE}")), picture(ill("503"))
    page, changed, wanted = drawn(
        [
            {"kind": "health", "first": first, "updates": []},
            {"kind": "health", "first": first, "updates": [[[], None, other]]},
            {"kind": "health", "first": other, "updates": []},
        ]
    )
    assert "<img src=x onerror=" in page["text"].lower()
    assert "\u202e" not in page["text"]
    assert "img" not in names(page["seen"])
    assert changed["seen"] == wanted["seen"]
    said = texts(wanted["seen"])
    for text in ("exchange api", "unhealthy", "503", "What to do", ADVICE["busy"], "Looked at 2024-06-01 12:00:00 UTC"):
        assert any(text in one for one in said), (text, said)


def test_a_monitor_is_displayed_live(channels: list[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[Any] = []
    monkeypatch.setattr(shown, "_publish", published.append)
    with cx.PaperExchange() as exchange, cx.connect(exchange) as session, cx.monitor(interval=0.05) as monitor:
        bundle = shown.bundle(monitor)
        assert bundle is not None
        assert bundle["text/plain"].startswith("<Monitor healthy")
        (channel,) = [one for one in channels if one.comm_id == bundle[shown.VIEW]["model_id"]]
        assert "application" in published[0]["text/html"]
        state = channel.state["state"]
        assert (state["word"], state["look"], state["stopped"]) == ("healthy", "good", False)
        exchange.faults.add("status", path="time", code=502)
        until(lambda: channel.state["initial"]["picture"]["status"] == "unhealthy")
        until(lambda: channel.state["state"]["look"] == "bad")
        channel.hear({"do": "stop", "page": "p", "number": 1})
        until(lambda: not monitor.is_running)
        until(lambda: channel.state["state"]["stopped"] is True)
        assert session.venue.name == "paper"
        monitor._generation -= 1
        assert shown.bundle(monitor) is None
        monitor._generation += 1


def test_every_status_has_a_look() -> None:
    assert set(LOOKS) == {"healthy", "unknown", "degraded", "unhealthy"}
    assert ANEW == {}
