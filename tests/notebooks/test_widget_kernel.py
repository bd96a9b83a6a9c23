"""Live views in a real kernel: what a page would be told, while cells run, are run again, and while nothing runs."""

from __future__ import annotations

import ast
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
WITHIN_S = 60.0
VIEW = "application/vnd.jupyter.widget-view+json"

BEGIN = """
    import asyncio, gc, threading, time
    import cryptox as cx
    from cryptox import portal
    from IPython.display import display
    exchange = cx.PaperExchange(clock=("2024-06-01 12:00", 60)).start()
    session = cx.use(exchange)

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
    """


class Model:
    """A widget as the page has it."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.changes: list[dict[str, Any]] = []
        self.is_open = True

    @property
    def rows(self) -> dict[str, list[Any]]:
        """The candles by symbol, all changes applied in order."""
        number, picture = self.state["initial"]["number"], self.state["initial"]["picture"]
        rows = {symbol: candles["rows"] for symbol, candles in picture["of"].items()}
        for message in self.changes:
            if message["number"] > number:
                number += 1
                assert message["number"] == number
                for symbol, step in message["change"]["of"].items():
                    if "rows" in step:
                        rows[symbol] = rows[symbol][step["drop"] :][: step["keep"]] + step["rows"]
        return rows

    def moves(self, times: int = 3) -> Callable[[], bool]:
        """Whether so many more changes have come than now."""
        wanted = len(self.changes) + times
        return lambda: len(self.changes) >= wanted

    def says(self, **fields: Any) -> Callable[[], bool]:
        """Whether its frame says that."""
        return lambda: all(self.state["state"].get(name) == value for name, value in fields.items())


class Page:
    """A page without a screen: it runs cells, and keeps the models up to date."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.models: dict[str, Model] = {}

    @property
    def views(self) -> list[Model]:
        """The live views that are open, oldest first."""
        return [model for model in self.models.values() if model.is_open and "kind" in model.state]

    def run(self, code: str, cell: str | None = None) -> tuple[str, dict[str, Any], str]:
        """Run a cell: what it printed or its last value as text, all that was displayed, and its error."""
        content = {"code": textwrap.dedent(code), "silent": False, "store_history": True, "user_expressions": {}}
        request = self._client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        self._client.shell_channel.send(request)
        said, error, idle = "", "", False
        shown: dict[str, Any] = {}

        def hear(message: dict[str, Any]) -> None:
            nonlocal said, error, idle
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                return
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    said += content["text"]
                case "execute_result" | "display_data":
                    shown.update({kind: data for kind, data in content["data"].items() if data})
                    said += content["data"].get("text/plain", "")
                case "error":
                    error = "\n".join(content["traceback"])
                case "status":
                    idle = content["execution_state"] == "idle"

        assert self.until(lambda: idle, hear), f"the cell did not end; so far {said!r}"
        return said.strip(), shown, error

    def value(self, code: str) -> str:
        """What a cell without a view and without errors says."""
        said, _, error = self.run(code)
        assert error == ""
        return said

    def show(self, code: str, cell: str | None = None) -> Model:
        """Run a cell that shows a view."""
        _, shown, error = self.run(code, cell)
        assert error == ""
        return model(self, shown)

    def until(self, true: Callable[[], bool], hear: Callable[[dict[str, Any]], None] = lambda _: None) -> bool:
        """Hear what the kernel says, without asking anything of it, until something is true; not for ever."""
        end = time.monotonic() + WITHIN_S
        while not true() and time.monotonic() < end:
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            content = message["content"]
            model = self.models.get(content.get("comm_id"))
            match message["msg_type"]:
                case "comm_open":
                    self.models[content["comm_id"]] = Model(content["data"]["state"])
                case "comm_msg" if model is not None and content["data"]["method"] == "update":
                    model.state |= content["data"]["state"]
                case "comm_msg" if model is not None and content["data"]["method"] == "custom":
                    model.changes.append(content["data"]["content"])
                case "comm_close" if model is not None:
                    model.is_open = False
            hear(message)
        return true()

    def press(self, model: Model, does: str, number: int = -1) -> None:
        """A button, or what a page says by itself."""
        (name,) = [name for name, one in self.models.items() if one is model]
        data = {"method": "custom", "content": {"do": does, "page": "a page", "number": number}}
        message = self._client.session.msg("comm_msg", {"comm_id": name, "data": data})
        self._client.shell_channel.send(message)


