"""The seeded spine looks like a market, and any day of it can be drawn alone."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import numpy as np
import pytest

from cryptox.model.interval import DAY_MS
from cryptox.paper.listings import CHARACTERS
from cryptox.paper.market import Listing
from cryptox.paper.prices import SeededSpine, open_minutes
from cryptox.paper.spine import DAY_MINUTES, Row, merges, reduce_groups, reduce_rows, shares

DAY_2023 = 19358  # 2023-01-01


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_hourly_returns_look_like_a_market(symbol: str) -> None:
    spine = SeededSpine(CHARACTERS[symbol], 7)
    closes = np.concatenate([spine.day(DAY_2023 + d).rows[Row.CLOSE, 59::60] for d in range(365)])
    returns = np.diff(np.log(closes))
    deviations = returns - returns.mean()
    kurtosis = (deviations**4).mean() / (deviations**2).mean() ** 2
    size = np.abs(returns)
    clustering = [np.corrcoef(size[:-lag], size[lag:])[0, 1] for lag in (1, 6, 24)]
    volatility = returns.std() * math.sqrt(24 * 365.25)
    assert 5 < kurtosis < 60
    assert clustering[0] > 0.1
    assert min(clustering) > 0.03
    assert 0.30 < volatility < 1.20
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.1


@pytest.mark.slow
def test_decades_stay_within_bounds() -> None:
    for symbol, character in CHARACTERS.items():
        spine = SeededSpine(character, 7)
        prices = []
        for day in range(spine.first_day, spine.first_day + 40 * 365, 97):
            rows = spine.day(day).rows
            assert (rows[Row.LOW] > 0).all(), symbol
            assert (rows[Row.HIGH] >= np.maximum(rows[Row.OPEN], rows[Row.CLOSE])).all()
            assert (rows[Row.LOW] <= np.minimum(rows[Row.OPEN], rows[Row.CLOSE])).all()
            assert (rows[Row.VOLUME :] >= 0).all()
            assert (rows[Row.TAKER_QUOTE] <= rows[Row.QUOTE]).all()
            assert float(rows[Row.QUOTE].astype(float).sum()) * 31 < 2.0**63
            prices.extend(rows[Row.CLOSE, -1:].tolist())
        assert max(prices) / min(prices) < 20_000, symbol


def test_a_late_day_needs_no_day_before_it() -> None:
    def seconds(number: int) -> tuple[float, Any]:
        spine = SeededSpine(CHARACTERS["BTCUSDT"], 7)
        began = time.thread_time()
        rows = spine.day(number).rows
        return time.thread_time() - began, rows

    early_s, _ = seconds(1)
    late_s, late = seconds(30_000)
    assert late_s < 1_000 * max(early_s, 0.000_1)  # and not 30,000 times as long
    again = SeededSpine(CHARACTERS["BTCUSDT"], 7)
    for day in range(29_990, 30_000):
        again.day(day)
    assert (again.day(30_000).rows == late).all()
    assert not (SeededSpine(CHARACTERS["BTCUSDT"], 8).day(30_000).rows[1:] == late[1:]).all()


@pytest.mark.parametrize("symbol", sorted(CHARACTERS))
def test_days_drawn_together_are_the_days_drawn_alone(symbol: str) -> None:
    spine = SeededSpine(CHARACTERS[symbol], 7)
    edges = [spine.first_day] + [a // DAY_MS for outage in spine.listing.outages[:2] for a in outage]
    edges += [] if spine.listing.ended_ms is None else [spine.listing.ended_ms // DAY_MS]
    for edge in edges:
        alone = np.concatenate([spine.day(day).rows for day in range(edge - 2, edge + 5)], axis=1)
        together = np.concatenate([rows.copy() for rows in spine.stretches(edge - 2, edge + 5)], axis=1)
        assert (alone == together).all()
    assert list(spine.stretches(spine.first_day - 9, spine.first_day)) == []


def test_drawn_values_stay_what_they_were() -> None:
    """Another value would change every answer for a known seed."""
    known = {
        "BTCUSDT": "ba8e94c21f1f6f53",
        "LUNCUSDT": "f842cbe3afb9a8e9",
        "这是测试币456USDT": "5e0d586d1ce8a1e6",
    }
    for symbol, digest in known.items():
        spine = SeededSpine(CHARACTERS[symbol], 7)
        drawn = hashlib.sha256()
        for day in range(spine.first_day, spine.first_day + 200, 7):
            one = spine.day(day)
            drawn.update(one.rows.tobytes() + one.lots.tobytes())
        assert drawn.hexdigest()[:16] == digest, symbol


def test_btc_begins_where_it_began_and_days_join() -> None:
    spine = SeededSpine(CHARACTERS["BTCUSDT"], 7)
    first = spine.day(spine.first_day).rows
    assert first[Row.TIME, 0] == spine.listing.listed_ms
    assert 3900_00 < first[Row.OPEN, 0] < 4700_00
    before, after = spine.day(DAY_2023).rows, spine.day(DAY_2023 + 1).rows
    assert abs(int(after[Row.OPEN, 0]) - int(before[Row.CLOSE, -1])) <= 1


@pytest.mark.parametrize("symbol", sorted(CHARACTERS))
def test_counts_are_a_closed_form_of_the_day(symbol: str) -> None:
    spine = SeededSpine(CHARACTERS[symbol], 7)
    days = [spine.first_day, spine.first_day + 1, spine.first_day + 200]
    days += [o // DAY_MS for outage in spine.listing.outages for o in outage]
    days += [] if spine.listing.ended_ms is None else [spine.listing.ended_ms // DAY_MS + d for d in (0, 1)]
    for day in days:
        rows = spine.day(day).rows
        trades, merged = spine.counts(day)
        at = day - spine.first_day
        assert rows[Row.TRADES].sum() == trades[at + 1] - trades[at]
        mask = open_minutes(spine.listing, day)
        minutes = DAY_MINUTES if mask is None else int(mask.sum())
        assert rows.shape[1] == minutes
        assert merged[at + 1] - merged[at] == merges(trades[at + 1] - trades[at], np.array(minutes))


def test_an_idle_minute_stays_at_the_price_before_it() -> None:
    spine = SeededSpine(CHARACTERS["这是测试币456USDT"], 7)
    rows = spine.day(20_400).rows
    idle = np.flatnonzero(rows[Row.TRADES] == 0)
    assert 100 < len(idle) < DAY_MINUTES
    for line in (Row.OPEN, Row.HIGH, Row.LOW, Row.CLOSE):
        assert (rows[line][idle] == rows[Row.CLOSE][idle - 1]).all()
    resumed = idle[:-1][rows[Row.TRADES][idle[:-1] + 1] > 0] + 1
    assert (rows[Row.OPEN][resumed] == rows[Row.CLOSE][resumed - 1]).all()
    assert (rows[Row.VOLUME :, idle] == 0).all()


def test_open_minutes_cut_listing_outage_and_end() -> None:
    listing = Listing("X", "X", "Y", 60_000 * 5, 60_000 * 20, outages=((60_000 * 8, 60_000 * 11),))
    mask = open_minutes(listing, 0)
    assert mask is not None
    assert np.flatnonzero(mask).tolist() == [5, 6, 7, *range(11, 20)]
    assert open_minutes(Listing("X", "X", "Y", 0), 3) is None


def test_groups_are_reduced_like_any_candles() -> None:
    rows = SeededSpine(CHARACTERS["ETHUSDT"], 7).day(20_000).rows
    for size in (15, 60, 1440):
        assert (reduce_groups(rows, size) == reduce_rows(rows, np.arange(0, DAY_MINUTES, size))).all()


def test_shares_go_by_row() -> None:
    rng = np.random.default_rng(2)
    weights = rng.random((5, 1440))
    weights[3] = 0
    totals = np.array([0, 7, 10**6, 12, 10**15])
    made = shares(totals, weights)
    assert made.sum(axis=1).tolist() == [0, 7, 10**6, 0, 10**15]
    for total, row, part in zip(totals.tolist(), weights, made, strict=True):
        assert (shares(total, row) == part).all()


def test_shares_are_exact() -> None:
    rng = np.random.default_rng(1)
    for total in (0, 1, 7, 10**15):
        made = shares(total, rng.random(1440) * (rng.random(1440) > 0.5))
        assert made.sum() == total
        assert (made >= 0).all()
    assert shares(5, np.zeros(3)).tolist() == [0, 0, 0]
