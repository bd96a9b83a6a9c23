"""What an account is told about itself: shapes of the documentation, allowed combinations, windows of time."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import msgspec

from cryptox.paper.answers import Done
from cryptox.paper.trading.accounts import Rates
from cryptox.paper.trading.orders import Amendment, Prevented
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.wire.account import AccountInfo, CommissionRates, CountedLimit, MyFilters, Restrictions
from cryptox.venues.binance.words import SelfTradePrevention

NOW_US = 1_717_243_230_500_000  # 2024-06-01 12:00:30.5
HOUR_US, DAY_MS = 3_600_000_000, 86_400_000
BTC = {"symbol": "BTCUSDT"}
BAD_COMBINATION = (-1128, "Combination of optional parameters invalid.")
TOO_WIDE = (-1127, "More than 24 hours between startTime and endTime.")


def test_an_account_as_documented(seen: Any) -> None:
    seen.account.balance("USDT").locked = 25 * 10**7
    told = seen(ep.ACCOUNT)
    balances = told.pop("balances")
    rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
    assert told == {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": (NOW_US - HOUR_US) // 1_000,
        "accountType": "SPOT",
        "permissions": ["SPOT"],
        "uid": seen.account.uid,
    }
    assert [row["asset"] for row in balances] == ["BTC", "USDT", "ETH", "PEPE", "OLD", "币安人生", "XYZ"]
    assert balances[1] == {"asset": "USDT", "free": "100.50000000", "locked": "2.50000000"}
    assert balances[0] == {"asset": "BTC", "free": "0.00000000", "locked": "0.00000000"}
    few = seen(ep.ACCOUNT, omitZeroBalances="true")["balances"]
    assert [row["asset"] for row in few] == ["USDT", "XYZ"]
    assert len(seen(ep.ACCOUNT, omitZeroBalances="false")["balances"]) == 7
    assert seen(ep.ACCOUNT, omitZeroBalances="yes")[0] == -1100
    assert seen(ep.ACCOUNT, microseconds=True)["updateTime"] == NOW_US - HOUR_US
    assert list(seen(ep.ACCOUNT))[:7] == [*list(told)[:7]]
    read = msgspec.convert(seen(ep.ACCOUNT), AccountInfo[Decimal], strict=False)
    assert read.balances[1].free == Decimal("100.5")


def test_commission_of_a_symbol(seen: Any) -> None:
    seen.account.special, seen.account.takes_discount = Rates(1, 2, 3, 4), True
    told = seen(ep.COMMISSION, **BTC)
    assert told["symbol"] == "BTCUSDT"
    assert told["standardCommission"]["maker"] == "0.00100000"
    assert told["specialCommission"] == {
        "maker": "0.00000001",
        "taker": "0.00000002",
        "buyer": "0.00000003",
        "seller": "0.00000004",
    }
    assert told["taxCommission"]["taker"] == "0.00000000"
    assert told["discount"] == {
        "enabledForAccount": True,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    }
    assert msgspec.convert(told, CommissionRates[Decimal], strict=False).discount.discount == Decimal("0.75")
    assert seen(ep.COMMISSION)[0] == -1102
    assert seen(ep.COMMISSION, symbol="NOSUCH") == (-1121, "Invalid symbol.")


def test_a_fill_as_documented(seen: Any) -> None:
    seen.fill(56, 28, 0)
    assert seen(ep.MY_TRADES, **BTC) == [
        {
            "symbol": "BTCUSDT",
            "id": 56,
            "orderId": 28,
            "orderListId": -1,
            "price": "94500.00000000",
            "qty": "0.10000000",
            "quoteQty": "9450.00000000",
            "commission": "0.00010000",
            "commissionAsset": "BTC",
            "time": NOW_US // 1_000,
            "isBuyer": True,
            "isMaker": False,
            "isBestMatch": True,
        }
    ]
    assert seen(ep.MY_TRADES, microseconds=True, **BTC)[0]["time"] == NOW_US


def test_fills_are_chosen_by_the_allowed_combinations(seen: Any) -> None:
    for number in range(10):
        seen.fill(100 + number, number % 2, 10 - number)
    at = (NOW_US - 10 * HOUR_US) // 1_000

    def ids(**params: Any) -> Any:
        told = seen(ep.MY_TRADES, **BTC, **params)
        return [row["id"] for row in told] if isinstance(told, list) else told

    hour = HOUR_US // 1_000
    assert ids() == list(range(100, 110))
    assert ids(limit=3) == [107, 108, 109]
    assert ids(orderId=1) == [101, 103, 105, 107, 109]
    assert ids(fromId=107) == [107, 108, 109]
    assert ids(fromId=103, limit=2) == [103, 104]
    assert ids(startTime=at + 7 * hour) == [107, 108, 109]
    assert ids(startTime=at, limit=2) == [100, 101]
    assert ids(endTime=at + 2 * hour) == [100, 101, 102]
    assert ids(endTime=at + 2 * hour, limit=1) == [102]
    assert ids(startTime=at + hour, endTime=at + 3 * hour) == [101, 102, 103]
    assert ids(startTime=at + hour, endTime=at + hour) == [101]
    assert ids(startTime=(at + hour) * 1_000, endTime=(at + hour) * 1_000) == [101]
    assert ids(orderId=1, fromId=104) == [105, 107, 109]
    assert ids(limit=5_000) == ids()
    for pair in (
        {"orderId": 1, "startTime": at},
        {"orderId": 1, "endTime": at},
        {"fromId": 1, "startTime": at},
        {"fromId": 1, "endTime": at},
        {"orderId": 1, "fromId": 1, "startTime": at},
        {"orderId": 1, "startTime": at, "endTime": at},
    ):
        assert ids(**pair) == BAD_COMBINATION
    assert ids(startTime=at, endTime=at + DAY_MS) == ids()
    assert ids(startTime=at, endTime=at + DAY_MS + 1) == TOO_WIDE
    assert ids(startTime=at + 1, endTime=at)[0] == -1023
    assert seen(ep.MY_TRADES)[0] == -1102


def test_limits_of_orders_with_their_counts(seen: Any) -> None:
    seen.answers.counts.add(seen.account.uid, 3, time.time())
    told = seen(ep.ORDER_COUNT)
    assert told[1] == {
        "rateLimitType": "ORDERS",
        "interval": "DAY",
        "intervalNum": 1,
        "limit": 200_000,
        "count": 3,
    }
    assert [list(row.values())[:4] for row in told] == [["ORDERS", "SECOND", 10, 100], ["ORDERS", "DAY", 1, 200_000]]
    assert msgspec.convert(told, list[CountedLimit])[1].count == 3


def test_prevented_matches(seen: Any) -> None:
    for number, (taker, maker) in enumerate(((5, 3), (5, 4), (9, 5), (9, 8)), 1):
        seen.records.add_prevented(
            Prevented(
                number,
                "BTCUSDT",
                seen.account.uid,
                taker,
                maker,
                SelfTradePrevention.EXPIRE_MAKER,
                9_450_000,
                None if number < 4 else 7,
                130_000,
                NOW_US,
            )
        )
    first = {
        "symbol": "BTCUSDT",
        "preventedMatchId": 1,
        "takerOrderId": 5,
        "makerSymbol": "BTCUSDT",
        "makerOrderId": 3,
        "tradeGroupId": -1,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "price": "94500.00000000",
        "makerPreventedQuantity": "1.30000000",
        "transactTime": NOW_US // 1_000,
    }
    assert seen(ep.MY_PREVENTED_MATCHES, **BTC, preventedMatchId=1) == [first]
    assert seen(ep.MY_PREVENTED_MATCHES, **BTC, preventedMatchId=4)[0]["takerPreventedQuantity"] == "0.00007000"

    def ids(**params: Any) -> Any:
        told = seen(ep.MY_PREVENTED_MATCHES, **BTC, **params)
        return [row["preventedMatchId"] for row in told] if isinstance(told, list) else told

    assert ids(orderId=5) == [1, 2, 3]
    assert ids(orderId=5, limit=2) == [1, 2]
    assert ids(orderId=5, fromPreventedMatchId=2) == [2, 3]
    assert ids(orderId=1) == []
    assert ids() == (-1102, "Param 'preventedMatchId' or 'orderId' must be sent, but both were empty/null!")
    assert ids(preventedMatchId=1, orderId=5) == BAD_COMBINATION
    assert ids(preventedMatchId=1, fromPreventedMatchId=1) == BAD_COMBINATION
    assert seen(ep.MY_PREVENTED_MATCHES, symbol="NOSUCH", orderId=5) == (-1121, "Invalid symbol.")


def test_there_are_no_allocations_but_the_question_is_checked(seen: Any) -> None:
    at = NOW_US // 1_000
    for good in (
        {},
        {"startTime": at},
        {"endTime": at},
        {"startTime": at, "endTime": at},
        {"fromAllocationId": 0},
        {"orderId": 1},
        {"orderId": 1, "fromAllocationId": 0, "limit": 5},
    ):
        assert seen(ep.MY_ALLOCATIONS, **BTC, **good) == []
    assert seen(ep.MY_ALLOCATIONS, **BTC, fromAllocationId=0, startTime=at) == BAD_COMBINATION
    assert seen(ep.MY_ALLOCATIONS, **BTC, orderId=0, endTime=at) == BAD_COMBINATION
    assert seen(ep.MY_ALLOCATIONS, **BTC, startTime=at, endTime=at + 2 * DAY_MS) == TOO_WIDE
    assert seen(ep.MY_ALLOCATIONS)[0] == -1102


def test_amendments_of_an_order(seen: Any) -> None:
    seen.order(33)
    seen.order(34, uid=1)
    for execution in (75, 80, 81):
        for number in (33, 34):
            amendment = Amendment("BTCUSDT", seen.account.uid, number, execution, "a", "b", 30_000, 20_000, NOW_US)
            seen.records.add_amendment(amendment)
    told = seen(ep.AMENDMENTS, **BTC, orderId=33)
    assert told[0] == {
        "symbol": "BTCUSDT",
        "orderId": 33,
        "executionId": 75,
        "origClientOrderId": "a",
        "newClientOrderId": "b",
        "origQty": "0.30000000",
        "newQty": "0.20000000",
        "time": NOW_US // 1_000,
    }
    assert [row["executionId"] for row in told] == [75, 80, 81]
    found = seen(ep.AMENDMENTS, **BTC, orderId=33, fromExecutionId=76, limit=1)
    assert [row["executionId"] for row in found] == [80]
    assert seen(ep.AMENDMENTS, **BTC, orderId=34) == []  # another account's
    assert seen(ep.AMENDMENTS, **BTC, orderId=99) == []
    assert seen(ep.AMENDMENTS, **BTC)[1].startswith("Mandatory parameter 'orderId'")


def test_filters_that_bind_an_account(seen: Any) -> None:
    told = seen(ep.MY_FILTERS, **BTC)
    assert list(told) == ["exchangeFilters", "symbolFilters", "assetFilters"]
    assert (told["exchangeFilters"], told["assetFilters"]) == ([], [])
    exchange_info = seen.answers.call(ep.EXCHANGE_INFO, BTC, NOW_US, time.time())
    assert isinstance(exchange_info, Done)
    assert told["symbolFilters"] == json.loads(exchange_info.body)["symbols"][0]["filters"]
    assert {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20} in told["symbolFilters"]
    assert msgspec.convert(told, MyFilters).asset_filters == []


def test_what_a_key_may_do(seen: Any) -> None:
    told = seen(ep.API_RESTRICTIONS)
    assert told["createTime"] == (NOW_US - HOUR_US) // 1_000
    assert {name for name, value in told.items() if value is True} == {"enableReading", "enableSpotAndMarginTrading"}
    assert told["ipRestrict"] is False
    assert msgspec.convert(told, Restrictions).enable_reading
