"""The curve of a book: running quantities, the middle, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryptox.show.figures.depth import depth
from cryptox.show.figures.look import BAD, GOOD, About
from cryptox.show.figures.wishes import Wishes


def draw(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], about: About | None = None, **wanted: Any
) -> Any:
    levels = np.array([*bids, *asks], np.float64).reshape(-1, 2)
    is_ask = np.array([False] * len(bids) + [True] * len(asks), np.bool_)
    return depth(levels[:, 0], levels[:, 1], is_ask, about or About("BTCUSDT", "paper"), Wishes(**wanted))


def subtitle(figure: Any) -> str | None:
    text: str | None = figure.layout.title.subtitle.text
    return text


def test_quantities_run_from_the_best_price_outwards() -> None:
    figure = draw([(99.0, 1.5), (98.0, 2.0), (98.5, 0.25)], [(101.0, 4.0), (100.5, 1.0)])
    bids, asks = figure.data
    assert bids.x.tolist() == [99, 99, 98.5, 98]
    assert bids.y.tolist() == [0, 1.5, 1.75, 3.75]
    assert asks.x.tolist() == [100.5, 100.5, 101]
    assert asks.y.tolist() == [0, 1, 5]
    assert (bids.line.color, asks.line.color) == (GOOD, BAD)
    assert bids.line.shape == asks.line.shape == "hv"  # a level's quantity begins at its price and holds to the next
    assert bids.fill == "tozeroy"
    assert bids.hovertemplate == "%{y:,.2f} wanted at %{x:,.1f} or better<extra></extra>"
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 99.75
    assert subtitle(figure) == "mid 99.75 · spread 1.5 (150 bps)"
    assert figure.layout.title.text == "<b>BTCUSDT</b> order book · paper"


def test_the_spread_in_the_digits_of_the_prices() -> None:
    figure = draw([(0.00000231, 5.0)], [(0.00000234, 6.0)])
    assert subtitle(figure) == "mid 0.000002325 · spread 0.00000003 (129 bps)"
    assert figure.layout.xaxis.hoverformat == ",.8f"


def test_absurd_levels_do_not_squeeze_the_others_and_are_told() -> None:
    near = [(100.0 - at / 10, 1.0) for at in range(1, 31)]
    figure = draw([*near, (0.01, 1000.0)], [(100.0 + at / 10, 1.0) for at in range(1, 31)])
    bids, asks = figure.data
    assert min(bids.x) == 97
    assert len(asks.x) == 31
    assert "1 level more than 5.6 % away left out" in str(subtitle(figure))


def test_the_best_levels_always_stay() -> None:
    figure = draw([(1.0, 1.0)], [(100.0 + at, 1.0) for at in range(40)])
    assert len(figure.data) == 2
    assert figure.data[0].x.tolist() == [1, 1]


def test_one_side_and_none() -> None:
    figure = draw([(99.0, 1.0)], [])
    assert [trace.name for trace in figure.data] == ["bids"]
    assert subtitle(figure) is None
    assert not figure.layout.shapes
    assert draw([], []).layout.annotations[0].text == "no levels"
    assert [trace.name for trace in draw([(99.0, float("nan"))], [(100.0, 1.0)]).data] == ["asks"]


def test_a_logarithmic_axis_begins_at_the_best_level() -> None:
    figure = draw([(99.0, 1.5)], [(101.0, 4.0)], log=True)
    assert figure.layout.yaxis.type == "log"
    assert figure.data[0].y.tolist() == [1.5]


@pytest.mark.parametrize("as_of_ms", [None, 1_717_243_200_000])
def test_the_moment(as_of_ms: int | None) -> None:
    figure = draw([(99.0, 1.5)], [(101.0, 4.0)], About("X", as_of_ms=as_of_ms))
    assert ("2024-06-01 12:00 UTC" in str(subtitle(figure))) is (as_of_ms is not None)
