"""Unfilled orders of an account: every event of the fact sheet's table (limits.md, section 5)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.order_counts import OrderCount, OrderCounts
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.orders import NONE, Fill, Order
from cryptox.paper.trading.reports import BalanceReport, Execution
from cryptox.paper.weights import read_limits
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.words import ExecutionType, OrderType, SelfTradePrevention, Side, TimeInForce

NOON = 1_767_268_800.0  # 2026-01-01 12:00, real seconds
DAY = 86_400.0
ME, OTHER = 1, 2


def counts_with(*orders: tuple[int, str]) -> OrderCounts:
    return OrderCounts(read_limits({"ORDERS": list(orders or ((50, "10s"), (160_000, "1d")))}))


def counted(counts: OrderCounts, now: float = NOON, account: int = ME) -> list[int]:
    return [one.count for one in counts.limits(account, now)]


def execution(quantity: int, executed: int, *, maker: bool = False, kind: ExecutionType = ExecutionType.TRADE) -> Any:
    """A report of a fill of ``quantity`` steps after which ``executed`` steps are filled in all."""
    order = Order(
        1,
        "BTCUSDT",
        ME,
        "c",
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GTC,
        100,
        1,
        0,
        0,
        0,
        0,
        SelfTradePrevention.NONE,
        0,
        0,
        executed=executed,
    )
    fill = Fill(7, "BTCUSDT", ME, 1, NONE, Side.BUY, 1, quantity, 1, 0, "BTC", 0, maker)
    return Execution(ME, order, kind, 1, 0, True, fill if kind is ExecutionType.TRADE else None)


def test_accepted_orders_count_in_every_window() -> None:
    counts = counts_with()
    for orders in (1, 2, 3):  # an order, an OCO, an OTOCO
        counts.add(ME, orders, NOON)
    assert counted(counts) == [6, 6]
    assert counted(counts, account=OTHER) == [0, 0]
    assert counts.headers(ME, NOON) == {"x-mbx-order-count-10s": "6", "x-mbx-order-count-1d": "6"}


def test_windows_are_fixed_and_end_at_their_boundary() -> None:
    counts = counts_with((5, "10s"), (9, "1m"), (20, "1d"))
    counts.add(ME, 4, NOON + 9.9)
    assert counted(counts, NOON + 9.99) == [4, 4, 4]
    assert counted(counts, NOON + 10.0) == [0, 4, 4]
    counts.add(ME, 1, NOON + 10.0)
    assert counted(counts, NOON + 10.0) == [1, 5, 5]
    assert counted(counts, NOON + 60.0) == [0, 0, 5]
    assert counted(counts, NOON + DAY / 2) == [0, 0, 0]  # 00:00 UTC


def test_first_fills_give_back_and_later_ones_do_not() -> None:
    counts = counts_with()
    counts.add(ME, 10, NOON)
    counts.note([execution(40, 40)], NOON)
    assert counted(counts) == [9, 9]
    counts.note([execution(10, 50), execution(50, 100)], NOON)
    assert counted(counts) == [9, 9]
    counts.note([execution(1, 1, maker=True)], NOON)
    assert counted(counts) == [4, 4]
    counts.note([execution(1, 2, maker=True)], NOON)
    assert counted(counts) == [4, 4]
    counts.note([execution(100, 100, maker=True)], NOON)
    assert counted(counts) == [0, 0]  # never below zero, and no credit
    counts.add(ME, 1, NOON)
    assert counted(counts) == [1, 1]


@pytest.mark.parametrize("kind", [one for one in ExecutionType if one is not ExecutionType.TRADE])
def test_nothing_else_gives_back(kind: ExecutionType) -> None:
    counts = counts_with()
    counts.add(ME, 3, NOON)
    counts.note([execution(40, 40, kind=kind), BalanceReport(ME, "BTC", 1, 0)], NOON)
    assert counted(counts) == [3, 3]


def test_a_fill_of_an_older_order_gives_back_in_the_window_of_now() -> None:
    counts = counts_with()
    counts.add(ME, 3, NOON)
    counts.add(ME, 2, NOON + 10)
    counts.note([execution(1, 1)], NOON + 10)
    assert counted(counts, NOON + 10) == [1, 4]
    counts.note([execution(1, 1)], NOON + 20)
    assert counted(counts, NOON + 20) == [0, 3]


def test_over_the_limit_is_a_429_with_the_span_and_when_it_ends() -> None:
    counts = counts_with((50, "10s"), (160_000, "1d"))
    counts.add(ME, 49, NOON)
    counts.check(ME, 1, NOON)
    with pytest.raises(Refused) as caught:
        counts.check(ME, 2, NOON + 3.5)
    refused = caught.value
    assert (int(refused.code), refused.status, refused.retry_after) == (-1015, 429, 7)
    assert refused.text == "Too many new orders; current limit is 50 orders per 10 SECOND."
    counts.check(OTHER, 50, NOON)
    counts.check(ME, 50, NOON + 10)
    counts.add(ME, 160_000 - 49, NOON + 10)
    with pytest.raises(Refused, match=r"160000 orders per 1 DAY\.") as caught:
        counts.check(ME, 1, NOON + 20)
    assert caught.value.retry_after == DAY / 2 - 20


def test_over_a_day_only_the_day_goes_on_counting() -> None:
    counts = counts_with((50, "10s"), (5, "1d"))
    counts.add(ME, 5, NOON)
    assert counted(counts) == [5, 5]
    counts.add(ME, 1, NOON)  # of a request that failed after it was counted
    assert counted(counts) == [6, 6]
    counts.add(ME, 1, NOON)
    assert counted(counts) == [6, 7]


def test_an_account_has_a_view_of_its_own_count() -> None:
    counts = counts_with((3, "10s"))
    mine = OrderCount(counts, ME, NOON)
    mine.check(3)
    mine.add(3)
    with pytest.raises(Refused):
        mine.check()
    assert mine.headers() == {"x-mbx-order-count-10s": "3"}
    (limit,) = mine.limits()
    assert limit == CountedLimit("ORDERS", "SECOND", 10, 3, 3)


def test_threads_do_not_lose_orders() -> None:
    counts = counts_with((10**9, "1d"))

    def work() -> None:
        for _ in range(2_000):
            counts.add(ME, 2, NOON)
            counts.note([execution(1, 1)], NOON)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(counts) == [8_000]


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["add", "taker", "maker"])), max_size=60))
def test_counts_are_those_of_a_plain_model(events: list[tuple[int, str]]) -> None:
    counts, now = counts_with((10**6, "10s"), (10**6, "1d")), NOON
    seconds, day, window = 0, 0, NOON // 10
    for wait, what in events:
        now += wait / 4
        if now // 10 != window:
            window, seconds = now // 10, 0
        if what == "add":
            counts.add(ME, 1, now)
            seconds, day = seconds + 1, day + 1
        else:
            counts.note([execution(3, 3, maker=what == "maker")], now)
            given_back = 5 if what == "maker" else 1
            seconds, day = max(0, seconds - given_back), max(0, day - given_back)
    assert counted(counts, now) == [seconds, day]
