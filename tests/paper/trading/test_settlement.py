"""The money of a fill where prices must be found by a way round."""

from __future__ import annotations

import pytest

from cryptox.paper.market import Listing
from cryptox.paper.trading.accounts import Rates
from cryptox.paper.trading.engine import Engine


@pytest.fixture
def crossed(scenes):
    """A scene with ETHBTC at 0.05 as well: no ETHBNB, no BNBBTC."""
    scene = scenes(rates=Rates(50_000, 100_000))
    market, start_ms = scene.market, scene.now_us // 1000
    market.listings["ETHBTC"] = Listing("ETHBTC", "ETH", "BTC", 0, price_exponent=-5, quantity_exponent=-3)
    market.trades["ETHBTC"] = [(start_ms - 1000, 5_000, 10, True)]
    market.books["ETHBTC"] = [(0, ([(5_000, 1_000)], [(5_001, 1_000)]))]
    scene.engine = Engine(market, scene.accounts)
    scene.records = scene.engine.records
    account = scene.accounts[1]
    account.takes_discount = True
    account.balance("ETH").free = 10**13
    return scene


def test_what_is_received_is_worth_what_one_pair_more_tells(crossed):
    (sold,) = crossed.place(1, "SELL", "LIMIT", 1_000, 5_000, symbol="ETHBTC").fills
    # 5 000 000 atoms of BTC * 0.001 * 0.75, at 100 USDT for a BTC and 260 USDT for a BNB
    assert (sold.commission, sold.commission_asset) == (3_750 * 100 // 260, "BNB")
    (bought,) = crossed.place(1, "BUY", "LIMIT", 1_000, 5_001, symbol="ETHBTC").fills
    # 5 001 000 atoms of BTC were paid for it
    assert (bought.commission, bought.commission_asset) == (5_001_000 * 75 * 100 // (10**5 * 260), "BNB")


def test_a_way_round_needs_both_its_prices(crossed):
    crossed.market.trades["BNBUSDT"].clear()
    (sold,) = crossed.place(1, "SELL", "LIMIT", 1_000, 5_000, symbol="ETHBTC").fills
    assert (sold.commission, sold.commission_asset) == (5_000, "BTC")
