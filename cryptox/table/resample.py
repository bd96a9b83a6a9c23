"""Candles of a longer interval out of shorter ones, as the exchange itself would have written them."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import reduce
from typing import Any

import numpy as np

from cryptox.errors import ValidationError
from cryptox.model.columns import KLINES, Column, Kind, Table
from cryptox.model.interval import DAY_MS, INTERVALS, Interval
from cryptox.model.names import check_flag, check_interval

from .batch import DECIMAL, Array, Batch
from .decimals import ONE, as_int64, from_int64, from_integers, to_float, to_integers
from .frames import Frame
from .grids import as_of, check_grid, floors, in_order, spacing
from .holes import Span, named
from .reading import Rows, read

__all__ = ["resample"]

NEEDED = ("open_time", "open", "high", "low", "close")
COMPLETE = Column("complete", Kind.FLAG, "every candle of the bucket is there and has ended")

_SUMMED = (Kind.VOLUME, Kind.INTEGER)
_INT64_MAX = (1 << 63) - 1
_SURE = float(1 << 51)  # units of 10**-8 that one float still tells apart, arithmetic included
_WIDE = Context(prec=400)


def resample(frame: Frame, interval: str, *, partial: bool = False) -> Frame:
    """The frame's candles put together to longer ones; ``Accessor.resample`` says how."""
    target = INTERVALS[check_interval(interval, INTERVALS)]
    unfinished = check_flag(partial, name="partial")
    rows = read(frame, KLINES, NEEDED, wanted=KLINES.names, purpose="resample()")
    batch, codes = in_order(rows, "resample()")
    source = spacing(rows, batch, codes, "resample()") if len(batch) else target
    _check_nested(source, target)
    check_grid(batch["open_time"], source, "resample()")
    opens = floors(batch["open_time"], target)
    first = np.flatnonzero(np.r_[True, (np.diff(opens) != 0) | (np.diff(codes) != 0)][: len(opens)])
    starts, symbols = opens[first], codes[first]
    ends = floors(starts + target.step_ms + (4 * DAY_MS if target.monthly else 0), target)
    made = _buckets(batch, first, starts, ends)
    whole = _whole(rows, batch, codes, first, starts, ends, source)
    if unfinished:
        table = Table(made.table.name, made.table.index, (*made.table.columns, COMPLETE))
        made = Batch(table, {**made.columns, COMPLETE.name: whole}, made.exact)
    else:
        made, symbols = made.take(whole), symbols[whole]
    return rows.built(made, symbols, interval=target.name)


def _check_nested(source: Interval, target: Interval) -> None:
    """Every candle of the source must lie in one bucket."""
    if source == target:
        return
    if target.monthly:
        fits = not source.monthly and DAY_MS % source.step_ms == 0
    else:
        aligned = target.step_ms % source.step_ms == 0 and (target.offset_ms - source.offset_ms) % source.step_ms == 0
        fits = not source.monthly and aligned
    if not fits:
        raise ValidationError(
            f"Candles of {target.name} cannot be made of candles of {source.name}: they do not fit into each other.",
            recovery_suggestions=["Begin with shorter candles, such as 1h or 1d, or choose a longer interval."],
            context={"operation": "resample()", "from": source.name, "to": target.name},
        )


def _buckets(batch: Batch, first: Array, starts: Array, ends: Array) -> Batch:
    """One row a bucket, in the columns of the batch."""
    last = np.r_[first[1:], len(batch)][: len(first)] - 1
    made: dict[str, Array] = {}
    for column in batch.table.columns:
        values = batch[column.name]
        if column.name == "open_time":
            made[column.name] = starts
        elif column.name == "close_time":
            made[column.name] = ends - 1
        elif column.name in ("open", "close"):
            made[column.name] = values[first if column.name == "open" else last]
        elif not len(first):
            made[column.name] = values
        elif column.kind in _SUMMED:
            made[column.name] = _sums(values, first)
        else:
            made[column.name] = _extremes(values, first, np.maximum if column.name == "high" else np.minimum)
    return Batch(batch.table, made, batch.exact)


def _extremes(values: Array, first: Array, choose: Any) -> Array:
    if values.dtype != DECIMAL:
        return np.asarray(choose.reduceat(values, first))
    low = as_int64(values)
    if low is not None:
        return from_int64(choose.reduceat(low, first), 8)
    return from_integers(choose.reduceat(np.array(to_integers(values), object), first).tolist())


def _sums(values: Array, first: Array) -> Array:
    if values.dtype == np.float64:
        return _float_sums(values, first)
    if values.dtype == DECIMAL:
        low = as_int64(values)
        if low is None or _largest(low) > _INT64_MAX // max(1, len(low)):
            return from_integers(np.add.reduceat(np.array(to_integers(values), object), first).tolist())
        return from_int64(np.add.reduceat(low, first), 8)
    return np.asarray(np.add.reduceat(values, first))


def _float_sums(values: Array, first: Array) -> Array:
    """The floats nearest to the sums of the numbers that the floats were read from.

    A float tells all eight decimals of a number up to some 22 million: these are summed as whole numbers, and the sums
    are those of the exchange. Of larger numbers the shortest text that the float has is taken.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        units = np.rint(values * ONE)
        plain = (np.abs(units) < _SURE) & (units / ONE == values)
    whole = np.where(plain, units, 0.0).astype(np.int64)
    last = np.r_[first[1:], len(values)]
    limit = _INT64_MAX // max(1, int((last - first).max()))
    sums = to_float(from_int64(np.add.reduceat(whole, first), 8))
    odd = np.logical_or.reduceat(~plain | (np.abs(whole) > limit), first)
    for bucket in np.flatnonzero(odd).tolist():
        sums[bucket] = _float_sum(values[first[bucket] : last[bucket]])
    return sums


def _float_sum(values: Array) -> float:
    if not np.isfinite(values).all():
        return float(values.sum())
    return float(reduce(_WIDE.add, (Decimal(repr(value)) for value in values.tolist())))


def _largest(values: Array) -> int:
    return max(int(values.max()), -int(values.min())) if len(values) else 0


def _whole(
    rows: Rows, batch: Batch, codes: Array, first: Array, starts: Array, ends: Array, source: Interval
) -> Array:  # fmt: skip
    """Which buckets are whole: every candle is there, or the exchange has none, and the last one has ended."""
    times = batch["open_time"]
    last = np.r_[first[1:], len(batch)][: len(first)]
    there = last - first
    wanted = np.ones_like(there) if source.monthly else (ends - starts) // source.step_ms
    for code, symbol in enumerate(rows.symbols):
        own = times[codes == code]
        for hole in named(rows.attrs, "gaps", symbol):
            for bucket in np.flatnonzero((codes[first] == code) & (starts < hole.end) & (ends > hole.start)).tolist():
                part = Span(max(int(starts[bucket]), hole.start), min(int(ends[bucket]), hole.end))
                inside = np.searchsorted(own, part.end) - np.searchsorted(own, part.start)
                there[bucket] += max(0, source.count(part.start, part.end) - int(inside))
    judged = as_of(rows.attrs)
    ended = np.True_ if judged is None else np.asarray(ends <= judged)
    return np.asarray((there >= wanted) & ended, np.bool_)
