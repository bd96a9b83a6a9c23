"""What headers say of used limits."""

from __future__ import annotations

from cryptox.transport.messages import Usage
from cryptox.venues.binance.headers import order_counts, used_weights

HEADERS = {
    "X-MBX-USED-WEIGHT": "12",
    "x-mbx-used-weight-1m": "11",
    "X-MBX-ORDER-COUNT-10S": "2",
    "x-mbx-order-count-1d": " 30 ",
    "x-mbx-order-count-1h": "many",
    "x-mbx-order-count-1y": "4",
    "content-type": "application/json",
}


def test_weights_and_orders_are_counted_apart() -> None:
    assert used_weights(HEADERS) == (Usage("REQUEST_WEIGHT", 60_000, 11),)
    assert order_counts(HEADERS) == (Usage("ORDERS", 10_000, 2), Usage("ORDERS", 86_400_000, 30))
    assert order_counts({}) == used_weights({}) == ()
