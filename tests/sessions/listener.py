"""A user's stream beside somebody else with the same account: who listens, and when both believe the same."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cryptox as cx
from cryptox.model.events import Event
from cryptox.model.updates import OrderUpdate

sys.path.insert(0, str(Path(__file__).parent))
from outsider import SYMBOL, Outsider, believed, executions

LIMITS = {"REQUEST_WEIGHT": (10_000_000, "1m"), "ORDERS": (100_000, "10s"), "RAW_REQUESTS": (10_000_000, "5m")}


class Heard:
    """Listens to a stream."""

    def __init__(self, stream: Any) -> None:
        self.events: list[Event] = []
        self.said: list[str] = []
        stream.listeners.append(self)

    def changed(self, events: list[Event]) -> None:
        self.events += events

    def carried(self) -> None:
        self.said.append("carried")

    def cut(self) -> None:
        self.said.append("cut")

    def failed(self, why: str) -> None:
        self.said.append(f"failed {why}")

    def ended(self, error: Exception | None) -> None:
        self.said.append(f"ended {type(error).__name__}")

    def orders(self) -> list[OrderUpdate]:
        return [one for one in self.events if isinstance(one, OrderUpdate)]


async def poll(what: Callable[[], Any], within_s: float = 15.0) -> Any:
    until = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < until, "it did not come about in time"
        await asyncio.sleep(0.01)
    return found


async def equal(outsider: Outsider, stream: Any, within_s: float = 15.0) -> None:
    """The blotter becomes what the exchange says, executions of the orders that it knows included."""
    until = time.monotonic() + within_s
    while True:
        truth = outsider.truth()
        ids = {one.order_id for one in stream.blotter.orders(SYMBOL)}
        executed = sorted(one for one in outsider.executed() if one[1] in ids)
        known, fills = believed(stream.blotter), sorted(executions(stream.blotter))
        if (truth, executed) == (known, fills):
            return
        if time.monotonic() > until:
            assert known == truth
            assert fills == executed
        await asyncio.sleep(0.02)


def connected(exchange: Any, outsider: Outsider) -> Any:
    return cx.aio.connect(exchange, api_key=outsider.keys.api_key, secret_key=outsider.keys.secret_key)


def run(exchange: Any, outsider: Outsider, main: Callable[[Any, Any], Any]) -> None:
    """``main`` with a session and its stream, in step."""

    async def whole() -> None:
        async with connected(exchange, outsider) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            await main(session, stream)

    asyncio.run(whole())


def forward(updates: list[OrderUpdate]) -> bool:
    """Whether no order ever went back, and no execution came twice."""
    last: dict[tuple[str, int], tuple[Any, ...]] = {}
    fills = [(one.symbol, one.order_id, one.fill.id) for one in updates if one.fill is not None]
    for one in updates:
        order = one.order
        state = (order.is_final, order.filled, -order.quantity, order.prevented, order.updated_ms)
        before = last.setdefault((one.symbol, order.order_id), state)
        if any(new < old for new, old in zip(state, before, strict=True)):
            return False
        last[one.symbol, order.order_id] = state
    return len(fills) == len(set(fills))
