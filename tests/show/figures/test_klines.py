"""Candles: what the figure has of them, over them and below them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cryptox.show.figures.klines import HEIGHT, MOST_BARS, PANEL_PX, klines
from cryptox.show.figures.look import BAD, GOOD, About
from cryptox.show.figures.merge import MOST_CANDLES
from cryptox.show.figures.wishes import Wishes

HOUR_MS = 3_600_000
START = 1_704_067_200_000


def candles(count: int, step_ms: int = HOUR_MS) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    close = np.round(100 + rng.normal(0, 0.4, count).cumsum(), 2)
    begun = np.r_[100.0, close[:-1]][:count]
    return {
        "open_time": START + step_ms * np.arange(count, dtype=np.int64),
        "open": begun,
        "high": np.round(np.maximum(begun, close) + 0.5, 2),
        "low": np.round(np.minimum(begun, close) - 0.5, 2),
        "close": close,
        "volume": np.round(rng.uniform(1, 9, count), 3),
    }


def draw(
    columns: dict[str, Any], overlays: dict[str, Any] | None = None, about: About | None = None, **wanted: Any
) -> Any:
    return klines(columns, about or About("BTCUSDT", "paper", "1h"), overlays or {}, Wishes(**wanted))


def subtitle(figure: Any) -> str:
    return str(figure.layout.title.subtitle.text)


def test_candles_and_their_volume() -> None:
    columns = candles(48)
    figure = draw(columns)
    drawn, volume = figure.data
    assert (drawn.type, volume.type) == ("candlestick", "bar")
    for name in ("open", "high", "low", "close"):
        assert getattr(drawn, name).tolist() == columns[name].tolist()
    assert drawn.x.tolist() == volume.x.tolist() == columns["open_time"].tolist()
    assert volume.y.tolist() == columns["volume"].tolist()
    assert volume.marker.color.tolist() == (columns["close"] >= columns["open"]).astype(int).tolist()
    assert volume.marker.colorscale == ((0, BAD), (1, GOOD))
    assert (drawn.increasing.line.color, drawn.decreasing.line.color) == (GOOD, BAD)
    assert drawn.increasing.fillcolor != drawn.increasing.line.color  # hollow against filled, for the colour-blind
    assert drawn.decreasing.fillcolor == BAD
    assert figure.layout.xaxis.type == "date"
    assert figure.layout.xaxis.rangeslider.visible is False
    assert figure.layout.xaxis.anchor == volume.yaxis == "y2"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1] > figure.layout.yaxis2.domain[0] == 0
    assert figure.layout.yaxis.hoverformat == ",.2f"
    assert figure.layout.yaxis2.hoverformat == ",.3f"
    assert figure.layout.title.text == "<b>BTCUSDT</b> 1h · paper"
    assert subtitle(figure) == "48 candles · 2024-01-01 00:00 to 2024-01-02 23:00 UTC"
    assert figure.layout.height == HEIGHT


def test_arrays_travel_as_bytes() -> None:
    told = draw(candles(100)).to_dict()["data"]
    assert {told[0][name]["dtype"] for name in ("x", "open", "high", "low", "close")} == {"f8"}
    assert told[1]["marker"]["color"]["dtype"] == "u1"


def test_without_volume() -> None:
    for figure in (draw(candles(9), volume=False), draw({k: v for k, v in candles(9).items() if k != "volume"})):
        assert [trace.type for trace in figure.data] == ["candlestick"]
        assert figure.layout.xaxis.anchor == "y"
        assert figure.layout.yaxis.domain == (0, 1)


def test_a_logarithmic_axis() -> None:
    assert draw(candles(9), log=True).layout.yaxis.type == "log"
    assert draw(candles(9)).layout.yaxis.type == "linear"


def test_small_prices_are_not_rounded() -> None:
    columns = {
        name: values * (1e-6 if name in ("open", "high", "low", "close") else 1) for name, values in candles(9).items()
    }
    assert draw(columns).layout.yaxis.hoverformat == ",.8f"


def test_what_lies_at_prices_is_drawn_over_them_and_all_else_below() -> None:
    columns = candles(60)
    overlays = {
        "mean": columns["close"] - 0.123456789,
        "ret": np.linspace(-0.1, 0.1, 60),
        "count": np.arange(60.0) * 1e5,
        "none": np.full(60, np.nan),
    }
    figure = draw(columns, overlays)
    axes = {trace.name: trace.yaxis for trace in figure.data}
    assert axes == {"": None, "mean": None, "none": None, "ret": "y2", "count": "y3", "volume": "y4"}
    assert figure.layout.yaxis2.title.text == "ret"
    assert figure.layout.xaxis.anchor == "y4"
    assert figure.layout.height == HEIGHT + 2 * PANEL_PX
    domains = [figure.layout[name].domain for name in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    mean = next(trace for trace in figure.data if trace.name == "mean")
    assert mean.yhoverformat == ",.4f"  # prices have two; a mean gets two more
    assert figure.layout.showlegend is True
    assert draw(columns).layout.showlegend is False
    assert len({trace.line.color for trace in figure.data if trace.type == "scatter"}) == 4


def test_names_from_outside_are_escaped() -> None:
    columns, hostile = candles(9), "<img src=x onerror=alert(1)>"
    figure = draw(columns, {hostile: columns["close"], "<i>": np.arange(9.0) * 1e9}, About(hostile, hostile, hostile))
    told = figure.to_json()
    assert "<img" not in told
    assert "<i>" not in told
    assert figure.data[1].name == "&lt;img src=x onerror=alert(1)&gt;"
    assert figure.layout.yaxis2.title.text == "&lt;i&gt;"


def test_rows_in_any_order() -> None:
    columns = candles(30)
    order = np.random.default_rng(1).permutation(30)
    mixed = draw({name: values[order] for name, values in columns.items()}, {"mean": columns["close"][order]})
    assert mixed.to_json() == draw(columns, {"mean": columns["close"]}).to_json()


def test_five_thousand_are_drawn_as_they_are() -> None:
    figure = draw(candles(MOST_CANDLES))
    assert len(figure.data[0].x) == MOST_CANDLES
    assert "merged" not in subtitle(figure)


def test_beyond_that_whole_candles_are_merged_and_the_figure_says_so() -> None:
    columns = candles(12_000)
    figure = draw(columns, {"mean": columns["close"]})
    drawn, mean, volume, _ = figure.data
    assert subtitle(figure).startswith("3,000 candles of 4h, merged from 12,000 of 1h · 2024-01-01 00:00 to ")
    blocks = {name: values.reshape(3_000, 4) for name, values in columns.items()}
    assert drawn.open.tolist() == blocks["open"][:, 0].tolist()
    assert drawn.high.tolist() == blocks["high"].max(axis=1).tolist()
    assert drawn.low.tolist() == blocks["low"].min(axis=1).tolist()
    assert drawn.close.tolist() == mean.y.tolist() == blocks["close"][:, 3].tolist()
    assert drawn.x.tolist() == blocks["open_time"][:, 0].tolist()
    assert volume.y.tolist() == pytest.approx(blocks["volume"].sum(axis=1).tolist())


def test_volumes_of_many_are_two_shapes_that_go_down_in_holes() -> None:
    whole = candles(MOST_BARS + 2)
    assert [trace.type for trace in draw({name: values[:-2] for name, values in whole.items()}).data] == [
        "candlestick",
        "bar",
    ]
    columns = {name: np.delete(values, [3, 4, 5]) for name, values in candles(MOST_BARS + 4).items()}
    _, volume, rises = draw(columns).data
    assert (volume.name, volume.hoverinfo, rises.hoverinfo) == ("volume", None, "skip")
    assert (volume.fillcolor, rises.fillcolor, volume.line.shape) == (BAD, GOOD, "hvh")
    hours = ((volume.x - START) / HOUR_MS).tolist()
    assert hours[:7] == [0, 1, 2, 3, 5, 6, 7]
    assert volume.y.tolist()[:7] == [*columns["volume"][:3], 0, 0, *columns["volume"][3:5]]
    up = columns["close"] >= columns["open"]
    assert rises.y.tolist()[5:] == np.where(up, columns["volume"], 0)[3:].tolist()
    assert rises.x.tolist() == volume.x.tolist()
    assert volume.yaxis == rises.yaxis == "y2"


def test_a_forming_candle_is_told() -> None:
    columns = candles(3)
    columns["close_time"] = columns["open_time"] + HOUR_MS - 1
    ended = int(columns["close_time"][-1])
    assert subtitle(draw(columns, about=About(as_of_ms=ended))).endswith("still forming")
    assert "forming" not in subtitle(draw(columns, about=About(as_of_ms=ended + 1)))
    assert "forming" not in subtitle(draw(columns))


def test_one_candle_and_none() -> None:
    assert subtitle(draw(candles(1))) == "1 candle · 2024-01-01 00:00 to 2024-01-01 00:00 UTC"
    empty = draw(candles(0), {"mean": np.empty(0)})
    assert empty.layout.annotations[0].text == "no candles"
    assert empty.layout.title.subtitle.text is None


def test_height_and_theme() -> None:
    figure = draw(candles(3), {"x": np.arange(3.0) * 1e6}, height=333, theme="dark")
    assert figure.layout.height == 333
    assert figure.layout.template.layout.font.color == "#d8dbe0"