def model(page: Page, shown: dict[str, Any]) -> Model:
    """The view among what was displayed."""
    return page.models[shown[VIEW]["model_id"]]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    home = tmp_path_factory.mktemp("kernel")
    manager, client = jupyter_client.manager.start_new_kernel(
        kernel_name="python3",
        env={**os.environ, "PYTHONPATH": str(ROOT), "CRYPTOX_VENUE": "paper", "IPYTHONDIR": str(home)},
        cwd=str(home),
    )
    try:
        page = Page(client)
        assert page.value(BEGIN) == ""
        assert page.value("import sys; {'anywidget', 'ipywidgets', 'plotly'} & sys.modules.keys()") == "set()"
        yield page
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def clean(page: Page) -> Iterator[Page]:
    """Nothing runs before and after."""
    page.models.clear()  # what the test before has left open is not looked at
    yield page
    ending = "feed = feeds = own = None; get_ipython().run_line_magic('reset_selective', '-f ^feed')"
    assert page.run(ending)[2] == ""
    assert page.run("[cx.unsubscribe(symbol) for symbol in ('BTCUSDT', 'ETHUSDT', 'BNBUSDT')]")[2] == ""
    assert page.value("settled(lambda: portal.run(serving()) == [])") == "True"


def test_a_feed_shows_itself_and_moves_while_nothing_and_while_everything_runs(clean: Page) -> None:
    said, shown, error = clean.run("feed = cx.live.klines('BTCUSDT', '1m')\nfeed")
    assert error == ""
    assert said.startswith("<Feed paper:klines:BTCUSDT:1m connected, ")
    assert set(shown) == {"text/plain", "text/html", VIEW}
    assert "<svg" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    assert shown["text/html"].startswith('<div class="cryptox-snapshot-' + model(clean, shown).state["snapshot"] + '">')
    view = model(clean, shown)
    assert view.state["about"]["title"] == "BTCUSDT klines 1m"
    assert view.state["about"]["venue"] == "paper"
    assert 300 <= len(view.rows["BTCUSDT"]) <= 301
    assert clean.until(view.moves())
    moved = view.moves(4)
    assert clean.value("began = time.time()\nwhile time.time() < began + 3: sum(range(1000))") == ""
    assert moved()
    assert clean.until(view.says(connected=True, stale=False, stopped=False, error=None))
    closed = """
        feed.stop()
        last = feed.frame().iloc[-3:, :5]
        [[int(at.timestamp() * 1000), *row] for at, *row in last.itertuples()]
        """
    wanted = ast.literal_eval(clean.value(closed))
    assert clean.until(view.says(stopped=True, connected=False))
    assert [row for row in view.rows["BTCUSDT"] if row[0] in [row[0] for row in wanted]] == wanted


RERUN = {
    "named": "feed = cx.live.klines('BTCUSDT', '1m')\nfeed",
    "unnamed": "cx.live.klines('BTCUSDT', '1m')",
    "held by nobody": "display(cx.live.klines('BTCUSDT', '1m'))",
    "with a callback": "feed = cx.live.klines('BTCUSDT', '1m').on(lambda event: None)\nfeed",
}


@pytest.mark.parametrize("how", RERUN)
def test_two_runs_more_leave_one_view_one_thread_and_one_connection(clean: Page, how: str) -> None:
    left = "gc.collect(); sum(type(one).__name__ == 'KlinesView' for one in gc.get_objects())"
    before = int(clean.value(left))
    first = clean.show(RERUN[how], f"the cell {how}")
    assert clean.value("gc.collect(); once = portal.run(serving()); len(once) > 0") == "True"
    assert clean.until(first.moves())
    for _ in range(2):
        last = clean.show(RERUN[how], f"the cell {how}")
        assert clean.views == [last]
        assert clean.until(last.moves())
    assert not first.is_open
    assert int(clean.value(left)) == before + 1
    assert sum(model.is_open for model in clean.models.values()) <= 3  # the view, its layout, plotly.js
    assert clean.value("settled(lambda: portal.run(serving()) == once)") == "True"
    lasting = ["cryptox", "cryptox-feed-klines"] if how == "with a callback" else ["cryptox"]
    assert clean.value(f"settled(lambda: threads() == {lasting})") == "True"
    assert clean.until(last.moves())


def test_a_feed_of_another_cell_is_shown_by_two_views(clean: Page) -> None:
    assert clean.value("feed = cx.live.klines('BTCUSDT', '1m')") == ""
    one, other = clean.show("feed", "one"), clean.show("feed", "other")
    assert clean.until(one.moves())
    assert clean.until(other.moves())
    again = clean.show("feed", "one")
    assert clean.views == [other, again]
    assert clean.until(other.moves())
    assert clean.value("feed.is_running") == "True"


