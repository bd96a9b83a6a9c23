"""What a figure of candles costs to build and to send: ``df.cx.plot()`` against plotly used in the plain way.

    python benchmarks/plots.py [rounds]

"Plain" is ``go.Figure`` of a candlestick and a bar trace over the frame's columns: as lists, as most examples have it,
and as the columns themselves. All take turns in one process, and processor time counts. Bytes are those of the figure's
JSON, which a notebook keeps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly
import plotly.graph_objects as go
from measure import machine, medians, show

import cryptox as cx

COUNTS = (5_000, 100_000)
END = "2024-06-01 12:00"


def of_lists(frame: pd.DataFrame) -> Any:
    """As in most examples, with the volume that ours draws as well."""
    times = frame.index.to_pydatetime().tolist()
    prices = {name: frame[name].tolist() for name in ("open", "high", "low", "close")}
    bars = go.Bar(x=times, y=frame["volume"].tolist(), yaxis="y2")
    return go.Figure([go.Candlestick(x=times, **prices), bars])


def of_columns(frame: pd.DataFrame) -> Any:
    """With the columns of the frame."""
    prices = {name: frame[name] for name in ("open", "high", "low", "close")}
    return go.Figure([go.Candlestick(x=frame.index, **prices), go.Bar(x=frame.index, y=frame["volume"], yaxis="y2")])


def ours(frame: Any) -> Any:
    """df.cx.plot()."""
    return frame.cx.plot()


def works(frame: Any, polars: Any) -> dict[str, Callable[[], Any]]:
    """What is measured: building, then building and writing the JSON."""
    ways = {
        "df.cx.plot(), pandas": lambda: ours(frame),
        "df.cx.plot(), polars": lambda: ours(polars),
        "plain, columns": lambda: of_columns(frame),
        "plain, lists": lambda: of_lists(frame),
    }
    sent: dict[str, Callable[[], Any]] = {
        f"{name} +json": lambda way=way: way().to_json() for name, way in ways.items()
    }
    return {**ways, **sent}


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7

    print(machine() + f", plotly {plotly.__version__}")
    rows: list[tuple[str, ...]] = [("candles", "way", "build ms", "with JSON ms", "kB", "ratio")]
    with cx.PaperExchange(clock=END) as exchange, cx.connect(exchange) as session:
        for count in COUNTS:
            frame = session.klines_bulk("BTCUSDT", "1m", count)
            polars = session.klines_bulk("BTCUSDT", "1m", count, frame="polars")
            todo = works(frame, polars)
            found = medians(todo, rounds=rounds, clock=time.process_time)
            sizes = {name: len(work()) for name, work in todo.items() if name.endswith("+json")}
            best = found["df.cx.plot(), pandas +json"]
            for name in list(todo)[:4]:
                both = found[f"{name} +json"]
                build = f"{found[name] * 1000:.1f}"
                size = f"{sizes[f'{name} +json'] / 1000:,.0f}"
                rows.append((f"{count:,}", name, build, f"{both * 1000:.1f}", size, f"{both / best:.1f}"))
    show(rows, "Processor time; the ratio is that of building with JSON, which is what a notebook does.")


if __name__ == "__main__":
    main()
