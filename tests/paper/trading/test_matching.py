"""Self-trade prevention in all its modes, and plans that touch nothing."""

from __future__ import annotations

import pytest

from cryptox.paper.trading.matching import Want, plan
from cryptox.venues.binance.words import ExpiryReason, OrderStatus, SelfTradePrevention, Side

IN_MATCH = OrderStatus.EXPIRED_IN_MATCH


def test_none_trades(scene):
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001, prevention="NONE")
    scene.reports()
    taker = scene.place(1, "BUY", "LIMIT", 10, 10_001, prevention="NONE")
    assert (maker.status, taker.order.status) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert [fill.is_maker for fill in scene.records.fills_of(1, "BTCUSDT")] == [False, True]
    assert scene.story() == ["2 NEW NEW", "2 TRADE FILLED", "1 TRADE FILLED", "position USDT BTC"]
    assert scene.balance(1, "USDT") == (10**13, 0)
    scene.check()


def test_the_takers_mode_decides(scene):
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001, prevention="NONE")
    taker = scene.order(1, "BUY", "LIMIT", 10, 10_001, prevention="EXPIRE_TAKER")
    assert (maker.status, taker.status) == (OrderStatus.NEW, IN_MATCH)


def test_expire_maker_goes_on(scene):
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001, iceberg=4)
    other = scene.order(2, "SELL", "LIMIT", 3, 10_001)
    scene.reports()
    placed = scene.place(1, "BUY", "LIMIT", 8, 10_002, prevention="EXPIRE_MAKER")
    assert (maker.status, maker.prevented, maker.executed, maker.hold) == (IN_MATCH, 10, 0, 0)
    assert [(fill.price, fill.quantity) for fill in placed.fills] == [(10_001, 3), (10_002, 5)]
    assert (placed.order.status, placed.order.prevented, other.status) == (OrderStatus.FILLED, 0, OrderStatus.FILLED)
    (match,) = placed.prevented
    assert (match.id, match.taker_order_id, match.maker_order_id) == (1, 3, 1)
    assert (match.price, match.taker_quantity, match.maker_quantity) == (10_001, None, 10)
    assert scene.records.prevented_of(1, "BTCUSDT") == [match]
    reports = scene.reports(1)
    assert [f"{one.order.id} {one.kind} {one.order.status}" for one in reports[:2]] == [
        "3 NEW NEW",
        "1 TRADE_PREVENTION EXPIRED_IN_MATCH",
    ]
    assert (reports[1].prevented_quantity, reports[1].counter_order_id, reports[1].prevented) == (10, 3, match)
    scene.check()


def test_expire_taker_keeps_earlier_fills(scene):
    scene.order(2, "SELL", "LIMIT", 3, 10_001)
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001)
    taker = scene.order(1, "BUY", "LIMIT", 8, 10_002, prevention="EXPIRE_TAKER")
    assert (taker.status, taker.executed, taker.prevented, taker.hold) == (IN_MATCH, 3, 5, 0)
    assert (maker.status, maker.open_quantity) == (OrderStatus.NEW, 10)
    (match,) = scene.records.prevented_of(1, "BTCUSDT")
    assert (match.taker_quantity, match.maker_quantity) == (5, None)
    scene.check()


def test_expire_both(scene):
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001)
    taker = scene.order(1, "BUY", "LIMIT", 8, 10_002, prevention="EXPIRE_BOTH")
    assert (taker.status, taker.prevented, maker.status, maker.prevented) == (IN_MATCH, 8, IN_MATCH, 10)
    assert scene.story()[-3:-1] == ["2 TRADE_PREVENTION EXPIRED_IN_MATCH", "1 TRADE_PREVENTION EXPIRED_IN_MATCH"]
    scene.check()


@pytest.mark.parametrize(("mode", "other"), [("DECREMENT", "NONE"), ("TRANSFER", "NONE"), ("TRANSFER", "TRANSFER")])
def test_decrement_and_transfer_within_one_account(scene, mode, other):
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001, prevention=other)
    taker = scene.order(1, "BUY", "LIMIT", 4, 10_001, prevention=mode)
    assert (taker.status, taker.prevented, taker.hold) == (IN_MATCH, 4, 0)
    assert (maker.status, maker.prevented, maker.open_quantity) == (OrderStatus.NEW, 4, 6)
    assert scene.balance(1, "BTC") == (10**13 - 6_000, 6_000)
    bigger = scene.order(1, "BUY", "LIMIT", 8, 10_001, prevention=mode)
    assert (maker.status, maker.prevented, bigger.status, bigger.open_quantity) == (IN_MATCH, 10, OrderStatus.NEW, 2)
    assert scene.levels(1)[0] == [(10_001, 2)]
    assert scene.records.fills_of(1, "BTCUSDT") == []
    match = scene.records.prevented_of(1, "BTCUSDT")[0]
    used = "DECREMENT" if other == "NONE" else mode
    assert (match.mode, match.taker_quantity, match.maker_quantity) == (SelfTradePrevention(used), 4, 4)
    scene.check()


def test_transfer_between_accounts_of_a_group(scene):
    maker = scene.order(3, "SELL", "LIMIT", 10, 10_001, prevention="TRANSFER")
    taker = scene.order(4, "BUY", "LIMIT", 12, 10_003, prevention="TRANSFER")
    assert (maker.status, taker.prevented, taker.status) == (IN_MATCH, 10, OrderStatus.FILLED)
    assert taker.executed == 2  # of the market's own at 10_002
    assert scene.balance(3, "USDT") == (10**13 + 1_000_100, 0)
    assert scene.balance(3, "BTC") == (10**13 - 10_000, 0)
    assert scene.balance(4, "USDT") == (10**13 - 1_000_100 - 200_040, 0)
    assert scene.balance(4, "BTC") == (10**13 + 12_000, 0)
    assert [one.account for uid in (3, 4) for one in scene.records.prevented_of(uid, "BTCUSDT")] == [3, 4]
    scene.check()


