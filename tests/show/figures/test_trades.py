"""Trades: the line, the marks, and what many of them leave."""

from __future__ import annotations

from typing import Any

import numpy as np

from cryptox.show.figures.look import BAD, GOOD, About
from cryptox.show.figures.trades import MOST_MARKS, MOST_POINTS, SIZES, trades
from cryptox.show.figures.wishes import Wishes

START = 1_717_243_200_000


def rows(count: int) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {
        "time": START + np.sort(rng.integers(0, 60_000, count)),
        "price": np.round(100 + rng.normal(0, 0.1, count).cumsum(), 2),
        "quantity": np.round(rng.uniform(0.001, 2, count), 3),
        "side": rng.integers(0, 2, count).astype(np.int8),
    }


def draw(columns: dict[str, Any], **wanted: Any) -> Any:
    return trades(columns, About("BTCUSDT", "paper"), Wishes(**wanted))


def test_all_of_a_few() -> None:
    columns = rows(50)
    figure = draw(columns)
    line, buys, sells = figure.data
    assert line.x.tolist() == columns["time"].tolist()
    assert line.y.tolist() == columns["price"].tolist()
    for trace, code, colour, sign in ((buys, 0, GOOD, "triangle-up"), (sells, 1, BAD, "triangle-down")):
        own = columns["side"] == code
        assert trace.y.tolist() == columns["price"][own].tolist()
        assert trace.customdata.tolist() == columns["quantity"][own].tolist()
        assert (trace.marker.color, trace.marker.symbol) == (colour, sign)
    assert buys.hovertemplate == "%{x}<br>buy %{customdata:,.3f} at %{y:,.2f}<extra></extra>"
    bought = columns["quantity"][columns["side"] == 0].sum()
    assert figure.layout.title.subtitle.text.startswith(f"50 trades, {bought:,.3f} bought, ")
    assert figure.layout.title.text == "<b>BTCUSDT</b> trades · paper"


def test_areas_go_by_quantities() -> None:
    columns = rows(3) | {"quantity": np.array([4.0, 1.0, 0.0]), "side": np.zeros(3, np.int8)}
    least, most = SIZES
    assert draw(columns).data[1].marker.size.tolist() == [most, round(least + (most - least) / 2), least]


def test_of_many_the_largest_are_marked_and_the_figure_says_so() -> None:
    columns = rows(20_000)
    columns["price"][[77, 15_000]] = [500.0, 1.0]
    figure = draw(columns)
    line, buys, sells = figure.data
    assert len(line.x) <= MOST_POINTS
    assert (max(line.y), min(line.y)) == (500, 1)
    assert len(buys.x) + len(sells.x) == MOST_MARKS
    values = np.sort(columns["price"] * columns["quantity"])
    marked = [np.asarray(trace.y) * np.asarray(trace.customdata) for trace in (buys, sells)]
    assert np.sort(np.concatenate(marked)).tolist() == values[-MOST_MARKS:].tolist()
    told = figure.layout.title.subtitle.text
    assert "the 2,000 largest are marked" in told
    assert f"the line has {len(line.x):,} of them, every high and low among these" in told


def test_rows_in_any_order() -> None:
    columns = rows(40)
    columns["time"] = START + np.arange(40) * 7
    order = np.random.default_rng(1).permutation(40)
    mixed = draw({name: values[order] for name, values in columns.items()})
    assert mixed.to_json() == draw(columns).to_json()


def test_one_none_and_a_logarithmic_axis() -> None:
    assert draw(rows(1)).layout.title.subtitle.text.startswith("1 trade, ")
    assert draw(rows(0)).layout.annotations[0].text == "no trades"
    assert draw(rows(5), log=True).layout.yaxis.type == "log"
