"""Every task, thread and process that is begun has an owner: who ends it, and what becomes of it when it is killed.

Whoever begins another one says so here, and shows what happens when it dies: in tests/sessions/test_supervision.py,
test_supervised_health.py and test_supervised_work.py beside it, and tests/sync/test_stuck.py; for the paper exchange in
tests/paper/test_killed.py.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "cryptox"
BEGIN = {
    "apart",
    "create_task",
    "ensure_future",
    "Popen",
    "Process",
    "run_coroutine_threadsafe",
    "run_in_executor",
    "start_new_thread",
    "Thread",
    "Timer",
    "to_thread",
}
AWAITED = "awaited right there: what it fails of is raised there"
CLOSING = "closes what nobody uses any more; nothing hangs on it"

# Where it is begun: how often there, and whose it is.
OWNERS: dict[tuple[str, str, str], tuple[int, str]] = {
    ("_process.py", "_by_psutil", "Process"): (1, "nobody: it is this process, looked at"),
    ("portal.py", "_Portal.__init__", "Thread"): (1, "the portal; calls are told, the next one makes another"),
    ("portal.py", "_Portal._start", "create_task"): (1, "the call that waits for it, which is told"),
    ("portal.py", "_Portal._wind_up", "create_task"): (1, CLOSING),
    ("portal.py", "_Portal.adopt", "create_task"): (1, CLOSING),
    ("portal.py", "_Portal.wind_up", "create_task"): (1, CLOSING),
    ("_loop.py", "Workers.submit", "Thread"): (1, "whoever awaits to_thread or a name's look-up"),
    ("_loop.py", "apart", "to_thread"): (1, AWAITED),
    ("sessions/acting.py", "Acting._done_once", "create_task"): (1, "the act: asked about anew until known"),
    ("sessions/bulk.py", "Bulk.run", "create_task"): (1, "a task group: a job that was killed is run again"),
    ("sessions/core.py", "Core.retire", "run_coroutine_threadsafe"): (1, CLOSING),
    ("sessions/doctor.py", "_journal", "apart"): (1, AWAITED),
    ("sessions/history.py", "History.fetch", "create_task"): (1, "a task group: its page goes to another worker"),
    ("sessions/line.py", "Line.aclose", "run_coroutine_threadsafe"): (1, CLOSING),
    ("sessions/live/dashboard.py", "AsyncDashboard.start", "ensure_future"): (1, AWAITED),
    ("sessions/live/feed.py", "AsyncFeed.start", "create_task"): (1, "the feed, which ends: who waits is told"),
    ("sessions/live/hub.py", "Hub.spawn", "create_task"): (1, "the hub: defects logged; some begun again"),
    ("sessions/live/plan.py", "Plan.check", "create_task"): (1, AWAITED),
    ("sessions/live/record.py", "AsyncRecording._begin", "apart"): (2, AWAITED),
    ("sessions/live/record.py", "AsyncRecording.stop", "apart"): (1, AWAITED),
    ("sessions/live/record.py", "_Scribe.__init__", "Thread"): (1, "the recording: its error is in counts and log"),
    ("sessions/live/replay.py", "AsyncReplay._play", "apart"): (1, AWAITED),
    ("sessions/live/worker.py", "Worker._begin", "Thread"): (1, "the feed: another thread goes on, and it is logged"),
    ("sessions/live/worker.py", "Worker._call", "run_coroutine_threadsafe"): (1, AWAITED),
    ("sessions/settling.py", "Settling._settle_from", "create_task"): (1, "the act, as where it was begun first"),
    ("sessions/settling.py", "Settling._settle", "create_task"): (1, "who settles: another look is begun"),
    ("sessions/standstill.py", "Guard._begin", "Thread"): (1, "the monitor: another thread goes on, and it is logged"),
    ("sessions/userline.py", "UserLine.spawn", "create_task"): (1, "the user's line: begun again, or connected anew"),
    ("sessions/watch.py", "_begun.spawn", "create_task"): (1, "the monitor: begun again until stopped, or not held"),
    ("show/lab.py", "open_lab", "Popen"): (1, "the command, which ends with it"),
    ("sync/door.py", "_await_elsewhere", "run_coroutine_threadsafe"): (1, AWAITED),
    ("transport/http.py", "Http._context", "ensure_future"): (1, "requests that wait for it; the next one begins anew"),
    ("transport/tls.py", "trusted_soon", "apart"): (1, AWAITED),
    # The paper exchange is a server of its own: to its clients what dies there is a connection that breaks.
    ("paper/desk.py", "Desk._begin", "Thread"): (1, "the desk: another thread goes on, and it is logged"),
    ("paper/follower.py", "Follower._begin", "create_task"): (1, "the follower: begun again for the server's life"),
    ("paper/process.py", "PaperProcess.start", "Popen"): (1, "the PaperProcess, which ends it"),
    ("paper/process.py", "_first_line", "Thread"): (1, "ends with the line, or with the process that writes it"),
    ("paper/process.py", "serve", "Thread"): (1, "the command: ends with its input"),
    ("paper/server.py", "Server.call", "run_coroutine_threadsafe"): (1, AWAITED),
    ("paper/server.py", "Server.start", "Thread"): (1, "the server, until stop()"),
    ("paper/sockets.py", "Line.run", "create_task"): (2, "the connection, which ends with it"),
    ("paper/streams/connection.py", "Connection.serve", "create_task"): (1, "the connection, which ends with it"),
    ("paper/streams/hub.py", "Hub._passed", "create_task"): (1, "the hub: connections end, and the next begins it"),
    ("paper/streams/recording.py", "replay", "apart"): (1, AWAITED),
    ("paper/wsapi/connection.py", "Connection.run.take", "create_task"): (1, "a task group of the connection"),
}  # fmt: skip


def begun(package: Path) -> Counter[tuple[str, str, str]]:
    """Calls that begin something: module, function, what is called; and how often."""
    found: Counter[tuple[str, str, str]] = Counter()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith("_dev/"):
            found.update((name, where, what) for where, what in _calls(ast.parse(path.read_text(encoding="utf-8")), ""))
    return found


def _calls(node: ast.AST, where: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        inner = where
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{where}.{child.name}" if where else child.name
        if isinstance(child, ast.Call):
            called = child.func
            what = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if what in BEGIN:
                yield where, what
        yield from _calls(child, inner)


def test_everything_that_is_begun_has_an_owner() -> None:
    assert begun(PACKAGE) == Counter({place: times for place, (times, _) in OWNERS.items()})


def test_an_owner_is_named() -> None:
    assert all(len(owner) > 15 for _, owner in OWNERS.values())


def test_what_nobody_owns_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "a.py").write_text(
        "import asyncio, threading\nfrom threading import Thread\n"
        "class Feed:\n    def go(self):\n        asyncio.create_task(self.run())\n        Thread(target=print)\n"
        "        async def inner(group):\n            group.create_task(1)\n"
    )
    assert begun(tmp_path) == {
        ("sessions/a.py", "Feed.go", "create_task"): 1,
        ("sessions/a.py", "Feed.go", "Thread"): 1,
        ("sessions/a.py", "Feed.go.inner", "create_task"): 1,
    }
