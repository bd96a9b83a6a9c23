"""Order books as records."""

from __future__ import annotations

import math
from decimal import Decimal

from cryptox.model.book import BookUpdate, Depth, Level

BIDS = [("100.10000000", "0.10000000"), ("100.00000000", "0.20000000"), ("99.00000000", "0.70000000")]
ASKS = [("100.30000000", "1.50000000"), ("101.00000000", "0.50000000")]
BOOK = Depth("BTCUSDT", None, 0, 160, BIDS, ASKS)
EMPTY = BookUpdate("BTCUSDT", None, 0, None, [], [], False)


def test_levels_are_floats_and_exact_on_demand() -> None:
    assert BOOK.bids[0] == Level(100.1, 0.1) == (100.1, 0.1)
    assert [level.price for level in BOOK.asks] == [100.3, 101.0]
    assert BOOK.exact_bids[1] == (Decimal("100.00000000"), Decimal("0.20000000"))
    assert BOOK.exact_asks[1].quantity == Decimal("0.5")


def test_figures() -> None:
    assert (BOOK.best_bid, BOOK.best_ask, BOOK.mid) == (100.1, 100.3, 100.19999999999999)
    assert BOOK.spread == 0.2  # 100.3 - 100.1 in floats is 0.20000000000000284
    assert BOOK.imbalance == (1.0 - 2.0) / 3.0
    for figure in (EMPTY.best_bid, EMPTY.best_ask, EMPTY.spread, EMPTY.mid, EMPTY.imbalance):
        assert math.isnan(figure)


def test_the_columns_of_the_depth_table() -> None:
    assert BOOK.side == ("bid", "bid", "bid", "ask", "ask")
    assert BOOK.level == (0, 1, 2, 0, 1)
    assert BOOK.price == (100.1, 100.0, 99.0, 100.3, 101.0)
    assert BOOK.quantity == (0.1, 0.2, 0.7, 1.5, 0.5)
    assert BOOK.total == (0.1, 0.3, 1.0, 1.5, 2.0)  # 0.1 + 0.2 in floats is 0.30000000000000004
    assert (EMPTY.side, EMPTY.total) == ((), ())


def test_one_line() -> None:
    assert repr(BOOK) == "Depth(BTCUSDT 1970-01-01T00:00:00Z 100.1 / 100.3, 3 + 2 levels)"
    assert repr(EMPTY) == "BookUpdate(BTCUSDT 1970-01-01T00:00:00Z - / -, 0 + 0 levels, not synced)"
