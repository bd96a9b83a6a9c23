"""Reductions of quantity that keep the place in the queue."""

from __future__ import annotations

import pytest

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.words import ExecutionType, ExpiryReason, ListOrderStatus, OrderStatus


def test_keeps_the_place_and_gives_money_back(scene):
    first = scene.order(1, "BUY", "LIMIT", 30, 10_001)
    second = scene.order(2, "BUY", "LIMIT", 30, 10_001)
    scene.reports()
    amendment = scene.engine.amend(first, 12, "smaller", scene.now_us)
    assert (amendment.old_quantity, amendment.new_quantity, amendment.order_id) == (30, 12, 1)
    assert (amendment.old_client_id, amendment.new_client_id, amendment.execution_id) == ("id1", "smaller", 3)
    assert scene.records.amendments_of("BTCUSDT", 1) == [amendment]
    assert scene.records.order_by_client_id(1, "BTCUSDT", "smaller") is first
    assert (first.amends, first.hold, scene.balance(1, "USDT")[1]) == (1, 10_001 * 120, 10_001 * 120)
    assert scene.levels(1)[0] == [(10_001, 42)]
    execution, position = scene.reports()
    assert (execution.kind, execution.client_id, execution.order.status) == (
        ExecutionType.REPLACED,
        "smaller",
        OrderStatus.NEW,
    )
    assert [asset for asset, _, _ in position.balances] == ["USDT"]
    scene.place(3, "SELL", "LIMIT", 20, 10_001)
    assert (first.executed, second.executed) == (12, 8)
    scene.check()


def test_the_old_client_id_is_free_again(scene):
    order = scene.order(1, "BUY", "LIMIT", 30, 9_000, client_id="old")
    scene.engine.amend(order, 20, "new", scene.now_us)
    assert scene.order(1, "BUY", "LIMIT", 30, 9_000, client_id="old").is_open
    with pytest.raises(Refused, match="Duplicate order sent"):
        scene.place(1, "BUY", "LIMIT", 30, 9_000, client_id="new")
    with pytest.raises(Refused, match="Duplicate order sent"):
        scene.engine.amend(order, 10, "old", scene.now_us)
    scene.engine.amend(order, 10, "", scene.now_us)
    assert (order.client_id, order.amends) == ("new", 2)


def test_below_what_is_filled_it_expires(scene):
    order = scene.order(1, "BUY", "LIMIT", 130, 10_002)
    assert order.executed == 100
    scene.reports()
    scene.engine.amend(order, 90, "", scene.now_us)
    assert (order.status, order.quantity, order.expiry_reason) == (
        OrderStatus.EXPIRED,
        100,
        ExpiryReason.EXCHANGE_CANCELED,
    )
    assert scene.story()[:2] == ["1 REPLACED PARTIALLY_FILLED", "1 EXPIRED EXPIRED"]
    assert scene.balance(1, "USDT")[1] == 0
    scene.check()


def test_an_iceberg_shows_less_only_below_its_slice(scene):
    order = scene.order(1, "SELL", "LIMIT", 30, 10_001, iceberg=10)
    scene.engine.amend(order, 15, "", scene.now_us)
    assert scene.levels(1)[1] == [(10_001, 10)]
    scene.engine.amend(order, 6, "", scene.now_us)
    assert scene.levels(1)[1] == [(10_001, 6)]
    scene.check()


def test_a_waiting_stop_and_one_that_holds_an_estimate(scene):
    stop = scene.order(1, "BUY", "STOP_LOSS_LIMIT", 10, 10_020, stop=10_010)
    market = scene.order(1, "BUY", "STOP_LOSS", 10, stop=10_010)
    trailing = scene.order(1, "BUY", "STOP_LOSS", 10, trailing_delta=100)
    for order in (stop, market, trailing):
        scene.engine.amend(order, 5, "", scene.now_us)
    assert [order.hold for order in (stop, market, trailing)] == [10_020 * 50, 10_010 * 50, 10_000 * 50]
    scene.check()


def test_a_pending_order_holds_nothing_to_give_back(scene):
    _, (_, pending) = scene.place_list(
        1, scene.ticket("SELL", "LIMIT", 10, 10_010), working=scene.ticket("BUY", "LIMIT", 10, 9_999)
    )
    scene.engine.amend(pending, 4, "", scene.now_us)
    scene.market.then(10, 9_998)
    scene.at(10)
    assert (pending.status, pending.quantity, scene.balance(1, "BTC")[1]) == (OrderStatus.NEW, 4, 4_000)
    scene.check()


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (31, "Order amend (quantity increase) is not supported."),
        (30, "The requested action would change no state; rejecting."),
    ],
)
def test_refusals(scene, quantity, text):
    order = scene.order(1, "BUY", "LIMIT", 30, 9_000)
    with pytest.raises(Refused) as caught:
        scene.engine.amend(order, quantity, "x", scene.now_us)
    assert (int(caught.value.code), caught.value.text) == (-2038, text)
    assert (order.client_id, order.quantity) == ("id1", 30)
    scene.cancel(order)
    with pytest.raises(Refused, match="Unknown order sent"):
        scene.engine.amend(order, 10, "x", scene.now_us)


@pytest.mark.parametrize("quantity", [4, 5, 3])
def test_the_other_leg_of_a_pair_that_has_nothing_left_ends_it(scene, quantity):
    """Prevention has taken four steps of the leg that rests; the amended one still has its whole quantity."""
    limit, stop = scene.ticket("SELL", "LIMIT_MAKER", 10, 10_001), scene.ticket("SELL", "STOP_LOSS", 10, stop=9_990)
    made, (above, below) = scene.place_list(1, limit, stop)
    scene.order(1, "BUY", "LIMIT", 4, 10_001, prevention="DECREMENT")
    scene.reports()
    scene.engine.amend(below, quantity, "", scene.now_us)
    if quantity > 4:
        assert (above.status, above.open_quantity, below.open_quantity) == (OrderStatus.NEW, 1, 5)
        return
    assert scene.story(1) == [
        "2 REPLACED NEW",
        "1 REPLACED NEW",
        "1 EXPIRED EXPIRED",
        "2 EXPIRED EXPIRED",
        "list ALL_DONE",
        "position BTC",
    ]
    assert (above.expiry_reason, below.expiry_reason) == (ExpiryReason.EXCHANGE_CANCELED, ExpiryReason.OCO_TRIGGER)
    assert made.status is ListOrderStatus.ALL_DONE
    assert 10_001 not in dict(scene.levels()[1])
    assert scene.balance(1, "BTC") == (10**13, 0)
    scene.check()
