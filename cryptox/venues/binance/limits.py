"""Binance's limits per address: what they are before the exchange has said so, and how it says so.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits (July 2026).
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptox.transport.messages import Limit
from cryptox.venues.binance.wire.general import RateLimit
from cryptox.venues.port import StreamLimits

__all__ = ["DEFAULT_LIMITS", "DEFAULT_LIMITS_US", "INTERVAL_MS", "STREAM_LIMITS", "address_limits", "all_limits"]

INTERVAL_MS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}

DEFAULT_LIMITS = (Limit("REQUEST_WEIGHT", 6_000, 60_000), Limit("RAW_REQUESTS", 300_000, 300_000))

# Binance.US kept the older limits (docs.binance.us, rest api limits).
DEFAULT_LIMITS_US = (Limit("REQUEST_WEIGHT", 1_200, 60_000), Limit("RAW_REQUESTS", 6_100, 300_000))

# The size of a message is not documented: a connection's 1024 streams go in a few of them.
STREAM_LIMITS = StreamLimits(streams=1_024, messages=(5, 1.0), batch=200, connects=(300, 300.0), life_s=86_400.0)

_OF_THE_ADDRESS = ("REQUEST_WEIGHT", "RAW_REQUESTS")


def address_limits(announced: Iterable[RateLimit]) -> tuple[Limit, ...]:
    """The limits of an address among those that the exchange information lists."""
    return tuple(limit for limit in all_limits(announced) if limit.kind in _OF_THE_ADDRESS)


def all_limits(announced: Iterable[RateLimit]) -> tuple[Limit, ...]:
    """Those that the exchange information lists, with the account's order counts (``ORDERS``)."""
    return tuple(
        Limit(rule.kind, rule.limit, rule.interval_count * INTERVAL_MS[rule.interval])
        for rule in announced
        if rule.interval in INTERVAL_MS
    )
