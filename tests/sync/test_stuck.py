"""What answers although a coroutine of the user's blocks cryptox's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox import _call, _standstill, portal
from cryptox._standstill import ADVICE
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model import judging
from cryptox.model.judging import COMPONENTS
from cryptox.sessions import standstill, watch
from cryptox.sync import stuck
from tests.sessions.test_supervision import kill


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every now and then; patience is short in ``blocked`` alone, as a busy machine may stand for a while too."""
    monkeypatch.setattr(_call, "LOOK_UP_S", 0.02)
    monkeypatch.setattr(standstill, "ASK_S", 0.02)
    monkeypatch.setattr(watch, "LEAST_S", 0.02)
    monkeypatch.setattr(judging, "LATE_LOOP_MS", 1e9)
    monkeypatch.setattr(judging, "SLOW_MS", 1e9)


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as made:
        yield made


def until(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """The loop waits, in a coroutine of the user's, for the end of this block."""
    begun, over, secret = threading.Event(), threading.Event(), "s3cr3t"

    async def compute() -> None:
        def wait_without_await(key: str) -> None:
            begun.set()
            over.wait(60)

        wait_without_await(secret)

    thread = threading.Thread(target=cx.run, args=(compute(),))
    thread.start()
    assert begun.wait(30)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stuck, "PATIENCE_S", 0.3)
            patched.setattr(standstill, "STANDS_S", 0.3)
            yield
    finally:
        over.set()
        thread.join(30)


