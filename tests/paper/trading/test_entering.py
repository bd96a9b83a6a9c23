"""What is checked before an order enters, and in which order."""

from __future__ import annotations

import pytest

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.words import OrderStatus


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (("BUY", "LIMIT_MAKER", 10**9, 10_002), "Account has insufficient balance"),  # funds before prices
        (("BUY", "LIMIT_MAKER", 10, 10_002), "Order would immediately match and take"),
        (("SELL", "LIMIT_MAKER", 10, 10_000), "Order would immediately match and take"),
        (("SELL", "MARKET", 10**11), "Account has insufficient balance"),
    ],
)
def test_refusals(scene, order, text):
    with pytest.raises(Refused, match=text) as caught:
        scene.place(1, *order)
    assert int(caught.value.code) == -2010
    assert scene.reports() == []
    assert list(scene.records.all_orders()) == []
    scene.check()


def test_the_whole_limit_price_must_be_there_though_it_fills_cheaper(scene):
    scene.accounts[1].balance("USDT").free = 10_002 * 10 * 10
    with pytest.raises(Refused, match="insufficient balance"):
        scene.place(1, "BUY", "LIMIT", 10, 10_003)
    assert scene.order(1, "BUY", "LIMIT", 10, 10_002).status is OrderStatus.FILLED


def test_a_budget_must_be_there_though_less_is_spent(scene):
    scene.accounts[1].balance("USDT").free = 1_000_199
    with pytest.raises(Refused, match="insufficient balance"):
        scene.place(1, "BUY", "MARKET", quote_quantity=1_000_200)
    assert scene.order(1, "BUY", "MARKET", quote_quantity=1_000_199).executed == 9


def test_a_users_better_price_counts_for_makers(scene):
    scene.place(2, "SELL", "LIMIT", 1, 10_001)
    with pytest.raises(Refused, match="immediately match"):
        scene.place(1, "BUY", "LIMIT_MAKER", 1, 10_001)


def test_what_the_market_did_before_the_call_has_happened(scene):
    resting = scene.order(2, "BUY", "LIMIT", 5, 9_995)
    scene.reports()
    scene.market.then(10, 9_990)
    scene.now_us += 10_000
    with pytest.raises(Refused, match="Order would trigger immediately"):
        scene.place(1, "SELL", "STOP_LOSS", 5, stop=9_991)
    assert resting.status is OrderStatus.FILLED
    assert [line.split()[0] for line in scene.story()] == ["1", "position"]
