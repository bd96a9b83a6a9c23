"""The page: what it draws of a picture and of the changes after it is what it draws of the newest picture."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from picturing import HOSTILE, STORIES, batch, depth, drawn, order, painted, sight

from cryptox.model.columns import BALANCES, BOOK_TICKER, TICKER, TRADES
from cryptox.table.records import orders_batch
from cryptox.widgets.kinds import ANEW, KINDS
from cryptox.widgets.view import view_class

FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|createContextualFragment|DOMParser|\beval\b"
)


def parses_html(text: str) -> list[str]:
    return FORBIDDEN.findall(text)


def test_no_script_parses_html() -> None:
    scripts = [one for one in (files("cryptox.widgets") / "js").iterdir() if one.name.endswith(".js")]
    assert {"dom.js", "book.js", "trades.js", "ticker.js", "orders.js", "account.js"} <= {one.name for one in scripts}
    assert {one.name: found for one in scripts if (found := parses_html(one.read_text("utf-8")))} == {}


@pytest.mark.parametrize("line", ["el.innerHTML = name", "el.insertAdjacentHTML(a, b)", "document.write(name)"])
def test_a_script_that_parses_html_is_noticed(line: str) -> None:
    assert parses_html(line)


@pytest.mark.parametrize("kind", STORIES)
def test_changes_lead_where_the_newest_picture_is(kind: str) -> None:
    cases = []
    for number in range(60):
        first, changes, last = painted(kind, *STORIES[kind](Random(f"{kind} {number}")))
        if ANEW in changes:
            continue
        some = [one for one in changes if one]
        cases.append({"kind": kind, "first": first, "updates": [[[one], None] for one in some]})
        cases.append({"kind": kind, "first": first, "updates": [[some, None]]})
        cases.append({"kind": kind, "first": first, "updates": [[[], None, last]]})
        cases.append({"kind": kind, "first": last, "updates": []})
    assert len(cases) > 100
    found = [digits_apart(one["seen"]) for one in drawn(cases)]
    for place in range(0, len(found), 4):
        assert found[place] == found[place + 3], "step by step"
        assert found[place + 1] == found[place + 3], "all changes at once"
        assert found[place + 2] == found[place + 3], "the whole instead"


def digits_apart(seen: Any) -> Any:
    """Zeros at the end of numbers left out: columns stay as wide as they once were."""
    if isinstance(seen, list):
        return [digits_apart(one) for one in seen]
    return re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", seen).replace(". ", " ").rstrip(".") if isinstance(seen, str) else seen


def test_hostile_text_stays_text() -> None:
    shown = {
        "book": sight("book", {HOSTILE: depth([(1.0, 1.0)], [(2.0, 1.0)]), "B": depth([], [])}),
        "trades": sight(
            "trades", {HOSTILE: batch(TRADES, [{"time": 1, "id": 1, "side": "buy"}]), "B": batch(TRADES, [])}
        ),
        "ticker": sight("ticker", {HOSTILE: batch(TICKER, [{"last": 1.0}]), "B": batch(TICKER, [])}),
        "orders": sight("orders", {"": orders_batch([order(1, symbol=HOSTILE, status=HOSTILE, type=HOSTILE)])}),
        "account": sight("account", {"": batch(BALANCES, [{"asset": HOSTILE, "free": 1.0, "total": 1.0}])}),
    }
    cases = [{"kind": kind, "first": painted(kind, one)[0], "updates": []} for kind, one in shown.items()]
    for case, page in zip(cases, drawn(cases), strict=True):
        assert "<img src=x onerror=" in page["text"].lower(), case["kind"]
        assert "\u202e" not in page["text"], case["kind"]
        assert "img" not in element_names(page["seen"]), case["kind"]


def element_names(seen: Any) -> set[str]:
    return {seen[0]}.union(*(element_names(one) for one in seen[3:]))


def test_a_ladder_has_asks_above_bids_and_numbers_of_one_width() -> None:
    first, _, _ = painted("book", sight("book", {"BTCUSDT": depth([(64000.1, 0.5), (64000.0, 1.25)], [(64000.13, 2)])}))
    (page,) = drawn([{"kind": "book", "first": first, "updates": []}])
    cells = texts(page["seen"])
    assert cells == [
        "price", "quantity", "total",
        "64,000.13", "2.00", "2.00",
        "64,000.115", "spread 0.03 (0.005 bp)",
        "64,000.10", "0.50", "0.50",
        "64,000.00", "1.25", "1.75",
    ]  # fmt: skip


def texts(seen: Any) -> list[str]:
    return ([seen[2]] if seen[2] else []) + [text for one in seen[3:] for text in texts(one)]


def test_rows_of_a_ladder_are_used_again() -> None:
    bids = [(100 - place / 100, 1.0 + place) for place in range(20)]
    asks = [(100.01 + place / 100, 1.0 + place) for place in range(20)]
    moved = [(round(price + 0.01, 2), quantity) for price, quantity in bids]
    first, changes, _ = painted(
        "book",
        sight("book", {"BTCUSDT": depth(bids, asks)}),
        sight("book", {"BTCUSDT": depth(bids, [(100.01, 7.0), *asks[1:]])}),
        sight("book", {"BTCUSDT": depth(moved, asks[1:])}),
    )
    quiet, all_moved = drawn(
        [
            {"kind": "book", "first": first, "updates": [[[changes[0]], None]]},
            {"kind": "book", "first": first, "updates": [[changes, None]]},
        ]
    )
    assert quiet["steps"] == {"made": 0, "moves": 0, "writes": 1 + 20}, "one quantity, and the totals above it"
    assert all_moved["steps"]["made"] == all_moved["steps"]["moves"] == 0


def test_a_tape_moves_one_row_for_one_trade() -> None:
    rows = [{"time": place, "id": place, "price": 1.5, "quantity": 2.0, "side": "buy"} for place in range(31)]
    sights = [sight("trades", {"BTCUSDT": batch(TRADES, rows[:30])}), sight("trades", {"BTCUSDT": batch(TRADES, rows)})]
    first, changes, _ = painted("trades", *sights)
    assert changes == [{"rows": {"put": [["BTCUSDT:30", "BTCUSDT", 30, 30, 1.5, 2.0, "buy"]]}}]
    (page,) = drawn([{"kind": "trades", "first": first, "updates": [[changes, None]]}])
    assert page["steps"]["made"] == 0
    assert page["steps"]["moves"] == 1
    assert texts(page["seen"])[4:9] == ["▲", "buy", "1.5", "2", "00:00:00.030"]


def test_a_fast_tape_says_how_fast() -> None:
    rows = [{"time": place, "id": place, "price": 1.0, "quantity": 1.0, "side": "sell"} for place in range(3)]
    first, _, _ = painted("trades", sight("trades", {"BTCUSDT": batch(TRADES, rows)}))
    states = [{"received": count} for count in (0, 250, 500, 750)]
    fast, slow = drawn(
        [
            {"kind": "trades", "first": first, "updates": [[[{}], state] for state in states]},
            {"kind": "trades", "first": first, "updates": [[[{}], {"received": count}] for count in range(4)]},
        ]
    )
    assert "250 a second; the newest are shown" in fast["text"]
    assert "a second" not in slow["text"]


def test_tickers_are_sorted_by_a_click_and_as_asked_for_by_the_third() -> None:
    rows = {"B": 2.0, "C": 3.0, "A": 1.0}
    first, _, _ = painted(
        "ticker", sight("ticker", {one: batch(TICKER, [{"last": last}]) for one, last in rows.items()})
    )
    cases = [{"kind": "ticker", "first": first, "updates": [], "clicks": ["last"] * count} for count in range(4)]
    cases.append({"kind": "ticker", "first": first, "updates": [], "clicks": ["symbol"]})
    orders = ["".join(one for one in texts(page["seen"]) if one in rows) for page in drawn(cases)]
    assert orders == ["BCA", "CBA", "ABC", "BCA", "ABC"]


def test_one_symbol_is_a_card_and_several_are_a_table() -> None:
    quote = batch(BOOK_TICKER, [{"bid": 1.25, "bid_quantity": 3.0, "ask": 1.5, "ask_quantity": 4.0}])
    one, _, _ = painted("ticker", sight("book_ticker", {"A": quote}))
    two, _, _ = painted("ticker", sight("book_ticker", {"A": quote, "B": batch(BOOK_TICKER, [])}))
    card, table = drawn([{"kind": "ticker", "first": picture, "updates": []} for picture in (one, two)])
    assert "table" not in element_names(card["seen"])
    assert texts(card["seen"])[:2] == ["1.25 / 1.50", "bid / ask, spread 0.25"]
    assert texts(table["seen"])[-12:] == ["A", "1.25", "3", "1.50", "4", "0.25", "B", "–", "–", "–", "–", "–"]


def test_orders_say_their_state_and_how_much_of_them_is_filled() -> None:
    known = orders_batch(
        [
            order(1, status="filled", filled=Decimal("0.01"), updated_ms=5_000),
            order(2, status="partially_filled", filled=Decimal("0.0025"), quote_filled=Decimal(150), updated_ms=2_000),
        ]
    )
    first, _, _ = painted("orders", sight("orders", {"": known}))
    (page,) = drawn([{"kind": "orders", "first": first, "updates": []}])
    cells = texts(page["seen"])
    assert cells[0] == "1 open, the last 1 of the others"
    at = cells.index("partly filled")
    figures = ["limit", "60,000.5", "0.0100", "0.0025 (25 %)", "60,000"]
    assert cells[at - 3 : at + 6] == ["▲", " buy", "BTCUSDT", "partly filled", *figures]
    assert at < cells.index("filled", at), "open ones first"


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_stands_twice_in_the_scripts_of_a_view(kind: str) -> None:
    # In a module that is an error: nothing would be drawn.
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", str(view_class(kind)._esm), re.MULTILINE)
    assert f"paint_{kind}" in names
    assert [name for name in names if names.count(name) > 1] == []
