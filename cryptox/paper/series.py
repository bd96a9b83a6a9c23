"""One symbol's candles at any moment: cached days, the units that longer candles are summed from, and what still forms.

A *unit* is a stretch of time whose candles are kept: the second, the minute, the quarter, the hour and the day. Any
candle is a sum of the longest units that its grid is made of; of the unit that holds "now" only the trades so far
count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cryptox.model.interval import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

from .cache import Cache
from .inside import Block, draw_block, seconds, trade_rows
from .market import Ints
from .spine import Day, Lot, Row, Spine, generator, reduce_groups, reduce_rows

__all__ = ["UNITS", "Numbering", "Series"]

UNKNOWN, EMPTY, TRADED = 0, 1, 2
UNITS = (DAY_MS, HOUR_MS, 15 * MINUTE_MS, MINUTE_MS, SECOND_MS)


@dataclass(frozen=True, slots=True)
class Numbering:
    """Trades and aggregates before each minute of a day, from 0; one entry more than there are minutes."""

    trades: Ints
    orders: Ints


class Series:
    """Candles and trade blocks of one spine."""

    def __init__(self, spine: Spine, key: int, cache: Cache) -> None:
        self.spine = spine
        self.listing = spine.listing
        self._key = key
        self._cache = cache
        self._days = np.empty((len(Row), 0), np.int64)  # a column a day from the first on, as far as asked for
        self._known = np.empty(0, np.int8)  # of each column: UNKNOWN, EMPTY or TRADED

    def rows(self, day: int) -> Ints:
        """The minutes of a day."""
        return self._cache.get((self._key, "rows", day), lambda: self.spine.day(day).rows, _bytes)

    def lots(self, day: int) -> Ints:
        """What trades inside the minutes of a day."""
        return self._cache.get((self._key, "lots", day), lambda: self._drawn(day).lots, _bytes)

    def _drawn(self, day: int) -> Day:
        drawn = self.spine.day(day)
        self._cache.put((self._key, "rows", day), drawn.rows, drawn.rows.nbytes)
        return drawn

    def numbering(self, day: int) -> Numbering:
        """Trades and aggregates before each minute of a day."""

        def make() -> Numbering:
            lots = self.lots(day)
            rows = self.rows(day)
            anchors = np.bitwise_count(lots[Lot.ANCHORS] & 15)
            orders = anchors + lots[Lot.K_BUY] + lots[Lot.K_SELL]
            return Numbering(_before(rows[Row.TRADES]), _before(orders))

        return self._cache.get((self._key, "ids", day), make, lambda made: 2 * made.trades.nbytes)

    def block(self, hour: int) -> Block:
        """The trades of an hour since the epoch."""

        def make() -> Block:
            part, rows = self._hour(hour)
            rng = generator(self._key, hour)
            return draw_block(rng, rows, self.lots(hour // 24)[:, part], self.listing.listed_ms)

        return self._cache.get((self._key, "block", hour), make, lambda made: 16 * made.order.nbytes // 3)

    def _hour(self, hour: int) -> tuple[slice, Ints]:
        rows = self.rows(hour // 24)
        part = _between(rows, hour * HOUR_MS, (hour + 1) * HOUR_MS)
        return part, rows[:, part]

    def _seconds(self, hour: int) -> Ints:
        def make() -> Ints:
            _, rows = self._hour(hour)
            return seconds(self.block(hour), rows)

        return self._cache.get((self._key, "seconds", hour), make, _bytes)

    def _units(self, day: int, unit: int) -> Ints:
        """The quarters or hours of a day."""
        return self._cache.get((self._key, unit, day), lambda: _in_units(self.rows(day), unit), _bytes)

    def days(self, first_day: int, end_day: int) -> Ints:
        """Finished days of [first_day, end_day) that exist; once drawn they are kept."""
        first, end = (max(0, day - self.spine.first_day) for day in (first_day, end_day))
        more = end - len(self._known)
        if more > 0:
            more += 512
            self._days = np.concatenate((self._days, np.empty((len(Row), more), np.int64)), axis=1)
            self._known = np.concatenate((self._known, np.full(more, UNKNOWN, np.int8)))
        unknown = np.flatnonzero(np.diff(self._known[first:end] == UNKNOWN, prepend=False, append=False)) + first
        for begin, stop in unknown.reshape(-1, 2).tolist():
            self._draw_days(begin, stop)
        part = self._days[:, first:end]
        traded = self._known[first:end] == TRADED
        return part if traded.all() else part[:, traded]

    def _draw_days(self, begin: int, end: int) -> None:
        """Make the columns [begin, end); minutes are let go: years of them would drive out what is in use."""
        first_day = self.spine.first_day
        self._known[begin:end] = EMPTY
        for rows in self.spine.stretches(first_day + begin, first_day + end):
            hours = _in_units(rows, HOUR_MS)
            days = _in_units(hours, DAY_MS)
            at = days[Row.TIME] // DAY_MS - first_day
            self._days[:, at] = days
            self._known[at] = TRADED
            edges = np.searchsorted(hours[Row.TIME], days[Row.TIME])
            for index, part in zip(at.tolist(), np.split(hours, edges[1:], axis=1), strict=False):
                self._cache.put((self._key, HOUR_MS, first_day + index), part.copy(), part.nbytes)

    def finished(self, unit: int, start_ms: int, end_ms: int) -> Ints:
        """Candles of the unit that open in [start_ms, end_ms); the range lies on the unit's grid and in the past."""
        start_ms = max(start_ms, self.spine.first_day * DAY_MS)
        if start_ms >= end_ms:
            return self._days[:, :0]
        if unit == DAY_MS:
            return self.days(start_ms // DAY_MS, end_ms // DAY_MS)
        if unit == SECOND_MS:
            parts = [self._seconds(hour) for hour in range(start_ms // HOUR_MS, -(-end_ms // HOUR_MS))]
        else:
            days = range(start_ms // DAY_MS, -(-end_ms // DAY_MS))
            parts = [self.rows(day) if unit == MINUTE_MS else self._units(day, unit) for day in days]
        parts[-1] = parts[-1][:, : _between(parts[-1], 0, end_ms).stop]
        parts[0] = parts[0][:, _between(parts[0], start_ms, end_ms).start :]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def units(self, unit: int, start_ms: int, end_ms: int, now_ms: int) -> Ints:
        """Candles of the unit that open in [start_ms, end_ms) as they stand at ``now_ms``, the last perhaps forming."""
        sealed = (now_ms + 1) // unit * unit
        table = self.finished(unit, start_ms, min(end_ms, sealed))
        if start_ms <= sealed < end_ms and sealed <= now_ms:
            return np.concatenate((table, self._forming(unit, sealed, now_ms)), axis=1)
        return table

    def _forming(self, unit: int, open_ms: int, now_ms: int) -> Ints:
        """The unit that holds ``now_ms``, of the trades up to then; no column where it does not exist (yet)."""
        if unit < MINUTE_MS:
            return self._forming_minute(open_ms, now_ms)
        minute = (now_ms + 1) // MINUTE_MS * MINUTE_MS
        rows = self.finished(MINUTE_MS, open_ms, minute)
        if minute <= now_ms:
            rows = np.concatenate((rows, self._forming_minute(minute, now_ms)), axis=1)
        if not rows.shape[1]:
            return rows
        whole = reduce_rows(rows, np.zeros(1, np.int64))
        whole[Row.TIME] = open_ms
        return whole

    def _forming_minute(self, open_ms: int, now_ms: int) -> Ints:
        """A candle of at most a minute: the trades in [open_ms, now_ms], or none at the price before them."""
        minute = open_ms // MINUTE_MS * MINUTE_MS
        day = self.rows(minute // DAY_MS)
        part = _between(day, minute, minute + MINUTE_MS)
        if part.start == part.stop:
            return day[:, :0]
        block = self.block(minute // HOUR_MS)
        begin, end = block.until(open_ms * 1000)[1], block.until((now_ms + 1) * 1000)[1]
        if begin < end:
            row = reduce_rows(trade_rows(block, begin, end), np.zeros(1, np.int64))
        else:
            price = self.price_before(open_ms)
            if price is None:
                return day[:, :0]
            row = np.zeros((len(Row), 1), np.int64)
            row[Row.OPEN : Row.CLOSE + 1] = price
        row[Row.TIME] = open_ms
        return row

    def price_before(self, time_ms: int) -> int | None:
        """The last price before a moment; None when there was none."""
        ended = self.listing.ended_ms
        time_ms = time_ms if ended is None else min(time_ms, ended)
        minute = time_ms // MINUTE_MS * MINUTE_MS
        if time_ms > minute and self.rows(minute // DAY_MS).shape[1]:
            block = self.block(minute // HOUR_MS)
            begin, end = block.until(minute * 1000)[1], block.until(time_ms * 1000)[1]
            if begin < end:
                return int(block.price[end - 1])
        for day in range(minute // DAY_MS, self.spine.first_day - 1, -1):
            rows = self.rows(day)
            count = _between(rows, 0, minute).stop
            if count:
                return int(rows[Row.CLOSE, count - 1])
        return None

    def trades_between(self, start_ms: int, end_ms: int) -> Ints:
        """Orders in [start_ms, end_ms), within one minute, as candles of one order each."""
        day = self.rows(start_ms // DAY_MS)
        if not day.shape[1] or start_ms >= end_ms:
            return day[:, :0]
        block = self.block(start_ms // HOUR_MS)
        return trade_rows(block, block.until(start_ms * 1000)[1], block.until(end_ms * 1000)[1])


def _bytes(rows: Ints) -> int:
    return rows.nbytes


def _before(counts: Ints) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))


def _between(rows: Ints, start_ms: int, end_ms: int) -> slice:
    first, last = np.searchsorted(rows[Row.TIME], (start_ms, end_ms)).tolist()
    return slice(first, last)


def _in_units(rows: Ints, unit: int) -> Ints:
    """Candles summed to the unit's grid; a unit exists where any of its parts does."""
    time = rows[Row.TIME]
    if len(time) > 1 and int(time[0]) % unit == 0:
        step = int(time[1] - time[0])
        whole = (len(time) - 1) * step == int(time[-1] - time[0]) and len(time) * step % unit == 0
        if whole and (np.diff(time) == step).all():
            return reduce_groups(rows, unit // step)
    grid = time // unit
    made = reduce_rows(rows, np.flatnonzero(np.diff(grid, prepend=-1)))
    made[Row.TIME] = made[Row.TIME] // unit * unit
    return made
