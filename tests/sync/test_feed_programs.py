"""Feeds in programs of their own: how they end, fork and are interrupted, with every warning an error."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cryptox as cx

REPOSITORY = Path(__file__).resolve().parents[2]
GENEROUS_S = 30  # a program that ends at once has ended by then, however busy the machine is

HEAD = """
import gc, logging, os, signal, sys, threading, time, warnings
import cryptox as cx
from cryptox import _call, portal
# Development mode reports every step of the loop that took long; errors are still told.
logging.getLogger("asyncio").setLevel(logging.ERROR)
# So long may the end wait, and a call be deaf to signals: it would be noticed.
portal.EXIT_S = _call.LOOK_UP_S = 40
rest, stream, ws_api = sys.argv[1:]
session = cx.connect("binance", rest_url=rest, stream_url=stream, ws_api_url=ws_api)
live = session.live
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 60)) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def quiet() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


def run(exchange: cx.PaperExchange, body: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """What a program said, and the seconds from its last word to its end."""
    urls = [str(exchange.rest_url), str(exchange.stream_url), str(exchange.ws_api_url)]
    program = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", HEAD + textwrap.dedent(body), *urls],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        said = ""
        ended = time.monotonic()
        for line in program.stdout:
            said += line
            ended = time.monotonic()
        _, errors = program.communicate(timeout=90)
        return subprocess.CompletedProcess(program.args, program.returncode, said, errors), time.monotonic() - ended
    finally:
        program.kill()
        program.wait()


def connections(exchange: cx.PaperExchange) -> int:
    """Sockets to the exchange that are open in this machine's books."""
    port = f":{exchange.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows)


@pytest.mark.parametrize(
    "use",
    [
        "feed = live.trades('BTCUSDT')",
        "live.trades('BTCUSDT').on(lambda event: None)",
        "live.trades('BTCUSDT').on(lambda event: time.sleep(60)); time.sleep(0.3)",
        "events = iter(live.book('BTCUSDT')); next(events)",
        "feed = live.klines(['BTCUSDT', 'ETHUSDT']); live.book_ticker('BTCUSDT'); session.unsubscribe('BTCUSDT')",
        "cx.use(session.venue); feed = cx.live.ticker('BTCUSDT')",
    ],
    ids=["idle", "callback", "stuck-callback", "iterator", "some-ended", "default-session"],
)
def test_exit_leaves_nothing(exchange: cx.PaperExchange, use: str) -> None:
    done, took = run(exchange, f"{use}\nprint('end', flush=True)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
    assert took < GENEROUS_S


@pytest.mark.parametrize("daemon", [True, False])
@pytest.mark.parametrize("body", ["pass", "time.sleep(0.3)"], ids=["waiting", "busy"])
def test_exit_while_threads_read(exchange: cx.PaperExchange, daemon: bool, body: str) -> None:
    """A worker thread that reads for ever ends with the main one, wherever it is at that moment."""
    done, took = run(
        exchange,
        f"""
        feed, begun = live.trades("BTCUSDT"), threading.Event()
        def read():
            events = iter(feed)
            time.sleep(0.7)  # dozens of events wait
            for event in events:
                begun.set()
                {body}
        threading.Thread(target=read, daemon={daemon}).start()
        begun.wait()
        print("end", flush=True)
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
    assert took < GENEROUS_S


def test_an_error_of_the_users_ends_the_program_as_ever(exchange: cx.PaperExchange) -> None:
    done, _ = run(exchange, "for event in live.trades('BTCUSDT'):\n    raise RuntimeError('of the user')")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("RuntimeError: of the user")
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts sockets in /proc")
@pytest.mark.parametrize("how", ["session.close()", "del session, live, feed, other; gc.collect()"])
def test_closing_leaves_one_idle_thread_and_no_task_or_socket(exchange: cx.PaperExchange, how: str) -> None:
    done, _ = run(
        exchange,
        f"""
        import asyncio
        async def tasks(): return sorted(task.get_name() for task in asyncio.all_tasks())[1:]
        def links(): return [f"/proc/self/fd/{{fd}}" for fd in os.listdir("/proc/self/fd")]
        def sockets(): return sum("socket:" in os.readlink(link) for link in links() if os.path.islink(link))
        portal.run(tasks())
        before = sockets(), portal.run(tasks())
        feed, other = live.trades("BTCUSDT"), live.klines("ETHUSDT")
        got = []
        feed.on(got.append) if {how.startswith("session")} else None
        next(iter(feed))
        print(sockets() > before[0], len(portal.run(tasks())) > 0)
        {how}
        until = time.monotonic() + 30
        while (sockets(), portal.run(tasks())) != before and time.monotonic() < until:
            time.sleep(0.01)
        while threading.active_count() > 2 and time.monotonic() < until:
            time.sleep(0.01)
        print((sockets(), portal.run(tasks())) == before, sorted(thread.name for thread in threading.enumerate()))
        """,
    )
    assert (done.stdout, done.stderr) == ("True True\nTrue ['MainThread', 'cryptox']\n", "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_interrupts_at_once_and_the_feed_goes_on(quiet: cx.PaperExchange) -> None:
    done, _ = run(
        quiet,
        """
        feed = live.trades("BTCUSDT", history=3)
        def interrupted(work):
            at = []
            def strike():
                at.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
            timer = threading.Timer(0.3, strike)
            timer.start()
            try:
                work()
            except KeyboardInterrupt:
                print(time.monotonic() - at[0] < 20, threading.current_thread() is threading.main_thread())
            timer.join()
        def loop():
            for event in feed:
                print("nothing happens on this exchange")
        events = iter(feed)
        interrupted(loop)
        interrupted(lambda: next(events))
        print(feed.is_running, feed.status.connected, len(feed.frame()), session.server_time().hour)
        """,
    )
    assert (done.stdout, done.stderr) == ("True True\nTrue True\nTrue True 3 12\n", "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupted_start_leaves_nothing() -> None:
    """The exchange takes its time, so that the start waits."""
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        exchange.faults.add("latency", seconds=60)
        done, _ = run(
            exchange,
            """
            import asyncio
            async def tasks(): return [task.get_name() for task in asyncio.all_tasks() if "cryptox" in task.get_name()]
            try:
                threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
                live.trades("BTCUSDT")
            except KeyboardInterrupt:
                until = time.monotonic() + 30
                while portal.run(tasks()) and time.monotonic() < until:
                    time.sleep(0.01)
                print("interrupted", portal.run(tasks()))
            """,
        )
    assert (done.stdout, done.stderr) == ("interrupted []\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_its_own_feeds_and_leaves_the_parents_alone(exchange: cx.PaperExchange) -> None:
    done, took = run(
        exchange,
        """
        # From 3.12 on Python warns of any fork beside a thread, which is just what is tried here.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        feed, called = live.trades("BTCUSDT"), []
        held, events = live.agg_trades("BTCUSDT").on(called.append), iter(feed)
        next(events)
        child = os.fork()
        if child == 0:
            print(feed, feed.status.connected, feed.is_running, list(events), flush=True)
            for use in (lambda: feed.latest, feed.frame, lambda: iter(feed), lambda: feed.on(print)):
                try: use()
                except cx.errors.ConfigurationError as error: print(error, flush=True)
            feed.stop()
            session.unsubscribe("BTCUSDT")
            with live.trades("BTCUSDT") as own:
                for event in own: break
                print(own.status.connected, flush=True)
            session.close()
            del feed, held, events, own
            gc.collect()
            sys.exit(7)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        before, seen = len(called), [next(events).id for _ in range(50)]
        until = time.monotonic() + 30
        while len(called) <= before and time.monotonic() < until:
            time.sleep(0.01)
        print(code, seen == list(range(seen[0], seen[0] + 50)), len(called) > before, feed.status.reconnects)
        """,
    )
    lost = "This feed belongs to another process, or to a loop that has ended.\n"
    assert done.stderr == ""
    assert done.stdout == (f"<Feed binance:trades:BTCUSDT lost> False False []\n{lost * 4}True\n7 True True 0\n")
    assert took < GENEROUS_S


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="counts connections in /proc")
def test_the_exchange_sees_them_all_go(exchange: cx.PaperExchange) -> None:
    until = time.monotonic() + 30
    while connections(exchange):
        assert time.monotonic() < until, "connections were left"
        time.sleep(0.02)
