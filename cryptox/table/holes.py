"""Holes of a frame of candles: where rows are not, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from cryptox.model.columns import GAPS, KLINES
from cryptox.model.interval import INTERVALS, Interval

from .batch import Array, Batch
from .frames import Frame, build
from .grids import check_grid, in_order, moment, spacing
from .reading import Rows, backend_of, read

__all__ = ["Span", "holes", "merged", "named", "overlap", "without"]


class Span(NamedTuple):
    """A stretch of time in ms, half-open."""

    start: int
    end: int


def holes(frame: Frame) -> Frame:
    """One row a hole, by symbol and time; ``Accessor.gaps`` says which."""
    rows = read(frame, KLINES, ("open_time",), wanted=("close_time",), purpose="gaps()")
    batch, codes = in_order(rows, "gaps()")
    found: list[tuple[str | None, int | None, int, int, str]] = []
    grid = INTERVALS.get(str(rows.attrs.get("interval")))
    if len(batch):
        grid = spacing(rows, batch, codes, "gaps()")
        check_grid(batch["open_time"], grid, "gaps()")
    for symbol in _everyone(rows):
        places = [code for code, own in enumerate(rows.symbols) if own == symbol]
        times = batch["open_time"][codes == places[0]] if places else np.empty(0, np.int64)
        found += _of_one(rows.attrs, symbol, times, grid)
    facts = {key: value for key, value in rows.attrs.items() if key in ("venue", "symbol", "interval", "as_of")}
    return build(_batch(found), backend_of(frame), facts)


def named(attrs: Mapping[str, Any], kind: str, symbol: str | None) -> list[Span]:
    """The holes of that symbol that a frame's attributes name under ``gaps`` or ``missing``, in order and apart."""
    return merged(
        Span(start, end)
        for start, end in _listed(attrs, kind, symbol)
        if start is not None and start < end
    )  # fmt: skip


def merged(spans: Any) -> list[Span]:
    """The same stretches, in order; those that touch are one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        elif span.start < span.end:
            found.append(span)
    return found


def overlap(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What lies in both; each in order and apart."""
    found, places = [], iter(right)
    other = next(places, None)
    for span in left:
        while other is not None and other.start < span.end:
            part = Span(max(span.start, other.start), min(span.end, other.end))
            if part.start < part.end:
                found.append(part)
            if other.end > span.end:
                break
            other = next(places, None)
    return found


def without(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What lies in the left ones only; each in order and apart."""
    if not left:
        return []
    low, high = left[0].start, left[-1].end
    edges = [low, *(edge for span in right for edge in span if low < edge < high), high]
    if any(span.start <= low < span.end for span in right):
        edges = edges[1:]
    return overlap(left, [Span(*edges[at : at + 2]) for at in range(0, len(edges) - 1, 2)])


def _everyone(rows: Rows) -> list[str | None]:
    """The symbols of the rows, then those that only the attributes name."""
    told = [line[0] for kind in ("gaps", "missing") for line in _lines(rows.attrs, kind)]
    return list(dict.fromkeys([*rows.symbols, *told]))


def _of_one(
    attrs: Mapping[str, Any], symbol: str | None, times: Array, grid: Interval | None
) -> list[tuple[str | None, int | None, int, int, str]]:
    """The holes of one symbol, whose rows open at ``times``."""
    gaps, missing = named(attrs, "gaps", symbol), named(attrs, "missing", symbol)
    far = [(symbol, None, end, -1, "missing") for start, end in _listed(attrs, "missing", symbol) if start is None]
    if grid is None:
        known = [(span, kind) for spans, kind in ((gaps, "exchange"), (missing, "missing")) for span in spans]
        return [*far, *((symbol, span.start, span.end, -1, kind) for span, kind in sorted(known))]
    covered = merged(Span(a, b) for a, b in _runs(times, grid))
    outer = [Span(grid.floor(span.start), grid.ceil(span.end)) for span in missing]
    inner = merged(Span(grid.ceil(span.start), grid.floor(span.end)) for span in gaps)
    between = [Span(left.end, right.start) for left, right in pairwise(covered)]
    absent = without(merged([*between, *inner, *outer]), covered)
    exchange, rest = overlap(absent, inner), without(absent, inner)
    kinds = {
        "exchange": exchange,
        "missing": overlap(rest, merged(outer)),
        "unknown": without(rest, merged(outer)),
    }
    found = sorted((span, kind) for kind, spans in kinds.items() for span in spans)
    return [*far, *((symbol, s.start, s.end, grid.count(s.start, s.end), kind) for s, kind in found)]


def _runs(times: Array, grid: Interval) -> list[tuple[int, int]]:
    """Stretches in which every candle is there."""
    if not len(times):
        return []
    longest = grid.step_ms if not grid.monthly else 31 * 86_400_000
    breaks = np.flatnonzero(np.diff(times) > longest) + 1
    firsts, lasts = times[np.r_[0, breaks]], times[np.r_[breaks - 1, len(times) - 1]]
    return [(int(a), grid.shift(int(b), 1)) for a, b in zip(firsts, lasts, strict=True)]


def _lines(attrs: Mapping[str, Any], kind: str) -> list[list[Any]]:
    lines = attrs.get(kind)
    return [line for line in lines if isinstance(line, list) and len(line) == 3] if isinstance(lines, list) else []


def _listed(attrs: Mapping[str, Any], kind: str, symbol: str | None) -> list[tuple[int | None, int]]:
    found = [(moment(start), moment(end)) for name, start, end in _lines(attrs, kind) if name == symbol]
    return [(start, end) for start, end in found if end is not None]


def _batch(found: Sequence[tuple[str | None, int | None, int, int, str]]) -> Batch:
    symbols, starts, ends, counts, kinds = zip(*found, strict=True) if found else ((), (), (), (), ())
    columns = {
        "symbol": np.array(symbols, object),
        "start": np.array([0 if start is None else start for start in starts], np.int64),
        "end": np.array(ends, np.int64),
        "rows": np.array(counts, np.int64),
        "kind": np.array(kinds, object),
    }
    unknown = np.array([start is None for start in starts], np.bool_)
    return Batch(GAPS, columns, nulls={"start": unknown} if unknown.any() else {})
