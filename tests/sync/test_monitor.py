"""Health of the whole process, and its monitor."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox import _cells, portal
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model import judging
from cryptox.model.columns import HEALTH
from cryptox.model.judging import COMPONENTS
from cryptox.sessions import watch
from cryptox.sync import door
from cryptox.sync import monitor as monitoring


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as made:
        yield made


@pytest.fixture
def session(exchange: cx.PaperExchange) -> Iterator[Any]:
    with cx.connect(exchange) as made:
        yield made


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks many times a second, and a machine that has too much to do is not told of."""
    monkeypatch.setattr(watch, "LEAST_S", 0.02)
    monkeypatch.setattr(judging, "LATE_LOOP_MS", 1e9)


def until(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def _monitors(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
    return [one for one in asyncio.all_tasks(loop) if one.get_name() == "cryptox-monitor"]


def test_health_is_of_all_sessions_and_makes_none(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door._default, "_session", None)
    gc.collect()
    asked = exchange.faults.add("latency", path="time", seconds=0.0)
    ours = cx.connect(exchange)
    theirs = cx.aio.connect(exchange)
    found = cx.health("exchange_api")
    assert exchange.rest_url in [one.address for one in found.addresses]
    assert asked.hits == 1
    assert door.current_session() is None
    ours.close()
    portal.run(theirs.close())
    found = cx.health("exchange_api")
    assert exchange.rest_url not in [one.address for one in found.addresses]


def test_blocking_sessions_have_it_too(session: Any) -> None:
    found = session.health()
    assert found.status == "healthy"
    assert found.components["exchange_api"].in_use
    assert session.health("application").tasks >= 1
    with pytest.raises(ValidationError):
        session.health("tasks")
    with pytest.raises(ValidationError) as told:
        cx.health("aplication")  # type: ignore[call-overload]
    assert told.value.suggested == {"call": "health", "component": "application"}


def test_latest_and_history(session: Any, exchange: cx.PaperExchange) -> None:
    with cx.monitor(interval=0.05) as monitor:
        assert list(monitor.latest.components) == list(COMPONENTS)
        until(lambda: len(monitor.frame()) >= 15)
        frame = monitor.frame()
        assert [frame.index.name, *frame.columns] == list(HEALTH.names)
        assert frame.component[:5].tolist() == list(COMPONENTS)
        api = frame[frame.component == "exchange_api"]
        assert (api.latency_ms > 0).all()
        assert api.memory_mb.isna().all()
        assert set(frame.status) == {"healthy"}
        assert frame.index.is_monotonic_increasing
        exchange.faults.add("status", path="time", code=502)
        until(lambda: monitor.latest.status == "unhealthy")
        until(lambda: monitor.frame(1).reasons.iloc[1])
        assert len(monitor.frame(1)) == 5
        assert monitor.frame(1, frame="polars").columns == list(HEALTH.names)
        with pytest.raises(ValidationError):
            monitor.frame(0)
        assert repr(monitor).startswith("<Monitor unhealthy, every 0.05 s, ")
    assert not monitor.is_running
    looks = len(monitor.frame())
    assert repr(monitor).startswith("<Monitor unhealthy, stopped, ")
    time.sleep(0.15)
    assert len(monitor.frame()) == looks
    monitor.stop()
    with pytest.raises(ConfigurationError):
        monitor.on(print)


def test_callbacks_run_apart_and_what_they_raise_ends_nothing(session: Any) -> None:
    seen: list[Any] = []

    def note(health: Any) -> None:
        seen.append((health.status, threading.current_thread() is threading.main_thread(), portal.inside()))
        raise KeyError("mine")

    monitor = cx.monitor(interval=0.05)
    assert monitor.on(note) is monitor
    until(lambda: len(seen) >= 3)
    assert set(seen) == {("healthy", False, False)}
    assert monitor._watch.errors >= 2
    monitor.stop()
    with pytest.raises(ValidationError):
        cx.monitor().on("print")  # type: ignore[arg-type]


def test_a_cell_that_computes_holds_up_nothing(session: Any) -> None:
    with cx.monitor(interval=0.05) as monitor:
        before, end = monitor._watch.looks, time.monotonic() + 0.6
        while time.monotonic() < end:
            sum(range(1000))
        assert monitor._watch.looks > before + 3


def test_a_loop_that_is_held_up_while_it_is_to_look_is_late(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "LATE_LOOP_MS", 500.0)
    portal.loop().call_soon_threadsafe(time.sleep, 0.7)
    part: Any = cx.health("application")
    assert part.status == "degraded"
    assert part.loop_lag_ms > 500
    with cx.monitor(interval=0.1) as monitor:
        portal.loop().call_soon_threadsafe(time.sleep, 0.8)
        until(lambda: monitor.latest["application"].status == "degraded")
        until(lambda: monitor.latest["application"].status == "healthy")


def test_it_ends_when_nobody_holds_it(session: Any) -> None:
    monitor = cx.monitor(interval=3_600)
    core = weakref.ref(monitor._watch)
    (task,) = monitor._watch._tasks
    del monitor
    until(lambda: gc.collect() >= 0 and core() is None and task.done())


def test_one_whose_making_is_interrupted_looks_no_more(session: Any, exchange: cx.PaperExchange) -> None:
    fault = exchange.faults.add("drop", path="time")

    async def interrupted() -> None:
        loop = asyncio.get_running_loop()
        making = asyncio.ensure_future(monitoring._begun(1.0))
        await asyncio.to_thread(until, lambda: fault.hits)
        (mine,) = _monitors(loop)
        making.cancel()
        await asyncio.wait([making])
        assert making.cancelled()
        assert mine.cancelling()

    cx.run(interrupted())


def test_its_task_may_be_killed(session: Any, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []
    with cx.monitor(interval=0.02) as monitor:
        monitor.on(seen.append)
        (task,) = monitor._watch._tasks
        portal.loop().call_soon_threadsafe(task.cancel)
        until(task.done)
        looks, before = monitor._watch.looks, len(seen)
        until(lambda: monitor._watch.looks > looks and len(seen) > before)
        assert monitor.is_running
    until(lambda: not monitor._watch._tasks)
    assert [one.fields["task"] for one in caplog.records if getattr(one, "event", "") == "task.restarted"] == [
        "monitor"
    ]


def test_looks_are_kept_without_their_parts(session: Any) -> None:
    feed = session.live.trades("BTCUSDT")
    with cx.monitor(interval=3_600) as monitor:
        assert monitor.latest["websocket_connections"].connections  # type: ignore[attr-defined]
        (rows,) = monitor._watch.history()
    assert len(rows) == 5
    assert {type(value) for row in rows for value in row} <= {str, int, float, bool, type(None)}
    feed.stop()


def test_it_goes_on_when_its_task_is_killed(session: Any) -> None:
    with cx.monitor(interval=3_600) as monitor:
        watch = monitor._watch
        (task,) = watch._tasks
        watch.loop.call_soon_threadsafe(task.cancel)
        until(lambda: watch.looks == 2)
        assert task.cancelled()
        assert monitor.is_running
        assert any("monitor (cancelled)" in reason for reason in monitor.latest["application"].reasons)


def test_a_callback_keeps_it_until_it_is_let_go(session: Any) -> None:
    seen: list[Any] = []
    monitor = cx.monitor(interval=0.05).on(seen.append)
    core = weakref.ref(monitor._watch)
    del monitor
    gc.collect()
    until(lambda: len(seen) >= 3)
    kept = core()
    assert kept is not None
    kept.let_go()
    del kept
    until(lambda: gc.collect() >= 0 and core() is None)


def test_the_cell_that_made_it_is_run_again(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Any] = []
    monkeypatch.setattr(_cells, "note", lambda face, core: noted.append((face, core)))
    monitor = cx.monitor(interval=0.05)
    ((face, core),) = noted
    assert face is monitor
    core.let_go(end=True)
    until(lambda: not monitor.is_running)


@pytest.mark.parametrize("interval", [0, -1, 3_601, float("nan"), float("inf"), True, "30", None, [30]])
def test_intervals_are_checked(interval: Any) -> None:
    with pytest.raises(ValidationError) as told:
        cx.monitor(interval)
    assert told.value.suggested == {"call": "monitor", "interval": 30}


def test_an_interval_of_numpy_is_a_number() -> None:
    import numpy as np

    assert watch.check_interval_s(np.float32(2.5)) == 2.5
    assert watch.check_interval_s(np.int64(7)) == 7.0


def test_one_of_another_process_is_lost(session: Any) -> None:
    monitor = cx.monitor(interval=60)
    monitor._generation -= 1
    assert not monitor.is_running
    assert monitor.latest.status == "healthy"
    assert repr(monitor) == "<Monitor healthy, stopped, 1 look>"
    with pytest.raises(ConfigurationError):
        monitor.on(print)
    monitor._generation += 1
    monitor.stop()


def test_a_change_of_status_is_one_event(
    session: Any, exchange: cx.PaperExchange, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "cryptox.sessions.health"), cx.monitor(interval=0.05) as monitor:
        exchange.faults.add("status", path="time", code=502)
        until(lambda: monitor.latest.status == "unhealthy")
        looks = monitor._watch.looks
        until(lambda: monitor._watch.looks > looks + 3)
        exchange.faults.clear()
        until(lambda: monitor.latest.status == "healthy")
    told = [(one.event, one.fields["status"]) for one in caplog.records if one.event == "health.changed"]  # type: ignore[attr-defined]
    assert told == [("health.changed", "unhealthy"), ("health.changed", "healthy")]
    assert isinstance(sys.modules["cryptox"], types.ModuleType)
