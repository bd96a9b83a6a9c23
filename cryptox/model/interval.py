"""Candle intervals: their names, their lengths and their grid in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["DAY_MS", "HOUR_MS", "INTERVALS", "MINUTE_MS", "SECOND_MS", "WEEK_MS", "Interval"]

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS  # 1970-01-05, the first Monday of the epoch


@dataclass(frozen=True, slots=True)
class Interval:
    """One candle interval. Weeks start on Monday, months on their first day, ``3d`` counts from the epoch (all UTC)."""

    name: str
    step_ms: int  # exact length; for months the shortest
    offset_ms: int = 0
    monthly: bool = False

    def floor(self, time_ms: int) -> int:
        """Start of the candle that holds ``time_ms``."""
        if self.monthly:
            return month_start_ms(months_since_epoch(time_ms))
        return (time_ms - self.offset_ms) // self.step_ms * self.step_ms + self.offset_ms

    def ceil(self, time_ms: int) -> int:
        """Start of the first candle that begins at or after ``time_ms``."""
        start = self.floor(time_ms)
        return start if start == time_ms else self.shift(start, 1)

    def shift(self, open_ms: int, candles: int) -> int:
        """``open_ms`` (on the grid) moved by so many candles, forward or backward."""
        if self.monthly:
            return month_start_ms(months_since_epoch(open_ms) + candles)
        return open_ms + candles * self.step_ms

    def count(self, start_ms: int, end_ms: int) -> int:
        """Number of candles of the grid that open in [start_ms, end_ms)."""
        first, last = self.ceil(start_ms), self.ceil(end_ms)
        if self.monthly:
            return max(0, months_since_epoch(last) - months_since_epoch(first))
        return max(0, (last - first) // self.step_ms)

    def close(self, open_ms: int) -> int:
        """Last millisecond of the candle that opens at ``open_ms``."""
        return self.shift(open_ms, 1) - 1

    def opens(self, start_ms: int, end_ms: int) -> Iterator[int]:
        """Starts of the candles that open in [start_ms, end_ms)."""
        open_ms = self.ceil(start_ms)
        while open_ms < end_ms:
            yield open_ms
            open_ms = self.shift(open_ms, 1)


def months_since_epoch(time_ms: int) -> int:
    """Calendar months between 1970-01 and the month that holds ``time_ms``."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return (moment.year - 1970) * 12 + moment.month - 1


def month_start_ms(months: int) -> int:
    """First millisecond of the month that lies so many months after 1970-01."""
    return int(datetime(1970 + months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


INTERVALS: dict[str, Interval] = {
    interval.name: interval
    for interval in (
        Interval("1s", SECOND_MS),
        Interval("1m", MINUTE_MS),
        Interval("3m", 3 * MINUTE_MS),
        Interval("5m", 5 * MINUTE_MS),
        Interval("15m", 15 * MINUTE_MS),
        Interval("30m", 30 * MINUTE_MS),
        Interval("1h", HOUR_MS),
        Interval("2h", 2 * HOUR_MS),
        Interval("4h", 4 * HOUR_MS),
        Interval("6h", 6 * HOUR_MS),
        Interval("8h", 8 * HOUR_MS),
        Interval("12h", 12 * HOUR_MS),
        Interval("1d", DAY_MS),
        Interval("3d", 3 * DAY_MS),
        Interval("1w", WEEK_MS, MONDAY_MS),
        Interval("1M", 28 * DAY_MS, monthly=True),
    )
}
