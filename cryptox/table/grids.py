"""Candle times as columns: the grid they lie on, their order, and the interval that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cryptox.errors import ValidationError
from cryptox.model.interval import INTERVALS, Interval
from cryptox.model.time import iso, to_ms

from .batch import Array, Batch
from .reading import Rows

__all__ = ["as_of", "check_grid", "floors", "in_order", "moment", "spacing"]


def floors(times_ms: Array, interval: Interval) -> Array:
    """Starts of the candles that hold these moments."""
    if interval.monthly:
        months = times_ms.astype("M8[ms]").astype("M8[M]")
        return np.asarray(months.astype("M8[ms]").astype(np.int64))
    return np.asarray((times_ms - interval.offset_ms) // interval.step_ms * interval.step_ms + interval.offset_ms)


def in_order(rows: Rows, purpose: str) -> tuple[Batch, Array]:
    """The rows by symbol and time, and the symbols' codes.

    Raises
    ------
    ValidationError
        A candle stands there twice.
    """
    batch, codes, times = rows.batch, rows.codes, rows.batch["open_time"]
    steps = np.diff(times)
    same = np.diff(codes) == 0
    if not ((np.diff(codes) > 0) | (same & (steps > 0))).all():
        order = np.lexsort((times, codes))
        batch, codes = batch.take(order), codes[order]
        times = batch["open_time"]
        double = np.flatnonzero((np.diff(times) == 0) & (np.diff(codes) == 0))
        if len(double):
            raise ValidationError(
                f"df.cx.{purpose} needs each candle once; the one of {iso(int(times[double[0]]))} stands there twice.",
                recovery_suggestions=["Drop the double rows: df[~df.index.duplicated()]."],
                context={"operation": purpose},
            )
    return batch, codes


def spacing(rows: Rows, batch: Batch, codes: Array, purpose: str) -> Interval:
    """The interval of the candles: what their own times say, else the frame's attributes, else the distance of rows.

    Raises
    ------
    ValidationError
        No interval of the exchange.
    """
    times = batch["open_time"]
    if "close_time" in batch.columns:
        # The usual length: around outages the exchange has a few candles that end early.
        lengths, counts = np.unique(batch["close_time"] + 1 - times, return_counts=True)
        length = int(lengths[np.argmax(counts)])
    else:
        known = INTERVALS.get(str(rows.attrs.get("interval")))
        if known is not None:
            return known
        steps = np.diff(times)[np.diff(codes) == 0]
        length = int(steps.min()) if len(steps) else 0
    month = INTERVALS["1M"]
    if length >= month.step_ms:
        return month
    for interval in INTERVALS.values():
        if interval.step_ms == length and not interval.monthly:
            return interval
    raise ValidationError(
        f"df.cx.{purpose} needs candles of an interval of the exchange; these are {length:,} ms long.",
        recovery_suggestions=[f"Begin with candles of one of {' '.join(INTERVALS)}."],
        context={"operation": purpose},
    )


def check_grid(times_ms: Array, interval: Interval, purpose: str) -> None:
    """Raise a ``ValidationError`` unless all these moments are starts of candles."""
    wrong = np.flatnonzero(floors(times_ms, interval) != times_ms)
    if len(wrong):
        raise ValidationError(
            f"df.cx.{purpose} needs candles on the exchange's grid; no candle of {interval.name} opens at "
            f"{iso(int(times_ms[wrong[0]]))}.",
            recovery_suggestions=["Begin with the frame as the exchange gave it."],
            context={"operation": purpose, "interval": interval.name},
        )


def as_of(attrs: Mapping[str, Any]) -> int | None:
    """The moment in ms by which the frame's rows were judged, None where it is not told."""
    return moment(attrs.get("as_of"))


def moment(text: Any) -> int | None:
    """Milliseconds of an ISO text; None for anything else."""
    try:
        return to_ms(text, now_ms=0) if isinstance(text, str) else None
    except ValidationError:
        return None
