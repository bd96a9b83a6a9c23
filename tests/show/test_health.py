"""Cards of health."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from html import escape

import pytest

import cryptox as cx
from cryptox import show
from cryptox.errors import CryptoxError
from cryptox.model import judging
from cryptox.model.health import Connection, HealthStatus
from cryptox.model.judging import ADVICE, ConnectionFacts
from cryptox.show.cards import BAD, GOOD, PLAIN
from cryptox.show.health import WARN

HOSTILE = "<script>alert(1)</script>"
DOWN = Connection(venue="paper", address="ws://127.0.0.1:1", state="waiting", last_message_age_s=3.0, trouble=HOSTILE)


def test_the_card_of_all_says_what_is_wrong_and_what_to_do() -> None:
    part = judging.websocket_connections([ConnectionFacts(DOWN, 12.0)])
    whole = judging.health([part, judging.user_connections([])], timestamp_ms=1_717_243_200_000)
    html = show.html(whole)
    assert html is not None
    assert "Health unhealthy" in html
    assert "2024-06-01T12:00:00Z" in html
    assert "websocket connections" in html
    assert "healthy, not in use" in html
    assert ADVICE["down"] in html
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


def test_the_card_of_a_component_lists_its_parts() -> None:
    lines = [ConnectionFacts(dataclasses.replace(DOWN, address=f"ws://{at}"), 12.0) for at in range(12)]
    html = show.html(judging.websocket_connections(lines))
    assert html is not None
    assert html.count("<li>Connection(") == 10
    assert "and 2 more" in html
    assert HOSTILE not in html


def test_the_card_of_a_breaker_that_a_program_has_opened_itself() -> None:
    with cx.PaperExchange() as exchange, cx.connect(exchange, timeout=0.3) as session:
        exchange.faults.add("status", code=502)
        for _ in range(200):
            with suppress(CryptoxError):
                session.klines("BTCUSDT", "1h", 2)
            part = session.health("exchange_api")
            if part.advice == (ADVICE["resting"],):
                break
        html = show.html(part)
        assert html is not None
        assert "Many requests in a row came to nothing. Nothing is sent for another" in html
        assert escape(ADVICE["resting"]) in html
        assert f"<li>ExchangeAddress(paper at {exchange.rest_url}, unhealthy, breaker open" in html


@pytest.mark.parametrize(
    ("status", "colour"), [("healthy", GOOD), ("degraded", WARN), ("unhealthy", BAD), ("unknown", PLAIN)]
)
def test_the_edge_has_the_colour_of_the_status(status: HealthStatus, colour: str) -> None:
    part = dataclasses.replace(judging.not_found_out("trading_system", "?"), status=status)
    html = show.html(part)
    assert html is not None
    assert f"border-left:4px solid {colour}" in html
