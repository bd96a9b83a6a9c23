"""The queue at a price: first come, first served, also after a restart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.trading.orders import Order
from cryptox.paper.trading.resting import Resting
from cryptox.venues.binance.words import OrderType, SelfTradePrevention, Side, TimeInForce


def order(number: int, price: int, side: Side = Side.BUY) -> Order:
    made = Order(
        number, "BTCUSDT", 1, f"c{number}", side, OrderType.LIMIT, TimeInForce.GTC, 10, price, 0, 0, 0, 0,
        SelfTradePrevention.NONE, 0, 0,
    )  # fmt: skip
    made.visible = 10
    return made


def test_best_first_and_oldest_first():
    touched = []
    bids = Resting(Side.BUY, touched.append)
    assert (bool(bids), bids.best, bids.first(5)) == (False, None, None)
    first, second, other = order(1, 100), order(2, 100), order(3, 102)
    bids.add(first, 70)
    bids.add(other, 0)
    bids.add(second, 40)
    assert (list(bids.prices()), bids.best, bids.visible(100)) == ([102, 100], 102, 20)
    assert (first.ahead, second.ahead) == (40, 40)  # some of the market's own before the first has gone meanwhile
    touched.clear()
    bids.eat(100, 15)
    assert (first.ahead, second.ahead, other.ahead, touched) == (25, 25, 0, [first, second])
    bids.requeue(first, 90)
    assert list(bids.queue(100)) == [second, first]
    assert bids.remove(other)
    assert not bids.remove(other)
    assert (bids.best, other in bids, first in bids) == (100, False, True)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=40))
def test_restored_in_the_same_order(acts):
    for side in Side:
        resting, orders = Resting(side, lambda _: None), []
        for number, (price, what) in enumerate(acts):
            if what and orders:
                chosen = orders[number * what % len(orders)]
                if what == 1:
                    orders.remove(chosen)
                    resting.remove(chosen)
                else:
                    resting.requeue(chosen, 0)
            else:
                orders.append(order(number + 1, price, side))
                resting.add(orders[-1], 0)
        again = Resting(side, lambda _: None)
        again.restore(orders)
        prices = list(again.prices())
        assert prices == list(resting.prices()) == sorted(prices, reverse=side is Side.BUY)
        assert [list(again.queue(p)) for p in prices] == [list(resting.queue(p)) for p in prices]
        fresh = order(999, 3, side)
        again.add(fresh, 0)
        assert list(again.queue(3))[-1] is fresh
