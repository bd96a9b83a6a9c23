"""The loop thread: results, interrupts, threads, fork, and the end of the interpreter."""

from __future__ import annotations

import _thread
import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from cryptox import portal
from cryptox.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parent.parent
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="none")


def script(body: str, *, within_s: float = 10) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a program of its own; its outcome and how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    return done, time.monotonic() - began


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


def test_name_lookups_run_on_daemon_threads() -> None:
    async def where() -> bool:
        return await asyncio.to_thread(lambda: threading.current_thread().daemon)

    assert portal.run(where()) is True


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
        portal.run(asyncio.sleep(30))
    assert time.monotonic() - began < 2


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
    assert 0.2 <= time.monotonic() - began < 2
    assert portal.run(double(3)) == 6
    end.set()


def test_nothing_happens_at_import() -> None:
    done, _ = script(
        """
        import sys, threading
        import cryptox.portal
        print(threading.active_count(), "nest_asyncio" in sys.modules, "httpx" in sys.modules)
        """
    )
    assert done.stdout == "1 False False\n", done.stderr


def test_exit_with_an_idle_portal_is_quick_and_runs_the_closers() -> None:
    done, took = script(
        """
        import asyncio
        from cryptox import portal
        async def close():
            await asyncio.sleep(0.01)
            print("closed", flush=True)
        async def broken():
            raise OSError("no matter")
        async def idle(): pass
        portal.run(idle())
        portal.at_exit(broken)
        portal.at_exit(close)
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")
    assert took < 1.5


@pytest.mark.parametrize(
    ("thread", "call"),
    [("daemon=True", "portal.run(work())"), ("daemon=False", "portal.run(work(), endless=True)")],
    ids=["daemon-thread", "endless-on-a-worker"],
)
def test_exit_while_a_call_runs(thread: str, call: str) -> None:
    done, took = script(
        f"""
        import asyncio, threading
        from cryptox import portal
        begun = threading.Event()
        async def work():
            begun.set()
            try:
                await asyncio.sleep(3600)
            finally:
                print("cancelled", flush=True)
        threading.Thread(target=lambda: {call}, {thread}).start()
        begun.wait()
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "cancelled\n", "")
    assert took < 2


def test_a_worker_thread_may_finish_its_call_after_the_main_thread() -> None:
    done, _ = script(
        """
        import asyncio, socket, sys, threading
        from cryptox import portal
        async def work():
            await asyncio.sleep(0.3)
            if sys.version_info >= (3, 12):
                return 1  # from then on no thread starts once the main thread has ended, not even for a look-up
            loop = asyncio.get_running_loop()
            return len(await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))
        portal.loop()
        begun = threading.Event()
        def thread():
            begun.set()
            print("got", portal.run(work()), flush=True)
        threading.Thread(target=thread).start()
        begun.wait()
        """
    )
    assert (done.stdout, done.stderr) == ("got 1\n", "")


@pytest.mark.parametrize(
    "hang",
    [
        "portal.at_exit(forever)",
        "portal.spawn(stubborn)",
        "portal.loop().call_soon_threadsafe(time.sleep, 30)",
        "portal.loop().call_soon_threadsafe(portal.loop().run_in_executor, None, time.sleep, 30)",
    ],
    ids=["closer", "task", "blocked-loop", "name-lookup"],
)
def test_exit_never_hangs(hang: str) -> None:
    done, took = script(
        f"""
        import asyncio, time
        from cryptox import portal
        async def forever(): await asyncio.sleep(3600)
        async def stubborn():
            while True:
                try: await asyncio.sleep(3600)
                except asyncio.CancelledError: pass
        async def idle(): await asyncio.sleep(0.05)
        portal.run(idle())
        {hang}
        time.sleep(0.05)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert took < 3


def test_a_call_after_the_end_is_refused() -> None:
    done, _ = script(
        """
        import atexit
        def late():
            try: portal.run(idle())
            except Exception as error: print(type(error).__name__, error)
        atexit.register(late)
        from cryptox import portal
        async def idle(): pass
        portal.run(idle())
        """
    )
    assert done.stdout == "ConfigurationError the interpreter is ending; no call can be made any more\n"
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_gives_the_child_a_loop_of_its_own_and_leaves_the_parents_alone() -> None:
    done, took = script(
        """
        import asyncio, gc, os, sys, warnings
        from cryptox import portal
        # From 3.12 on Python warns of any fork beside a thread, which is just what is tried here.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        async def parent_only(): print("a parent's closer ran in", os.getpid() == PARENT, flush=True)
        async def double(number):
            await asyncio.sleep(0.01)
            return 2 * number
        PARENT = os.getpid()
        portal.at_exit(parent_only)
        print(portal.run(double(1)), portal.generation(), flush=True)
        child = os.fork()
        if child == 0:
            before = portal.generation()
            print(portal.run(double(2)), before, portal.generation(), flush=True)
            gc.collect()
            sys.exit(7)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, portal.run(double(3)), portal.generation(), flush=True)
        """
    )
    assert done.stderr == ""
    assert done.stdout == "2 0\n4 1 1\n7 6 0\na parent's closer ran in True\n"
    assert took < 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_never_calls_exits_quietly() -> None:
    done, took = script(
        """
        import os, sys, warnings
        from cryptox import portal
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        async def idle(): pass
        portal.run(idle())
        child = os.fork()
        if child == 0:
            sys.exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        portal.run(idle())
        """
    )
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert took < 3


def test_a_dead_loop_thread_is_replaced() -> None:
    done, _ = script(
        """
        import asyncio
        from cryptox import portal
        async def idle(): return "fine"
        portal.run(idle())
        thread = portal._state.portal.thread
        portal.loop().call_soon_threadsafe(portal.loop().stop)
        thread.join(5)
        print(portal.run(idle()), portal.generation())
        async def stop():
            asyncio.get_running_loop().stop()
            await asyncio.sleep(60)
        try: portal.run(stop())
        except asyncio.CancelledError as error: print(error)
        """
    )
    assert done.stdout == "fine 1\nthe loop thread has ended\n", done.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_a_program_in_a_call() -> None:
    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import asyncio\nfrom cryptox import portal\n"
            "async def work():\n    print('begun', flush=True)\n    await asyncio.sleep(3600)\nportal.run(work())",
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=5)
    assert program.returncode == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt")
