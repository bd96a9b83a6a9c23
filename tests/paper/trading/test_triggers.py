"""Stops and trailing stops: when they trigger, what they lock, how they enter the book. Pegs too."""

from __future__ import annotations

import numpy as np
import pytest

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.orders import NONE, Peg
from cryptox.paper.trading.triggers import Waiting
from cryptox.venues.binance.words import ExpiryReason, OrderStatus, OrderType, PegPriceType, Side

IMMEDIATELY = "Order would trigger immediately."


@pytest.mark.parametrize(
    ("side", "kind", "stop", "price", "meets"),
    [
        ("SELL", "STOP_LOSS", 9_990, 9_991, 9_990),
        ("BUY", "STOP_LOSS", 10_010, 10_009, 10_010),
        ("SELL", "TAKE_PROFIT", 10_010, 10_009, 10_011),
        ("BUY", "TAKE_PROFIT", 9_990, 9_991, 9_989),
    ],
)
def test_stops_trigger_at_their_price(scene, side, kind, stop, price, meets):
    order = scene.order(1, side, kind, 10, stop=stop)
    assert (order.status, order.is_working, order.working_us) == (OrderStatus.NEW, False, NONE)
    scene.market.then(10, price)
    scene.at(10)
    assert order.status is OrderStatus.NEW
    scene.market.then(20, meets)
    scene.at(30)
    assert (order.status, order.executed, order.working_us) == (OrderStatus.FILLED, 10, (1_767_225_600_020) * 1000)
    assert [line for line in scene.story() if line.startswith("1 ")] == ["1 NEW NEW", "1 NEW NEW", "1 TRADE FILLED"]
    assert scene.balance(1, "USDT")[1] == scene.balance(1, "BTC")[1] == 0
    scene.check()


@pytest.mark.parametrize(
    ("side", "kind", "wrong"),
    [
        ("SELL", "STOP_LOSS", 10_000),
        ("SELL", "STOP_LOSS", 10_001),
        ("BUY", "STOP_LOSS", 10_000),
        ("SELL", "TAKE_PROFIT", 9_999),
        ("BUY", "TAKE_PROFIT", 10_000),
    ],
)
def test_wrong_side_of_the_last_price(scene, side, kind, wrong):
    with pytest.raises(Refused, match=IMMEDIATELY):
        scene.place(1, side, kind, 10, stop=wrong)


def test_the_last_price_may_be_a_users_trade(scene):
    stop = scene.order(1, "BUY", "STOP_LOSS", 5, stop=10_003)
    scene.place(2, "BUY", "MARKET", 100)
    assert stop.status is OrderStatus.NEW
    scene.reports()
    scene.place(2, "BUY", "MARKET", 1)
    assert (stop.status, stop.quote) == (OrderStatus.FILLED, 10_004 * 5 * 10)
    story = scene.story()
    assert story[:5] == ["3 NEW NEW", "3 TRADE FILLED", "1 NEW NEW", "1 TRADE FILLED", "position USDT BTC"]
    with pytest.raises(Refused, match=IMMEDIATELY):
        scene.place(1, "SELL", "STOP_LOSS", 5, stop=10_005)


def test_stop_limit_rests_at_its_price_and_held_it_all_along(scene):
    order = scene.order(1, "SELL", "STOP_LOSS_LIMIT", 10, 9_995, stop=9_990)
    assert scene.balance(1, "BTC")[1] == 10_000
    assert scene.levels(1)[1] == [(10_002, 100)]
    scene.market.then(20, 9_989)
    scene.market.book(100, [(9_980, 50)], [(9_999, 50)])
    scene.at(120)
    assert (order.status, order.is_working) == (OrderStatus.NEW, True)
    assert scene.levels(1)[1] == [(9_995, 10)]
    buy = scene.order(1, "BUY", "STOP_LOSS_LIMIT", 10, 10_020, stop=10_010)
    assert buy.hold == 10_020 * 10 * 10
    scene.check()


