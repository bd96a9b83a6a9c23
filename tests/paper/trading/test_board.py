"""The visible book: the market's own less what was taken, and users' orders among it."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptox.venues.binance.words import Side


def test_users_prices_stand_among_the_markets(scene):
    scene.order(1, "BUY", "LIMIT", 7, 9_999)
    scene.order(1, "BUY", "LIMIT", 7, 9_998)
    scene.order(1, "BUY", "LIMIT", 7, 5_000)
    scene.order(2, "SELL", "MARKET", 30)
    board = scene.engine._boards["BTCUSDT"]
    bids = [(10_000, 70), (9_999, 7), (9_998, 107), (9_996, 100)]
    assert scene.levels(4)[0] == bids
    assert scene.levels(5000)[0][-1] == (5_000, 7)
    assert list(board.depth(Side.BUY))[:4] == [(10_000, 70), (9_999, 0), (9_998, 100), (9_996, 100)]
    assert board.best(Side.BUY) == 10_000
    board.bound = 9_998
    assert list(board.depth(Side.BUY))[:3] == [(9_999, 0), (9_998, 100), (9_996, 100)]
    assert board.best(Side.BUY) == 9_999


def test_every_change_by_users_has_an_update_id_of_its_own(scene):
    ids = [scene.engine.levels("BTCUSDT", scene.now_us, 5).last_update_id]
    order = scene.order(1, "BUY", "LIMIT", 7, 9_999)
    for change in (
        lambda: scene.engine.amend(order, 5, "", scene.now_us),
        lambda: scene.place(2, "SELL", "LIMIT", 102, 9_999),
        lambda: scene.cancel(order),
    ):
        ids.append(scene.engine.levels("BTCUSDT", scene.now_us, 5).last_update_id)
        change()
    ids.append(scene.engine.levels("BTCUSDT", scene.now_us, 5).last_update_id)
    assert ids == sorted(set(ids))
    again = scene.engine.levels("BTCUSDT", scene.now_us + 50_000, 5).last_update_id
    assert again == ids[-1]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(9_980, 10_020), st.integers(1, 300))),
    limit=st.integers(1, 60),
)
def test_the_levels_are_the_depth(scenes, rows, limit):
    scene = scenes()
    for side, price, quantity in rows:
        scene.place(1 + (side == "BUY"), side, "LIMIT", quantity, price)
    got = scene.engine.levels("BTCUSDT", scene.now_us, limit)
    board = scene.engine._boards["BTCUSDT"]
    for side, prices, steps in (
        (Side.BUY, got.bid_price, got.bid_quantity),
        (Side.SELL, got.ask_price, got.ask_quantity),
    ):
        told = [(price, own + board.resting(side).visible(price)) for price, own in board.depth(side)][:limit]
        assert list(zip(prices.tolist(), steps.tolist(), strict=True)) == told
        assert (np.diff(prices) * (-1 if side is Side.BUY else 1) > 0).all()
