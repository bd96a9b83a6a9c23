"""The painter of candles: applying its changes in order to the first picture gives the newest whole picture."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cryptox.model.columns import KLINES
from cryptox.table.batch import Batch, dtype_of
from cryptox.widgets import klines
from cryptox.widgets.kinds import ANEW, Sight

MINUTE = 60_000
START = 1_717_243_200_000

Candle = tuple[int, float, float, float, float, float]


def batch(candles: list[Candle]) -> Batch:
    columns = dict(zip(klines.COLUMNS, zip(*candles, strict=True), strict=True)) if candles else {}
    size = len(candles)
    return Batch(
        KLINES,
        {
            column.name: np.array(columns.get(column.name, [0] * size), dtype_of(column.kind, exact=False))
            for column in KLINES.columns
        },
    )


def sight(of: dict[str, list[Candle]], interval: str = "1m") -> Sight:
    return Sight("klines", interval, {symbol: batch(candles) for symbol, candles in of.items()})


def applied(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """What the page makes of it, as ``apply_candles`` in klines.js."""
    picture = copy.deepcopy(before)
    for symbol, step in change["of"].items():
        candles = picture["of"][symbol]
        candles |= {name: step[name] for name in ("digits", "volume_digits") if name in step}
        if "rows" in step:
            candles["rows"] = candles["rows"][step["drop"] :][: step["keep"]] + step["rows"]
    return picture


def candle(minute: int, close: float = 100.5, volume: float = 1.25) -> Candle:
    return START + minute * MINUTE, 100.0, max(101.0, close), min(99.0, close), close, volume


def test_a_picture_has_the_candles_and_their_digits() -> None:
    picture = klines.picture(sight({"BTCUSDT": [candle(0), candle(1, 100.125)]}))
    assert picture == {
        "interval": "1m",
        "of": {
            "BTCUSDT": {
                "digits": 3,
                "volume_digits": 2,
                "rows": [[START, 100.0, 101.0, 99.0, 100.5, 1.25], [START + MINUTE, 100.0, 101.0, 99.0, 100.125, 1.25]],
            }
        },
    }
    assert klines.picture(sight({"BTCUSDT": []}))["of"]["BTCUSDT"] == {"digits": 0, "volume_digits": 0, "rows": []}


def test_a_forming_candle_is_a_small_change() -> None:
    before = klines.picture(sight({"BTCUSDT": [candle(at) for at in range(300)]}))
    after = klines.picture(sight({"BTCUSDT": [*(candle(at) for at in range(299)), candle(299, 100.25, 2.5)]}))
    change = klines.change(before, after)
    row = [START + 299 * MINUTE, 100.0, 101.0, 99.0, 100.25, 2.5]
    assert change == {"of": {"BTCUSDT": {"digits": 2, "drop": 0, "keep": 299, "rows": [row]}}}
    assert len(json.dumps(change)) < 200
    assert klines.change(after, after) is None
    assert klines.change(after, copy.deepcopy(after)) is None


def test_other_symbols_are_painted_anew() -> None:
    one = klines.picture(sight({"BTCUSDT": [candle(0)]}))
    two = klines.picture(sight({"BTCUSDT": [candle(0)], "ETHUSDT": [candle(0)]}))
    assert klines.change(two, one) == ANEW
    assert klines.change(one, two) == ANEW
    assert klines.change(two, klines.picture(sight({"ETHUSDT": [candle(0)], "BTCUSDT": [candle(0)]}))) == ANEW
    assert klines.change(one, klines.picture(sight({"BTCUSDT": [candle(0)]}, "5m"))) == ANEW


def test_of_several_symbols_those_that_moved_are_told() -> None:
    before = klines.picture(sight({"BTCUSDT": [candle(0)], "ETHUSDT": [candle(0)]}))
    after = klines.picture(sight({"BTCUSDT": [candle(0)], "ETHUSDT": [candle(0), candle(1)]}))
    change = klines.change(before, after)
    assert change is not None
    assert list(change["of"]) == ["ETHUSDT"]
    assert applied(before, change) == after


prices = st.integers(90_00, 110_00).map(lambda cents: cents / 100)
windows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 8), st.lists(st.tuples(prices, prices), min_size=8, max_size=8)),
    min_size=1,
    max_size=6,
)


@given(windows)
def test_changes_in_order_lead_from_the_first_picture_to_the_newest(looks: list[Any]) -> None:
    """Whatever happens between two looks: candles come, go, are corrected, or all is gone."""
    pictures = [
        klines.picture(sight({"A": [candle(first + at, *values[at]) for at in range(size)]}))
        for first, size, values in looks
    ]
    shown = pictures[0]
    for before, after in pairwise(pictures):
        change = klines.change(before, after)
        if change is None:
            assert before == after
        else:
            assert before != after
            shown = applied(shown, json.loads(json.dumps(change)))
        assert shown == after


@given(st.integers(1, 20), st.integers(1, 30))
def test_a_window_that_moves_on_sends_only_what_is_new(moved: int, size: int) -> None:
    before = klines.picture(sight({"A": [candle(at) for at in range(size)]}))
    after = klines.picture(sight({"A": [candle(at) for at in range(moved, moved + size)]}))
    change = klines.change(before, after)
    assert change is not None
    assert len(change["of"]["A"]["rows"]) == min(moved, size)
    assert applied(before, change) == after
