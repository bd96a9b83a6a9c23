"""The ring of columns: bounds, joins, the forming candle, and reading while it grows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.model.columns import BOOK_TICKER, DEPTH, KLINES, TICKER, TRADES
from cryptox.model.interval import INTERVALS
from cryptox.table.batch import Batch
from cryptox.table.frames import build
from cryptox.table.ring import Ring, Tuples, arrange


def trade(number: int, time: int | None = None) -> tuple[Any, ...]:
    return (1_000 * number if time is None else time, number, 100.0 + number, 0.5, 50.0, number % 2, True)


def trades(numbers: Sequence[int]) -> Batch:
    return Batch(
        TRADES,
        Tuples(TRADES).pack([trade(number) for number in numbers]) if len(numbers) else Batch.empty(TRADES).columns,
    )


def candle(open_time: int, close: float, count: int = 1) -> tuple[Any, ...]:
    return (open_time, 1.0, 9.0, 0.5, close, 2.0, open_time + 59_999, 3.0, count, 1.0, 1.5)


def room(ring: Ring) -> int:
    return len(ring._columns["id"])


def ids(ring: Ring, rows: int | None = None) -> list[int]:
    return ring.newest(rows)["id"].tolist()


def test_rows_come_back_as_columns_of_the_table() -> None:
    ring = Ring(TRADES, 10)
    assert (len(ring), ring.first_key, ring.last_key) == (0, None, None)
    assert build(ring.newest(), "pandas", {}).empty
    ring.append([trade(1), trade(2)])
    ring.append_columns(trades([3]).columns)
    ring.append([trade(4)])
    batch = ring.newest()
    assert list(batch.columns) == list(TRADES.names)
    assert batch["id"].tolist() == [1, 2, 3, 4]
    assert batch["price"].tolist() == [101.0, 102.0, 103.0, 104.0]
    assert batch["side"].dtype == np.int8
    assert ids(ring, 2) == [3, 4]
    assert ids(ring, 0) == []
    assert (len(ring), ring.first_key, ring.last_key) == (4, 1, 4)
    frame = build(ring.newest(3), "pandas", {})
    assert frame["side"].tolist() == ["buy", "sell", "buy"]
    assert frame.index[0].isoformat() == "1970-01-01T00:00:02+00:00"


@pytest.mark.parametrize(("rows", "age_ms"), [(20_000, None), (500, None), (20_000, 300_000)])
def test_a_ring_begins_small_and_grows_with_its_rows(rows: int, age_ms: int | None) -> None:
    ring, told = Ring(TRADES, rows, age_ms, pending=1), 0
    assert room(ring) <= 1_524
    for step in (1, 700, 400, 3, 5_000, 64, 64, 20_000, 1):
        ring.append([trade(number) for number in range(told, told + step)])
        told += step
        kept = min(told, rows) if age_ms is None else min(told, 301)  # a trade a second
        assert ids(ring) == list(range(told - kept, told))
    assert room(ring) >= len(ring)
    assert room(ring) <= rows + max(rows // 2, 1_024)


def test_rows_of_a_ring_that_packs_at_once_do_not_wait() -> None:
    ring, other = Ring(TRADES, 10, pending=1), Ring(TRADES, 10)
    for one in (ring, other):
        one.append([trade(1)])
    assert (len(ring._pending), len(other._pending)) == (0, 1)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 3_000),
    st.lists(st.tuples(st.booleans(), st.integers(0, 2_500)), max_size=12),
    st.integers(0, 4_000),
)
def test_the_newest_rows_are_the_newest_rows(most: int, steps: list[tuple[bool, int]], wanted: int) -> None:
    ring, total = Ring(TRADES, most), 0
    for as_columns, count in steps:
        numbers = range(total, total + count)
        if as_columns:
            ring.append_columns(trades(numbers).columns)
        else:
            ring.append([trade(number) for number in numbers])
        total += count
        assert len(ring) == min(total, most)
    assert ids(ring, wanted) == list(range(max(0, total - min(wanted, most)), total))


def test_what_was_handed_out_never_changes() -> None:
    ring = Ring(TRADES, 50)
    ring.append([trade(number) for number in range(40)])
    before = ring.newest()
    kept = before.copy()
    for start in range(40, 9_000, 35):
        ring.append([trade(number) for number in range(start, start + 35)])
        ring.newest(1)
    for name in TRADES.names:
        assert np.array_equal(before[name], kept[name])
    with pytest.raises(ValueError, match="read-only"):
        before["price"][0] = 1.0
    frame = build(ring.newest(), "pandas", {})
    frame["price"] = 0.0
    frame.loc[frame.index[0], "quantity"] = 7.0
    assert ring.newest()["quantity"][0] == 0.5


def test_rows_older_than_the_age_go() -> None:
    ring = Ring(TRADES, 100, age_ms=5_000)
    ring.append([trade(number) for number in range(1, 11)])
    assert ids(ring) == [5, 6, 7, 8, 9, 10]
    ring.append([trade(11, 60_000)])
    assert ids(ring) == [11]
    ring.append([trade(12, 61_000)])
    ring.drop_before(60_500)
    assert ids(ring) == [12]
    ring.drop_before(90_000)
    assert (ids(ring), ring.last_key) == ([], None)


def test_a_ring_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no time"):
        Ring(BOOK_TICKER, 10, age_ms=1)
    with pytest.raises(ValueError, match="at least one row"):
        Ring(TRADES, 0)
    with pytest.raises(ValueError, match="no key"):
        Ring(TICKER, 5).update(())
    with pytest.raises(ValueError, match="cannot be joined"):
        Ring(DEPTH, 5).join(Batch.empty(DEPTH))
    with pytest.raises(ValueError, match="cannot be joined"):
        Ring(TRADES, 5).join(Batch.empty(TRADES, exact=True))


def test_the_forming_candle_is_replaced_until_the_next_begins() -> None:
    ring = Ring(KLINES, 3)
    ring.update(candle(0, 1.0))
    seen = ring.newest()
    ring.update(candle(0, 2.0))
    assert seen["close"].tolist() == [1.0]
    assert ring.newest()["close"].tolist() == [2.0]
    ring.update(candle(60_000, 3.0))
    ring.update(candle(60_000, 4.0))
    assert ring.newest()["close"].tolist() == [2.0, 4.0]
    assert ring.newest(1)["close"].tolist() == [4.0]
    ring.update(candle(0, 2.5))  # the former one, late
    assert ring.newest()["close"].tolist() == [2.5, 4.0]
    ring.update(candle(-60_000, 2.5))  # older than all
    for minute in range(2, 6):
        ring.update(candle(60_000 * minute, 10.0 + minute))
    assert ring.newest()["close"].tolist() == [13.0, 14.0, 15.0]
    assert len(ring) == 3
    assert seen["close"].tolist() == [1.0]


def test_a_candle_from_history_is_replaced_without_touching_what_was_handed_out() -> None:
    ring = Ring(KLINES, 10)
    ring.append_columns(Tuples(KLINES).pack([candle(0, 1.0), candle(60_000, 2.0)]))
    seen = ring.newest()
    ring.update(candle(60_000, 3.0))
    assert ring.newest()["close"].tolist() == [1.0, 3.0]
    ring.update(candle(120_000, 4.0))
    assert ring.newest()["close"].tolist() == [1.0, 3.0, 4.0]
    assert seen["close"].tolist() == [1.0, 2.0]


def test_history_is_joined_without_hole_or_double() -> None:
    ring = Ring(TRADES, 100)
    ring.append([trade(number) for number in range(50, 60)])
    assert ring.join(trades(range(30, 55))) == []
    assert ids(ring) == list(range(30, 60))
    assert ring.join(trades(range(10, 20))) == [(20, 29)]
    assert ring.join(trades(range(20, 30))) == []
    assert ids(ring) == list(range(10, 60))
    assert ring.join(trades([])) == []
    small = Ring(TRADES, 5)
    assert small.join(trades(range(20))) == []
    assert ids(small) == [15, 16, 17, 18, 19]


def test_a_join_says_whose_row_stays_and_the_candle_goes_on_forming() -> None:
    minute = INTERVALS["1m"]
    batch = Batch(KLINES, Tuples(KLINES).pack([candle(0, 10.0), candle(60_000, 11.0)]))

    def after(open_ms: int) -> int:
        return minute.shift(open_ms, 1)

    ring = Ring(KLINES, 10)
    ring.update(candle(60_000, 5.0))
    assert ring.join(batch, after=after) == []
    assert ring.newest()["close"].tolist() == [10.0, 5.0]
    ring.update(candle(60_000, 6.0))
    assert ring.newest()["close"].tolist() == [10.0, 6.0]
    assert ring.join(batch, replace=True, after=after) == []
    assert ring.newest()["close"].tolist() == [10.0, 11.0]
    ring.update(candle(180_000, 7.0))
    assert ring.join(batch, after=after) == [(120_000, 179_999)]
    assert ring.newest()["open_time"].tolist() == [0, 60_000, 180_000]


def test_a_hole_between_two_rows_is_seen() -> None:
    ring = Ring(KLINES, 10)
    ring.update(candle(180_000, 1.0))
    batch = Batch(KLINES, Tuples(KLINES).pack([candle(0, 10.0)]))
    assert ring.join(batch, after=lambda open_ms: open_ms + 60_000) == [(60_000, 179_999)]


def test_holes_of_months_are_seen_by_the_calendar() -> None:
    month = INTERVALS["1M"]
    opens = list(month.opens(0, 40_000_000_000))
    ring = Ring(KLINES, 100)
    rows = [candle(open_ms, 1.0) for open_ms in opens if open_ms != opens[4]]
    holes = ring.join(Batch(KLINES, Tuples(KLINES).pack(rows)), after=lambda open_ms: month.shift(open_ms, 1))
    assert holes == [(opens[4], opens[5] - 1)]


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.integers(0, 40), max_size=20),
    st.sets(st.integers(0, 40), max_size=20),
    st.integers(1, 30),
    st.booleans(),
)
def test_a_join_is_the_union(here: set[int], there: set[int], most: int, replace: bool) -> None:
    ring = Ring(TRADES, most)
    ring.append([trade(number) for number in sorted(here)])
    kept = sorted(here)[-most:]
    theirs = {number: (*trade(number)[:2], -1.0, *trade(number)[3:]) for number in there}
    columns = Tuples(TRADES).pack([theirs[number] for number in sorted(there)]) if there else trades([]).columns
    holes = ring.join(Batch(TRADES, columns), replace=replace)
    wanted = sorted({*kept, *there})[-most:]
    assert ids(ring) == wanted
    from_batch = {number for number in wanted if number in there and (replace or number not in kept)}
    assert [price == -1.0 for price in ring.newest()["price"]] == [number in from_batch for number in wanted]
    missing = [number for first, last in holes for number in range(first, last + 1)]
    assert sorted([*missing, *wanted]) == (list(range(wanted[0], wanted[-1] + 1)) if wanted else [])


def test_one_row_that_does_not_fit_costs_no_other() -> None:
    ring = Ring(TRADES, 10)
    ring.append([trade(1), (0, 2**70, 1.0, 1.0, 1.0, 0, True), trade(3)])
    assert ids(ring) == [1, 3]
    assert ring.refused == 1


def test_another_thread_reads_whole_rows_while_it_grows() -> None:
    ring, done, faults, reads = Ring(TRADES, 700), threading.Event(), list[str](), [0]
    ring.append([trade(0)])

    def read() -> None:
        newest = 0
        while not done.is_set():
            batch = ring.newest()
            found = batch["id"]
            reads[0] += 1
            if not (
                len(found) <= 700
                and np.array_equal(found, np.arange(found[0], found[0] + len(found)))
                and np.array_equal(batch["price"], found + 100.0)
                and np.array_equal(batch["time"], found * 1_000)
                and found[-1] >= newest
            ):
                faults.append(f"{found}")
                return
            newest = int(found[-1])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for one in readers:
        one.start()
    number = 1
    while number < 60_000 or reads[0] < 20:
        ring.append([trade(one) for one in range(number, number + 37)])
        number += 37
    done.set()
    for one in readers:
        one.join(10)
    assert faults == []
    assert ring.last_key == number - 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 20), max_size=15), st.none() | st.integers(0, 10))
def test_ids_are_arranged(keys: list[int], last: int | None) -> None:
    ready, hole, later = arrange(keys, last)
    passed, waiting = [keys[place] for place in ready], [keys[place] for place in later]
    new = sorted({key for key in keys if last is None or key > last})
    assert [*passed, *waiting] == new
    start = passed[0] if last is None and passed else (0 if last is None else last + 1)
    assert passed == list(range(start, start + len(passed)))
    if hole is None:
        assert waiting == []
    else:
        assert hole == ((passed[-1] if passed else last) + 1, waiting[0] - 1)
        assert hole[0] <= hole[1]