def test_the_buttons(clean: Page) -> None:
    view = clean.show("feed = cx.live.klines('BTCUSDT', '1m')\nfeed")
    clean.press(view, "pause")
    assert clean.until(view.says(paused=True))
    came = clean.value("feed.status.received")
    changes = len(view.changes)
    assert clean.value(f"settled(lambda: feed.status.received > {came} + 20)") == "True"
    assert len(view.changes) == changes
    clean.press(view, "resume")
    assert clean.until(view.says(paused=False))
    assert clean.until(view.moves())
    clean.press(view, "stop")
    assert clean.until(view.says(stopped=True))
    assert clean.value("feed.is_running") == "False"


def test_a_page_that_has_missed_something_gets_the_whole(clean: Page) -> None:
    view = clean.show("feed = cx.live.klines('BTCUSDT', '1m')\nfeed")
    assert clean.until(view.moves())
    before = view.state["initial"]["number"]
    clean.press(view, "shown", 1)
    assert clean.until(lambda: view.state["initial"]["number"] > before)
    assert clean.until(view.moves())
    assert view.rows["BTCUSDT"][-1][0] > 0
    clean.press(view, "gone")
    assert clean.value("time.sleep(1.5)") == ""
    changes = len(view.changes)
    assert clean.value("time.sleep(1.5)") == ""
    assert len(view.changes) == changes


def test_one_of_several_symbols_may_be_unsubscribed(clean: Page) -> None:
    view = clean.show("feed = cx.live.klines(['BTCUSDT', 'ETHUSDT'], '1m', history=20)\nfeed")
    assert list(view.rows) == ["BTCUSDT", "ETHUSDT"]
    assert clean.value("feed.unsubscribe('BTCUSDT')") == "True"
    assert clean.until(lambda: list(view.rows) == ["ETHUSDT"])
    assert clean.until(lambda: view.state["about"]["symbols"] == ["ETHUSDT"])
    assert clean.until(view.moves())
    assert clean.value("cx.unsubscribe('ETHUSDT')") == "1"
    assert clean.until(view.says(stopped=True))
    assert list(view.rows) == ["ETHUSDT"]


def test_the_end_of_the_session_is_told(clean: Page) -> None:
    view = clean.show("mine = cx.connect(exchange)\nfeed = mine.live.klines('BTCUSDT', '1m', history=5)\nfeed")
    assert clean.until(view.moves())
    assert clean.value("mine.close()") == ""
    assert clean.until(view.says(stopped=True, connected=False))
    assert len(view.rows["BTCUSDT"]) >= 5
    late = clean.show("feed")
    assert late.says(stopped=True)()
    assert late.rows == view.rows


def test_a_cut_and_the_end_of_the_exchange_are_told(clean: Page) -> None:
    begin = """
        mortal = cx.PaperExchange(clock=("2024-06-01 12:00", 60)).start()
        mine = cx.connect(mortal)
        feed = mine.live.klines("BTCUSDT", "1m", history=5)
        feed
        """
    view = clean.show(begin)
    assert clean.until(view.moves())
    assert clean.value("mortal.faults.cut()") == "1"
    assert clean.until(view.says(connected=True, synced=True, reconnects=1))
    assert clean.until(view.moves())
    assert clean.value("mortal.stop()") == ""
    assert clean.until(view.says(connected=False, stale=True, stopped=False))
    assert clean.value("mine.close()") == ""
    assert clean.until(view.says(stopped=True))


def test_a_feed_of_the_kernels_own_loop_shows_itself(clean: Page) -> None:
    cell = "own = await cx.aio.connect(exchange)\nfeed = await own.live.klines('BTCUSDT', '1m', history=5)\nfeed"
    view = clean.show(cell)
    assert len(view.rows["BTCUSDT"]) >= 5
    assert clean.until(view.moves())
    assert clean.run("await own.close()")[2] == ""
    assert clean.until(view.says(stopped=True))


def test_a_replay_shows_itself_the_same_way(clean: Page) -> None:
    record = """
        feed = cx.live.klines('BTCUSDT', '1m', history=0)
        with cx.record('tape', feed) as recording:
            settled(lambda: recording.counts.messages > 20)
        feed.stop()
        replay = cx.replay('tape')
        feed = replay.live.klines('BTCUSDT', '1m', history=0)
        feed
        """
    view = clean.show(record)
    assert view.rows == {"BTCUSDT": []}
    assert view.says(stopped=False, word="not started: replay.start() plays it", stale=False, trouble=None)()
    assert clean.value("_ = replay.start()") == ""
    assert clean.until(view.says(word=None))
    assert clean.until(view.moves(2))
    assert clean.until(view.says(stopped=True))
    assert len(view.rows["BTCUSDT"]) > 0
