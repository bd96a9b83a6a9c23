"""Sessions against a real exchange from a real kernel: while its loop runs, with ``await``, and interrupted."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 30.0


class Kernel:
    """A kernel and what its cells say."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager, self._client = manager, client

    def run(
        self, code: str, *, on_text: Callable[[str], None] = lambda _: None, cell: str | None = None
    ) -> tuple[str, str]:
        """Run a cell; what it printed, or the last value's text, and the name of its error."""
        if cell is None:
            asked = self._client.execute(code)
        else:  # with the name that a frontend gives it
            content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
            request = self._client.session.msg("execute_request", content, metadata={"cellId": cell})
            self._client.shell_channel.send(request)
            asked = request["header"]["msg_id"]
        said, error, deadline = "", "", time.monotonic() + WITHIN_S
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.01))
            except Empty:
                raise AssertionError(f"the cell did not end in {WITHIN_S:.0f} s; so far {said!r}") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    said += content["text"]
                    on_text(said)
                case "execute_result":
                    said += content["data"]["text/plain"]
                case "error":
                    error = content["ename"]
                case "status" if content["execution_state"] == "idle":
                    return said.strip(), error

    def interrupt(self) -> None:
        """The stop button."""
        self._manager.interrupt_kernel()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("kernel")
    manager, client = jupyter_client.manager.start_new_kernel(
        kernel_name="python3",
        env={**os.environ, "PYTHONPATH": str(ROOT), "CRYPTOX_VENUE": "paper", "IPYTHONDIR": str(home)},
        cwd=str(home),
    )
    try:
        kernel = Kernel(manager, client)
        assert kernel.run('import cryptox as cx\nexchange = cx.PaperExchange(clock="2024-06-01 12:00").start()') == (
            "",
            "",
        )
        assert kernel.run("session = cx.use(exchange)") == ("", "")
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_blocking_calls_run_while_the_kernels_loop_does(kernel: Kernel) -> None:
    assert kernel.run("import asyncio; asyncio.get_running_loop().is_running()") == ("True", "")
    assert kernel.run('len(cx.klines_bulk("BTCUSDT", "1h", 3000)), len(session.klines("ETHUSDT"))') == (
        "(3000, 500)",
        "",
    )


def test_the_async_session_runs_on_the_kernels_own_loop(kernel: Kernel) -> None:
    cell = """
        async with cx.aio.connect(exchange) as aio:
            frame = await aio.klines("BTCUSDT", "1d", 7)
            many = await asyncio.gather(*(aio.klines_bulk("BTCUSDT", "1h", 2000) for _ in range(3)))
        len(frame), [len(one) for one in many], cx.server_time().hour
        """
    assert kernel.run(cell) == ("(7, [2000, 2000, 2000], 12)", "")
    # A session outlives its cell: the next one goes on with it.
    assert kernel.run("aio = await cx.aio.connect(exchange)\nlen(await aio.trades('BTCUSDT', 9))") == ("9", "")
    assert kernel.run("len(await aio.trades('BTCUSDT', 8)), await aio.close()") == ("(8, None)", "")
    assert kernel.run("import sys; 'nest_asyncio' in sys.modules") == ("False", "")


@pytest.mark.skipif(os.name != "posix", reason="the kernel is interrupted otherwise on Windows")
def test_a_bulk_call_that_is_stopped_keeps_its_rows_and_the_session(kernel: Kernel) -> None:
    assert kernel.run("exchange.faults.add('latency', seconds=0.2, path='klines')\nexchange.requests.clear()") == (
        "",
        "",
    )
    stopped = []

    def stop(said: str) -> None:
        if "page" in said and not stopped:
            stopped.append(True)
            kernel.interrupt()

    call = 'cx.klines_bulk("BTCUSDT", "1m", 100_000, progress={})'
    _, error = kernel.run(call.format('lambda *_: print("page", flush=True)'), on_text=stop)
    assert stopped
    assert error == "KeyboardInterrupt"
    assert kernel.run("len(session.klines('BTCUSDT', '1h', 5))") == ("5", "")
    kept, error = kernel.run("kept = session.last_partial(); len(kept)")
    assert error == ""
    assert 0 < int(kept) < 100_000
    assert kernel.run("exchange.faults.clear()\nexchange.requests.clear()") == ("", "")
    assert kernel.run(f"whole = {call.format(False)}\nlen(whole), whole.index.is_unique") == ("(100000, True)", "")
    # Only what the first call did not bring was asked for again.
    asked, _ = kernel.run("len(exchange.requests.of('klines'))")
    assert int(asked) <= 100 - int(kept) // 1000 + 3


