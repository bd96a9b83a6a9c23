"""Header names of Binance's REST API, stated once. Lower case: names are matched without case."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cryptox.transport.messages import Usage

__all__ = [
    "API_KEY",
    "ORDER_COUNT",
    "PAPER_CLOCK",
    "SBE",
    "SBE_DEPRECATED",
    "SBE_SCHEMA",
    "TIME_UNIT",
    "USED_WEIGHT",
    "order_counts",
    "used_weights",
]

API_KEY = "x-mbx-apikey"
SBE = "x-mbx-sbe"
SBE_DEPRECATED = "x-mbx-sbe-deprecated"
TIME_UNIT = "x-mbx-time-unit"
USED_WEIGHT = "x-mbx-used-weight"
ORDER_COUNT = "x-mbx-order-count"
# Not Binance's: the paper exchange says with it at what speed its market time runs, where that is not real time.
PAPER_CLOCK = "x-paper-clock"

SBE_SCHEMA = "3:5"  # <schema id>:<version>, live since 2026-07-07

WINDOW_LETTERS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WINDOWED = re.compile(rf"({re.escape(USED_WEIGHT)}|{re.escape(ORDER_COUNT)})-([0-9]{{1,9}})([smhd])", re.IGNORECASE)
_COUNT = re.compile("[0-9]{1,18}")


def used_weights(headers: Mapping[str, str]) -> tuple[Usage, ...]:
    """What the exchange counted for this address, one entry a window; headers that make no sense are passed over."""
    return _counted(headers, USED_WEIGHT, "REQUEST_WEIGHT")


def order_counts(headers: Mapping[str, str]) -> tuple[Usage, ...]:
    """The same of the orders that this account placed."""
    return _counted(headers, ORDER_COUNT, "ORDERS")


def _counted(headers: Mapping[str, str], wanted: str, kind: str) -> tuple[Usage, ...]:
    found = []
    for name, value in headers.items():
        match = _WINDOWED.fullmatch(name) if name[:1] in "xX" else None
        if match and match[1].lower() == wanted and _COUNT.fullmatch(value.strip()):
            window_ms = int(match[2]) * WINDOW_LETTERS_MS[match[3].lower()]
            found.append(Usage(kind, window_ms, int(value)))
    return tuple(found)
