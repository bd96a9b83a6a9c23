"""The door: calls, cx.run, the default session, sessions that are collected."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cryptox import portal
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.sync import door

REPOSITORY = Path(__file__).resolve().parents[2]


def until(true: Callable[[], object], within_s: float = 30.0) -> None:
    """Poll until it holds."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_call_takes_a_coroutine_or_what_makes_one() -> None:
    async def double(number: int) -> int:
        return 2 * number

    assert door.call(double(2)) == 4
    assert door.call(lambda: double(3)) == 6


def test_run_takes_coroutines_everywhere() -> None:
    async def where() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def user() -> str:
        return door.run(where())

    assert door.run(where()) == "cryptox"
    assert asyncio.run(user()) == "cryptox"


def test_run_takes_any_awaitable() -> None:
    class Later:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield from asyncio.sleep(0).__await__()
            return "later"

    async def value() -> int:
        return 3

    async def on_ours() -> asyncio.Task[int]:
        return asyncio.create_task(value())

    assert door.run(Later()) == "later"
    assert door.run(door.run(on_ours())) == 3


def test_run_waits_for_a_task_of_an_idle_or_another_loop() -> None:
    async def value() -> int:
        await asyncio.sleep(0.01)
        return 5

    loop = asyncio.new_event_loop()
    try:
        assert door.run(loop.create_task(value())) == 5
        thread = threading.Thread(target=loop.run_forever)
        task = loop.create_task(value())
        thread.start()
        until(loop.is_running)
        assert door.run(task) == 5
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
    finally:
        loop.close()


def test_run_refuses_what_cannot_be_awaited() -> None:
    async def function() -> None:
        """Never called."""

    with pytest.raises(ValidationError, match="not the function function") as error:
        door.run(function)  # type: ignore[arg-type]
    assert error.value.recovery_suggestions == ["Call it: cx.run(function(...))"]
    with pytest.raises(ValidationError, match="not a int"):
        door.run(3)  # type: ignore[arg-type]


def test_run_patches_the_running_loop_only_for_its_own_tasks_and_says_so_once() -> None:
    """In a program of its own: the patch cannot be taken back."""
    program = """
        import asyncio, logging, sys
        from cryptox import portal
        from cryptox.sync import door
        seen = []
        class Note(logging.Handler):
            def emit(self, record): seen.append((record.name, record.getMessage().split()[0]))
        logging.getLogger("cryptox").addHandler(Note())
        async def value(n):
            await asyncio.sleep(0.01)
            return n
        async def user():
            assert door.run(value(1)) == 1
            assert "nest_asyncio" not in sys.modules and not seen
            task = asyncio.ensure_future(value(2))
            assert door.run(task) == 2
            assert door.run(asyncio.gather(value(3), value(4))) == [3, 4]
            # our own loop goes on as before
            async def ours():
                async with asyncio.timeout(1):
                    await asyncio.sleep(0.01)
                return type(asyncio.get_running_loop())._run_once.__module__
            assert door.run(ours()) == "asyncio.base_events"
            return "done"
        loop = asyncio.new_event_loop()
        print(loop.run_until_complete(user()), seen)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.stdout == "done [('cryptox.portal', 'loop.patched')]\n", done.stderr


class Session:
    """An async session, as far as the door cares."""

    def __init__(self) -> None:
        self.closed_on: list[str] = []

    async def close(self) -> None:
        self.closed_on.append(threading.current_thread().name)


class Blocking:
    def __init__(self, session: Session) -> None:
        self.session = session
        door.keep(self, session)


def test_a_collected_face_closes_its_session_without_waiting() -> None:
    portal.run(asyncio.sleep(0))
    session = Session()
    before = set(portal._state.closers)
    face = Blocking(session)
    (ours,) = set(portal._state.closers) - before
    del face
    gc.collect()
    until(lambda: session.closed_on)
    assert session.closed_on == ["cryptox"]
    assert ours not in portal._state.closers  # others, of earlier tests, may have gone with it


def test_the_default_session_is_made_once_and_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_default", door._Default())
    with pytest.raises(ConfigurationError, match=r"cx\.use"):
        door.default_session()
    made: list[object] = []

    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    door.register_default(make)
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(door.default_session())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(made) == 1
    assert seen == made * 20
    other = Session()
    assert door.use_session(other) is other
    assert door.default_session() is other


def test_log_names() -> None:
    assert door.log is logging.getLogger("cryptox.portal")
