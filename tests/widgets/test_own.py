"""The user's own orders and balances."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from picturing import HOSTILE, account_story, batch, keyed, order, order_story, painted, sight

from cryptox.model.columns import BALANCES
from cryptox.model.orders import Order
from cryptox.table.records import orders_batch
from cryptox.widgets import own


def orders(*known: Order) -> dict[str, Any]:
    return own.picture(sight("orders", {"": orders_batch(known)}))


def test_a_picture_has_open_orders_first_and_then_those_that_changed_last() -> None:
    found = orders(
        order(1, updated_ms=1),
        order(2, status="filled", updated_ms=9),
        order(3, updated_ms=5),
        order(4, status="canceled", updated_ms=7),
    )
    at = own.ORDERS.index
    assert [row[at("id")] for row in found["rows"]] == ["3", "1", "2", "4"]
    assert [row[at("is_open")] for row in found["rows"]] == [True, True, False, False]
    assert (found["open"], found["more"]) == (2, 0)
    assert found["digits"] == {"BTCUSDT": [1, 2, 0]}


def test_an_average_has_two_digits_more_than_prices_at_most() -> None:
    filled = {"status": "filled", "filled": Decimal("0.03"), "quote_filled": Decimal("1800.1")}
    assert orders(order(1, **filled))["digits"] == {"BTCUSDT": [1, 2, 3]}


def test_an_order_is_told_with_what_it_lacks_as_nothing() -> None:
    market = order(2**60, side="sell", type="MARKET", price=None, quantity=None, quote_quantity=Decimal(250))
    (row,) = orders(market)["rows"]
    shown = dict(zip(own.ORDERS, row, strict=True))
    assert shown["key"] == f"BTCUSDT:{2**60}"
    assert shown["id"] == str(2**60), "as text: a page's numbers end before"
    assert (shown["price"], shown["quantity"], shown["quote_quantity"]) == (None, None, 250.0)
    assert (shown["side"], shown["stop_price"], shown["average_price"]) == ("sell", None, None)


def test_all_that_is_open_is_shown_and_the_last_of_the_rest() -> None:
    many = [order(number, status="filled", updated_ms=number) for number in range(own.LAST + 5)]
    found = orders(order(1_000), *many)
    assert [row[13] for row in found["rows"][:3]] == ["1000", str(own.LAST + 4), str(own.LAST + 3)]
    assert len(found["rows"]) == 1 + own.LAST
    crowded = orders(*(order(number) for number in range(own.MOST_OPEN + 5)))
    assert (crowded["open"], crowded["more"], len(crowded["rows"])) == (own.MOST_OPEN + 5, 5, own.MOST_OPEN)


def test_a_change_tells_of_the_orders_that_are_others() -> None:
    before = orders(order(1), order(2))
    after = orders(order(1), order(2, status="canceled", updated_ms=3_000))
    told = own.change(before, after)
    assert told is not None
    assert [row[0] for row in told["rows"]["put"]] == ["BTCUSDT:2"]
    assert told["open"] == 1
    assert own.change(after, after) is None


def balances(*rows: tuple[str, float, float]) -> dict[str, Any]:
    made = [{"asset": asset, "free": free, "locked": locked, "total": free + locked} for asset, free, locked in rows]
    return own.picture(sight("account", {"": batch(BALANCES, made)}))


def test_balances_are_by_asset_and_zeros_left_out() -> None:
    found = balances(("USDT", 100.25, 0.5), ("BNB", 0.0, 0.0), ("BTC", 0.0, 0.125))
    assert found["rows"] == [["BTC", 0.0, 0.125, 0.125], ["USDT", 100.25, 0.5, 100.75]]
    assert found["digits"] == {"BTC": 3, "USDT": 2}


def test_what_is_spent_is_gone() -> None:
    told = own.change(balances(("BTC", 1.0, 0.0), ("USDT", 1.0, 0.0)), balances(("BTC", 2.0, 0.0)))
    assert told == {"digits": {"BTC": 0}, "rows": {"put": [["BTC", 2.0, 0.0, 2.0]], "gone": ["USDT"]}}


def test_words_from_outside_are_one_line() -> None:
    clean = '<img src=x onerror="document.title=1">\\u202e\\n'
    (row,) = orders(order(1, symbol=HOSTILE, status=HOSTILE, type=HOSTILE))["rows"]
    assert row[1] == row[3] == row[4] == clean
    assert balances((HOSTILE, 1.0, 0.0))["rows"][0][0] == clean


@pytest.mark.parametrize(("kind", "story"), [("orders", order_story), ("account", account_story)])
def test_changes_lead_to_the_newest_picture(kind: str, story: Any) -> None:
    @given(st.integers(0, 2**32))
    def led(seed: int) -> None:
        page, changes, last = painted(kind, *story(Random(seed)))
        for told in changes:
            rows = keyed(page["rows"], (told or {}).get("rows", {}))
            page |= {**(told or {}), "rows": ordered(kind, rows)}
        assert page == last

    led()


def ordered(kind: str, rows: list[list[Any]]) -> list[list[Any]]:
    newest = [own.ORDERS.index(name) for name in ("is_open", "updated", "time", "key")]
    if kind == "orders":
        return sorted(rows, key=lambda row: [row[place] for place in newest], reverse=True)
    return sorted(rows, key=lambda row: row[0])