def test_what_the_tape_has_gone_through_does_not_help_a_stop(scene):
    """The book of the tick still shows bids at 10 000; a trade at 9 989 in it says that they are gone."""
    order = scene.order(1, "SELL", "STOP_LOSS", 10, stop=9_990)
    scene.market.then(20, 9_989)
    scene.at(30)
    assert [fill.price for fill in scene.fills(order)] == [9_988]


def test_a_stop_whose_money_is_gone_expires(scene):
    order = scene.order(1, "BUY", "STOP_LOSS", 10, stop=10_003)
    assert order.hold == 10_003 * 10 * 10
    scene.engine.transfer(scene.accounts[1], "USDT", -scene.accounts[1].balance("USDT").free, scene.now_us)
    scene.place(2, "BUY", "LIMIT", 100, 10_002)
    scene.market.then(20, 10_003)
    scene.at(20)
    assert (order.status, order.expiry_reason, order.hold) == (OrderStatus.EXPIRED, ExpiryReason.REJECTED, 0)
    assert scene.balance(1, "USDT") == (1_000_300, 0)
    scene.check()


def test_stops_set_each_other_off_in_time_order(scene):
    first = scene.order(1, "SELL", "STOP_LOSS", 150, stop=9_999)
    second = scene.order(2, "SELL", "STOP_LOSS", 10, stop=9_997)
    scene.market.then(20, 9_999)
    scene.at(20)
    assert (first.status, second.status) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert [fill.price for fill in scene.fills(first)] == [9_998, 9_996]
    assert [fill.price for fill in scene.fills(second)] == [9_996]
    prints = scene.engine.prints.of("BTCUSDT")
    assert [(one.before, one.price) for one in prints] == [(2, 9_998), (2, 9_996), (2, 9_996)]
    assert [one.opens for one in prints] == [True, True, True]


def test_one_trade_triggers_the_oldest_first(scene):
    trailing = scene.order(1, "SELL", "STOP_LOSS", 100, trailing_delta=100)
    stop = scene.order(2, "SELL", "STOP_LOSS", 100, stop=9_950)
    late = scene.order(2, "SELL", "STOP_LOSS", 100, stop=9_960)
    scene.market.then(10, 9_900)
    scene.market.book(0, [(9_899 - n, 100) for n in range(5)], [])
    scene.at(10)
    assert [scene.fills(order)[0].price for order in (trailing, stop, late)] == [9_899, 9_898, 9_897]


