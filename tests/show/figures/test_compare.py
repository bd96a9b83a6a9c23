"""Several symbols against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryptox.errors import ValidationError
from cryptox.show.figures.compare import MOST_LINES, MOST_POINTS, compare
from cryptox.show.figures.look import About
from cryptox.show.figures.wishes import Wishes

HOUR_MS = 3_600_000


def draw(lines: dict[str, tuple[list[int], list[float]]], **wanted: Any) -> Any:
    arrays = {name: (np.array(at, np.int64), np.array(prices, np.float64)) for name, (at, prices) in lines.items()}
    return compare(arrays, About(None, "paper", "1h"), Wishes(**wanted), "close")


def test_changes_in_percent_since_the_first_price_of_each() -> None:
    figure = draw(
        {"A": ([0, HOUR_MS, 2 * HOUR_MS], [50, 55, 45]), "B": ([HOUR_MS, 0], [3, 2]), "C": ([0, HOUR_MS], [np.nan, 7])}
    )
    first, second, third = figure.data
    assert first.y.tolist() == pytest.approx([0, 10, -10])
    assert second.x.tolist() == [0, HOUR_MS]
    assert second.y.tolist() == pytest.approx([0, 50])
    assert third.y.tolist()[1] == 0
    assert figure.layout.title.text == "<b>3 symbols</b> 1h · paper"
    assert figure.layout.title.subtitle.text.startswith("change of close since the first row · 1970-01-01 00:00 to ")
    assert figure.layout.xaxis.hoverformat == "%Y-%m-%d %H:%M"


def test_lines_are_told_apart() -> None:
    figure = draw({f"S{at}": ([0, 1], [1, 2]) for at in range(MOST_LINES)})
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == MOST_LINES


def test_too_many_cannot_be_read() -> None:
    with pytest.raises(ValidationError, match="25 symbols cannot be read; 24 at most") as caught:
        draw({f"S{at}": ([0], [1]) for at in range(MOST_LINES + 1)})
    assert caught.value.suggested == {"symbol": "S0"}


def test_long_lines_are_thinned_and_the_figure_says_so() -> None:
    count = 20_000
    figure = draw({name: (list(range(count)), [100.0 + (at == 17) for at in range(count)]) for name in "AB"})
    assert sum(len(trace.x) for trace in figure.data) <= MOST_POINTS
    assert max(figure.data[1].y) == pytest.approx(1)
    assert figure.layout.title.subtitle.text.endswith("lines thinned out, every high and low among what is left")


def test_names_are_escaped_and_nothing_is_drawn_of_nothing() -> None:
    assert draw({"<img src=x>": ([0], [1.0]), "B": ([0], [0.0])}).data[0].name == "&lt;img src=x&gt;"
    assert draw({"A": ([], []), "B": ([], [])}).layout.annotations[0].text == "no rows"
