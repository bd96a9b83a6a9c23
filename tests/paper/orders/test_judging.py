"""Orders that fail a filter when they start: over REST, and what the filters are asked with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cryptox.paper.orders.judging import FilterJudge
from cryptox.paper.trading.orders import Order
from cryptox.venues.binance.words import OrderType, SelfTradePrevention, Side, TimeInForce

NOW_US = 1_717_243_230_500_000


def order(kind: str, price: int = 0, **more: Any) -> Order:
    words = (Side.SELL, OrderType(kind), TimeInForce.GTC)
    return Order(1, "BTCUSDT", 1, "a", *words, 100, price, 0, 0, 0, 0, SelfTradePrevention.NONE, 0, 0, **more)


@pytest.mark.parametrize(
    ("kind", "price", "quantity", "last", "expected"),
    [
        ("STOP_LOSS", 0, 13, 4_000_000, None),
        ("STOP_LOSS", 0, 12, 9_000_000, "NOTIONAL"),  # by the average price of 5 minutes: 4.80
        ("STOP_LOSS_LIMIT", 4_200_000, 12, 4_000_000, None),  # 5.04
        ("STOP_LOSS_LIMIT", 4_100_000, 12, 4_000_000, "NOTIONAL"),
        ("STOP_LOSS_LIMIT", 30_000_000, 12, 30_000_000, "PERCENT_PRICE_BY_SIDE"),
    ],
)
def test_verdicts(flat: Any, kind: str, price: int, quantity: int, last: int, expected: str | None) -> None:
    assert FilterJudge(flat)(order(kind, price), price, quantity, last, NOW_US) == expected


def test_the_average_is_that_of_the_moment_and_the_last_price_stands_in_for_none(
    flat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def statistics(symbol: str, start_ms: int, now_ms: int) -> Any:
        asked.append((symbol, now_ms - start_ms, now_ms))
        return SimpleNamespace(quote_volume=0, volume=0)

    monkeypatch.setattr(flat, "statistics", statistics)
    judge = FilterJudge(flat)
    assert judge(order("STOP_LOSS"), 0, 12, 4_200_000, NOW_US) is None  # 5.04
    assert judge(order("STOP_LOSS"), 0, 12, 4_100_000, NOW_US + 1_000_000) == "NOTIONAL"  # 4.92
    later = NOW_US // 1000 + 1_000
    assert set(asked) == {("BTCUSDT", 300_000, later - 1_000), ("BTCUSDT", 300_000, later)}


def ended(trader: Any, told: Any, leg: int) -> tuple[Any, ...]:
    """How a leg of a list has ended: its status, and what is left of it and of the list."""
    assert told.status == 200, told.body
    number = told.json["orders"][leg]["orderId"]
    found = trader("GET", "order", symbol="BTCUSDT", orderId=number).json
    listed = trader("GET", "orderList", orderListId=told.json["orderListId"]).json
    return found["status"], found["origQty"], found.get("expiryReason"), listed["listOrderStatus"]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("0.00013", ("EXPIRED", "0.00012000", "REJECTED", "ALL_DONE")),  # worth 4.92
        ("0.00014", ("NEW", "0.00013000", None, "EXECUTING")),
    ],
)
def test_what_is_left_of_a_purchase_after_commission_may_be_too_little_to_sell(
    trader: Any, quantity: str, expected: tuple[Any, ...]
) -> None:
    trader.keys = trader.exchange.create_account({"USDT": 1_000})
    told = trader(
        "POST",
        "orderList/opo",
        symbol="BTCUSDT",
        workingType="LIMIT",
        workingSide="BUY",
        workingPrice="40001.00",
        workingQuantity=quantity,
        workingTimeInForce="GTC",
        pendingType="LIMIT_MAKER",
        pendingSide="SELL",
        pendingPrice="41000.00",
    )
    assert ended(trader, told, 1) == expected
    balances = {row["asset"]: row for row in trader("GET", "account").json["balances"]}
    assert (float(balances["BTC"]["locked"]) > 0) is (expected[0] == "NEW")


@pytest.mark.parametrize(
    ("quantity", "expected"), [("0.00012", ("EXPIRED", "REJECTED")), ("0.00013", ("FILLED", None))]
)
def test_a_pegged_stop_is_judged_with_the_price_it_takes(
    trader: Any, quantity: str, expected: tuple[str, str | None]
) -> None:
    trader.keys = trader.exchange.create_account({"BTC": 1})
    sent = {"symbol": "BTCUSDT", "side": "SELL", "type": "TAKE_PROFIT_LIMIT", "timeInForce": "GTC"}
    told = trader("POST", "order", **sent, quantity=quantity, stopPrice="40001.00", pegPriceType="MARKET_PEG")
    assert told.status == 200, told.body
    trader.exchange.clock.advance("5m")
    found = trader("GET", "order", symbol="BTCUSDT", orderId=told.json["orderId"]).json
    assert (found["status"], found.get("expiryReason")) == expected
    locked = {row["asset"]: row["locked"] for row in trader("GET", "account").json["balances"]}
    assert float(locked["BTC"]) == 0
