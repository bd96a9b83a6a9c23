"""A paper exchange that runs fast, and a session with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions.live import hub

SPEED = 60


@pytest.fixture
def exchange() -> Iterator[Any]:
    """Sixty times as fast as the world: a minute of candles a second."""
    with cx.PaperExchange(clock=("2024-06-01 12:00", SPEED), limits={"REQUEST_WEIGHT": (1_000_000, "1s")}) as made:
        yield made


async def poll(what: Callable[[], Any], within_s: float = 30.0) -> Any:
    until = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < until, "it did not come about in time"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture
def until() -> Any:
    """Wait until something is true."""
    return poll


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed, and a connection tried again, within a second."""
    for name, seconds in {"SILENCE_S": 1.0, "PONG_S": 0.5, "CAP_S": 0.5}.items():
        monkeypatch.setattr(hub, name, seconds)
