"""The loop thread in programs of their own: import, fork, and the end of the interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
GENEROUS_S = 40  # what the end of a program may wait at most, where it is to be seen that it does not


def script(body: str, *, within_s: float = 60) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a program of its own; its outcome and how long it took.

    Those that set ``EXIT_S`` to ``GENEROUS_S`` show that the end of the interpreter does not wait for it in vain.
    """
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
        f"""
        import asyncio
        from cryptox import portal
        async def close():
            await asyncio.sleep(0.01)
            print("closed", flush=True)
        async def broken():
            raise OSError("no matter")
        async def idle(): pass
        portal.EXIT_S = {GENEROUS_S}
        portal.run(idle())
        portal.at_exit(broken)
        portal.at_exit(close)
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")
    assert took < GENEROUS_S


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
        portal.EXIT_S = {GENEROUS_S}
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
    assert took < GENEROUS_S


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
        "portal.loop().call_soon_threadsafe(time.sleep, 50)",
        "portal.loop().call_soon_threadsafe(portal.loop().run_in_executor, None, time.sleep, 50)",
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
    assert took < GENEROUS_S


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
    assert took < GENEROUS_S


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
    assert took < GENEROUS_S


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
