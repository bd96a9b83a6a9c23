"""Candles as an inline SVG."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from cryptox.show.cards import BAD, GOOD
from cryptox.widgets.svg import FLOOR, GAP_PX, MOST_CANDLES, RIGHT, TOP_PX, VOLUME_PX, WIDTH, candles

START = 1_704_067_200_000


def columns(count: int, **changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    close = np.round(100 + rng.normal(0, 0.4, count).cumsum(), 2)
    begun = np.r_[100.0, close[:-1]][:count]
    return {
        "open_time": START + 60_000 * np.arange(count, dtype=np.int64),
        "open": begun,
        "high": np.maximum(begun, close) + 0.5,
        "low": np.minimum(begun, close) - 0.5,
        "close": close,
        "volume": rng.uniform(1, 9, count),
        **changed,
    }


def one(begun: float, high: float, low: float, ended: float, volume: float = 1.0) -> dict[str, Any]:
    values = {"open": begun, "high": high, "low": low, "close": ended, "volume": volume}
    return {"open_time": np.array([START]), **{name: np.array([value]) for name, value in values.items()}}


def paths(page: str, colour: str) -> list[str]:
    return re.findall(rf"<path d='([^']*)' fill='{colour}'", page)


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_the_newest_are_drawn_and_it_is_small() -> None:
    page = candles(columns(500), "BTCUSDT 1m")
    assert len(page) < 20_000
    assert sum(path.count("z") for path in paths(page, GOOD) + paths(page, BAD)) == 2 * MOST_CANDLES
    assert set(Tags(page).found) == {"svg", "path", "text"}
    assert "2024-01-01 06:20" in page  # the first of them
    assert "2024-01-01 08:19" in page


def test_a_candle_where_it_belongs() -> None:
    page = candles(one(10, 20, 0, 15), "x")
    body, volume = paths(page, GOOD)
    x = (WIDTH - RIGHT) / 2
    top, height = TOP_PX, FLOOR - TOP_PX
    upper, lower = top + height * 0.25, top + height * 0.5
    px = [f"{value:.1f}".removesuffix(".0") for value in (x, top, upper, lower, FLOOR, x - 6)]
    assert body == f"M{px[0]} {px[1]}V{px[2]}M{px[0]} {px[3]}V{px[4]}M{px[5]} {px[2]}h12V{px[3]}h-12z"
    assert volume == f"M{px[5]} {FLOOR + GAP_PX + VOLUME_PX}v-{VOLUME_PX}h12v{VOLUME_PX}z"
    assert paths(page, BAD) == []


def test_falls_are_filled_and_rises_are_not() -> None:
    assert f"fill='{BAD}' fill-opacity='1'" in candles(one(15, 20, 0, 10), "x")
    assert f"fill='{GOOD}' fill-opacity='.3'" in candles(one(10, 20, 0, 15), "x")
    assert paths(candles(one(10, 20, 0, 10), "x"), GOOD)  # one that ends where it began


def test_round_prices_stand_beside_their_lines() -> None:
    page = candles(one(10, 20, 0, 15.5), "x")
    assert re.findall(r"dy='.35em' opacity='.8'>([^<]*)<", page) == ["0.0", "5.0", "10.0", "15.0", "20.0"]
    small = candles(one(0.00000231, 0.00000234, 0.0000023, 0.00000233), "x")
    assert "0.00000231" in re.findall(r"dy='.35em' opacity='.8'>([^<]*)<", small)


@pytest.mark.parametrize(
    "values",
    [
        one(5, 5, 5, 5, 0),
        columns(3, volume=np.full(3, np.nan)),
        columns(3, high=np.array([200.0, np.nan, 200.0])),
        {name: column for name, column in columns(2).items() if name != "volume"},
        one(1e-300, 1e300, 0, 1),
    ],
)
def test_odd_numbers_leave_a_good_picture(values: dict[str, Any]) -> None:
    page = candles(values, "x")
    assert page.startswith("<svg ")
    assert "nan" not in page
    assert "inf" not in page


def test_none() -> None:
    assert candles(columns(0), "x") == ""
    assert candles(one(float("nan"), 1, 1, 1), "x") == ""


def test_it_is_told_in_words_and_escaped() -> None:
    page = candles(columns(3), "<img src=x onerror=alert(1)>' onload='x")
    label = re.findall("aria-label='([^']*)'", page)
    assert label[0].startswith(
        "&lt;img src=x onerror=alert(1)&gt;&#x27; onload=&#x27;x: 3 candles from 2024-01-01 00:00 UTC"
    )
    assert "<img" not in page
