"""Any task or thread of the paper exchange may be killed: its clients see a connection that breaks, or nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import cryptox as cx
from cryptox.paper.follower import Follower
from cryptox.paper.streams import recording
from cryptox.sessions import userline
from cryptox.sessions.live import hub
from tests.sessions.test_supervision import kill


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as made:
        yield made


@pytest.fixture(autouse=True)
def alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that soon notice a connection that has fallen silent."""
    for module in (hub, userline):
        monkeypatch.setattr(module, "SILENCE_S", 0.5)
        monkeypatch.setattr(module, "PONG_S", 0.5)


def until(true: Callable[[], Any], within_s: float = 30.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)
    return found


def on_its_loop(exchange: Any, work: Callable[[], Any]) -> Any:
    """What ``work`` returns on the exchange's own loop."""
    done, found = threading.Event(), []

    def run() -> None:
        found.append(work())
        done.set()

    exchange._server._loop.call_soon_threadsafe(run)
    assert done.wait(30)
    return found[0]


def cancel(exchange: Any, name: str) -> int:
    """Kill all tasks whose coroutine, or whose own name, is this; how many there were."""

    def work() -> int:
        found = [one for one in asyncio.all_tasks() if name in (one.get_name(), one.get_coro().__qualname__)]  # type: ignore[union-attr]
        for one in found:
            one.cancel()
        return len(found)

    return int(on_its_loop(exchange, work))


@pytest.mark.parametrize(
    "victim",
    ["cryptox-paper-streams", "cryptox-paper-follower", "Line._read", "Line._keep", "Connection._talk"],
)
def test_a_task_of_the_exchange_may_be_killed(exchange: cx.PaperExchange, victim: str) -> None:
    with cx.connect(exchange) as session:
        feed, orders = session.live.depth("BTCUSDT"), session.live.orders()
        until(lambda: feed.status.received and orders.status.connected)
        assert cancel(exchange, victim) >= 1
        heard = orders.status.received
        order = session.buy("BTCUSDT", quote_quantity=50)  # it is told by an answer, whatever becomes of the streams
        assert order.status == "filled"
        until(lambda: feed.status.connected and orders.status.connected and orders.status.received > heard)
        received = feed.status.received
        until(lambda: feed.status.received > received + 1)
        ours = feed.status.reconnects + orders.status.reconnects
        assert (ours == 0) == (victim == "cryptox-paper-follower")
        until(lambda: session.health().status == "healthy")


def test_the_follower_is_begun_again(exchange: cx.PaperExchange) -> None:
    assert cancel(exchange, "cryptox-paper-follower") == 1
    until(lambda: cancel(exchange, "cryptox-paper-follower") == 1)


def desk_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "cryptox-paper-desk"]


def test_the_thread_of_the_desk_may_be_killed(caplog: pytest.LogCaptureFixture) -> None:
    before = set(desk_threads())
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        (first,) = set(desk_threads()) - before
        assert len(session.klines("BTCUSDT", "1h", 3)) == 3
        kill(first)
        answer = httpx.get(f"{exchange.rest_url}/api/v3/depth?symbol=ETHUSDT", timeout=30, trust_env=False)
        # It is killed with the next job that it takes, which is this one unless something else came first.
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (500, -1000)
        until(lambda: first not in desk_threads())
        assert session.buy("BTCUSDT", "0.001").status == "filled"
        (second,) = set(desk_threads()) - before
        assert session.health().status in ("healthy", "degraded")
    until(lambda: not second.is_alive())
    assert "store.worker_restarted" in caplog.text


def test_streams_and_fills_are_told_after_the_thread_of_the_desk_was_killed() -> None:
    before = set(desk_threads())
    with cx.PaperExchange() as exchange, cx.connect(exchange) as session:
        feed, orders = session.live.depth("BTCUSDT"), session.live.orders()
        until(lambda: feed.status.received and orders.status.connected)
        for _ in range(3):
            (thread,) = set(desk_threads()) - before
            kill(thread)
            until(lambda: not thread.is_alive())  # noqa: B023
            received = feed.status.received
            until(lambda: feed.status.received > received + 1)  # noqa: B023
            until(lambda: set(desk_threads()) - before)
        heard = orders.status.received
        assert session.buy("BTCUSDT", quote_quantity=50).status == "filled"
        until(lambda: orders.status.received > heard)


def test_a_follower_that_failed_is_begun_again() -> None:
    async def go() -> None:
        told, steps = list[dict[str, Any]](), list[int]()

        async def run(_: object) -> None:
            steps.append(1)
            if len(steps) == 1:
                raise ValueError("no market")

        clock = SimpleNamespace(watchers=[], speed=1.0, now_us=lambda: time.time_ns() // 1_000)
        desk: Any = SimpleNamespace(clock=clock, listeners=[], engine=SimpleNamespace(is_watched=True), run=run)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        follower = Follower(desk, lambda: True)
        async with asyncio.timeout(30):
            while len(steps) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await follower.close()
        assert [str(one["exception"]) for one in told] == ["no market"]

    asyncio.run(go())


@pytest.mark.parametrize("turns", range(6))
def test_a_follower_that_is_closed_when_it_was_just_killed_is_not_begun_again(turns: int) -> None:
    async def go() -> None:
        desk: Any = SimpleNamespace(clock=SimpleNamespace(watchers=[], speed=0.0), listeners=[])
        follower = Follower(desk, lambda: False)
        await asyncio.sleep(0)
        follower._task.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        await follower.close()
        for _ in range(4):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(go())


def test_the_thread_that_reads_a_recording_may_be_killed(
    exchange: cx.PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: object) -> Iterator[None]:
        kill(threading.current_thread())
        while True:
            time.sleep(0.001)
        yield

    monkeypatch.setattr(recording, "read_recording", dies)
    with cx.connect(exchange) as session:
        with pytest.raises(InterruptedError, match="was ended"):
            exchange.replay(tmp_path / "quotes.gz")
        assert len(session.klines("BTCUSDT", "1h", 3)) == 3  # the server's loop goes on
