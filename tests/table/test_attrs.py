"""Attributes travel with a frame, are JSON, and leave nothing behind."""

from __future__ import annotations

import gc
import io
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cryptox.model.columns import KLINES
from cryptox.table import attrs as module
from cryptox.table.attrs import attach, attrs
from cryptox.table.batch import Batch
from cryptox.table.frames import BACKENDS, build

FACTS: dict[str, Any] = {
    "venue": "paper",
    "symbol": "币安人生USDT",
    "as_of": "2024-01-01T00:00:00Z",
    "last_update_id": 2**60,
    "missing": [],
    "gaps": [["BTCUSDT", "2021-04-25T04:00:00Z", "2021-04-25T08:00:00Z"]],
    "nothing": None,
    "ratio": 0.5,
    "flag": True,
    "inner": {"a": 1},
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_gives_the_same_dictionary(backend: str) -> None:
    frame = build(Batch.empty(KLINES), backend, FACTS)
    assert attrs(frame) == FACTS
    assert attrs(attach(frame, {"venue": "binance"})) == {"venue": "binance"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_given_and_what_is_got_are_copies(backend: str) -> None:
    given = {"gaps": [["BTCUSDT", "a", "b"]]}
    frame = build(Batch.empty(KLINES), backend, given)
    given["gaps"].append([])
    attrs(frame)["gaps"].append([])
    attrs(frame)["venue"] = "other"
    assert attrs(frame) == {"gaps": [["BTCUSDT", "a", "b"]]}


@pytest.mark.parametrize("made", [pd.Series, pl.Series])
def test_a_series_carries_them_too(made: Any) -> None:
    series = attach(made([1.0]), FACTS)
    assert attrs(series) == FACTS
    assert attrs(made([1.0])) == {}
    del series
    gc.collect()
    assert FACTS not in module._polars.values()


@pytest.mark.parametrize("exact", [False, True])
def test_pandas_attrs_survive_a_parquet_file(exact: bool) -> None:
    frame = build(Batch.empty(KLINES, exact=exact), "pandas", FACTS)
    file = io.BytesIO()
    frame.to_parquet(file)
    again = pd.read_parquet(file)
    assert attrs(again) == FACTS
    assert again.index.dtype == frame.index.dtype
    if not exact:  # pandas reads decimals back as objects
        assert again.dtypes.astype(str).tolist() == frame.dtypes.astype(str).tolist()


def test_arrow_metadata_survives_a_parquet_file() -> None:
    file = io.BytesIO()
    pq.write_table(build(Batch.empty(KLINES), "arrow", FACTS), file)
    assert attrs(pq.read_table(file)) == FACTS


def test_other_metadata_of_a_table_is_kept() -> None:
    table = attach(pa.table({"a": [1]}).replace_schema_metadata({b"mine": b"yes"}), FACTS)
    assert table.schema.metadata[b"mine"] == b"yes"
    assert attrs(table) == FACTS


def test_dead_polars_frames_leave_nothing_behind() -> None:
    gc.collect()
    before = len(module._polars)
    frames = [attach(pl.DataFrame({"a": [1]}), {"n": number}) for number in range(100)]
    frames += [attach(frame, {"again": True}) for frame in frames]
    assert len(module._polars) == before + 100
    assert attrs(frames[5]) == {"again": True}
    del frames
    gc.collect()
    assert len(module._polars) == before
    assert [attrs(pl.DataFrame({"a": [1]})) for _ in range(100)] == [{}] * 100


def test_a_derived_polars_frame_starts_without() -> None:
    frame = attach(pl.DataFrame({"a": [1, 2]}), FACTS)
    assert attrs(frame.filter(pl.col("a") > 1)) == {}
    assert attrs(frame) == FACTS


def test_pandas_selections_keep_them() -> None:
    frame = attach(pd.DataFrame({"a": [1, 2]}), FACTS)
    assert attrs(frame[frame["a"] > 1]) == FACTS
    assert attrs(frame["a"]) == FACTS


@pytest.mark.parametrize(
    "other", [None, [], {}, "text", 5, pd.DataFrame(), pl.DataFrame(), pl.Series([1]), pa.table({"a": [1]}),
              pa.table({"a": [1]}).replace_schema_metadata({b"cryptox": b"no json"}),
              pa.table({"a": [1]}).replace_schema_metadata({b"cryptox": b"[1]"})],
    ids=lambda other: type(other).__name__,
)  # fmt: skip
def test_frames_of_others_have_none(other: Any) -> None:
    assert attrs(other) == {}


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), np.float64(1), np.int64(1), (1, 2), {1}, b"x", pd.Timestamp("2024-01-01"), {1: 2},
     [object()], {"a": [{"b": np.bool_(True)}]}],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", repr(value)),  # the same in every process
)  # fmt: skip
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, lambda: pa.table({"a": [1]})])
def test_values_that_json_does_not_know_are_refused(make: Any, value: Any) -> None:
    frame = make()
    with pytest.raises(TypeError, match="attribute fact"):
        attach(frame, {"fact": value})
    assert attrs(frame) == {}


def test_keys_must_be_text_and_frames_must_be_frames() -> None:
    with pytest.raises(TypeError, match="JSON"):
        attach(pd.DataFrame(), {1: "a"})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="a list cannot carry attributes"):
        attach([], {})
