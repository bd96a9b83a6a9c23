"""The market's own side: drawn when needed, deeper when walked deeper, less what was taken."""

from __future__ import annotations

import pytest

from cryptox.paper.seeded import SeededMarket
from cryptox.paper.trading.ambient import Ambient

NOW_MS = 1_767_225_600_123


@pytest.fixture(scope="module")
def seeded():
    return SeededMarket(7, ["BTCUSDT"])


def test_is_the_markets_book(seeded):
    ambient = Ambient(seeded, "BTCUSDT")
    assert ambient.look(NOW_MS)
    assert not ambient.look(NOW_MS + 70)
    own = seeded.levels("BTCUSDT", NOW_MS, 5000)
    for side, prices, steps in (
        (ambient.bids, own.bid_price, own.bid_quantity),
        (ambient.asks, own.ask_price, own.ask_quantity),
    ):
        assert list(side.walk()) == list(zip(prices.tolist(), steps.tolist(), strict=True))
        assert side.free(int(prices[4999])) == int(steps[4999])
        assert side.free(1) == 0


def test_draws_once_a_tick_and_deep_only_if_walked(hand_market):
    market = hand_market()
    ambient = Ambient(market, "BTCUSDT")
    ambient.look(NOW_MS)
    assert market.drawn == []
    assert ambient.bids.best() == (10_000, 100)
    assert ambient.asks.free(10_004) == 100
    assert market.drawn == [NOW_MS // 100 * 100]
    list(ambient.bids.walk())
    assert len(market.drawn) == 2
    ambient.look(NOW_MS + 100)
    assert ambient.asks.best() == (10_002, 100)
    assert len(market.drawn) == 3


def test_taken_is_remembered_with_the_quantity_it_was_taken_from(hand_market):
    market = hand_market()
    first = [(10_000, 100), (9_999, 80)]
    market.books["BTCUSDT"] = [
        (0, (first, [])),
        (NOW_MS + 200, ([(9_999, 80)], [])),
        (NOW_MS + 400, (first, [])),
    ]
    ambient = Ambient(market, "BTCUSDT")
    ambient.look(NOW_MS)
    ambient.bids.take(*ambient.bids.best())
    ambient.bids.take(9_999, 30)
    ambient.bids.take(9_999, 10)
    assert list(ambient.bids.walk()) == [(9_999, 40)]
    for later in (100, 300):
        ambient.look(NOW_MS + later)
        assert list(ambient.bids.walk()) == [(9_999, 40)]
    ambient.look(NOW_MS + 500)  # the level at 10 000 had gone and has come back
    assert list(ambient.bids.walk()) == [(10_000, 100), (9_999, 40)]


def test_what_is_taken_deep_down_is_found_again(seeded):
    ambient = Ambient(seeded, "BTCUSDT")
    ambient.look(NOW_MS)
    for price, steps in list(ambient.asks.walk())[:1500]:
        ambient.asks.take(price, steps)
    best = ambient.asks.best()
    ambient.look(NOW_MS + 100)
    assert len(ambient.asks.taken) == 1500
    before = ambient.asks.best()
    assert len(ambient.asks.taken) > 1400  # a few levels have moved within the tick
    assert before is not None
    assert best is not None
    assert before[0] <= best[0]
