"""How a question of ours becomes a request to an endpoint of Binance: weight and security come from its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cryptox.transport.messages import Answer
from cryptox.venues.port import Request

from . import endpoints as ep

__all__ = ["question", "time_range"]

T = TypeVar("T")

# Where a binary answer has an array decoder it is asked for by itself; elsewhere JSON is the faster of the two.
_ARRAYS = frozenset({ep.KLINES, ep.TRADES, ep.HISTORICAL_TRADES, ep.AGG_TRADES, ep.DEPTH})
_TESTS = frozenset({ep.TEST_ORDER, ep.TEST_SOR_ORDER})  # they change nothing


def question(
    operation: str, endpoint: ep.Endpoint, params: Mapping[str, str], reader: Callable[[Answer], T], **context: Any
) -> Request[T]:
    """The request of one operation; ``context`` is for its errors."""
    return Request(
        operation=operation,
        method=endpoint.method,
        path=endpoint.path,
        params=tuple(params.items()),
        weight=endpoint.cost(params),
        read=reader,
        context={"operation": operation, **context},
        binary=endpoint in _ARRAYS,
        signed=endpoint.security is not ep.Security.NONE,
        acts=endpoint.method != "GET" and endpoint not in _TESTS,
        orders=endpoint.orders,
    )


def time_range(start_ms: int | None, end_ms: int | None) -> dict[str, str]:
    """A half-open range in Binance's words, where the end is included."""
    params = {}
    if start_ms is not None:
        params["startTime"] = str(start_ms)
    if end_ms is not None:
        params["endTime"] = str(end_ms - 1)
    return params