@pytest.fixture
def lively(kernel: Kernel) -> Iterator[Kernel]:
    """The same kernel, its default session on an exchange whose market moves."""
    cell = """
        import asyncio, threading, time
        from cryptox import portal
        moving = cx.PaperExchange(clock=("2024-06-01 12:00", 60)).start()
        session = cx.use(moving)

        async def serving():
            return sorted(task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("cryptox-"))

        def threads():
            return sorted(thread.name for thread in threading.enumerate()
                          if thread.name == "cryptox" or thread.name.startswith("cryptox-feed"))

        def settled(true, within_s=30):
            end = time.monotonic() + within_s
            while not true() and time.monotonic() < end:
                time.sleep(0.01)
            return bool(true())

        async def later(true, within_s=5):
            end = time.monotonic() + within_s
            while not true() and time.monotonic() < end:
                await asyncio.sleep(0.01)
            return bool(true())
        """
    assert kernel.run(textwrap.dedent(cell)) == ("", "")
    yield kernel
    assert kernel.run("session.close(); moving.stop(); session = cx.use(exchange)") == ("", "")


def test_a_feed_flows_while_cells_compute(lively: Kernel) -> None:
    said, error = lively.run(
        "got = []\nfeed = cx.live.trades('BTCUSDT').on(lambda e: got.append((time.time(), e.id)))\nfeed"
    )
    assert error == ""
    assert said.startswith("<Feed paper:trades:BTCUSDT connected, ")
    busy = {
        "time.sleep(1)": "sleeps",
        "while time.time() < began + 1: sum(range(1000))": "computes",
        "await asyncio.sleep(1)": "awaits",
    }
    for code, what in busy.items():
        assert lively.run(f"began = time.time()\n{code}\nended = time.time()") == ("", ""), what
        flowed = "sum(began < at < ended for at, _ in got) > 1, feed.status.dropped"
        assert lively.run(flowed) == ("(True, 0)", ""), what
    assert lively.run("ids = [id for _, id in got]; ids == list(range(ids[0], ids[0] + len(ids)))") == ("True", "")
    assert lively.run("feed.latest.id in set(feed.frame().id), threads()") == (
        "(True, ['cryptox', 'cryptox-feed-trades'])",
        "",
    )
    assert lively.run("import sys; 'nest_asyncio' in sys.modules") == ("False", "")


@pytest.mark.skipif(os.name != "posix", reason="the kernel is interrupted otherwise on Windows")
def test_the_stop_button_ends_the_loop_over_a_feed_and_not_the_feed(lively: Kernel) -> None:
    pressed: list[float] = []

    def stop(said: str) -> None:
        if "\n" in said and not pressed:
            pressed.append(time.monotonic())
            lively.interrupt()

    loop = "feed = cx.live.klines('BTCUSDT')\nfor event in feed:\n    print(event.kind, flush=True)"
    said, error = lively.run(loop, on_text=stop)
    assert time.monotonic() - pressed[0] < 30  # events go on for ever
    assert said.startswith("kline\n") or said == "kline"
    assert error == "KeyboardInterrupt"
    assert lively.run("next(iter(feed)).symbol, feed.status.connected") == ("('BTCUSDT', True)", "")


def test_running_a_cell_again_leaves_one_thread_and_closing_none(lively: Kernel) -> None:
    # The kernel's `Out` keeps each of the feeds, which end all the same.
    cell = "feed = cx.live.klines('BTCUSDT', '1m')\nevents = iter(feed)\nassert next(events).kind == 'kline'\nfeed"
    shown = "<Feed paper:klines:BTCUSDT:1m connected, "
    assert lively.run(cell)[0].startswith(shown)
    assert lively.run("hub = feed._feed._hub; once = portal.run(serving()); len(once) > 0") == ("True", "")
    for _ in range(12):
        assert lively.run(cell)[0].startswith(shown)
    assert lively.run("settled(lambda: portal.run(serving()) == once)") == ("True", "")
    assert lively.run("len(hub._kept), feed._feed._hub is hub, feed.status.reconnects, threads()") == (
        "(1, True, 0, ['cryptox'])",
        "",
    )
    assert lively.run("cx.live.trades('BTCUSDT').on(print) and cx.unsubscribe('BTCUSDT')") == ("2", "")
    assert lively.run("settled(lambda: threads() == ['cryptox'])") == ("True", "")
    assert lively.run("settled(lambda: portal.run(serving()) == [])") == ("True", "")
    assert lively.run("list(events), feed") == ("([], <Feed paper:klines:BTCUSDT:1m stopped>)", "")


CALLING = {
    "displayed": "cx.live.trades('BTCUSDT').on(got.append)",
    "named": "feed = cx.live.trades('BTCUSDT').on(got.append)",
    "named and displayed": "feed = cx.live.trades('BTCUSDT').on(got.append)\nfeed",
    "neither": "cx.live.trades('BTCUSDT').on(got.append);",
    "in a function that holds it": """
        def watch():
            feed = cx.live.trades('BTCUSDT')
            return feed.on(lambda event: got.append(feed.status))
        mine = watch()
        """,
    "of an object that holds it": """
        class Watch:
            def __init__(self):
                self.feed = cx.live.trades('BTCUSDT').on(self.note)
            def note(self, event):
                got.append(event)
        mine = Watch()
        """,
    "of the kernel's own loop": """
        if "own" not in globals():
            own = await cx.aio.connect(moving)
        feed = await own.live.trades('BTCUSDT').on(got.append)
        feed
        """,
}


