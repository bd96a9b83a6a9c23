"""What an order would come to, beside what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import cryptox as cx
from cryptox.errors import FilterFailure

D = Decimal
BALANCES = {"USDT": "100000", "BTC": "1.5", "BNB": "20", "PEPE": "123456789"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


def opened(exchange: cx.PaperExchange, *, takes_discount: bool = False, **balances: str) -> cx.Session:
    keys = exchange.create_account(balances or BALANCES, takes_discount=takes_discount)
    return cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key)


@pytest.mark.parametrize(
    ("symbol", "side", "given"),
    [
        ("BTCUSDT", "buy", {"quantity": "0.5"}),
        ("BTCUSDT", "sell", {"quantity": "0.5"}),
        ("BTCUSDT", "buy", {"quote_quantity": "777.77"}),
        ("BTCUSDT", "sell", {"quote_quantity": "777.77"}),
        ("PEPEUSDT", "buy", {"quote_quantity": "50"}),
        ("PEPEUSDT", "sell", {"quantity": "10000000"}),
    ],
)
@pytest.mark.parametrize("takes_discount", [False, True])
def test_a_market_order_comes_to_what_the_book_said(
    symbol: str, side: str, given: Any, takes_discount: bool, exchange: cx.PaperExchange
) -> None:
    with opened(exchange, takes_discount=takes_discount) as session:
        preview = session.preview_order(symbol, side, "MARKET", **given)
        order = session.place_order(symbol, side, "MARKET", **given)
        after = session.account().balances[preview.spends].free
    assert preview.accepted
    assert preview.cost == order.quote_filled
    assert preview.price == order.average_price
    assert preview.free_after == after
    assert preview.fee is not None
    received = order.filled if side == "buy" else order.quote_filled
    assert received is not None
    rate = D("0.00075") if takes_discount else D("0.001")
    assert abs(preview.fee - received * rate) < D("1E-8")
    if not takes_discount:
        paid = sum((fill.fee for fill in order.fills), D(0))
        assert 0 <= preview.fee - paid < len(order.fills) * D("1E-8") + D("1E-8")
        assert {fill.fee_asset for fill in order.fills} == {preview.fee_asset}


def test_an_order_by_value_that_would_be_too_large_is_told_so(exchange: cx.PaperExchange) -> None:
    with opened(exchange, USDT="200000000") as session:
        preview = session.preview_order("BTCUSDT", "buy", "MARKET", quote_quantity="5000000")
        assert [one.rule for one in preview.breaches] == ["MARKET_LOT_SIZE"]
        assert not preview.accepted
        with pytest.raises(FilterFailure, match="MARKET_LOT_SIZE") as caught:
            session.buy("BTCUSDT", quote_quantity="5000000")
        assert "may not be as large" in caught.value.recovery_suggestions[0]
        assert session.preview_order("BTCUSDT", "buy", "MARKET", quote_quantity="50000").accepted
