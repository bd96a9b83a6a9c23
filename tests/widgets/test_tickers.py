"""Cards and tables of prices."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from picturing import HOSTILE, batch, keyed, painted, sight, ticker_story

from cryptox.model.columns import BOOK_TICKER, TICKER
from cryptox.widgets import tickers
from cryptox.widgets.kinds import ANEW

QUOTE = {"bid": 1.25, "bid_quantity": 3.0, "ask": 1.5, "ask_quantity": 4.125}


def test_a_picture_has_one_row_a_symbol_in_the_order_asked_for() -> None:
    rows = {"B": batch(BOOK_TICKER, [{"bid": 9.0}, QUOTE]), "A": batch(BOOK_TICKER, [])}
    assert tickers.picture(sight("book_ticker", rows)) == {
        "columns": ["bid", "bid_quantity", "ask", "ask_quantity"],
        "rows": [["B", 1.25, 3.0, 1.5, 4.125], ["A", None, None, None, None]],
        "symbols": ["B", "A"],
        "digits": {"B": [2, 3], "A": [0, 0]},
    }


def test_an_average_does_not_widen_the_prices() -> None:
    figures = {"last": 64000.5, "weighted_avg_price": 63999.12345678, "close_time": 1_700_000_000_000, "trades": 7}
    found = tickers.picture(sight("ticker", {"A": batch(TICKER, [figures])}))
    shown = dict(zip(found["columns"], found["rows"][0][1:], strict=True))
    assert found["digits"] == {"A": [1, 0]}
    assert (shown["last"], shown["close_time"], shown["trades"]) == (64000.5, 1_700_000_000_000, 7)
    assert "first_id" not in shown


def test_a_change_has_the_rows_that_are_others() -> None:
    before = tickers.picture(sight("book_ticker", {one: batch(BOOK_TICKER, [QUOTE]) for one in "AB"}))
    moved = {"A": batch(BOOK_TICKER, [QUOTE]), "B": batch(BOOK_TICKER, [{**QUOTE, "bid": 1.125}])}
    after = tickers.picture(sight("book_ticker", moved))
    assert tickers.change(before, after) == {
        "rows": {"put": [["B", 1.125, 3.0, 1.5, 4.125]]},
        "digits": {"B": [3, 3]},
    }
    assert tickers.change(after, after) is None


def test_other_symbols_are_shown_anew() -> None:
    before, after = (tickers.picture(sight("ticker", {one: batch(TICKER, []) for one in some})) for some in ("AB", "B"))
    assert tickers.change(before, after) is ANEW


def test_a_symbol_from_outside_is_one_line() -> None:
    found = tickers.picture(sight("ticker", {HOSTILE: batch(TICKER, [])}))
    assert found["rows"][0][0] == '<img src=x onerror="document.title=1">\\u202e\\n'


@given(st.integers(0, 2**32))
def test_changes_lead_to_the_newest_picture(seed: int) -> None:
    page, changes, last = painted("ticker", *ticker_story(Random(seed)))
    for told in changes:
        if told:
            rows = {row[0]: row for row in keyed(page["rows"], told.get("rows", {}))}
            page |= {"rows": [rows[one] for one in page["symbols"]], "digits": page["digits"] | told.get("digits", {})}
    assert page == last
