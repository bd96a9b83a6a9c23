"""The market with users' trades in it equals the one that a plain list of all trades gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.model.interval import INTERVALS
from cryptox.paper.market import Levels, Tape
from cryptox.paper.overlay import OverlayMarket
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.trading.prints import Print, Prints

NOON = 1_717_243_200_000  # 2024-06-01 12:00 UTC
QUIET = "这是测试币456USDT"  # less than a trade a minute
LATE = 1_767_268_800_000  # 2026-01-01 12:00
SPAN_MS = 300_000


class NoBooks:
    def levels(self, symbol: str, now_us: int, limit: int) -> Levels:
        raise NotImplementedError


@pytest.fixture(scope="module")
def base() -> SeededMarket:
    return SeededMarket(7, symbols=["BTCUSDT", QUIET])


def overlaid(base, symbol, start_ms, places):
    """Prints after the aggregates that these places (0 to 1) in the span point to, and all trades as a plain list."""
    own = base.aggregates(symbol, base.aggregate_at(symbol, start_ms, start_ms + SPAN_MS), 10**12, start_ms + SPAN_MS)
    prints = Prints()
    for place, price_step, quantity, parts in sorted(places):
        at = int(place * len(own.id))
        first_us = start_ms * 1000 if at == 0 else int(own.time_us[at - 1])
        before = int(own.last_id[at - 1]) + 1 if at else base.last_trade_id(symbol, start_ms - 1) + 1
        aggregates = int(own.id[at - 1]) + 1 if at else base.last_aggregate_id(symbol, start_ms - 1) + 1
        price = int(own.price[max(at - 1, 0)]) + price_step if len(own.id) else 3_000 + price_step
        for part in range(parts):
            prints.add(symbol, Print(before, aggregates, price, quantity + part, first_us, price_step > 0, part == 0))
    return prints


def merged(base, prints, symbol, first_own, last_own, now_ms):
    own = base.tape(symbol, first_own, last_own, now_ms)
    rows = [
        (int(n), 1, 0, int(p), int(q), int(t), bool(m))
        for n, p, q, t, m in zip(own.id, own.price, own.quantity, own.time_us, own.buyer_is_maker, strict=True)
    ]
    rows += [
        (one.before, 0, index, one.price, one.quantity, one.time_us, one.buyer_is_maker)
        for index, one in enumerate(prints.of(symbol))
    ]
    rows.sort()
    return [row[3:] for row in rows]


PLACES = st.lists(
    st.tuples(st.floats(0, 0.999), st.integers(-5, 5), st.integers(1, 50), st.integers(1, 3)), min_size=1, max_size=12
)


@pytest.mark.parametrize(("symbol", "start_ms"), [("BTCUSDT", NOON), (QUIET, LATE)])
@settings(max_examples=40, deadline=None)
@given(places=PLACES, cut=st.integers(0, SPAN_MS))
def test_ids_candles_and_statistics_equal_a_plain_list(base, symbol, start_ms, places, cut):
    prints = overlaid(base, symbol, start_ms, places)
    now_ms = start_ms + cut
    seen = OverlayMarket(base, prints, NoBooks())
    first = base.last_trade_id(symbol, start_ms - 1) + 1
    rows = merged(base, prints, symbol, first, 10**12, now_ms)
    rows = [row for row in rows if row[2] < (now_ms + 1) * 1000]

    assert seen.last_trade_id(symbol, now_ms) == first + len(rows) - 1
    tape = seen.tape(symbol, first, 10**12, now_ms)
    assert _rows(tape) == rows
    assert tape.id.tolist() == list(range(first, first + len(rows)))
    middle = first + len(rows) // 2
    assert _rows(seen.tape(symbol, middle, middle + 4, now_ms)) == rows[len(rows) // 2 :][:5]

    groups = seen.aggregates(symbol, base.last_aggregate_id(symbol, start_ms - 1) + 1, 10**12, now_ms)
    assert groups.first_id.tolist() == [first, *(groups.last_id[:-1] + 1)][: len(groups.id)]
    for number, quantity, begin, end in zip(groups.id, groups.quantity, groups.first_id, groups.last_id, strict=True):
        part = rows[begin - first : end - first + 1]
        assert quantity == sum(row[1] for row in part)
        assert len({(row[0], row[3]) for row in part}) == 1
        assert seen.aggregate_at(symbol, part[0][2] // 1000, now_ms) <= number
    assert np.all(np.diff(groups.id) == 1)

    for interval in ("1s", "1m", "15m"):
        _check_candles(seen, base, symbol, INTERVALS[interval], start_ms, now_ms, rows)
    _check_statistics(seen.statistics(symbol, start_ms, now_ms), base, symbol, start_ms, first, rows)
    later = start_ms + cut // 2
    skipped = [row for row in rows if row[2] < later * 1000]
    expected = rows[len(skipped) :]
    found = seen.statistics(symbol, later, now_ms)
    assert found.trades == len(expected)
    if skipped:
        assert found.prev_close == skipped[-1][0]


def _rows(tape: Tape) -> list[tuple[int, int, int, bool]]:
    columns = (tape.price, tape.quantity, tape.time_us, tape.buyer_is_maker)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _check_candles(seen, base, symbol, interval, start_ms, now_ms, rows):
    bars = seen.candles(symbol, interval, start_ms=start_ms, end_ms=now_ms + 1, limit=1000, newest=False, now_ms=now_ms)
    last = None
    for at in range(len(bars.open_time)):
        begin, end = int(bars.open_time[at]) * 1000, (int(bars.close_time[at]) + 1) * 1000
        part = [row for row in rows if begin <= row[2] < end]
        prices = [row[0] for row in part] or ([last] if last is not None else [int(bars.close[at])])
        last = prices[-1]
        quotes = [row[0] * row[1] for row in part]
        expected = (prices[0], max(prices), min(prices), prices[-1], sum(r[1] for r in part), sum(quotes), len(part))
        found = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.quote_volume, bars.trades)
        assert tuple(int(column[at]) for column in found) == expected
        assert int(bars.taker_buy_volume[at]) == sum(r[1] for r in part if not r[3])
        assert int(bars.taker_buy_quote_volume[at]) == sum(r[0] * r[1] for r in part if not r[3])


def _check_statistics(found, base, symbol, start_ms, first, rows):
    if not rows:
        assert found.trades == 0
        return
    prices = [row[0] for row in rows]
    assert (found.open, found.high, found.low, found.last) == (prices[0], max(prices), min(prices), prices[-1])
    assert (found.first_id, found.last_id, found.trades) == (first, first + len(rows) - 1, len(rows))
    assert found.volume == sum(row[1] for row in rows)
    assert found.quote_volume == sum(row[0] * row[1] for row in rows)
    assert (found.last_quantity, found.last_time_us) == (rows[-1][1], rows[-1][2])
    assert found.prev_close == base.statistics(symbol, start_ms, start_ms).prev_close


def test_prints_that_come_one_by_one_equal_all_at_once(base):
    prints, grown = Prints(), None
    market = OverlayMarket(base, prints, NoBooks())
    before = base.last_trade_id("BTCUSDT", NOON) + 1
    aggregates = base.last_aggregate_id("BTCUSDT", NOON) + 1
    for number in range(20):
        opens = number % 3 == 0
        prints.add("BTCUSDT", Print(before, aggregates, 6_000_000 + number // 3, 5, NOON * 1000, False, opens))
        grown = market.aggregates("BTCUSDT", aggregates, 10**12, NOON)
    whole = OverlayMarket(base, prints, NoBooks()).aggregates("BTCUSDT", aggregates, 10**12, NOON)
    assert grown.quantity.tolist() == whole.quantity.tolist() == [15] * 6 + [10]
    assert grown.last_id.tolist() == whole.last_id.tolist()


def test_a_market_without_prints_is_its_own(base):
    seen = OverlayMarket(base, Prints(), NoBooks())
    own = base.candles(
        "BTCUSDT", INTERVALS["1m"], start_ms=NOON, end_ms=NOON + 60_000, limit=1, newest=False, now_ms=NOON + 59_000
    )
    found = seen.candles(
        "BTCUSDT", INTERVALS["1m"], start_ms=NOON, end_ms=NOON + 60_000, limit=1, newest=False, now_ms=NOON + 59_000
    )
    assert int(found.volume[0]) == int(own.volume[0]) > 0
    assert seen.last_trade_id("BTCUSDT", NOON) == base.last_trade_id("BTCUSDT", NOON)
