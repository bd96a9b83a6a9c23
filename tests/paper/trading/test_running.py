"""Time: one jump tells the same story as many small steps, and what touches no order is not looked at."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptox.paper.market import Levels
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.trading.accounts import Account, Balance
from cryptox.paper.trading.engine import Engine
from cryptox.paper.trading.orders import Ticket
from cryptox.venues.binance.words import OrderStatus, OrderType, Side

HOUR_MS = 3_600_000
NONE = np.empty(0, np.int64)

trades = st.lists(
    st.tuples(st.integers(0, 3 * HOUR_MS), st.integers(9_900, 10_100), st.integers(1, 40), st.booleans()),
    min_size=1,
    max_size=60,
)
orders = st.lists(
    st.tuples(
        st.sampled_from(["LIMIT", "ICEBERG", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT", "TRAILING", "ACTIVATED"]),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 90),
        st.integers(1, 60),
        st.integers(10, 80),
    ),
    min_size=1,
    max_size=8,
)


def asked(scene: Any, kind: str, side: str, away: int, quantity: int, delta: int) -> Any:
    """An order that rests or waits around 10 000."""
    sign = -1 if side == "BUY" else 1
    if kind in ("LIMIT", "ICEBERG"):
        iceberg = max(1, quantity // 3) if kind == "ICEBERG" and quantity > 3 else 0
        return scene.ticket(side, "LIMIT", quantity, 10_000 + sign * away, iceberg=iceberg)
    if kind == "TRAILING":
        return scene.ticket(side, "STOP_LOSS_LIMIT", quantity, 10_000 + sign * away, trailing_delta=delta)
    upward = (kind == "STOP_LOSS_LIMIT") == (side == "BUY")
    stop = 10_000 + (away if upward else -away)
    if kind == "ACTIVATED":
        kind, stop = "TAKE_PROFIT_LIMIT", 10_000 - sign * -away
        return scene.ticket(side, kind, quantity, 10_000 + sign * delta, stop=stop, trailing_delta=delta)
    return scene.ticket(side, kind, quantity, stop + sign * delta // 4, stop=stop)


def story(scenes: Any, tape: Any, tickets: Any, begin: int, steps: list[int]) -> Any:
    scene = scenes()
    scene.market.book(0, [], [])  # so that all fills come from the tape
    for row in sorted(tape):
        scene.market.then(begin + row[0] + 1, row[1], row[2], sold=row[3])
    scene.at(begin)
    for number, row in enumerate(tickets):
        scene.engine.place(scene.accounts[1 + number % 2], asked(scene, *row), scene.now_us)
    for step in steps:
        scene.at(begin + step)
        scene.check()
    fills = [scene.records.fills_of(uid, "BTCUSDT") for uid in (1, 2)]
    states = [
        (order.id, order.status, order.executed, order.working_us, order.trailing_us, order.extreme, order.ahead)
        for order in scene.records.all_orders()
    ]
    return fills, states, scene.engine.prints.of("BTCUSDT")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    tape=trades,
    tickets=orders,
    begin=st.integers(0, HOUR_MS),
    steps=st.lists(st.integers(1, 3 * HOUR_MS), min_size=1, max_size=12),
)
def test_one_jump_is_many_steps(scenes, tape, tickets, begin, steps):
    steps.sort()
    assert story(scenes, tape, tickets, begin, steps[-1:]) == story(scenes, tape, tickets, begin, steps)


@pytest.mark.parametrize(
    "after_ms", [1, 59_999, 60_000, 1_800_000, HOUR_MS - 1, HOUR_MS, 5_000_000, 26 * HOUR_MS, 51 * HOUR_MS, 187_250_999]
)
def test_wherever_in_a_jump_a_trade_lies_it_is_met(scene, after_ms):
    """Parts of a minute, minutes up to an hour, hours up to a day, a day, and the same back to parts of a minute."""
    order = scene.order(1, "BUY", "LIMIT", 10, 9_500)
    stop = scene.order(1, "BUY", "STOP_LOSS", 10, stop=10_001)
    scene.market.then(after_ms, 9_499)
    scene.market.then(after_ms, 10_001)
    scene.market.then(after_ms, 9_600)
    scene.at(187_251_000)  # 52 hours, one minute
    assert [scene.fills(one)[0].time_us for one in (order, stop)] == [(1_767_225_600_000 + after_ms) * 1000] * 2


def test_quiet_time_is_skipped_by_candles(scene):
    order = scene.order(1, "BUY", "LIMIT", 10, 9_500)
    trailing = scene.order(1, "SELL", "STOP_LOSS", 10, trailing_delta=1000)
    for minute in range(2 * 24 * 60):
        scene.market.then(minute * 60_000 + 30_000, 10_000 + minute % 7)
    scene.market.then(2 * 24 * HOUR_MS + 1, 9_499)
    scene.market.then(2 * 24 * HOUR_MS + 2, 9_700)
    scene.market.read = 0
    scene.at(2 * 24 * HOUR_MS)
    assert scene.market.read < 10
    assert (order.executed, trailing.extreme) == (0, 10_006)
    scene.at(3 * 24 * HOUR_MS + 5)
    assert (order.status, trailing.status) == (OrderStatus.FILLED, OrderStatus.NEW)
    assert scene.fills(order)[0].time_us == (1_767_225_600_001 + 2 * 24 * HOUR_MS) * 1000
    assert scene.market.read < 20


def test_nothing_open_costs_nothing(scene):
    order = scene.order(1, "BUY", "LIMIT", 10, 9_000)
    scene.cancel(order)
    scene.market.read, scene.market.drawn = 0, []
    for minute in range(100):
        scene.market.then(minute * 60_000, 8_000)
    scene.at(100 * 60_000)
    assert (scene.market.read, scene.market.drawn) == (0, [])
    fresh = scene.order(1, "BUY", "LIMIT", 10, 9_000, time_in_force="GTC")
    assert fresh.executed == 0  # what traded before it was placed does not touch it


class Bookless:
    """A market without a book of its own, so that all fills come from the tape."""

    def __init__(self, market: SeededMarket) -> None:
        self._market = market

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        return Levels(now_ms, NONE, NONE, NONE, NONE)


@pytest.fixture(scope="module")
def seeded() -> SeededMarket:
    return SeededMarket(7, ["BTCUSDT"])


def placed(engine: Engine, now_us: int) -> None:
    last = engine.last_price("BTCUSDT", now_us)
    for number, share in enumerate((1, 2, 5, 10, 20)):
        away = last * share // 2000
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            name = f"{number}{side}"
            engine.place(
                engine.accounts[1],
                Ticket("BTCUSDT", side, OrderType.LIMIT, name, quantity=2000, price=last + sign * away, iceberg=500),
                now_us,
            )
            stop = Ticket(
                "BTCUSDT",
                side.other,
                OrderType.STOP_LOSS_LIMIT,
                "s" + name,
                quantity=3000,
                price=last + sign * away // 3,
                stop=last + sign * away,
            )
            engine.place(engine.accounts[1], stop, now_us)
            trailing = Ticket(
                "BTCUSDT",
                side,
                OrderType.STOP_LOSS_LIMIT,
                "t" + name,
                quantity=100,
                price=last + sign * away,
                trailing_delta=5 * share,
            )
            engine.place(engine.accounts[1], trailing, now_us)


def run(market: Any, step_ms: int) -> Any:
    start = 1_760_000_000_123_000
    account = Account(1, {"USDT": Balance(10**20), "BTC": Balance(10**18)})
    engine = Engine(market, {1: account})
    placed(engine, start)
    end = start + 3 * HOUR_MS * 1000
    now = start
    while now < end:
        now = min(end, now + step_ms * 1000)
        engine.advance(now)
    fills = [(f.trade_id, f.order_id, f.price, f.quantity, f.time_us) for f in engine.records.fills_of(1, "BTCUSDT")]
    return fills, [(o.status, o.executed, o.working_us, o.extreme) for o in engine.records.all_orders()]


def test_the_seeded_market_in_one_jump_and_in_steps(seeded):
    market = Bookless(seeded)
    fills, states = run(market, 3 * HOUR_MS)
    assert len(fills) > 10
    assert len({state[0] for state in states}) > 1
    assert (fills, states) == run(market, 7_001)


def test_users_are_filled_no_better_than_the_market_traded(seeded):
    """With the real book: whatever rests is never crossed by it, and bids fill at or above what traded then."""
    start = 1_760_000_000_000_000
    account = Account(1, {"USDT": Balance(10**20), "BTC": Balance(10**18)})
    engine = Engine(seeded, {1: account})
    placed(engine, start)
    for step in range(1, 200):
        now = start + step * 1_700_000
        engine.advance(now)
        levels = engine.levels("BTCUSDT", now, 20)
        assert levels.bid_price[0] < levels.ask_price[0]
        assert (np.diff(levels.bid_price) < 0).all()
        assert (np.diff(levels.ask_price) > 0).all()
    assert engine.records.fills_of(1, "BTCUSDT")


def test_a_year_passes_quickly(seeded):
    account = Account(1, {"USDT": Balance(10**20), "BTC": Balance(10**18)})
    engine, start = Engine(seeded, {1: account}), 1_700_000_000_000_000
    last = engine.last_price("BTCUSDT", start)
    far = Ticket("BTCUSDT", Side.BUY, OrderType.LIMIT, "far", quantity=100, price=last // 50)
    engine.place(account, far, start)
    begun = time.thread_time()
    engine.advance(start + 365 * 24 * HOUR_MS * 1000)
    assert time.thread_time() - begun < 30  # work of its own, however busy the machine is; ticks are 315 million
    assert engine.records.open_orders(1)


@pytest.mark.parametrize("first", ["BTCUSDT", "BNBUSDT"])
@pytest.mark.parametrize(("sold_ms", "ends"), [(10, OrderStatus.FILLED), (30, OrderStatus.EXPIRED)])
def test_symbols_run_in_one_order_of_time(scene: Any, first: str, sold_ms: int, ends: OrderStatus) -> None:
    """A stop of one symbol costs more than it holds; the rest is there once an order of another one has been filled."""
    scene.market.book(0, [(26_000, 1_000)], [(26_001, 1), (27_000, 1_000)], "BNBUSDT")
    for symbol in (first, "BTCUSDT", "BNBUSDT"):
        scene.engine.last_price(symbol, scene.now_us)
    sale = scene.order(1, "SELL", "LIMIT", 100, 10_010)
    stop = scene.order(1, "BUY", "STOP_LOSS", 10, stop=26_500, symbol="BNBUSDT")
    scene.engine.transfer(scene.accounts[1], "USDT", -scene.balance(1, "USDT")[0], scene.now_us)
    scene.market.then(sold_ms, 10_011, sold=False)
    scene.market.then(20, 27_000, sold=False, symbol="BNBUSDT")
    scene.at(HOUR_MS)
    assert (sale.status, stop.status) == (OrderStatus.FILLED, ends)
    assert stop.updated_us // 1000 % HOUR_MS == 20
    told = [report.time_us for report in scene.reports() if hasattr(report, "order")]
    assert told == sorted(told)
    scene.check()
