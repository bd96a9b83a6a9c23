"""Tasks that must go on: also where a loop has no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

import cryptox as cx
from cryptox import portal
from cryptox.sessions.live.kept import Kept


def until(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_the_only_task_of_the_notebooks_loop_may_end(
    how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    act, failed = Kept._act, list[int]()

    def broken(kept: Kept) -> float:
        if how == "failed" and not failed:
            failed.append(1)
            raise ValueError("a defect")
        return act(kept)

    with cx.PaperExchange() as exchange, cx.connect(exchange) as session:
        feed, loop = session.live.trades("BTCUSDT"), portal.loop()
        until(lambda: feed.status.connected)
        until(lambda: len(asyncio.all_tasks(loop)) == 1)
        (victim,) = asyncio.all_tasks(loop)
        monkeypatch.setattr(Kept, "_act", broken)
        kept: Any = feed._feed._hub._kept[0]  # type: ignore[union-attr]
        loop.call_soon_threadsafe(victim.cancel if how == "cancelled" else kept._wake.set)
        until(victim.done)
        until(lambda: "task.restarted" in caplog.text)
        until(lambda: feed.status.connected and feed.status.reconnects == 1)
        assert feed.is_running
