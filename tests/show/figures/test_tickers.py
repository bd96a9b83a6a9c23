"""Bars of all symbols, lines of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryptox.show.figures.look import BAD, GOOD, About
from cryptox.show.figures.tickers import MOST_BARS, MOST_POINTS, quotes, quotes_over_time, tickers, tickers_over_time
from cryptox.show.figures.wishes import Wishes

NOON_MS = 1_717_243_200_000
HOSTILE = "<img src=x onerror=alert(1)>"
ABOUT = About(None, "paper", as_of_ms=NOON_MS)


def columns(**values: list[float]) -> dict[str, Any]:
    return {name: np.array(column, np.float64) for name, column in values.items()}


def test_a_bar_a_symbol_the_strongest_at_the_top() -> None:
    rows = columns(
        price_change_percent=[1.5, -2, np.nan, 0], last=[5.25, 2, 3, 1e-8], high=[6, 2, 3, 2e-8], volume=[7, 8, 9, 1]
    )
    figure = tickers(["A", HOSTILE, "C", "D"], rows, ABOUT, Wishes())
    (bars,) = figure.data
    assert bars.y == ("&lt;img src=x onerror=alert(1)&gt;", "D", "A")
    assert bars.x.tolist() == [-2, 0, 1.5]
    assert bars.marker.color == (BAD, GOOD, GOOD)
    assert bars.hovertext[2] == "<b>A</b><br>last 5.25<br>high 6.00<br>volume 7"
    assert bars.hovertext[1] == "<b>D</b><br>last 0.00000001<br>high 0.00000002<br>volume 1"
    assert "<img" not in figure.to_json()
    assert figure.layout.title.subtitle.text == "2024-06-01 12:00 UTC"
    low, high = figure.layout.xaxis.range
    assert low < -2 < 1.5 < high  # room for the figures beside the bars


def test_of_many_the_strongest_rises_and_falls() -> None:
    rows = columns(price_change_percent=[float(at) for at in range(-50, 50)], last=[1.0] * 100)
    figure = tickers([f"S{at}" for at in range(100)], rows, ABOUT, Wishes())
    assert figure.data[0].x.tolist() == [*range(-50, -30), *range(30, 50)]
    assert figure.layout.title.subtitle.text.startswith("the 20 strongest rises and falls of 100")
    assert len(figure.data[0].y) == MOST_BARS


def test_spreads_in_basis_points_the_widest_at_the_top() -> None:
    figure = quotes(["A", "B", "C"], columns(bid=[99.5, 10, 0], ask=[100.5, 10, 0]), ABOUT, Wishes())
    (bars,) = figure.data
    assert bars.y == ("C", "B", "A")
    assert bars.x.tolist()[1:] == pytest.approx([0, 100])
    assert bars.hovertext[2] == "<b>A</b><br>bid 99.5<br>ask 100.5"
    many = quotes([str(at) for at in range(90)], columns(bid=[1.0] * 90, ask=[2.0] * 90), ABOUT, Wishes())
    assert len(many.data[0].y) == MOST_BARS
    assert many.layout.title.subtitle.text == "the 40 widest of 90"


def test_one_symbol_over_time() -> None:
    rows = columns(close_time=[NOON_MS + 1000, NOON_MS], last=[5.5, 5.25], bid=[5, 4], ask=[6, 5])
    figure = tickers_over_time(rows, About("A"), Wishes())
    assert [trace.name for trace in figure.data] == ["bid", "ask", "last"]
    assert figure.data[2].x.tolist() == [NOON_MS, NOON_MS + 1000]
    assert figure.data[2].y.tolist() == [5.25, 5.5]
    assert figure.layout.yaxis.hoverformat == ",.2f"
    assert figure.layout.title.subtitle.text == "2 messages · 2024-06-01 12:00 to 2024-06-01 12:00:01 UTC"
    assert [
        trace.name for trace in tickers_over_time({k: rows[k] for k in ("close_time", "last")}, ABOUT, Wishes()).data
    ] == ["last"]


def test_quotes_by_the_number_of_their_change() -> None:
    figure = quotes_over_time(columns(bid=[1, 2, 3], ask=[2, 3, 4]), About("A"), Wishes())
    bid, ask = figure.data
    assert bid.x.tolist() == [-2, -1, 0]
    assert (bid.y.tolist(), ask.y.tolist()) == ([1, 2, 3], [2, 3, 4])
    long = columns(bid=list(np.arange(MOST_POINTS + 5.0)), ask=list(np.arange(MOST_POINTS + 5.0)))
    assert quotes_over_time(long, ABOUT, Wishes()).data[0].y[0] == 5


def test_nothing_to_draw() -> None:
    none = columns(price_change_percent=[], last=[], bid=[], ask=[], close_time=[])
    notes = [draw([], none, ABOUT, Wishes()).layout.annotations[0].text for draw in (tickers, quotes)]
    notes += [draw(none, ABOUT, Wishes()).layout.annotations[0].text for draw in (tickers_over_time, quotes_over_time)]
    assert notes == ["no symbols", "no symbols", "no messages", "no messages"]