@pytest.mark.parametrize("how", CALLING)
def test_a_cell_that_is_run_again_calls_back_once(lively: Kernel, how: str) -> None:
    assert lively.run("got = []; feed = mine = None; globals().pop('own', None); pass") == ("", "")
    cell = textwrap.dedent(CALLING[how])
    for _ in range(4):
        assert lively.run(cell)[1] == ""
        assert lively.run("await later(lambda: len(got) > 2)") == ("True", "")
    one = "['cryptox', 'cryptox-feed-trades']"
    assert lively.run("await later(lambda: len(threads()) == 2), threads()") == (f"(True, {one})", "")
    # What goes on is the last one, whatever other cells are run.
    assert lively.run("count = len(got); await later(lambda: len(got) > count + 5), threads()") == (
        f"(True, {one})",
        "",
    )
    if how == "of the kernel's own loop":
        assert lively.run("await own.close()") == ("", "")
    else:
        assert lively.run("cx.unsubscribe('BTCUSDT')") == ("1", "")
    assert lively.run("await later(lambda: threads() == ['cryptox'])") == ("True", "")


def test_what_is_held_goes_on_when_its_cell_is_run_again(lively: Kernel) -> None:
    assert lively.run("feeds, got = [], []") == ("", "")
    cell = "feeds.append(cx.live.trades('BTCUSDT').on(got.append))\nfeeds[-1]"
    for _ in range(3):
        assert lively.run(cell)[1] == ""
    assert lively.run("[feed.is_running for feed in feeds], cx.unsubscribe('BTCUSDT')") == (
        "([True, True, True], 3)",
        "",
    )


def test_a_cell_is_the_same_when_its_text_was_changed(lively: Kernel) -> None:
    assert lively.run("got = []") == ("", "")
    for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT"):
        assert lively.run(f"cx.live.trades('{symbol}').on(got.append)", cell="a-cell")[1] == ""
    assert lively.run("cx.live.trades('ETHBTC').on(got.append)", cell="another")[1] == ""
    count = "[cx.unsubscribe(symbol) for symbol in ('BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'ETHBTC')]"
    assert lively.run(f"settled(lambda: len(threads()) == 3), {count}") == ("(True, [0, 0, 1, 1])", "")


def test_a_feed_of_a_stopped_cell_goes_on_until_the_cell_has_run(lively: Kernel) -> None:
    cell = "{}feed = cx.live.trades('BTCUSDT').on(got.append)"
    assert lively.run("got = []") == ("", "")
    assert lively.run(cell.format(""), cell="b-cell") == ("", "")
    assert lively.run(cell.format("1 / 0\n"), cell="b-cell")[1] == "ZeroDivisionError"
    assert lively.run("feed.is_running, len(threads())") == ("(True, 2)", "")
    assert lively.run("del feed") == ("", "")
    assert lively.run("settled(lambda: threads() == ['cryptox'])") == ("True", "")


def test_a_replay_of_a_cell_that_is_run_again_ends(lively: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "tape"
    message = b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}'
    path.write_bytes(b"1700000000000000000 %b\n1700009999000000000 %b\n" % (message, message))
    cell = f"cx.replay({str(path)!r}).start()"
    playing = "sum(name == 'cryptox-replay' for name in portal.run(serving()))"
    for _ in range(3):
        assert lively.run(cell)[0].startswith("<Replay tape playing")
    assert lively.run(f"settled(lambda: {playing} == 1), {playing}") == ("(True, 1)", "")


DASHBOARDS = {
    "displayed": "cx.dashboard('BTCUSDT')",
    "named and displayed": "board = cx.dashboard('BTCUSDT', '5m')\nboard",
    "of the kernel's own loop": """
        if "own" not in globals():
            own = await cx.aio.connect(moving)
        await own.dashboard('BTCUSDT')
        """,
}


@pytest.mark.parametrize("how", DASHBOARDS)
def test_a_dashboard_of_a_cell_that_is_run_again_is_one(lively: Kernel, how: str) -> None:
    counts = """
        import gc, ipywidgets
        board, got = None, []
        globals().pop('own', None)

        def shown():
            return sum(type(one).__name__ == "DashboardView" for one in ipywidgets.widgets.widget._instances.values())

        def running():
            return sum(type(one).__name__ == "AsyncDashboard" and one.is_running for one in gc.get_objects())
        """
    assert lively.run(textwrap.dedent(counts)) == ("", "")
    # What other cells have shown before stands there still.
    assert lively.run("before = shown(); await later(lambda: running() == 0), running()") == ("(True, 0)", "")
    cell = textwrap.dedent(DASHBOARDS[how])
    for _ in range(4):
        said, error = lively.run(cell)
        assert (said[:1], "Dashboard paper:BTCUSDT:" in said, error) == ("<", True, "")
    assert lively.run("await later(lambda: running() == 1), running(), shown() - before") == ("(True, 1, 1)", "")
    assert lively.run("threads()") == ("['cryptox']", "")
    if how == "of the kernel's own loop":
        assert lively.run("await own.close()") == ("", "")
    else:
        assert lively.run("cx.unsubscribe('BTCUSDT')") == ("4", "")
    assert lively.run("await later(lambda: running() == 0), running()") == ("(True, 0)", "")
