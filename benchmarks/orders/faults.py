"""What befalls requests, processes and the exchange, and how often."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

__all__ = ["FAULTS", "MORE", "NETWORK", "QUERIES", "TROUBLES", "draw", "is_one_if_repeated"]

LARGE, TOO_LARGE = 2 * 10**6, 2**26 + 2  # bytes of a body; nobody takes the second
HUGE_WORDS = '{"code": %d, "msg": "' + "x" * LARGE + '"}'

# How often, of a thousand requests that act, each befalls one; the first group is the network's, on virtual time only.
NETWORK: dict[str, tuple[int, Callable[[random.Random], dict[str, Any]]]] = {
    "refused connection": (10, lambda _: {"refused": True}),
    "lost before": (35, lambda _: {"lost": True}),
    "lost before, reset": (20, lambda r: {"lost": True, "reset_s": r.uniform(0.01, 4)}),
    "lost after": (35, lambda _: {"unanswered": True}),
    "reset after": (15, lambda r: {"unanswered": True, "reset_s": r.uniform(0.01, 4)}),
    "late before": (35, lambda r: {"before_s": r.uniform(0.3, 15)}),
    "late after": (25, lambda r: {"after_s": r.uniform(0.3, 15)}),
    "late inside": (25, lambda r: {"inside_s": r.uniform(0.3, 9.5)}),
    "late and lost": (10, lambda r: {"before_s": r.uniform(0.3, 6), "unanswered": True}),
}
FAULTS: dict[str, tuple[float, dict[str, Any]]] = {
    "drop": (10, {"kind": "drop"}),
    "drop, not taken": (10, {"kind": "drop", "accepted": False}),
    "reset": (10, {"kind": "reset"}),
    "reset, not taken": (10, {"kind": "reset", "accepted": False}),
    "reset in the body": (8, {"kind": "reset", "at": "body"}),
    "latency": (8, {"kind": "latency", "seconds": 0.5, "jitter": 3.0}),
    "long latency": (6, {"kind": "latency", "seconds": 6.0, "jitter": 10.0}),
    "truncated": (8, {"kind": "truncate"}),
    "cut body": (8, {"kind": "truncate", "how": "body"}),
    "no gzip": (5, {"kind": "body", "how": "gzip"}),
    "html": (5, {"kind": "body", "how": "html"}),
    "empty": (5, {"kind": "body", "how": "empty"}),
    "huge": (2, {"kind": "body", "how": "huge", "size": LARGE}),
    "too huge": (0.5, {"kind": "body", "how": "huge", "size": TOO_LARGE}),
    "huge error": (2, {"kind": "status", "code": 502, "body": "x" * LARGE, "accepted": True}),
    "huge -1000": (2, {"kind": "status", "code": 400, "body": HUGE_WORDS % -1000, "accepted": True}),
    "huge -2010": (2, {"kind": "status", "code": 400, "body": HUGE_WORDS % -2010, "accepted": False}),
    "limit": (4, {"kind": "limit", "retry_after": 1}),
    "skew": (2, {"kind": "skew", "seconds": 5.0}),
    "repeated": (8, {"kind": "repeat"}),
    "302": (4, {"kind": "status", "code": 302, "body": "empty", "location": "/x", "accepted": True}),
    "403": (3, {"kind": "status", "code": 403, "body": "html", "accepted": True}),
    "404": (2, {"kind": "status", "code": 404, "body": "html", "accepted": False}),
    "408": (2, {"kind": "status", "code": 408, "body": "empty", "accepted": True}),
    "500": (4, {"kind": "status", "code": 500, "body": "empty"}),
    "502": (5, {"kind": "status", "code": 502, "body": "html", "accepted": True}),
    "502, not taken": (5, {"kind": "status", "code": 502, "body": "html", "accepted": False}),
    "503": (5, {"kind": "status", "code": 503}),
    "504": (5, {"kind": "status", "code": 504, "body": "html"}),
    "-1000": (5, {"kind": "status", "error_code": -1000}),
    "-1001": (5, {"kind": "status", "error_code": -1001}),
    "-1006": (5, {"kind": "status", "error_code": -1006, "accepted": True}),
    "-1006, not taken": (5, {"kind": "status", "error_code": -1006, "accepted": False}),
    "-1007": (5, {"kind": "status", "error_code": -1007, "accepted": True}),
    "-1007, not taken": (5, {"kind": "status", "error_code": -1007, "accepted": False}),
    "-1008": (5, {"kind": "status", "error_code": -1008, "accepted": False}),
    "-1015": (4, {"kind": "status", "error_code": -1015, "code": 429, "retry_after": 1, "accepted": False}),
    "-1021": (8, {"kind": "status", "error_code": -1021, "accepted": False}),
}
# How often each befalls the whole exchange, on virtual time.
TROUBLES = {
    "death": 36,
    "revoked key": 4,
    "cut stream": 20,
    "clock": 30,
    "outage": 20,
    "ban": 6,
    "clock forward": 5,
    "long outage": 3,
}
MORE = 1.5  # over sockets, where the network's own group is missing
QUERIES = 0.15  # what is asked meets faults so much as often as what acts


def is_one_if_repeated(url: str, body: str) -> bool:
    """Whether a request that arrives twice can be told to have been done once: not by a market order, of which there
    are two then, nor by a cancel of all where its session does not know what was open.
    """
    return "type=MARKET" not in body.split("&") and not url.partition("?")[0].endswith("/openOrders")


def draw(dice: random.Random, *, acts: bool) -> str | None:
    """Which fault befalls a request; None for none."""
    at = dice.random() * 1000 / (1 if acts else QUERIES)
    for name, (often, _) in {**NETWORK, **FAULTS}.items():
        at -= often
        if at < 0:
            return name
    return None
