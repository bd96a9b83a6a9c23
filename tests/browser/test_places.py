"""Live views in places where the page's own rules reach into them: floats, outputs in outputs, charts of nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labs import Notebook

SETUP = """import cryptox as cx
exchange = cx.PaperExchange(clock=("2024-06-01 12:00", 4)).start()
session = cx.use(exchange)"""
BOXES = (
    "all => all.map(one => one.getBoundingClientRect()).map(({left, right, top, bottom}) => [left, right, top, bottom])"
)


def test_facts_have_their_name_above_them(notebook: Callable[..., Notebook]) -> None:
    book = notebook(SETUP, "ticker = session.live.ticker('BTCUSDT')\nticker", "cx.dashboard('BTCUSDT')")
    for cell in (0, 1, 2):
        book.run(cell)
    for cell in (1, 2):
        shown = book.output(cell)
        shown.locator(".cryptox-fact").first.wait_for()
        names = shown.locator(".cryptox-fact-name").evaluate_all(BOXES)
        values = shown.locator(".cryptox-fact-value").evaluate_all(BOXES)
        assert len(names) == len(values) >= 8
        for name, value in zip(names, values, strict=True):
            assert name[3] <= value[2] + 1, "the value begins below its name"
            assert abs(name[0] - value[0]) <= 1


def test_a_view_in_an_output_widget_is_seen(notebook: Callable[..., Notebook]) -> None:
    put = "import ipywidgets\nplace = ipywidgets.Output()\nwith place: display(session.live.ticker('BTCUSDT'))"
    book = notebook(SETUP, f"{put}\nipywidgets.HBox([place])")
    book.run(0)
    book.run(1)
    view = book.output(1).locator(".cryptox-live")
    view.wait_for()  # to be visible
    before = view.inner_text()
    book.until(lambda: view.inner_text() != before, "it moves")
    assert book.output(1).locator("[class^=cryptox-snapshot]:visible").count() == 0


def test_a_chart_begins_with_nothing_and_then_a_candle(notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    path = tmp_path / "one.gz"
    record = f"""
    with session.live.klines('BTCUSDT', '1h') as feed, cx.record({str(path)!r}, feed):
        for count, _ in enumerate(feed):
            if count == 3: break
    replay = cx.replay({str(path)!r})
    shown = replay.live.klines('BTCUSDT', '1h')
    shown"""
    book = notebook(SETUP, record.replace("\n    ", "\n"))
    book.run(0)
    book.run(1)
    empty = book.output(1).get_by_text("No candle yet.")
    empty.wait_for()
    book.ask("replay.start()")
    empty.wait_for(state="detached")
    spans = "one => one._fullLayout.xaxis.range.map(Date.parse)"
    begin, end = book.output(1).locator(".cryptox-chart").evaluate(spans)
    assert 3_600_000 <= end - begin <= 4 * 3_600_000


def test_a_view_says_that_its_kernel_is_gone(notebook: Callable[..., Notebook]) -> None:
    book = notebook(SETUP, "trades = session.live.trades('BTCUSDT')\ntrades")
    book.run(0)
    book.run(1)
    state = book.output(1).locator(".cryptox-live .cryptox-state")
    state.first.wait_for()
    book.until(lambda: state.first.inner_text() == "connected", "it is connected")
    book.js("await panel.context.sessionContext.session.kernel.restart()")
    book.until(lambda: state.first.inner_text() == "kernel restarted", "it says so")
    assert state.last.inner_text() == "stale"
    assert book.output(1).get_by_role("button", name="Stop").is_disabled()
    book.ready()
    book.run(0)
    book.run(1)
    book.until(lambda: state.first.inner_text() == "connected", "the next is connected")
