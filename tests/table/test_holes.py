"""Holes are where rows are not, and are called what is known of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.model.columns import KLINES, Table
from cryptox.model.interval import HOUR_MS
from cryptox.model.time import iso
from cryptox.table.attrs import attrs
from cryptox.table.batch import Batch
from cryptox.table.frames import build
from cryptox.table.holes import Span, holes, merged, named, overlap, without
from cryptox.table.leading import Leading

START = 1_704_067_200_000
TABLE = Table("klines", "open_time", KLINES.columns[:1])


def frame_of(*hours: int, backend: str = "pandas", symbols: list[str] | None = None, **about: Any) -> Any:
    batch = Batch(TABLE, {"open_time": np.array([START + hour * HOUR_MS for hour in hours], np.int64)})
    leading = None if symbols is None else Leading.of("symbol", symbols)
    return build(batch, backend, {"symbol": "A", "interval": "1h", **about}, leading=leading)


def at(hour: float) -> str:
    return iso(START + int(hour * HOUR_MS))


def told(frame: Any) -> list[tuple[Any, ...]]:
    """The holes with their times in hours."""
    found = holes(frame)
    rows = found.to_dict("records") if isinstance(found, pd.DataFrame) else found.to_dicts()
    zero = pd.Timestamp(START, unit="ms", tz="UTC")

    def hour(moment: Any) -> float | None:
        return None if moment is None or moment is pd.NaT else (pd.Timestamp(moment) - zero) / pd.Timedelta("1h")

    return [(row["symbol"], hour(row["start"]), hour(row["end"]), row["rows"], row["kind"]) for row in rows]


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_each_hole_is_called_what_it_is(backend: str) -> None:
    frame = frame_of(
        *(0, 1, 4, 8, 9, 12),
        backend=backend,
        gaps=[["A", at(2), at(3)], ["A", at(10), at(11)]],
        missing=[["A", at(5), at(8)], ["A", at(13), at(20)], ["B", at(0), at(1)], ["A", None, at(0)]],
    )
    assert told(frame) == [
        ("A", None, 0, -1, "missing"),
        ("A", 2, 3, 1, "exchange"),
        ("A", 3, 4, 1, "unknown"),
        ("A", 5, 8, 3, "missing"),
        ("A", 10, 11, 1, "exchange"),
        ("A", 11, 12, 1, "unknown"),
        ("A", 13, 20, 7, "missing"),
        ("B", 0, 1, 1, "missing"),
    ]
    assert attrs(holes(frame)) == {"symbol": "A", "interval": "1h"}


def test_a_whole_frame_has_none_and_keeps_its_columns() -> None:
    found = holes(frame_of(0, 1, 2))
    assert list(found.columns) == ["symbol", "start", "end", "rows", "kind"]
    assert len(found) == 0


def test_what_was_filled_since_is_no_hole() -> None:
    assert told(frame_of(0, 1, 2, 3, missing=[["A", at(1), at(4)]])) == []
    assert told(frame_of(0, 1, 3, missing=[["A", at(1), at(4)]])) == [("A", 2, 3, 1, "missing")]


def test_holes_of_finer_candles_are_put_on_the_grid() -> None:
    finer = {"gaps": [["A", at(1.5), at(3.25)]], "missing": [["A", at(5.5), at(5.75)]]}
    assert told(frame_of(0, 4, **finer)) == [
        ("A", 1, 2, 1, "unknown"),
        ("A", 2, 3, 1, "exchange"),
        ("A", 3, 4, 1, "unknown"),
        ("A", 5, 6, 1, "missing"),
    ]


def test_each_symbol_has_its_own() -> None:
    frame = frame_of(0, 2, 0, 1, symbols=["A", "A", "B", "B"], symbol=["A", "B"], gaps=[["B", at(1), at(2)]])
    assert told(frame) == [("A", 1, 2, 1, "unknown")]


def test_no_rows_leave_what_the_attributes_say() -> None:
    frame = frame_of(gaps=[["A", at(0), at(4)]], missing=[["A", at(5), at(8)]])
    assert told(frame) == [("A", 0, 4, 4, "exchange"), ("A", 5, 8, 3, "missing")]
    frame.attrs.pop("interval")
    assert told(frame) == [("A", 0, 4, -1, "exchange"), ("A", 5, 8, -1, "missing")]


def test_months() -> None:
    days = ["2023-11-01", "2023-12-01", "2024-02-01", "2024-03-01"]
    frame = pd.DataFrame(index=pd.DatetimeIndex(days, tz="UTC", name="open_time"))
    frame.attrs = {"interval": "1M"}
    found = holes(frame)
    assert found["start"].astype(str).tolist() == ["2024-01-01 00:00:00+00:00"]
    assert found["rows"].tolist() == [1]
    assert found["symbol"].isna().all()


def test_attributes_of_another_make_are_passed_over() -> None:
    odd = {"gaps": "none", "missing": [["A"], ["A", "soon", "later"], ["A", at(3), at(2)], 7]}
    assert told(frame_of(0, 1, **odd)) == []
    assert named({"gaps": [["A", at(1), at(2)], ["A", at(2), at(3)]]}, "gaps", "A") == [
        Span(START + HOUR_MS, START + 3 * HOUR_MS)
    ]


def test_what_is_no_frame_of_candles_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"df\.cx\.gaps\(\) needs a frame of klines; this one has no open_time"):
        holes(pd.DataFrame({"price": [1.0]}))
    with pytest.raises(ValidationError, match="no candle of 1h opens at 2024-01-01T00:30:00Z"):
        holes(frame_of(0, 0.5))  # type: ignore[arg-type]  # half an hour
    with pytest.raises(ValidationError, match="stands there twice"):
        holes(frame_of(0, 0))


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8).map(
    lambda pairs: merged(Span(start, start + length) for start, length in pairs)
)


def cells(found: list[Span]) -> set[int]:
    return {cell for span in found for cell in range(span.start, span.end)}


@given(spans, spans)
def test_stretches_are_sets_of_moments(left: list[Span], right: list[Span]) -> None:
    for found, wanted in [
        (overlap(left, right), cells(left) & cells(right)),
        (without(left, right), cells(left) - cells(right)),
        (merged([*left, *right]), cells(left) | cells(right)),
    ]:
        assert cells(found) == wanted
        assert all(span.start < span.end for span in found)
        assert all(one.end <= other.start for one, other in pairwise(found))
