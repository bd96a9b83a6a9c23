"""The tape."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from picturing import HOSTILE, batch, keyed, painted, sight, tape_story

from cryptox.model.columns import AGG_TRADES, TRADES
from cryptox.widgets import trades
from cryptox.widgets.kinds import ANEW


def row(number: int, **facts: Any) -> dict[str, Any]:
    return {"time": 1_000 + number, "id": number, "price": 1.25, "quantity": 0.5, "side": "buy", **facts}


@pytest.mark.parametrize("table", [TRADES, AGG_TRADES])
def test_a_picture_has_the_newest_trades_first(table: Any) -> None:
    found = trades.picture(sight(table.name, {"BTCUSDT": batch(table, [row(1), row(2, side="sell", price=2.0)])}))
    assert found == {
        "rows": [
            ["BTCUSDT:2", "BTCUSDT", 1_002, 2, 2.0, 0.5, "sell"],
            ["BTCUSDT:1", "BTCUSDT", 1_001, 1, 1.25, 0.5, "buy"],
        ],
        "symbols": ["BTCUSDT"],
        "digits": {"BTCUSDT": [2, 1]},
        "most": trades.MOST_ROWS,
    }


def test_trades_of_several_symbols_are_one_tape() -> None:
    both = {"A": batch(TRADES, [row(1), row(4)]), "B": batch(TRADES, [row(2), row(3, price=1e-8)])}
    found = trades.picture(sight("trades", both))
    assert [one[0] for one in found["rows"]] == ["A:4", "B:3", "B:2", "A:1"]
    assert found["digits"] == {"A": [2, 1], "B": [8, 1]}


def test_what_falls_off_a_full_tape_is_not_told() -> None:
    before, after = (
        trades.picture(sight("trades", {"A": batch(TRADES, [row(one) for one in range(first, first + 30)])}))
        for first in (0, 2)
    )
    told = trades.change(before, after)
    assert told is not None
    assert list(told) == ["rows"]
    assert list(told["rows"]) == ["put"]
    assert [one[3] for one in told["rows"]["put"]] == [31, 30]


def test_what_is_forgotten_is_told() -> None:
    before = trades.picture(sight("trades", {"A": batch(TRADES, [row(1), row(2)])}))
    after = trades.picture(sight("trades", {"A": batch(TRADES, [row(2)])}))
    assert trades.change(before, after) == {"rows": {"gone": ["A:1"]}}
    assert trades.change(after, after) is None


def test_trades_of_other_symbols_are_shown_anew() -> None:
    before, after = (trades.picture(sight("trades", {one: batch(TRADES, [])})) for one in "AB")
    assert trades.change(before, after) is ANEW


def test_a_symbol_from_outside_is_one_line() -> None:
    found = trades.picture(sight("trades", {HOSTILE: batch(TRADES, [row(1)])}))
    assert found["rows"][0][1] == found["symbols"][0] == '<img src=x onerror="document.title=1">\\u202e\\n'


@given(st.integers(0, 2**32))
def test_changes_lead_to_the_newest_picture(seed: int) -> None:
    page, changes, last = painted("trades", *tape_story(Random(seed)))
    for told in changes:
        if told:
            rows = sorted(keyed(page["rows"], told.get("rows", {})), key=lambda one: (one[2], one[3], one[1]))
            page |= {"rows": rows[::-1][: page["most"]], "digits": told.get("digits", page["digits"])}
    assert page == last
