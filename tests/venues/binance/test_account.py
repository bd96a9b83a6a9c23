"""What an account is told about itself: the payloads of the documentation (facts: rest.md, section 8)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from cryptox.errors import ExchangeError
from cryptox.model.account import Account, Balance, Fees, KeyRights
from cryptox.transport.messages import Answer, Limit
from cryptox.venues.binance.account import read_account, read_fees, read_key_rights, read_order_counts, read_test

D = Decimal

INFO: dict[str, Any] = {
    "makerCommission": 10,
    "takerCommission": 11,
    "buyerCommission": 0,
    "sellerCommission": 0,
    "commissionRates": {"maker": "0.00100000", "taker": "0.00110000", "buyer": "0.00001000", "seller": "0.00002000"},
    "canTrade": True,
    "canWithdraw": False,
    "canDeposit": True,
    "brokered": False,
    "requireSelfTradePrevention": False,
    "preventSor": False,
    "updateTime": 1767225600123,
    "accountType": "SPOT",
    "balances": [{"asset": "BTC", "free": "1.00000000", "locked": "0.25000000"}],
    "permissions": ["SPOT"],
    "uid": 354937868,
}
DISCOUNT = {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75000000"}


def answer(body: Any) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0, 0.1)


def rates(maker: str, taker: str, buyer: str = "0", seller: str = "0") -> dict[str, str]:
    return {"maker": maker, "taker": taker, "buyer": buyer, "seller": seller}


def test_an_account() -> None:
    assert read_account(answer(INFO)) == Account(
        can_trade=True,
        can_withdraw=False,
        can_deposit=True,
        maker=D("0.001"),
        taker=D("0.0011"),
        buyer=D("0.00001"),
        seller=D("0.00002"),
        account_type="SPOT",
        permissions=("SPOT",),
        updated_ms=1767225600123,
        uid=354937868,
        balances={"BTC": Balance(asset="BTC", free=D(1), locked=D("0.25"))},
    )
    assert read_account(answer(INFO)).balances["BTC"].total == D("1.25")


def test_fees_add_up() -> None:
    body = {
        "symbol": "BTCUSDT",
        "standardCommission": rates("0.00000010", "0.00000020", "0.00000030", "0.00000040"),
        "specialCommission": rates("0.01000000", "0.02000000", "0.03000000", "0.04000000"),
        "taxCommission": rates("0.00000112", "0.00000114", "0.00000118", "0.00000116"),
        "discount": DISCOUNT,
    }
    assert read_fees(answer(body)) == Fees(
        symbol="BTCUSDT",
        maker=D("0.01000122"),
        taker=D("0.02000134"),
        buyer=D("0.03000148"),
        seller=D("0.04000156"),
        standard_maker=D("0.0000001"),
        standard_taker=D("0.0000002"),
        discounted=True,
        discount_asset="BNB",
        discount=D("0.75"),
    )
    off = {**body, "discount": {**DISCOUNT, "enabledForSymbol": False}}
    assert not read_fees(answer(off)).discounted


def test_fees_of_a_test_order() -> None:
    body = {
        "standardCommissionForOrder": {"maker": "0.00100000", "taker": "0.00200000"},
        "specialCommissionForOrder": {"maker": "0.00010000", "taker": "0.00020000"},
        "taxCommissionForOrder": {"maker": "0.00001000", "taker": "0.00002000"},
        "discount": {**DISCOUNT, "enabledForAccount": False},
    }
    fees = read_test(answer(body), "BTCUSDT")
    assert (fees.symbol, fees.maker, fees.taker) == ("BTCUSDT", D("0.00111"), D("0.00222"))
    assert (fees.standard_maker, fees.standard_taker, fees.buyer, fees.discounted) == (D("0.001"), D("0.002"), 0, False)


def test_order_counts() -> None:
    body = [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100, "count": 3},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000, "count": 17},
        {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 1, "count": 0},
    ]
    assert read_order_counts(answer(body)) == (
        (Limit("ORDERS", 100, 10_000), 3),
        (Limit("ORDERS", 200_000, 86_400_000), 17),
    )


@pytest.mark.parametrize("read", [read_account, read_fees, read_order_counts])
def test_another_answer_is_an_error(read: Any) -> None:
    with pytest.raises(ExchangeError):
        read(answer({"balances": 1}))


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("enableReading", {"reads": False}),
        ("enableSpotAndMarginTrading", {"trades": True}),
        ("enableWithdrawals", {"withdraws": True}),
        ("ipRestrict", {"bound": True}),
        ("enableFutures", {}),
    ],
)
def test_rights_of_a_key(field: str, changed: dict[str, bool]) -> None:
    # developers.binance.com/docs/wallet/account/api-key-permission
    told = {
        "ipRestrict": False,
        "createTime": 1698645219000,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": True,
    }
    plain = {"reads": True, "trades": False, "withdraws": False, "bound": False}
    assert read_key_rights(answer({**told, field: not told[field]})) == KeyRights(**{**plain, **changed})
