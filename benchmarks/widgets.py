"""A live chart in a real page, beside a plotly FigureWidget that shows the same: bytes, kernel, page.

    python benchmarks/widgets.py                    # about three minutes; needs Chromium (apt-get install chromium)
    python benchmarks/widgets.py --candles 300 --seconds 10

JupyterLab and a headless Chromium run here, the exchange in a process of its own, its market 20 times as fast as real
time, so that each of the five updates a second has news. Hour candles: one closes every three minutes. All charts have
candles and bars of volume at the same size. The FigureWidget gets the same feed's frame, five times a second from a
thread, in one batch, whole arrays, as its trait is meant to be set.

- Bytes: what the page's sockets received over the window, and how much that is of each update. Heartbeats and the
  view's own state are in it.
- Kernel CPU: processor time of the kernel, all threads, less that of a kernel with the same feed and no chart.
- Page busy: processor time in tasks of the page's main thread (Chromium's `TaskDuration`, in thread ticks) over time by
  the clock; a page with JupyterLab, the notebook and no chart stands beside. What other threads paint is not in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from labs import Lab, Notebook, Window, browser_path, chromium
from measure import machine, show

from cryptox.paper.process import PaperProcess

RATE = 5
WARM_S = 4.0

FEED = """
import threading, time
import cryptox as cx
session = cx.connect("binance", rest_url={rest!r}, stream_url={streams!r})
feed = session.live.klines("BTCUSDT", "1h", history={candles})
while feed.latest is None or len(feed.frame()) < {candles} - 1: time.sleep(0.05)
"""
CHARTS = {
    "no chart": "len(feed.frame(include_unfinished=True))",
    "cryptox": """
        from cryptox.widgets import source
        klines = source.KINDS["klines"]._replace(rate={rate}, rows={candles})
        source.KINDS = {{**source.KINDS, "klines": klines}}
        display(feed)
        """,
    "FigureWidget": """
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
        figure = go.FigureWidget(make_subplots(rows=2, shared_xaxes=True, row_heights=[0.78, 0.22]))
        figure.add_candlestick(row=1, col=1)
        figure.add_bar(row=2, col=1)
        figure.update_layout(height=380, showlegend=False, xaxis_rangeslider_visible=False)

        shown = 0

        def show():
            global shown
            shown += 1
            rows = feed.frame({candles}, include_unfinished=True).reset_index()
            with figure.batch_update():
                candles, bars = figure.data
                candles.x, candles.open, candles.high = rows.open_time, rows.open, rows.high
                candles.low, candles.close, bars.x, bars.y = rows.low, rows.close, rows.open_time, rows.volume

        def keep():
            due = time.monotonic()
            while True:
                show()
                due = max(due + 1 / {rate}, time.monotonic())
                time.sleep(due - time.monotonic())

        show()
        display(figure)
        threading.Thread(target=keep, daemon=True).start()
        """,
}
COUNT = """
    window.updates = 0;
    panel.context.sessionContext.session.kernel.anyMessage.connect((_, {msg, direction}) => {
        if (direction !== "recv" || msg.header.msg_type !== "comm_msg") return;
        const data = msg.content.data;
        if (data.method === "custom" && data.content?.change !== undefined) window.updates += 1;
    });
"""


class Found(NamedTuple):
    """What a window of time has cost.

    Attributes
    ----------
    updates
        A second.
    bytes
        Received by the page, a second.
    kernel
        Processor time of the kernel, of the time by the clock.
    page
        Processor time of the page's main thread, of the time by the clock.
    """

    updates: float
    bytes: float
    kernel: float
    page: float


def look(book: Notebook, received: list[int], seconds: float) -> Found:
    """Watch for some seconds."""
    devtools = book.window.context.new_cdp_session(book.page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def now() -> tuple[float, float, float, int, float]:
        metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        cpu, shown = map(float, book.ask("print(time.process_time(), globals().get('shown', 0))").split())
        return time.perf_counter(), cpu, shown + book.page.evaluate("updates"), sum(received), metrics["TaskDuration"]

    before = now()
    book.page.wait_for_timeout(seconds * 1000)
    after = now()
    clock, cpu, updates, taken, busy = (b - a for a, b in zip(before, after, strict=True))
    return Found(updates / clock, taken / clock, cpu / clock, busy / clock)


def measured(browser: Any, lab: Lab, paper: PaperProcess, chart: str, candles: int, seconds: float) -> Found:
    """A chart in a page and a kernel of its own."""
    given = {"rest": paper.rest_url, "streams": paper.stream_url, "candles": candles, "rate": RATE}
    window = Window(browser, lab)
    received: list[int] = []
    window.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    book = window.open(FEED.format(**given), dedented(CHARTS[chart].format(**given)))
    book.js(COUNT)
    book.run(0)
    book.run(1)
    if chart != "no chart":
        book.output(1).locator("svg.main-svg").first.wait_for()
    book.page.wait_for_timeout(WARM_S * 1000)
    found = look(book, received, seconds)
    said = book.output(1).inner_text()
    assert "Error" not in said, said
    assert window.errors == [], window.errors
    window.clear()
    window.close()
    return found


def dedented(text: str) -> str:
    """A cell of its own."""
    import textwrap

    return textwrap.dedent(text).strip()


def rows_of(candles: int, found: dict[str, Found]) -> list[tuple[str, ...]]:
    """Lines of the table."""
    idle = found["no chart"]
    rows = []
    for name in ("cryptox", "FigureWidget"):
        one = found[name]
        each = max(one.updates, 0.01)
        kernel = max(one.kernel - idle.kernel, 0) / each
        rows.append(
            (
                f"{candles:,}",
                name,
                f"{one.updates:.1f}",
                f"{(one.bytes - idle.bytes) / each:,.0f}",
                f"{kernel * 1000:.1f}",
                f"{one.page:.0%}",
            )
        )
    rows.append((f"{candles:,}", "no chart", "", "", "", f"{idle.page:.0%}"))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candles", type=int, action="append", help="so many; may be repeated (default: 300 and 2000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each window")
    options = parser.parse_args()
    if browser_path() is None:
        sys.exit("there is no Chromium: apt-get install chromium")
    rows = [("candles", "chart", "updates/s", "bytes/update", "kernel ms/update", "page busy")]
    print(machine(), f"load {os.getloadavg()[0]:.1f}", flush=True)
    with (
        tempfile.TemporaryDirectory() as home,
        PaperProcess(clock="2024-06-01 12:00", speed=20) as paper,
        chromium() as browser,
    ):
        lab = Lab(Path(home) / "lab", watched=False)
        try:
            for candles in options.candles or (300, 2000):
                found = {chart: measured(browser, lab, paper, chart, candles, options.seconds) for chart in CHARTS}
                rows += rows_of(candles, found)
        finally:
            lab.stop()
    show(rows)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
