"""The memory of orders: which of several orders a client id means, before and after it was read from a file."""

from __future__ import annotations

from typing import Any

import pytest

from cryptox.paper.trading.records import Records


def restored(records: Records) -> Records:
    """Another memory of the same orders, added by their ids as a file gives them."""
    again = Records()
    for order in sorted(records.all_orders(), key=lambda one: (one.symbol, one.id)):
        again.add(order)
    return again


def renamed(scene: Any, order: Any, client_id: str) -> None:
    scene.engine.amend(order, order.quantity - 1, client_id, scene.now_us)


def found(scene: Any, client_id: str) -> list[int | None]:
    """The order's id that a client id means, now and after a restart."""
    both = (scene.records, restored(scene.records))
    return [one.id if one else None for one in (each.order_by_client_id(1, "BTCUSDT", client_id) for each in both)]


def test_the_order_that_got_the_id_last_is_meant(scene):
    first = scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="a")
    scene.cancel(scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="X"))
    assert found(scene, "X") == [2, 2]
    renamed(scene, first, "X")
    assert (found(scene, "X"), found(scene, "a")) == ([1, 1], [None, None])
    scene.cancel(first)
    assert found(scene, "X") == [1, 1]  # closed both: the one that was called so last
    scene.cancel(scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="X"))
    assert found(scene, "X") == [3, 3]


def test_an_id_that_was_given_up_means_who_had_it_before(scene):
    scene.cancel(scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="a"))
    scene.cancel(scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="a"))
    third = scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id="a")
    renamed(scene, third, "b")
    assert (found(scene, "a"), found(scene, "b")) == ([2, 2], [3, 3])


@pytest.mark.parametrize("closed_first", [True, False])
def test_an_open_order_wins_where_nothing_else_tells(scene, closed_first):
    orders = [scene.order(1, "BUY", "LIMIT", 10, 9_000, client_id=name) for name in "ab"]
    scene.cancel(orders[0 if closed_first else 1])
    for order in orders:
        order.client_id, order.named = "X", 0  # as files of earlier versions have it
    assert restored(scene.records).order_by_client_id(1, "BTCUSDT", "X") is orders[1 if closed_first else 0]
