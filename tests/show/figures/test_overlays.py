"""Columns and values beside candles."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cryptox.errors import ValidationError
from cryptox.model.columns import KLINES
from cryptox.show.figures.overlays import overlay_values
from cryptox.show.figures.wishes import wishes
from cryptox.table.reading import read

HOURS = pd.date_range("2024-01-01", periods=3, freq="h", tz="UTC", unit="ms", name="open_time")
FRAME = pd.DataFrame(
    {
        "close": [1.0, 2.0, 3.0],
        "trades": [1, 2, 3],
        "money": [Decimal("0.1"), Decimal("0.2"), None],
        "word": ["a", "b", "c"],
        "good": [True, False, True],
    },
    index=HOURS,
)


def values(overlay: Any, frame: Any = FRAME) -> dict[str, list[float]]:
    rows = read(frame, KLINES, ("open_time",), purpose="plot()")
    return {name: found.tolist() for name, found in overlay_values(rows, wishes(overlay=overlay), "klines").items()}


@pytest.mark.parametrize(
    "frame", [FRAME, pl.from_pandas(FRAME.drop(columns="money").reset_index())], ids=["pandas", "polars"]
)
def test_columns_by_name(frame: Any) -> None:
    assert values(["close", "trades"], frame) == {"close": [1, 2, 3], "trades": [1, 2, 3]}
    assert values({"Mean": "close"}, frame) == {"Mean": [1, 2, 3]}
    assert values({"given": pl.Series([1, 2, 3])}, frame) == {"given": [1, 2, 3]}


def test_decimals_are_floats_here() -> None:
    first, second, none = values("money")["money"]
    assert (first, second) == (0.1, 0.2)
    assert np.isnan(none)


def test_a_series_goes_by_its_index() -> None:
    late = FRAME["close"].iloc[[2, 1]]
    first, *others = values({"late": late})["late"]
    assert np.isnan(first)
    assert others == [2, 3]
    assert values({"plain": [4, 5, 6]}) == {"plain": [4, 5, 6]}


@pytest.mark.parametrize(
    ("overlay", "message", "suggested"),
    [
        ("clsoe", "overlay='clsoe' is no column of this frame, which has close, good, money, ", {"overlay": "close"}),
        ("qqqq", "is no column", None),
        ("word", "needs numbers in the column word", None),
        ("good", "needs numbers in the column good", None),
        ("open_time", "needs numbers in the column open_time", None),
        ({"x": ["a", "b", "c"]}, "overlay 'x' does not hold numbers", None),
        ({"x": [1, 2]}, r"overlay 'x' has the shape \(2,\); the frame has 3 rows", None),
        ({"x": FRAME[["close", "trades"]]}, r"the shape \(3, 2\)", None),
        ({"x": 5}, r"the shape \(\)", None),
    ],
)
def test_what_cannot_be_drawn(overlay: Any, message: str, suggested: dict[str, Any] | None) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        values(overlay)
    assert caught.value.suggested == suggested


def test_a_column_that_stands_there_twice() -> None:
    frame = pd.concat([FRAME, FRAME[["trades"]]], axis=1)
    with pytest.raises(ValidationError, match="several columns of that name"):
        values("trades", frame)
