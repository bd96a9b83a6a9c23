"""One symbol's trades by id and by moment. Ids are arithmetic: whole days and minutes are counted, not walked."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import DAY_MS, HOUR_MS, MINUTE_MS

from .inside import Block
from .market import Aggregates, Ints, Tape
from .series import Series
from .spine import Row

__all__ = ["Count", "TapeReader"]

Column = npt.NDArray[Any]


class Count(NamedTuple):
    """How many trades and aggregates there were before a moment."""

    trades: int
    orders: int


class TapeReader:
    """Trades and aggregates of one series."""

    def __init__(self, series: Series) -> None:
        self.series = series

    def _before(self, day: int) -> tuple[Ints, Ints]:
        trades, merged = self.series.spine.counts(day)
        return trades, trades - merged

    def count(self, time_us: int) -> Count:
        """Trades and aggregates before ``time_us``."""
        day = time_us // (DAY_MS * 1000)
        series = self.series
        if day < series.spine.first_day:
            return Count(0, 0)
        trades, orders = self._before(day)
        index = min(day - series.spine.first_day, len(trades) - 1)
        base = Count(int(trades[index]), int(orders[index]))
        rows = series.rows(day)
        if not rows.shape[1]:
            return base
        ids = series.numbering(day)
        hour = time_us // (HOUR_MS * 1000)
        minute = time_us // (MINUTE_MS * 1000) * MINUTE_MS
        at = int(np.searchsorted(rows[Row.TIME], minute))
        if minute * 1000 == time_us or at == rows.shape[1] or rows[Row.TIME, at] != minute:
            return Count(base.trades + int(ids.trades[at]), base.orders + int(ids.orders[at]))
        begin = int(np.searchsorted(rows[Row.TIME], hour * HOUR_MS))
        inside = series.block(hour).until(time_us)
        return Count(
            base.trades + int(ids.trades[begin]) + inside[0],
            base.orders + int(ids.orders[begin]) + inside[1],
        )

    def _find(self, number: int, day_end: int, line: int) -> tuple[Block, int, int]:
        """The block that holds a trade (line 0) or aggregate (line 1), and the ids of the block's first ones."""
        spine = self.series.spine
        both = self._before(day_end)
        index = bisect_right(both[line], number) - 1
        day = spine.first_day + index
        ids = self.series.numbering(day)
        within = number - int(both[line][index])
        rows = self.series.rows(day)
        at = bisect_right(ids.trades if line == 0 else ids.orders, within) - 1
        hour = int(rows[Row.TIME, at]) // HOUR_MS
        begin = int(np.searchsorted(rows[Row.TIME], hour * HOUR_MS))
        return (
            self.series.block(hour),
            int(both[0][index] + ids.trades[begin]),
            int(both[1][index] + ids.orders[begin]),
        )

    def trades(self, first_id: int, last_id: int, now_ms: int) -> Tape:
        """Trades by id, both ends included, as far as they exist at ``now_ms``."""
        last_id = min(last_id, self.count((now_ms + 1) * 1000).trades - 1)
        number = max(0, first_id)
        parts: list[tuple[Column, ...]] = []
        while number <= last_id:
            block, base, _ = self._find(number, now_ms // DAY_MS, 0)
            end = min(last_id + 1, base + len(block.order))
            part = slice(number - base, end - base)
            owner = block.order[part]
            ids = np.arange(number, end)
            parts.append((ids, block.price[owner], block.quantity[part], block.time_us[owner], ~block.buy[owner]))
            number = end
        return Tape(*_joined(parts, 5))

    def aggregates(self, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        """Aggregates by id, both ends included, as far as they exist at ``now_ms``."""
        last_id = min(last_id, self.count((now_ms + 1) * 1000).orders - 1)
        number = max(0, first_id)
        parts: list[tuple[Column, ...]] = []
        while number <= last_id:
            block, trades, base = self._find(number, now_ms // DAY_MS, 1)
            end = min(last_id + 1, base + len(block.price))
            part = slice(number - base, end - base)
            first = trades + block.first[part]
            last = trades + block.first[number - base + 1 : end - base + 1] - 1
            ids = np.arange(number, end)
            parts.append(
                (ids, block.price[part], block.steps[part], first, last, block.time_us[part], ~block.buy[part])
            )
            number = end
        return Aggregates(*_joined(parts, 7))


def _joined(parts: list[tuple[Column, ...]], columns: int) -> list[Column]:
    """Columns of all parts; the last one holds flags."""
    if not parts:
        return [np.empty(0, np.int64)] * (columns - 1) + [np.empty(0, np.bool_)]
    if len(parts) == 1:
        return list(parts[0])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
