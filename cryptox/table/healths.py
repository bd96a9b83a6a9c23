"""Looks at health as columns: one row a component and look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptox.model.columns import HEALTH
from cryptox.model.health import (
    Application,
    Component,
    ExchangeApi,
    Health,
    TradingSystem,
    UserConnections,
    WebsocketConnections,
)
from cryptox.model.lines import sentences

from .batch import Batch
from .records import rows_batch

__all__ = ["Rows", "health_rows", "healths_batch"]

Rows = tuple[tuple[Any, ...], ...]
"""Of one look: a row a component, its values in the order of the table ``health``."""


def health_rows(look: Health) -> Rows:
    """A look without its parts: small enough to keep thousands."""
    return tuple(_row(look, part) for part in look.components.values())


def healths_batch(looks: Iterable[Rows]) -> Batch:
    """Looks, oldest first, as rows of the table ``health``."""
    return rows_batch(HEALTH, (dict(zip(HEALTH.names, row, strict=True)) for rows in looks for row in rows))


def _row(look: Health, part: Component) -> tuple[Any, ...]:
    told = {
        "time": look.timestamp_ms,
        "component": part.name,
        "status": part.status,
        "in_use": part.in_use,
        "reasons": sentences(part.reasons),
        **_figures(part),
    }
    return tuple(map(told.get, HEALTH.names))


def _figures(part: Component) -> dict[str, Any]:
    match part:
        case Application():
            return {"memory_mb": part.memory_mb, "tasks": part.tasks}
        case ExchangeApi():
            percent = None if part.error_rate is None else 100 * part.error_rate
            return {"latency_ms": part.latency_ms, "error_percent": percent, "weight_used": part.weight_used}
        case WebsocketConnections():
            lines = part.connections
            return {
                "up": sum(one.is_up for one in lines),
                "of": len(lines),
                "reconnects": part.total_reconnects,
                "lag_s": max((one.lag_s for one in lines if one.lag_s is not None), default=None),
            }
        case TradingSystem():
            return {"latency_ms": part.last_order_latency_ms, "unresolved": part.unresolved}
        case UserConnections():
            begun = [one for one in part.users if one.is_begun]
            reconnects = sum(one.reconnects for one in begun)
            return {"up": sum(one.logged_on for one in begun), "of": len(begun), "reconnects": reconnects}
    return {}
