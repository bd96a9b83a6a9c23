"""Market time of the paper exchange: real, frozen, or running from a moment at a speed of its own."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.time import iso, to_ms

__all__ = ["END_US", "JUMP_US", "MarketClock", "duration_us"]

END_US = 7_258_118_400_000_000  # 2200-01-01: market time ends there
JUMP_US = 600_000_000  # ten minutes; a longer step is a jump, and remembered
MOST_JUMPS = 1_000  # that are remembered one by one

_UNITS_US = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_MOST_DIGITS = 100  # of a number that a float can hold
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")


def duration_us(value: Any, name: str = "duration") -> int:
    """Microseconds of ``"1h"``, ``"90s"``, ``"500ms"``, a timedelta, or whole milliseconds.

    Raises
    ------
    ValidationError : not a duration, or below zero.
    """
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match and len(value) < _MOST_DIGITS:
            return round(float(match[1]) * _UNITS_US[match[2]])
    elif isinstance(value, timedelta):
        if value >= timedelta(0):
            return value // timedelta(microseconds=1)
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value * 1_000
    raise ValidationError(
        f"{name}={value!r} is not a length of time.",
        recovery_suggestions=['Give "1h", "90s", "500ms", a timedelta, or whole milliseconds, not below zero.'],
    )


class MarketClock:
    """What time it is at the exchange.

    Parameters
    ----------
    setting
        None or ``"now"``: real time. A time (text, datetime, ms): frozen there. ``(time, speed)``: starts there and
        runs ``speed`` times as fast as a real clock.
    wall, monotonic
        Real time in seconds since the epoch, and a clock that never jumps.

    Attributes
    ----------
    watchers : list of callables
        Called after every ``advance`` and ``step``, by the thread that moved the clock.

    Raises
    ------
    ValidationError : the setting is not one of these.
    """

    def __init__(self, setting: Any, *, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._lock = threading.Lock()
        self.watchers: list[Callable[[], None]] = []
        start, speed = _read(setting)
        self.speed = speed
        self.is_real = start is None
        self._origin_us = 0 if start is None else to_ms(start, now_ms=int(wall() * 1e3), name="clock") * 1_000
        self._since = monotonic()
        self._stepped_us = 0  # of a real clock
        self._jumps: list[tuple[int, int]] = []  # where long steps began and ended, in the order of time
        if not 0 <= self._origin_us < END_US:
            raise _out_of_range(f"clock={setting!r}")

    def _forked(self) -> None:
        """In a forked child: nobody watches it, and nobody holds its lock."""
        self._lock = threading.Lock()
        self.watchers.clear()

    @property
    def header(self) -> str | None:
        """Speed as answers announce it; None while market time is real time."""
        return None if self.is_real else f"{self.speed:g}"

    def now_us(self) -> int:
        """Market time in microseconds since the epoch."""
        with self._lock:
            return min(self._now_us(), END_US)

    def _now_us(self) -> int:
        if self.is_real:
            return int(self._wall() * 1e6) + self._stepped_us
        return self._origin_us + int(min((self._monotonic() - self._since) * self.speed * 1e6, END_US))

    def jumps(self, since_us: int, until_us: int) -> list[tuple[int, int]]:
        """The steps of more than ten minutes in a span of market time, from where to where (in microseconds)."""
        with self._lock:
            found = [(max(start, since_us), min(end, until_us)) for start, end in self._jumps]
        return [(start, end) for start, end in found if start < end]

    def now_ms(self) -> int:
        """Market time in milliseconds since the epoch."""
        return self.now_us() // 1_000

    def advance(self, by: Any) -> None:
        """Move market time forward: ``"1h"``, ``"90s"``, a timedelta, or whole milliseconds.

        Raises
        ------
        ConfigurationError : market time is real time, which nobody can move.
        ValidationError : not a length of time, below zero, or beyond the year 2199.
        """
        step = duration_us(by, "advance")
        if self.is_real:
            raise ConfigurationError(
                "This exchange runs on real time, which cannot be moved.",
                recovery_suggestions=['Give it a clock of its own: PaperExchange(clock="2024-06-01 12:00").'],
            )
        self._move(step)

    def step(self, by_us: int) -> None:
        """Let market time jump by so many microseconds, real time too, and back below zero: a fault of the clock.

        Whoever needs time that never falls (the desk does) must see to that.

        Raises
        ------
        ValidationError : market time would leave the years 1970 to 2199.
        """
        self._move(by_us)

    def resume(self, from_us: int) -> None:
        """Begin no earlier than at ``from_us``, in microseconds: go on or stand from there. Real time is left alone."""
        behind = from_us - self.now_us()
        if behind > 0 and not self.is_real:
            self._move(behind)

    def _move(self, by_us: int) -> None:
        with self._lock:
            now_us = self._now_us()
            if not 0 <= now_us + by_us < END_US:
                raise _out_of_range("Market time after that step")
            if by_us > JUMP_US:
                self._remember(now_us, now_us + by_us)
            if self.is_real:
                self._stepped_us += by_us
            else:
                self._origin_us += by_us
        for watcher in tuple(self.watchers):
            watcher()

    def _remember(self, start_us: int, end_us: int) -> None:
        if len(self._jumps) == MOST_JUMPS:  # what lies between the two oldest counts as jumped over as well
            self._jumps[:2] = [(self._jumps[0][0], max(self._jumps[0][1], self._jumps[1][1]))]
        self._jumps.append((start_us, end_us))

    def __repr__(self) -> str:
        """Market time and its speed."""
        kind = "real time" if self.is_real else "frozen" if self.speed == 0 else f"{self.speed:g} times real speed"
        return f"MarketClock({iso(self.now_ms())}, {kind})"


def _read(setting: Any) -> tuple[Any, float]:
    """Where market time starts (None: real time) and its speed."""
    if setting is None or (isinstance(setting, str) and setting.strip().lower() == "now"):
        return None, 1.0
    if isinstance(setting, tuple | list):
        if len(setting) != 2:
            raise _refuse(setting)
        start, speed = setting
        if isinstance(speed, bool) or not isinstance(speed, int | float):
            raise _refuse(setting)
        if not (math.isfinite(speed) and speed >= 0):
            raise _refuse(setting)
        return start, float(speed)
    if isinstance(setting, str | int | date | datetime) or hasattr(setting, "dtype"):
        return setting, 0.0
    raise _refuse(setting)


def _out_of_range(what: str) -> ValidationError:
    return ValidationError(f"{what} is not within the years 1970 to 2199, where market time is.")


def _refuse(setting: Any) -> ValidationError:
    return ValidationError(
        f"clock={setting!r} is not a clock.",
        recovery_suggestions=[
            'Give None (now), "2024-06-01 12:00" (frozen there) or ("2024-06-01", 60) (60 times as fast from there).'
        ],
    )
