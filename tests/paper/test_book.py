"""The order book: never crossed, around the last price, and steady from tick to tick."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.paper.book import TICK_MS, book_levels, update_id
from cryptox.paper.listings import CHARACTERS
from cryptox.paper.seeded import SeededMarket

MARKET = SeededMarket(7)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**40),
    st.integers(1, 10**9),
    st.booleans(),
    st.floats(2.0, 1e12),
    st.integers(1, 5000),
)
def test_never_crossed_and_sorted(key: int, tick: int, last: int, maker: bool, size: float, limit: int) -> None:
    book = book_levels(key, tick, 0, last, maker, size, limit)
    assert len(book.ask_price) == limit
    assert 1 <= len(book.bid_price) <= limit
    assert (np.diff(book.bid_price) < 0).all()
    assert (np.diff(book.ask_price) > 0).all()
    assert 1 <= book.bid_price[0] <= last <= book.ask_price[0]
    assert book.bid_price[0] < book.ask_price[0]
    assert book.ask_price[0] - book.bid_price[0] <= 3 * max(1, last // 2_000_000)
    assert (book.bid_price > 0).all()
    assert book.bid_quantity.min() >= 1
    assert book.ask_quantity.min() >= 1


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(CHARACTERS)), st.integers(1_780_000_000_000, 1_790_000_000_000))
def test_the_market_book_surrounds_the_last_trade(symbol: str, now: int) -> None:
    now = now // TICK_MS * TICK_MS
    book = MARKET.levels(symbol, now, 20)
    newest = MARKET.last_trade_id(symbol, now)
    last = int(MARKET.tape(symbol, newest, newest, now).price[0])
    assert book.bid_price[0] <= last <= book.ask_price[0]
    again = MARKET.levels(symbol, now + TICK_MS - 1, 20)
    assert again.last_update_id == book.last_update_id
    assert (again.bid_price == book.bid_price).all()
    assert (again.ask_quantity == book.ask_quantity).all()
    shorter = MARKET.levels(symbol, now, 5)
    assert (shorter.ask_price == book.ask_price[:5]).all()
    assert (shorter.ask_quantity == book.ask_quantity[:5]).all()


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_update_ids_grow_with_every_tick(key: int, tick: int) -> None:
    assert 0 < update_id(key, tick, 0) < update_id(key, tick + 1, 0)


def test_two_ticks_at_one_price_differ_in_few_levels() -> None:
    one, two = (book_levels(5, tick, 0, 6_000_000, False, 1e4, 5000) for tick in (1000, 1001))
    before = set(zip(one.ask_price.tolist(), one.ask_quantity.tolist(), strict=True))
    after = set(zip(two.ask_price.tolist(), two.ask_quantity.tolist(), strict=True))
    assert 0 < len(before - after) < 250
    moved = book_levels(5, 1000, 0, 6_000_040, False, 1e4, 5000)
    kept = before & set(zip(moved.ask_price.tolist(), moved.ask_quantity.tolist(), strict=True))
    assert len(kept) > 4000
