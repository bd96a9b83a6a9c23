"""Records as one line of text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cryptox.errors import CryptoxError, OrderRejected
from cryptox.model.account import Account, Balance, Breach, Fees, Preview
from cryptox.model.health import Application, Health
from cryptox.model.lines import arguments_line, changed_arguments, one_line, percent, sentences
from cryptox.model.orders import Draft, Fill, Leg, Order, OrderList, Replaced
from cryptox.model.portfolio import Portfolio
from cryptox.model.symbols import Symbol
from cryptox.sessions.live.status import Status

D = Decimal
NOON_MS = 1_717_243_200_000
DRAFT = Draft(symbol="BTCUSDT", side="buy", type="LIMIT", quantity=D("0.00100"), price=D(60000), time_in_force="GTC")
ORDER = Order(
    symbol="BTCUSDT",
    order_id=17,
    client_order_id="a",
    side="buy",
    type="LIMIT",
    status="new",
    quantity=D(1),
    price=D(2),
)
ACCOUNT: dict[str, Any] = {
    "can_trade": True,
    "can_withdraw": False,
    "can_deposit": True,
    "maker": D("0.00100000"),
    "taker": D("0.00200000"),
    "buyer": D(0),
    "seller": D(0),
    "account_type": "SPOT",
    "permissions": ("SPOT",),
    "updated_ms": NOON_MS,
}
PREVIEW: dict[str, Any] = {
    "order": DRAFT,
    "accepted": True,
    "breaches": (),
    "nearest": None,
    "price": D(60000),
    "cost": D("60.00"),
    "quote": "USDT",
    "fee": D("0.00000100"),
    "fee_asset": "BTC",
    "spends": "USDT",
    "free": D("100.0"),
    "free_after": D("40.0"),
}
LINES = [
    (DRAFT, "Draft(BTCUSDT buy LIMIT 0.001 @ 60000, GTC)"),
    (
        Draft(symbol="A", side="buy", type="MARKET", quote_quantity=D("100.0"), client_order_id="me"),
        "Draft(A buy MARKET ? for 100, 'me')",
    ),
    (
        Leg(side="sell", type="STOP_LOSS_LIMIT", quantity=D(1), price=D(2), stop_price=D("3.50"), trailing_delta=100),
        "cx.leg('sell', 'STOP_LOSS_LIMIT', quantity='1', price='2', stop_price='3.5', trailing_delta=100)",
    ),
    (
        Fill(
            time_ms=NOON_MS,
            symbol="BTCUSDT",
            id=7,
            order_id=17,
            side="buy",
            price=D("60000.00"),
            quantity=D("0.00100"),
            quote_quantity=D(60),
            fee=D("0.00000100"),
            fee_asset="BTC",
            maker=False,
        ),
        "Fill(BTCUSDT buy 0.001 @ 60000, fee 0.000001 BTC, taker, 2024-06-01T12:00:00Z, id 7, order 17)",
    ),
    (ORDER, "Order(BTCUSDT buy LIMIT 1 @ 2, new, id 17, 'a')"),
    (
        OrderList(
            symbol="BTCUSDT",
            order_list_id=3,
            client_order_id="l",
            contingency="oco",
            status="executing",
            time_ms=NOON_MS,
            orders=(ORDER, ORDER.changed(side="sell", status="filled")),
        ),
        "OrderList(BTCUSDT oco, executing, 2024-06-01T12:00:00Z, id 3, 'l', "
        "2 orders: buy LIMIT new, sell LIMIT filled)",
    ),
    (
        Replaced(ORDER.changed(status="canceled"), ORDER.changed(order_id=18)),
        "Replaced(canceled: BTCUSDT buy LIMIT 1 @ 2, canceled, id 17, new: BTCUSDT buy LIMIT 1 @ 2, new, id 18)",
    ),
    (
        Replaced(None, None, cancel_error=OrderRejected("gone", code=-2011)),
        "Replaced(cancel failed: OrderRejected: gone (code -2011), new order not tried)",
    ),
    (Balance(asset="BTC", free=D("1.00"), locked=D("0E-8")), "Balance(BTC: free 1, locked 0)"),
    (
        Fees(symbol="BTCUSDT", maker=D("0.00100000"), taker=D("0.002"), seller=D("0.01")),
        "Fees(BTCUSDT: maker 0.1 %, taker 0.2 %, seller 1 % more)",
    ),
    (
        Fees(symbol="A", maker=D(0), taker=D(0), discounted=True, discount_asset="BNB", discount=D("0.7500")),
        "Fees(A: maker 0 %, taker 0 %, standard part times 0.75 in BNB)",
    ),
    (
        Account(**ACCOUNT, balances={"BTC": Balance(asset="BTC", free=D(1), locked=D(0))}),
        "Account(SPOT, may trade, deposit, maker 0.1 %, taker 0.2 %, 1 asset, updated 2024-06-01T12:00:00Z)",
    ),
    (Breach(rule="LOT_SIZE", message="too small."), "Breach(LOT_SIZE: too small.)"),
    (
        Preview(**PREVIEW),
        "Preview(BTCUSDT buy LIMIT 0.001 @ 60000: accepted, costs 60 USDT, fee 0.000001 BTC, free 100 USDT, then 40)",
    ),
    (
        Preview(
            **PREVIEW
            | {
                "accepted": False,
                "breaches": (Breach(rule="LOT_SIZE", message="x"), Breach(rule="LOT_SIZE", message="y")),
                "nearest": {**DRAFT.arguments(), "quantity": "0.002"},
                "cost": None,
                "fee": None,
                "free": None,
                "free_after": None,
            }
        ),
        "Preview(BTCUSDT buy LIMIT 0.001 @ 60000: breaks LOT_SIZE, nearest quantity 0.002)",
    ),
    (
        Portfolio(quote="USDT", total=D("21.00"), by_asset={str(n): D(n) for n in range(7)}, unpriced=("X",)),
        "Portfolio(21 USDT: 0 0, 1 1, 2 2, 3 3, 4 4, 2 more, no price for 1 asset)",
    ),
    (
        Symbol("BTCUSDT", "BTC", "USDT", "TRADING", D("0.0100"), D("1E-5"), min_notional=D("5.0")),
        "Symbol(BTCUSDT: BTC in USDT, TRADING, tick 0.01, step 0.00001, at least 5 USDT)",
    ),
    (
        Status(True, False, True, 1, 2, 3, 40, 0.0123),
        "Status(connected, synced, 40 events, 2 gaps, 3 dropped, 1 reconnect, latency 0.012 s)",
    ),
    (
        Status(False, True, False, 0, 0, 0, 0, None, 2, "KeyError: apiKey=abc"),
        "Status(not connected, stale, not synced, 0 events, 0 gaps, 0 dropped, 0 reconnects, 2 errors of callbacks, "
        "last error: KeyError: apiKey=***)",
    ),
]


@pytest.mark.parametrize(("record", "line"), LINES, ids=lambda value: type(value).__name__)
def test_a_record_is_one_line(record: object, line: str) -> None:
    assert repr(record) == line
    assert "Decimal" not in repr(record)


def test_a_line_moves_no_cursor_and_tells_no_secret() -> None:
    assert one_line("a\nb\x1b[2Jc\u2028d\u202e") == "a\\nb\\x1b[2Jc\\u2028d\\u202e"
    assert one_line("é – ok") == "é – ok"
    assert one_line("GET /x?signature=abcdef") == "GET /x?signature=***"


def test_what_is_not_known_is_a_question_mark() -> None:
    unknown = Preview(**PREVIEW | {"order": DRAFT.changed(quantity=None, price=None), "accepted": False})
    assert repr(unknown).startswith("Preview(BTCUSDT buy LIMIT ?: not accepted, costs 60 USDT")


def test_selling_gives() -> None:
    assert "gives 60 USDT" in repr(Preview(**PREVIEW | {"order": DRAFT.changed(side="sell")}))


def test_percent_is_exact() -> None:
    assert percent(D("0.00075")) == "0.075 %"
    assert percent(D("1.00")) == "100 %"


def test_changed_arguments_tell_what_is_left_out() -> None:
    changed = changed_arguments({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4"})
    assert changed == {"b": "4", "c": None}
    assert arguments_line(changed) == "b 4, no c"


def test_an_error_of_a_replacement_may_have_lines() -> None:
    line = repr(Replaced(None, None, CryptoxError("a\nb")))
    assert line == "Replaced(cancel failed: CryptoxError: a\\nb, new order not tried)"


def test_sentences_are_one_line_without_full_stops_within() -> None:
    assert sentences([]) == ""
    assert sentences(["It is late."]) == "It is late."
    assert sentences(["It is late.", "3 failed", "It is 1.5 s ahead."]) == "It is late; 3 failed; It is 1.5 s ahead."
    late = Application(status="degraded", reasons=("It is late.", "It stands."))
    assert "It is late; It stands." in repr(late)
    assert "application degraded: It is late; It stands." in repr(
        Health(status="degraded", timestamp_ms=0, components={"application": late})
    )
