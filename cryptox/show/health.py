"""Cards of health: a line a component, with what was found and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cryptox.model.health import (
    Component,
    ExchangeApi,
    Health,
    HealthStatus,
    UserConnections,
    WebsocketConnections,
)
from cryptox.show import cards
from cryptox.show.cards import BAD, GOOD, PLAIN, Html

__all__ = ["component_html", "health_html"]

MOST: Final = 10  # connections, addresses, users of one card
WARN: Final = "#b8860b"
SIGNS: Final[dict[HealthStatus, tuple[str, str]]] = {
    "healthy": ("●", GOOD),
    "unknown": ("?", PLAIN),
    "degraded": ("▲", WARN),
    "unhealthy": ("✘", BAD),
}


def health_html(health: Health) -> str:
    """The card of everything."""
    lines = [
        (part.name.replace("_", " "), _status(part), Html("<br>".join(map(cards.html_of, _told(part)))))
        for part in health.components.values()
    ]
    body = cards.table(("component", "status", "figures and reasons"), lines) + _advice(health.advice)
    when = cards.value_text(health.timestamp)
    return cards.card(f"Health {health.status}", body, accent=SIGNS[health.status][1], about=when)


def component_html(part: Component) -> str:
    """The card of one component, with its parts."""
    facts: list[tuple[str, object]] = [("status", _status(part)), *(("", text) for text in _told(part))]
    body = cards.rows(facts) + _parts(part) + _advice(part.advice)
    return cards.card(type(part).__name__, body, accent=SIGNS[part.status][1])


def _status(part: Component) -> Html:
    sign, colour = SIGNS[part.status]
    return cards.unbroken(cards.marked(sign, colour, part.status if part.in_use else f"{part.status}, not in use"))


def _told(part: Component) -> list[str]:
    figures = ", ".join(part.figures()) if part.in_use else ""
    return [text for text in (figures, *part.reasons) if text]


def _parts(part: Component) -> Html:
    """Addresses, connections or users, one a line."""
    found: Sequence[Any] = ()
    match part:
        case ExchangeApi():
            found = part.addresses
        case WebsocketConnections():
            found = part.connections
        case UserConnections():
            found = part.users
    if not found:
        return Html()
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return cards.listed([*map(repr, found[:MOST]), *more])


def _advice(advice: Sequence[str]) -> Html:
    return (
        Html(f'<div style="margin-top:.4em;opacity:.85">What to do</div>{cards.listed(advice)}') if advice else Html()
    )
