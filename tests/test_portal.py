"""The loop thread in this process: results, errors, threads, interrupts."""

from __future__ import annotations

import _thread
import asyncio
import contextvars
import gc
import inspect
import os
import signal
import threading
import time

import pytest

from cryptox import portal
from cryptox.errors import ConfigurationError

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="none")


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_result_comes_from_one_daemon_thread() -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    first, second = portal.run(where()), portal.run(where())
    assert first is second
    assert first.daemon
    assert first is not threading.main_thread()
    assert portal.run(double(21)) == 42


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError, StopIteration])
def test_exceptions_keep_their_type_and_the_loop_lives(kind: type[BaseException]) -> None:
    error = kind("told")

    class Breaks:
        def __await__(self) -> object:
            raise error
            yield

    async def fail() -> None:
        await Breaks()  # type: ignore[misc]

    expected = RuntimeError if kind is StopIteration else kind  # so Python has it for any coroutine
    before = portal.generation()
    with pytest.raises(expected) as caught:
        portal.run(fail())
    assert caught.value is error or kind is StopIteration
    assert portal.run(double(1)) == 2
    assert portal.generation() == before


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_task_that_would_end_the_program_ends_no_loop(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def leave() -> None:
        raise kind

    async def wait_for(tasks: list[asyncio.Task[None]]) -> int:
        tasks.append(asyncio.create_task(leave()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await double(1)

    async def await_it() -> None:
        await asyncio.create_task(leave())

    before, tasks = portal.generation(), list[asyncio.Task[None]]()
    results: list[int] = []
    threading.Thread(target=lambda: results.append(portal.run(wait_for(tasks))), daemon=True).start()
    end = time.monotonic() + 30
    while not results and time.monotonic() < end:
        time.sleep(0.01)
    assert results == [2]
    assert isinstance(tasks[0].exception(), kind)
    with pytest.raises(kind):
        portal.run(await_it())
    assert portal.generation() == before
    assert [one.fields["error"] for one in caplog.records if one.event == "loop.interrupted"] == [kind.__name__] * 2  # type: ignore[attr-defined]


def test_an_errors_own_context_outlives_the_callers() -> None:
    async def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError:
            raise ValueError("outer")  # noqa: B904

    def call_while_handling() -> None:
        try:
            raise OSError("the caller's own")
        except OSError:
            portal.run(fail())

    with pytest.raises(ValueError, match="outer") as caught:
        call_while_handling()
    assert isinstance(caught.value.__context__, KeyError)


def test_a_call_from_the_loop_thread_is_refused() -> None:
    async def nested() -> int:
        return portal.run(double(1))

    with pytest.raises(ConfigurationError, match="own loop thread") as caught:
        portal.run(nested())
    assert "cx.aio" in caught.value.recovery_suggestions[0]


def test_works_inside_a_running_loop_without_stopping_ours() -> None:
    async def user() -> int:
        return portal.run(double(4))

    assert asyncio.run(user()) == 8


def test_context_variables_travel_into_the_task() -> None:
    async def read() -> str:
        await asyncio.sleep(0)
        seen = MARK.get()
        MARK.set("changed inside")
        return seen

    token = MARK.set("caller")
    try:
        assert portal.run(read()) == "caller"
        assert MARK.get() == "caller"
    finally:
        MARK.reset(token)
    assert portal.run(read()) == "none"


def test_twenty_threads_at_once() -> None:
    together = threading.Barrier(20, timeout=5)
    inside: list[int] = []
    most: list[int] = []
    results: dict[int, list[int]] = {}

    async def work(number: int) -> int:
        inside.append(number)
        most.append(len(inside))
        await asyncio.sleep(0.01)
        inside.remove(number)
        return 2 * number

    def thread(number: int) -> None:
        together.wait()
        results[number] = [portal.run(work(100 * number + turn)) for turn in range(20)]

    threads = [threading.Thread(target=thread, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert results == {number: [200 * number + 2 * turn for turn in range(20)] for number in range(20)}
    assert max(most) > 5
    assert len([each for each in threading.enumerate() if each.name == "cryptox"]) == 1


def test_closers_can_be_taken_back_and_spawn_never_waits() -> None:
    ran = threading.Event()

    async def note() -> None:
        ran.set()

    portal.run(double(1))
    assert portal.spawn(note) is True
    assert ran.wait(5)
    take_back = portal.at_exit(note)
    take_back()
    take_back()
    assert note not in portal._state.closers.values()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Python itself says nothing of it
def test_a_loop_that_somebody_stops_lets_go_of_who_waits() -> None:
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.sleep(3600)

    stopped = portal._Portal()
    call = portal._Call(wait(), endless=False)
    stopped.begin(call)
    assert begun.wait(30)
    stopped.loop.call_soon_threadsafe(stopped.loop.stop)
    stopped.thread.join(30)
    assert call.wait(30)
    assert isinstance(call.error, asyncio.CancelledError)
    assert stopped.is_over
    assert call.task is not None
    call.task.cancel()
    stopped.loop.run_until_complete(asyncio.wait([call.task]))
    stopped.loop.close()


def test_name_lookups_run_on_daemon_threads() -> None:
    async def where() -> bool:
        return await asyncio.to_thread(lambda: threading.current_thread().daemon)

    assert portal.run(where()) is True


def test_a_call_that_comes_too_late_for_its_loop_is_refused(recwarn: pytest.WarningsRecorder) -> None:
    stopped = portal._Portal()
    calls = [portal._Call(double(1), endless=True) for _ in range(4)]
    stopped.loop.call_soon_threadsafe(time.sleep, 0.2)
    stopped.loop.call_soon_threadsafe(stopped.loop.stop)
    stopped.coming.add(calls[0])  # on its way, and the loop never came to it
    stopped.thread.join(30)
    stopped.begin(calls[1])
    stopped.is_over = False  # as it looked just before the loop was closed
    stopped.begin(calls[2])
    stopped._refuse(calls[2])  # as its own thread does at the same moment
    for call in calls[:3]:
        assert call.wait(10)
        assert isinstance(call.error, asyncio.CancelledError)
    calls.pop().coroutine.close()
    del call, calls
    gc.collect()
    assert list(recwarn) == []


def test_a_call_that_is_let_go_before_its_first_step_is_closed() -> None:
    running = portal._running_portal()
    call = portal._Call(asyncio.sleep(60), endless=True)

    def begin_and_let_go() -> None:
        running._start(call)
        running._let_go(call)

    running.loop.call_soon_threadsafe(begin_and_let_go)
    assert call.wait(30)
    portal.run(asyncio.sleep(0.01))  # its task has ended
    assert isinstance(call.error, SystemExit)
    assert inspect.getcoroutinestate(call.coroutine) == inspect.CORO_CLOSED


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_cancels_cleans_up_and_leaves_the_portal_usable() -> None:
    cleaned: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            cleaned.append("tidy")
            raise

    def interrupt() -> None:
        begun.wait(5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        portal.run(work())
    assert cleaned == ["tidy"]
    assert portal.run(double(3)) == 6


def test_an_interrupt_without_a_signal_is_noticed() -> None:
    threading.Timer(0.1, _thread.interrupt_main).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        portal.run(asyncio.sleep(3_600))
    assert time.monotonic() - began < 60


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_does_not_wait_for_a_task_that_will_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "CLEAN_UP_S", 0.2)
    begun, end = threading.Event(), threading.Event()

    async def stubborn() -> None:
        begun.set()
        while not end.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    threading.Thread(target=lambda: (begun.wait(5), os.kill(os.getpid(), signal.SIGINT))).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        portal.run(stubborn())
    assert 0.2 <= time.monotonic() - began < 60
    assert not end.is_set()  # it goes on
    assert portal.run(double(3)) == 6
    end.set()
