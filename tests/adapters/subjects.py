"""The venues that the contract is asked of. An adapter of yours is one more function and one more row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cryptox as cx
from cryptox.venues import registry

__all__ = ["SUBJECTS", "Subject"]


@dataclass(frozen=True)
class Subject:
    """A venue at a moment, with what the contract must know of it."""

    connect: Callable[..., cx.Session]
    symbols: tuple[str, str]  # two that trade, in our spelling
    near: str  # no symbol, but nearly the first of them
    now_ms: int  # the exchange's time, which stands still
    fail: Callable[[int, int], Any]  # answer the next requests (a status, so many) as the exchange's front would
    hurry: Callable[[], Any]  # refuse the next request: too many


@contextmanager
def paper() -> Iterator[Subject]:
    """Binance's adapter, on the paper exchange."""
    with cx.PaperExchange(clock="2024-06-01 12:00:30", symbols=["BTCUSDT", "ETHUSDT"]) as exchange:

        def connect(**how: Any) -> cx.Session:
            return cx.connect(exchange, **how)

        def fail(status: int, times: int) -> None:
            exchange.faults.clear()
            if times:
                exchange.faults.add("status", code=status, times=times)

        def hurry() -> None:
            exchange.faults.add("limit", code=429, retry_after=20, times=1)

        yield Subject(connect, ("BTCUSDT", "ETHUSDT"), "BTCUSD", 1_717_243_230_000, fail, hurry)


@contextmanager
def coinbox() -> Iterator[Subject]:
    """The worked example."""
    from coinbox.server import NOW, Server

    server = Server()
    registry._ROWS["coinbox"] = "coinbox.venue:open_venue"

    def connect(**how: Any) -> cx.Session:
        return cx.connect("coinbox", rest_url=server.url, **how)

    def fail(status: int, times: int) -> None:
        server.refuse(status, b"<html>Bad gateway</html>", times)

    def hurry() -> None:
        server.refuse(429, b'{"problem": "slow_down", "text": "Too fast.", "seconds": 20}', 1)

    try:
        yield Subject(connect, ("BTCUSDT", "ETHEUR"), "BTCUSD", NOW * 1000, fail, hurry)
    finally:
        del registry._ROWS["coinbox"]
        server.stop()


SUBJECTS = {"paper": paper, "coinbox": coinbox}
