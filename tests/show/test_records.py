"""What the cards of records say."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

from cryptox.model.account import Account, Balance, Breach, Preview
from cryptox.model.book import BookUpdate
from cryptox.model.events import Gap, Trade
from cryptox.model.orders import Draft, Fill, Order, OrderList
from cryptox.model.portfolio import Portfolio
from cryptox.show import cards, records

D = Decimal
NOON_MS = 1_717_243_200_000
DRAFT = Draft(symbol="BTCUSDT", side="buy", type="LIMIT", quantity=D("0.0010001"), price=D(60000), time_in_force="GTC")
ORDER = Order(
    symbol="BTCUSDT",
    order_id=17,
    client_order_id="a",
    side="sell",
    type="LIMIT",
    status="new",
    quantity=D(4),
    price=D(2),
)


def facts(page: str | None) -> dict[str, str]:
    """Names and values of a card."""
    assert page is not None
    page = re.sub("<tbody>.*?</tbody>", "", page)
    found = re.findall(r"<tr[^>]*><td[^>]*>([^<]*)</td><td[^>]*>(.*?)</td></tr>", page)
    return {name: unescape(re.sub("<[^>]*>", "", value)).strip() for name, value in found}


def lines(page: str | None) -> list[list[str]]:
    """The cells of a card's tables that have a head."""
    assert page is not None
    body = "".join(re.findall("<tbody>(.*?)</tbody>", page))
    return [re.findall(r"<td[^>]*>(?:<span.*?</span> )?(.*?)</td>", line) for line in re.findall("<tr.*?</tr>", body)]


def fill(number: int) -> Fill:
    return Fill(
        time_ms=NOON_MS,
        symbol="BTCUSDT",
        id=number,
        order_id=17,
        side="sell",
        price=D("2.00"),
        quantity=D("0.10"),
        quote_quantity=D("0.2"),
        fee=D("0.0010"),
        fee_asset="BNB",
        maker=number > 0,
    )


def preview(**values: object) -> Preview:
    given = {
        "order": DRAFT,
        "accepted": True,
        "breaches": (),
        "nearest": None,
        "price": D(60000),
        "cost": D("60.0060"),
        "quote": "USDT",
        "fee": None,
        "fee_asset": None,
        "spends": "USDT",
        "free": D(100),
        "free_after": D("39.9940"),
    }
    return Preview(**{**given, **values})  # type: ignore[arg-type]


def test_an_order_says_how_far_it_is_and_folds_its_fills() -> None:
    page = records.html(ORDER.changed(filled=D(1), quote_filled=D("2.00"), time_ms=NOON_MS, fills=(fill(0), fill(1))))
    assert facts(page) == {
        "status": "new",
        "price": "2",
        "quantity": "4",
        "filled": "1 of 4 @ 2",
        "placed": "2024-06-01T12:00:00Z",
        "id": "17",
        "client order id": "a",
    }
    assert page is not None
    assert re.search(r"<details[^>]*><summary[^>]*>2 fills</summary>", page)
    assert lines(page) == [
        ["2024-06-01T12:00:00Z", "0.1", "2", "0.001 BNB", "taker"],
        ["2024-06-01T12:00:00Z", "0.1", "2", "0.001 BNB", "maker"],
    ]
    assert "▼" in page


def test_many_fills_are_cut_and_that_is_said() -> None:
    page = records.html(ORDER.changed(fills=tuple(map(fill, range(25)))))
    assert len(lines(page)) == records.MOST
    assert ">25 fills, the first 10 of them<" in str(page)


def test_a_list_has_its_orders_or_their_ids() -> None:
    given = {"symbol": "A", "order_list_id": 3, "client_order_id": "l", "contingency": "oco", "status": "executing"}
    page = records.html(OrderList(**given, time_ms=NOON_MS, orders=(ORDER,)))  # type: ignore[arg-type]
    assert lines(page) == [["sell", "LIMIT", "4 @ 2", "new", "17"]]
    page = records.html(OrderList(**given, time_ms=NOON_MS, order_ids=(1, 2)))  # type: ignore[arg-type]
    assert facts(page)["orders"] == "1, 2"


