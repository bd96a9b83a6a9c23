"""Callbacks run on a thread of their feed, one after another; what they raise is told and stops nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from cryptox.sessions.live.rows import Records
from cryptox.sessions.live.worker import Worker


def rows(*numbers: int) -> Any:
    events: Any = list(numbers)
    return Records(events)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("cryptox-feed")]


def test_they_run_in_order_off_the_loop_and_end(until: Any) -> None:
    async def main() -> None:
        worker = Worker("trades", 100, asyncio.get_running_loop())
        seen: list[tuple[str, int, bool]] = []
        worker.callbacks = [
            lambda event: seen.append(("a", event, threading.current_thread() is threading.main_thread())),
            lambda event: seen.append(("b", event, threading.current_thread() is threading.main_thread())),
        ]
        worker.queue.put(rows(1, 2))
        await until(lambda: len(seen) == 4)
        assert seen == [("a", 1, False), ("b", 1, False), ("a", 2, False), ("b", 2, False)]
        worker.close()
        await until(lambda: not threads())

    asyncio.run(main())


def test_what_they_raise_is_counted_and_logged(until: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        worker = Worker("trades", 100, asyncio.get_running_loop())
        seen: list[int] = []

        def fail(event: Any) -> None:
            if event == 1:
                raise ValueError("no ones")

        worker.callbacks = [fail, seen.append]  # type: ignore[list-item]  # numbers stand for events
        worker.queue.put(rows(1, 2))
        await until(lambda: seen == [1, 2])
        assert (worker.errors, worker.last_error) == (1, "ValueError: no ones")
        worker.close()

    with caplog.at_level(logging.ERROR, "cryptox"):
        asyncio.run(main())
    assert "feed.callback_failed" in caplog.text


def test_a_coroutine_function_runs_on_the_loop_one_event_at_a_time(until: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        worker = Worker("trades", 100, loop)
        seen: list[tuple[str, int]] = []

        async def slow(event: Any) -> None:
            assert asyncio.get_running_loop() is loop
            seen.append(("begin", event))
            await asyncio.sleep(0.01)
            seen.append(("end", event))

        worker.callbacks = [slow]
        worker.queue.put(rows(1, 2))
        await until(lambda: len(seen) == 4)
        assert seen == [("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]
        worker.close()

    asyncio.run(main())


def test_a_coroutine_that_never_ends_does_not_outlive_the_feed(until: Any) -> None:
    async def main() -> None:
        worker = Worker("trades", 100, asyncio.get_running_loop())
        begun: list[int] = []

        async def endless(event: Any) -> None:
            begun.append(event)
            await asyncio.Event().wait()

        worker.callbacks = [endless]
        worker.queue.put(rows(1))
        await until(lambda: begun)
        worker.close()
        await until(lambda: not threads())
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_what_waits_for_a_slow_one_is_bounded(until: Any) -> None:
    async def main() -> None:
        worker = Worker("trades", 5, asyncio.get_running_loop())
        seen: list[int] = []
        go = threading.Event()

        def slow(event: Any) -> None:
            seen.append(event)
            go.wait(60)

        worker.callbacks = [slow]
        worker.queue.put(rows(0))
        await until(lambda: seen)
        for number in range(1, 101):
            worker.queue.put(rows(number))
        assert len(seen) == 1  # the slow one has not been waited for
        assert worker.queue.dropped == 95
        go.set()
        await until(lambda: len(seen) == 6)
        assert seen == [0, 96, 97, 98, 99, 100]
        worker.close()

    asyncio.run(main())


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("is_coroutine", [False, True])
def test_what_would_end_a_thread_or_the_loop_ends_neither(until: Any, error: type, is_coroutine: bool) -> None:
    async def main() -> None:
        worker = Worker("trades", 100, asyncio.get_running_loop())
        seen: list[int] = []

        def leave(event: Any) -> None:
            seen.append(event)
            if event == 1:
                raise error(3)

        async def leave_later(event: Any) -> None:
            leave(event)

        worker.callbacks = [leave_later if is_coroutine else leave]
        worker.queue.put(rows(1, 2))
        await until(lambda: seen == [1, 2])
        assert (worker.errors, worker.last_error) == (1, f"{error.__name__}: 3")
        worker.close()

    asyncio.run(main())


def test_it_can_be_left_where_locks_must_not_be_taken(until: Any) -> None:
    async def main() -> None:
        worker = Worker("trades", 100, asyncio.get_running_loop())
        seen: list[int] = []
        worker.callbacks = [seen.append]  # type: ignore[list-item]  # numbers stand for events
        worker.queue.put(rows(1))
        await until(lambda: seen and threads())
        with worker.queue._lock:
            worker.leave()
            worker.leave()
        await until(lambda: not threads())

    asyncio.run(main())