def test_a_market_order_that_transfers_pays_out_of_what_it_checked(scene):
    scene.order(3, "SELL", "LIMIT", 10, 10_001, prevention="TRANSFER")
    scene.accounts[4].balance("USDT").free = 1_000_100
    taker = scene.order(4, "BUY", "MARKET", 10, prevention="TRANSFER")
    assert (taker.status, taker.prevented) == (IN_MATCH, 10)
    assert scene.balance(4, "USDT") == (0, 0)
    scene.check()


def test_groups_prevent_and_strangers_trade(scene):
    scene.order(3, "SELL", "LIMIT", 10, 10_001)
    assert scene.order(4, "BUY", "LIMIT", 10, 10_001, prevention="EXPIRE_TAKER").status is IN_MATCH
    assert scene.order(2, "BUY", "LIMIT", 10, 10_001, prevention="EXPIRE_TAKER").status is OrderStatus.FILLED


def test_a_market_order_whose_counterparties_expired(scene):
    scene.market.book(100, [], [])
    scene.at(100)
    maker = scene.order(1, "SELL", "LIMIT", 10, 10_001)
    taker = scene.order(1, "BUY", "MARKET", 4)
    assert (maker.status, taker.status, taker.prevented) == (IN_MATCH, OrderStatus.EXPIRED, 0)
    assert taker.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY


def test_a_market_order_skips_its_own_and_pays_what_lies_behind(scene):
    scene.order(1, "SELL", "LIMIT", 100, 10_001)
    scene.accounts[1].balance("USDT").free = 10_002 * 100 * 10
    assert scene.order(1, "BUY", "MARKET", 100).quote == 10_002 * 100 * 10
    scene.check()


def test_fill_or_kill_counts_only_trades(scene):
    scene.order(1, "SELL", "LIMIT", 10, 10_001)
    taker = scene.order(1, "BUY", "LIMIT", 10, 10_001, time_in_force="FOK", prevention="DECREMENT")
    assert (taker.status, taker.prevented) == (OrderStatus.EXPIRED, 0)


def test_a_plan_touches_nothing(scene):
    maker = scene.order(2, "SELL", "LIMIT", 30, 10_002, iceberg=10)
    board = scene.engine._boards["BTCUSDT"]
    before = scene.levels(5)
    want = Want(Side.BUY, 1, SelfTradePrevention.NONE, quantity=500, limit=10_004)
    made = plan(board, want, lambda _: -1)
    assert [(step.price, step.steps, step.maker is maker) for step in made.steps] == [
        (10_002, 100, False),
        (10_002, 10, True),
        (10_002, 10, True),
        (10_002, 10, True),
        (10_004, 100, False),
    ]
    assert (made.traded, made.left, made.cost) == (230, 270, (10_002 * 130 + 10_004 * 100) * 10)
    assert scene.levels(5) == before
    board.bound = 10_003
    bounded = plan(board, Want(Side.BUY, 1, SelfTradePrevention.NONE, quantity=40), lambda _: -1)
    assert [(step.price, step.steps) for step in bounded.steps] == [(10_002, 10)] * 3 + [(10_004, 10)]


def test_a_group_may_have_any_number(scene):
    for uid in (1, 2):
        scene.accounts[uid].group = 0
    scene.order(1, "SELL", "LIMIT", 10, 10_001)
    assert scene.order(2, "BUY", "LIMIT", 10, 10_001, prevention="EXPIRE_TAKER").status is IN_MATCH


def test_what_prevention_takes_from_a_market_order_costs_nothing(scene):
    scene.order(1, "SELL", "LIMIT", 4, 10_001)
    scene.accounts[1].balance("USDT").free = 10_002 * 6 * 10
    taker = scene.order(1, "BUY", "MARKET", 10, prevention="DECREMENT")
    assert (taker.prevented, taker.executed, taker.quote) == (4, 6, 10_002 * 6 * 10)
    assert scene.balance(1, "USDT") == (0, 0)
    scene.check()


def test_the_markets_own_stands_before_and_behind_an_order_and_counts_once(scene):
    maker = scene.order(2, "SELL", "LIMIT", 10, 10_002)
    maker.ahead = 40
    board = scene.engine._boards["BTCUSDT"]
    made = plan(board, Want(Side.BUY, 1, SelfTradePrevention.NONE, quantity=500, limit=10_002), lambda _: -1)
    assert [(step.steps, step.maker is maker) for step in made.steps] == [(40, False), (10, True), (60, False)]


@pytest.mark.parametrize(("first", "steps", "quote"), [(100, 101, 10_099_980), (101, 100, 10_000_000)])
def test_a_sale_by_an_amount_comes_as_near_to_it_as_the_books_steps_do(scene, first, steps, quote):
    """Less than half a step is left at 10 000, which is more than half a step at 9 998: one more there is nearer."""
    scene.market.book(100, [(10_000, first), (9_998, 100)], [(10_002, 100)])
    scene.at(100)
    sold = scene.order(1, "SELL", "MARKET", quote_quantity=100 * 100_000 + 49_995)
    assert (sold.executed, sold.quote) == (steps, quote)
    scene.check()