class TestTrailing:
    def test_documented_example_of_a_buy(self, scene):
        """orders.md, section 3: 42000 * 1.05 = 44100 triggers."""
        scene.market.then(10, 42_000)
        scene.market.then(20, 44_099)
        scene.market.then(30, 44_100)
        scene.market.book(0, [], [(44_200, 50)])
        scene.market.then(5, 43_000)
        scene.market.trades["BTCUSDT"].sort()
        scene.at(6)
        order = scene.order(1, "BUY", "STOP_LOSS_LIMIT", 10, 44_150, trailing_delta=500)
        assert (order.trailing_us, order.extreme) == (scene.now_us, 43_000)
        scene.at(20)
        assert (order.extreme, order.is_working) == (42_000, False)
        scene.at(30)
        assert order.is_working
        assert scene.levels(1)[0] == [(44_150, 10)]

    def test_sell_follows_the_highest_price(self, scene):
        order = scene.order(1, "SELL", "STOP_LOSS", 10, trailing_delta=100)
        for number, price in enumerate((10_050, 10_200, 10_099)):
            scene.market.then(10 * number, price)
        scene.at(25)
        assert (order.extreme, order.status) == (10_200, OrderStatus.NEW)  # 10 098 would trigger
        scene.market.then(30, 10_098)
        scene.at(30)
        assert order.status is OrderStatus.FILLED

    def test_waits_for_its_activation(self, scene):
        order = scene.order(1, "SELL", "TAKE_PROFIT", 10, stop=10_100, trailing_delta=100)
        scene.market.then(10, 10_090)
        scene.market.then(20, 9_900)
        scene.at(20)
        assert (order.trailing_us, order.status) == (NONE, OrderStatus.NEW)
        scene.market.then(30, 10_110)
        scene.at(35)
        assert (order.trailing_us, order.extreme) == (1_767_225_600_030_000, 10_110)
        scene.market.then(40, 10_008)
        scene.at(40)
        assert order.status is OrderStatus.FILLED

    def test_the_trade_that_activates_is_the_first_extreme(self, scene):
        order = scene.order(1, "SELL", "STOP_LOSS", 10, stop=9_990, trailing_delta=100)
        scene.market.then(10, 9_900)
        scene.at(10)
        assert (order.extreme, order.status) == (9_900, OrderStatus.NEW)

    def test_bars_that_may_trigger_are_found(self, scene):
        order = scene.order(1, "SELL", "STOP_LOSS", 10, trailing_delta=100)
        waiting = Waiting(lambda _: None)
        waiting.add(order)
        lows, highs = np.array([9_950, 9_990, 9_999, 9_901]), np.array([10_000, 10_080, 10_100, 9_950])
        assert waiting.first_met(lows, highs) == 2  # 9 999 may have come after 10 100
        assert waiting.first_met(lows[:2], highs[:2]) == 2
        waiting.follow(lows[:2], highs[:2])
        assert order.extreme == 10_080


class TestPegs:
    def test_prices_are_taken_once(self, scene):
        primary, market = PegPriceType.PRIMARY_PEG, PegPriceType.MARKET_PEG
        scene.order(2, "BUY", "LIMIT", 5, 9_999)
        order = scene.order(1, "BUY", "LIMIT", 10, peg=Peg(primary, 1))
        assert (order.pegged_price, order.price, order.hold) == (9_999, 0, 9_999 * 100)
        taker = scene.order(1, "BUY", "LIMIT", 150, peg=Peg(market))
        assert (taker.pegged_price, taker.executed, taker.is_open) == (10_002, 100, True)
        assert scene.order(1, "SELL", "LIMIT_MAKER", 10, peg=Peg(primary)).pegged_price == 10_004
        scene.check()

    def test_refusals(self, scene):
        primary = PegPriceType.PRIMARY_PEG
        with pytest.raises(Refused, match="This price peg cannot be used with this order type"):
            scene.place(1, "BUY", "LIMIT_MAKER", 10, peg=Peg(PegPriceType.MARKET_PEG))
        thin = "Order book liquidity is too low for this pegged order"
        with pytest.raises(Refused, match=thin):
            scene.place(1, "BUY", "LIMIT", 10, peg=Peg(primary, 50))
        with pytest.raises(Refused, match=thin):
            scene.place(1, "BUY", "LIMIT", 10, 9_999, peg=Peg(primary))
        assert scene.order(1, "BUY", "LIMIT", 10, 10_000, peg=Peg(primary)).pegged_price == 10_000

    def test_a_stop_takes_its_price_when_it_is_triggered(self, scene):
        order = scene.order(1, "SELL", "STOP_LOSS_LIMIT", 10, stop=9_990, peg=Peg(PegPriceType.PRIMARY_PEG))
        none = scene.order(1, "SELL", "STOP_LOSS_LIMIT", 10, stop=9_990, peg=Peg(PegPriceType.PRIMARY_PEG, 90))
        assert (order.pegged_price, order.type, order.side) == (0, OrderType.STOP_LOSS_LIMIT, Side.SELL)
        scene.market.then(20, 9_989)
        scene.market.book(100, [(9_980, 50)], [(9_999, 50)])
        scene.at(20)
        assert (order.pegged_price, order.is_working) == (10_002, True)
        assert (none.status, none.expiry_reason) == (OrderStatus.EXPIRED, ExpiryReason.REJECTED)
        scene.check()