def test_health_says_that_its_loop_stands_and_where(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        with blocked():
            for found in (cx.health(), session.health()):
                part: Any = found["application"]  # type: ignore[index]
                assert (found.status, part.status) == ("unhealthy", "unhealthy")
                (reason,) = part.reasons
                assert reason.startswith("cryptox's event loop has not answered for ")
                assert "it is in compute (line " in reason
                assert "wait_without_await (line " in reason
                assert "of test_stuck.py)" in reason
                assert "s3cr3t" not in reason
                assert reason.endswith(" of threading.py).")
                assert found.advice == part.advice == (ADVICE,)  # type: ignore[union-attr]
                assert part.loop_lag_ms >= 300
                assert (part.threads >= 2, part.tasks >= 1, part.uptime_ms > 0) == (True, True, True)
                others = [found[name] for name in COMPONENTS if name != "application"]  # type: ignore[index]
                assert {one.status for one in others} == {"unknown"}
                assert all("cryptox's event loop has not answered" in one.reasons[0] for one in others)
            assert session.health("exchange_api").status == "unknown"
            assert cx.health("application").status == "unhealthy"
            with pytest.raises(ValidationError):
                session.health("aplication")
        found = session.health()
        assert (found.status, found["application"].reasons) == ("healthy", ())  # type: ignore[index]


def test_a_look_that_is_taken_back_leaves_nothing_behind(exchange: cx.PaperExchange) -> None:
    asked = exchange.faults.add("latency", path="time", seconds=0.0)
    with cx.connect(exchange) as session:
        with blocked():
            session.health()
            assert len(portal._state.portal.coming) == 1  # type: ignore[union-attr]
        assert session.health("exchange_api").status == "healthy"
        until(lambda: len(portal._state.portal.calls | portal._state.portal.coming) == 0)  # type: ignore[union-attr]
        assert asked.hits == 1  # of the second look


def test_a_loop_that_goes_on_now_and_then_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow() -> str:
        for _ in range(5):
            time.sleep(0.3)  # noqa: ASYNC251
            await asyncio.sleep(0)
        return "done"

    monkeypatch.setattr(stuck, "PATIENCE_S", 1.0)
    assert stuck.call(slow()) == "done"


def test_the_doctor_says_so(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session, blocked():
        report = cx.doctor(session)
        assert report["loop"].verdict == "problem"
        assert report["loop"].found.startswith("cryptox's event loop has not answered for ")
        assert report["loop"].advice == (ADVICE,)
        assert "Python" in [finding.what for finding in report]


def test_a_monitor_notes_it_and_goes_on(exchange: cx.PaperExchange, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []
    with caplog.at_level("INFO", "cryptox.sessions.health"), cx.connect(exchange), cx.monitor(interval=0.1) as monitor:
        monitor.on(seen.append)
        with blocked():
            until(lambda: [one.status for one in seen].count("unhealthy") >= 2)
            assert monitor.latest.status == "unhealthy"
            assert "it is in compute" in monitor.latest["application"].reasons[0]
            rows = monitor.frame(1)
            assert rows.status.tolist() == ["unhealthy", *["unknown"] * 4]
            with pytest.raises(ConfigurationError, match="cryptox's event loop has not answered"):
                monitor.on(print)
            with pytest.raises(ConfigurationError) as told:
                cx.monitor()
            assert told.value.recovery_suggestions == [ADVICE]
        until(lambda: monitor.latest.status == "healthy")
    told_of = [one.fields["status"] for one in caplog.records if getattr(one, "event", "") == "health.changed"]
    assert told_of == ["unhealthy", "healthy"]


def test_a_monitor_ends_although_its_loop_stands(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange):
        monitor = cx.monitor(interval=0.1)
        guard = monitor._watch._guard.thread
        with blocked():
            monitor.stop()
            until(lambda: not guard.is_alive())
        until(lambda: not monitor.is_running)


def test_a_monitor_that_looks_seldom_tells_at_once_that_its_loop_stands_and_goes_on() -> None:
    with cx.monitor(interval=3_600) as monitor:
        for _ in range(2):
            with blocked():
                until(lambda: monitor.latest.status == "unhealthy")
            until(lambda: monitor.latest.status == "healthy")


def test_a_monitor_whose_loop_has_ended_notes_nothing_more() -> None:
    async def stop() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(60)

    monitor, seen = cx.monitor(interval=0.1), list[Any]()
    monitor.on(seen.append)
    with pytest.raises(asyncio.CancelledError):
        cx.run(stop())
    guard = monitor._watch._guard
    until(lambda: not guard.thread.is_alive())
    assert "unhealthy" not in {one.status for one in seen}
    assert cx.health().status == "healthy"  # on another loop
    assert not monitor.is_running


def test_a_monitor_that_nobody_holds_leaves_no_thread() -> None:
    monitor = cx.monitor()
    guard = monitor._watch._guard.thread
    assert guard.is_alive()
    del monitor
    until(lambda: not guard.is_alive())


def test_a_view_of_a_monitor_shows_it(exchange: cx.PaperExchange) -> None:
    shown = pytest.importorskip("cryptox.widgets.shown")
    from cryptox.widgets.health import HealthSource
    from cryptox.widgets.pump import Pump

    pictures: list[Any] = []

    class View:
        is_open = True

        def frame(self, about: Any, state: Any) -> None:
            pictures.append(("state", state["word"]))

        def whole(self, whole: Any) -> None:
            pictures.append(("picture", whole[1]["status"]))

        def change(self, number: int, change: Any) -> None:
            raise AssertionError

    with cx.connect(exchange), cx.monitor(interval=0.1) as monitor:
        core, view = monitor._watch, View()
        pump: Pump = monitor._there(lambda: shown._pump_of(core, lambda: HealthSource(core)))
        monitor._there(lambda: pump.add(view, 0))
        core.stood = shown._stand_in
        with blocked():
            until(lambda: {("picture", "unhealthy"), ("state", "unhealthy")} <= set(pictures))
        until(lambda: pictures[-1] == ("picture", "healthy") or ("state", "healthy") in pictures[-3:])
        monitor._there(lambda: pump.remove(view))


def test_the_guard_of_a_monitor_may_be_killed(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange), cx.monitor(interval=0.05) as monitor:
        guard = monitor._watch._guard
        first = guard.thread
        kill(first)
        until(lambda: guard.thread is not first and not first.is_alive())
        until(lambda: "the guard of a monitor (SystemExit)" in str(monitor.latest["application"].reasons))
        with blocked():
            until(lambda: monitor.latest.status == "unhealthy")
        second = guard.thread
    until(lambda: not second.is_alive())


def test_it_is_silence_that_counts_not_the_time_in_which_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [100.0], []
    monkeypatch.setattr(_standstill.time, "monotonic", lambda: now[0])
    loop: Any = type("Loop", (), {"call_soon_threadsafe": staticmethod(asked.append)})()
    pulse = _standstill.Pulse(loop, None)
    assert pulse.silent_s() == 0.0
    now[0] += 0.5
    assert pulse.silent_s() == 0.5
    now[0] += 3_600  # the whole process was stopped
    assert pulse.silent_s() == 2.5
    asked.pop()()
    assert (pulse.silent_s(), len(asked)) == (0.0, 1)
    now[0] += 0.25
    assert pulse.silent_s() == 0.25


def test_what_a_thread_does_is_told_only_of_a_step_of_a_loop() -> None:
    assert _standstill.doing(threading.get_ident()) == ""
    assert _standstill.doing(-1) == ""
    portal.loop()
    idle: Any = portal._state.portal
    until(lambda: _standstill.doing(idle.thread.ident) == "")  # it waits for what comes
