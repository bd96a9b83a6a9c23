"""Trades drawn inside minutes add up to them, and to 1s candles."""

from __future__ import annotations

import numpy as np
import pytest

from cryptox.paper.inside import draw_block, seconds, trade_rows
from cryptox.paper.listings import CHARACTERS
from cryptox.paper.prices import SeededSpine
from cryptox.paper.spine import Row, generator, reduce_rows


@pytest.mark.parametrize("symbol", sorted(CHARACTERS))
def test_seconds_and_trades_add_up_to_their_minutes(symbol: str) -> None:
    spine = SeededSpine(CHARACTERS[symbol], 7)
    for day in (spine.first_day, spine.first_day + 90):
        drawn = spine.day(day)
        for begin in range(0, drawn.rows.shape[1] - 60, 240):
            rows, lots = drawn.rows[:, begin : begin + 60], drawn.lots[:, begin : begin + 60]
            block = draw_block(generator(3, begin), rows, lots, spine.listing.listed_ms)
            made = seconds(block, rows)
            assert (reduce_rows(made, np.arange(0, made.shape[1], 60)) == rows).all()
            assert len(block.quantity) == block.first[-1] == rows[Row.TRADES].sum()
            assert block.quantity.min(initial=1) >= 1
            assert (np.add.reduceat(block.quantity, block.first[:-1]) == block.steps).all()
            assert (np.diff(block.time_us) > 0).all()
            traded = trade_rows(block)
            assert traded[Row.QUOTE].sum() == rows[Row.QUOTE].sum()


def test_prices_inside_a_busy_minute_differ() -> None:
    spine = SeededSpine(CHARACTERS["BTCUSDT"], 7)
    drawn = spine.day(20_000)
    block = draw_block(generator(3, 1), drawn.rows[:, :1], drawn.lots[:, :1], 0)
    assert len(set(block.price.tolist())) > 8
    assert 0 < block.buy.sum() < len(block.buy)
    first = np.diff(block.first)
    assert first.max() == 2  # some orders are filled by two trades


def test_the_first_trade_of_a_symbol_falls_on_its_listing() -> None:
    spine = SeededSpine(CHARACTERS["ETHUSDT"], 7)
    drawn = spine.day(spine.first_day)
    block = draw_block(generator(3, 1), drawn.rows[:, :10], drawn.lots[:, :10], spine.listing.listed_ms)
    assert block.time_us[0] == spine.listing.listed_ms * 1000


def test_until_counts_what_lies_before_a_moment() -> None:
    spine = SeededSpine(CHARACTERS["BTCUSDT"], 7)
    drawn = spine.day(20_000)
    block = draw_block(generator(3, 1), drawn.rows[:, :60], drawn.lots[:, :60], 0)
    assert block.until(0) == (0, 0)
    assert block.until(1 << 62) == (len(block.quantity), len(block.price))
    moment = int(block.time_us[10])
    assert block.until(moment) == (int(block.first[10]), 10)
    assert block.until(moment + 1) == (int(block.first[11]), 11)