def test_an_accepted_preview_says_what_it_would_mean() -> None:
    page = records.html(preview())
    assert facts(page) == {
        "verdict": "✔ accepted",
        "order": "0.0010001 @ 60000",
        "time in force": "GTC",
        "price": "60000",
        "costs": "60.006 USDT",
        "free now": "100 USDT",
        "free then": "39.994 USDT",
    }
    assert cards.GOOD in str(page)


def test_a_refused_preview_says_why_and_what_to_try() -> None:
    breach = Breach(rule="LOT_SIZE", message="not a multiple.", nearest={"quantity": "0.001"})
    nearest = {**DRAFT.arguments(), "quantity": "0.001"}
    page = records.html(preview(accepted=False, breaches=(breach,), nearest=nearest))
    told = facts(page)
    assert told["verdict"] == "✘ not accepted"
    assert told["nearest"] == "quantity 0.001"
    assert told["try"].startswith('session.preview_order("BTCUSDT", side="buy", type="LIMIT", quantity="0.001"')
    assert "<li>LOT_SIZE: not a multiple.</li>" in str(page)
    assert cards.BAD in str(page)
    assert facts(records.html(breach)) == {"what": "not a multiple.", "nearest": "quantity 0.001"}


def test_an_account_leaves_out_assets_of_which_there_is_nothing() -> None:
    account = Account(
        can_trade=True,
        can_withdraw=False,
        can_deposit=True,
        maker=D("0.00100000"),
        taker=D("0.002"),
        buyer=D(0),
        seller=D(0),
        account_type="SPOT",
        permissions=("SPOT",),
        updated_ms=NOON_MS,
        balances={
            "BTC": Balance(asset="BTC", free=D("1.50"), locked=D(0)),
            "X": Balance(asset="X", free=D(0), locked=D(0)),
        },
    )
    page = records.html(account)
    told = facts(page)
    assert (told["may trade"], told["may withdraw"]) == ("yes", "no")
    assert told["fees"] == "maker 0.1 %, taker 0.2 %"
    assert lines(page) == [["BTC", "1.5", "0"]]


def test_a_portfolio_sums_what_it_does_not_name() -> None:
    by_asset = {f"A{number}": D(10) for number in range(20)}
    page = records.html(Portfolio(quote="USDT", total=D(200), by_asset=by_asset, unpriced=("X",)))
    assert lines(page)[0] == ["A0", "10", "5.0 %"]
    assert lines(page)[-1] == ["10 more", "100", "50.0 %"]
    assert facts(page) == {"no price for": "X"}
    nothing = records.html(Portfolio(quote="USDT", total=D(0), by_asset={"A": D(0)}, unpriced=()))
    assert lines(nothing) == [["A", "0", "–"]]


def test_events_have_their_times_as_times() -> None:
    trade = Trade("BTCUSDT", NOON_MS, NOON_MS * 1_000_000, NOON_MS, 7, 0.1, 2.0, 0.2, "buy", True)
    told = facts(records.html(trade))
    assert told["event_time"] == told["received"] == told["time"] == "2024-06-01T12:00:00Z"
    assert (told["price"], told["is_best_match"]) == ("0.1", "yes")
    gap = facts(records.html(Gap("A", None, 0, 0, 1000, None, None, "cut")))
    assert (gap["event_time"], gap["end"], gap["first_id"]) == ("–", "1970-01-01T00:00:01Z", "–")


def test_a_book_shows_its_best_levels() -> None:
    bids = [(f"{100 - level}.000", "1.50") for level in range(20)]
    page = records.html(BookUpdate("A", NOON_MS, 0, 1, bids, [("101.0", "2.0")], False))
    assert facts(page)["levels"] == "20 + 1"
    assert facts(page)["synced"] == "no"
    assert lines(page)[:2] == [["1.5", "100", "101", "2"], ["1.5", "99", "", ""]]
    assert len(lines(page)) == records.LEVELS


def test_what_is_no_record_has_no_card() -> None:
    assert records.html(3) is None
    assert records.html(Order) is None
