"""Filters that are asked again when an order starts later than it was placed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from cryptox.paper.trading.orders import Order, Peg
from cryptox.venues.binance.words import ExpiryReason, ListOrderStatus, OrderStatus, PegPriceType

START_US = 1_767_225_600_000_000
REJECTED = (OrderStatus.EXPIRED, ExpiryReason.REJECTED, 0)
FREE = (10**13, 0)


@dataclass
class Strict:
    """Remembers what it is asked, and lets the orders with these ids fail."""

    failing: set[int] = field(default_factory=set)
    asked: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, order: Order, price: int, quantity: int, last: int, now_us: int) -> str | None:
        self.asked.append((order.id, price, quantity, last, now_us - START_US))
        return "NOTIONAL" if order.id in self.failing else None


@pytest.fixture
def judge(scene: Any) -> Strict:
    made = Strict()
    scene.engine.judge_by(made)
    return made


def ending(order: Order) -> Any:
    return order.status, order.expiry_reason, order.hold


def test_orders_that_start_at_once_have_been_judged_before(scene, judge):
    judge.failing = {1, 2, 3}
    scene.order(1, "BUY", "LIMIT", 10, 9_990)
    scene.order(1, "BUY", "MARKET", 10)
    stop = scene.order(1, "SELL", "STOP_LOSS", 10, stop=9_000)
    assert (judge.asked, stop.status) == ([], OrderStatus.NEW)


@pytest.mark.parametrize(
    ("order", "more", "price"),
    [
        (("SELL", "STOP_LOSS", 10), {}, 0),
        (("SELL", "STOP_LOSS_LIMIT", 10, 9_985), {}, 9_985),
        (("SELL", "STOP_LOSS_LIMIT", 10), {"peg": Peg(PegPriceType.PRIMARY_PEG)}, 10_002),
        (("SELL", "STOP_LOSS_LIMIT", 10, 9_985), {"peg": Peg(PegPriceType.PRIMARY_PEG, 1)}, 10_004),
    ],
)
@pytest.mark.parametrize("fails", [True, False])
def test_a_stop_is_judged_when_it_is_triggered(scene, judge, order, more, price, fails):
    placed = scene.order(1, *order, stop=9_990, **more)
    judge.failing = {placed.id} if fails else set()
    scene.market.then(20, 9_989)
    scene.at(30)
    assert judge.asked == [(1, price, 10, 9_989, 20_000)]
    if not fails:
        assert placed.is_working
        return
    assert ending(placed) == REJECTED
    assert (placed.executed, placed.is_working, placed.updated_us) == (0, False, START_US + 20_000)
    assert scene.story() == ["1 NEW NEW", "position BTC", "1 EXPIRED EXPIRED", "position BTC"]
    assert scene.balance(1, "BTC") == FREE
    scene.check()


def test_a_buy_that_fails_gives_its_money_back_and_stops_nothing_else(scene, judge):
    first, second = (scene.order(1, "BUY", "STOP_LOSS", 10, stop=10_010) for _ in range(2))
    judge.failing = {first.id}
    scene.market.then(20, 10_010)
    scene.at(20)
    assert (ending(first), second.status) == (REJECTED, OrderStatus.FILLED)
    assert scene.balance(1, "USDT") == (10**13 - second.quote, 0)


def test_the_other_leg_of_a_pair_has_gone_with_the_trigger(scene, judge):
    limit, stop = scene.ticket("SELL", "LIMIT_MAKER", 10, 10_020), scene.ticket("SELL", "STOP_LOSS", 10, stop=9_990)
    made, (above, below) = scene.place_list(1, limit, stop)
    judge.failing = {below.id}
    scene.reports()
    scene.market.then(20, 9_990)
    scene.at(20)
    assert ending(above) == (OrderStatus.EXPIRED, ExpiryReason.OCO_TRIGGER, 0)
    assert ending(below) == REJECTED
    assert made.status is ListOrderStatus.ALL_DONE
    assert scene.story() == ["1 EXPIRED EXPIRED", "2 EXPIRED EXPIRED", "list ALL_DONE", "position BTC"]
    assert scene.balance(1, "BTC") == FREE
    scene.check()


@pytest.mark.parametrize(
    ("pending", "more", "price"),
    [
        (("SELL", "LIMIT", 7, 10_010), {}, 10_010),
        (("SELL", "MARKET", 7), {}, 0),
        (("SELL", "LIMIT_MAKER", 7), {"peg": Peg(PegPriceType.PRIMARY_PEG)}, 10_002),
        (("SELL", "STOP_LOSS", 7), {"stop": 9_980}, 0),
        (("SELL", "STOP_LOSS_LIMIT", 7), {"stop": 9_980, "peg": Peg(PegPriceType.PRIMARY_PEG)}, 0),
    ],
)
def test_a_pending_order_is_judged_when_the_working_one_is_filled(scene, judge, pending, more, price):
    working = scene.ticket("BUY", "LIMIT", 10, 9_999)
    made, (_, leg) = scene.place_list(1, scene.ticket(*pending, **more), working=working)
    judge.failing = {leg.id}
    assert judge.asked == []
    scene.market.then(20, 9_998)
    scene.at(20)
    assert judge.asked == [(2, price, 7, 9_998, 20_000)]
    assert ending(leg) == REJECTED
    assert made.status is ListOrderStatus.ALL_DONE
    assert scene.story()[-3:] == ["2 EXPIRED EXPIRED", "list ALL_DONE", "position USDT BTC"]
    assert scene.balance(1, "BTC") == (10**13 + 10_000, 0)
    scene.check()


@pytest.mark.parametrize("failing", [2, 3])
@pytest.mark.parametrize("takes_bought", [True, False])
def test_a_pending_pair_starts_together_or_not_at_all(scene, judge, failing, takes_bought):
    quantity = 0 if takes_bought else 10
    limit = scene.ticket("SELL", "LIMIT_MAKER", quantity, 10_020)
    stop = scene.ticket("SELL", "STOP_LOSS", quantity, stop=9_990)
    working = scene.ticket("BUY", "LIMIT", 10, 10_002)
    judge.failing = {failing}
    made, orders = scene.place_list(1, limit, stop, working=working, takes_bought=takes_bought)
    assert [ending(order) for order in orders[1:]] == [REJECTED] * 2
    assert judge.asked[0][:3] == (2, 10_020, 10)
    assert made.status is ListOrderStatus.ALL_DONE
    assert scene.balance(1, "BTC") == (10**13 + 10_000, 0)
    scene.check()


def test_a_leg_that_has_started_is_judged_again_at_its_stop_price(scene, judge):
    working = scene.ticket("BUY", "LIMIT", 10, 10_002)
    stop = scene.ticket("SELL", "STOP_LOSS", 0, stop=9_990)
    _, (_, leg) = scene.place_list(1, stop, working=working, takes_bought=True)
    scene.market.then(20, 9_990)
    scene.at(20)
    assert [row[:3] for row in judge.asked] == [(2, 0, 10), (2, 0, 10)]
    assert leg.status is OrderStatus.FILLED
