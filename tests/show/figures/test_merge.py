"""Fewer rows: merged candles are those of the exchange, outlines keep every extreme."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.model.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from cryptox.show.figures.merge import buckets, interval_of, merged, outline

START = 1_704_067_200_000  # 2024-01-01, a Monday


def times(count: int, step_ms: int, start_ms: int = START) -> Any:
    return start_ms + step_ms * np.arange(count, dtype=np.int64)


def test_the_interval_is_told_by_the_usual_step() -> None:
    assert interval_of(times(5, HOUR_MS)) == INTERVALS["1h"]
    assert interval_of(np.delete(times(9, HOUR_MS), [3, 4])) == INTERVALS["1h"]
    assert interval_of(times(5, 7 * MINUTE_MS)) is None
    assert interval_of(times(1, HOUR_MS)) is None
    assert interval_of(np.array([31, 60, 91], np.int64) * DAY_MS) == INTERVALS["1M"]


@pytest.mark.parametrize(
    ("count", "step_ms", "most", "what", "runs"),
    [
        (5_001, HOUR_MS, 5_000, "candles of 2h", 2_501),
        (100_000, MINUTE_MS, 5_000, "candles of 30m", 3_334),
        (400, DAY_MS, 20, "candles of 1M", 14),
        (100, 7 * MINUTE_MS, 30, "runs of 4 rows", 25),
        (100, INTERVALS["1w"].step_ms, 30, "runs of 4 rows", 25),  # weeks do not fit into months
    ],
)
def test_the_next_interval_that_is_long_enough(count: int, step_ms: int, most: int, what: str, runs: int) -> None:
    first, found = buckets(times(count, step_ms), most)
    assert found == what
    assert len(first) == runs


@given(st.integers(2, 400), st.integers(1, 60), st.data())
def test_there_are_never_too_many_and_none_is_lost(count: int, most: int, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from([1_000, MINUTE_MS, HOUR_MS, DAY_MS, 12_345]))
    steps = np.array(data.draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), np.int64)
    moments = START + np.cumsum(steps) * step
    first, what = buckets(moments, most)
    assert 1 <= len(first) <= most
    assert first[0] == 0
    assert (np.diff(first) > 0).all()
    if what.startswith("candles of "):
        target = INTERVALS[what.removeprefix("candles of ")]
        opens = [target.floor(int(moment)) for moment in moments]
        assert first.tolist() == [at for at in range(count) if at == 0 or opens[at] != opens[at - 1]]


def test_candles_are_merged_whole() -> None:
    columns = {
        "open_time": np.array([0, 1, 2, 3, 4]),
        "open": np.array([1.0, 2, 3, 4, 5]),
        "high": np.array([2.0, 9, np.nan, 5, 6]),
        "low": np.array([0.5, 1, np.nan, 3, 0.1]),
        "close": np.array([2.0, 3, 4, 5, 0.2]),
        "volume": np.array([1.0, 2, np.nan, 4, 8]),
        "+mean": np.array([np.nan, 1, 2, 3, 4]),
    }
    found = {name: values.tolist() for name, values in merged(columns, np.array([0, 2])).items()}
    assert found == {
        "open_time": [0, 2], "open": [1, 3], "high": [9, 6], "low": [0.5, 0.1], "close": [3, 0.2], "volume": [3, 12],
        "+mean": [1, 4],
    }  # fmt: skip


numbers = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))


@given(st.lists(numbers, min_size=0, max_size=300), st.integers(4, 100))
def test_an_outline_keeps_ends_and_extremes(values: list[float], most: int) -> None:
    array = np.array(values, np.float64)
    found = outline(array, most)
    assert len(found) <= max(most, 4)
    assert (np.diff(found) > 0).all()
    if len(values) <= most:
        assert found.tolist() == list(range(len(values)))
    elif np.isfinite(array).any():
        assert {0, len(values) - 1} <= set(found.tolist())
        assert np.nanmax(array[found]) == np.nanmax(array)
        assert np.nanmin(array[found]) == np.nanmin(array)


def test_an_outline_keeps_the_extremes_of_each_run() -> None:
    values = np.sin(np.arange(10_000) / 7)
    values[[1_234, 7_777]] = [50, -50]
    found = outline(values, 400)
    assert {0, 1_234, 7_777, 9_999} <= set(found.tolist())
    assert 100 <= len(found) <= 400
