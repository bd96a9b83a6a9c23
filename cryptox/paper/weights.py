"""Limits of an address, counted as Binance counts them: fixed windows aligned to the wall clock, 429, then 418.

Pure: time is an argument, in seconds since the epoch. Whatever market time does, limits run in real seconds.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits (July 2026).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptox.errors import ValidationError
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import USED_WEIGHT
from cryptox.venues.binance.limits import INTERVAL_MS
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.wire.general import RateLimit

from .refusals import TOO_MANY_QUEUED, Refused, banned

__all__ = ["Meter", "Window", "announced", "read_limits"]

_WINDOW = re.compile(r"(\d+)\s*([smhd])", re.IGNORECASE)
_INTERVAL_OF = {"s": "SECOND", "m": "MINUTE", "h": "HOUR", "d": "DAY"}
_STANDARD: dict[str, tuple[tuple[int, str], ...]] = {
    "REQUEST_WEIGHT": ((6_000, "1m"),),
    "ORDERS": ((100, "10s"), (200_000, "1d")),
    "RAW_REQUESTS": ((300_000, "5m"),),
}
LONGEST_BAN_S = 3 * 86_400.0

Others = Callable[[float, float], int]  # weight used by others in [window start, now], in real seconds


@dataclass(frozen=True, slots=True)
class Window:
    """So much of something per aligned window."""

    kind: str
    amount: int
    count: int
    letter: str

    @property
    def interval(self) -> str:
        """The exchange's word: SECOND, MINUTE, HOUR or DAY."""
        return _INTERVAL_OF[self.letter]

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.count * INTERVAL_MS[self.interval] / 1_000

    def start(self, now: float) -> float:
        """When the window that holds ``now`` began."""
        return now // self.seconds * self.seconds


def read_limits(changes: Mapping[str, Any] | None) -> tuple[Window, ...]:
    """The exchange's limits, with ``{"REQUEST_WEIGHT": (200, "1s")}`` in the place of the standard ones.

    A value may be a list of such pairs: then all of its windows must have room.

    Raises
    ------
    ValidationError : unknown kind, an amount that is no whole number above zero, or an unreadable window.
    """
    changes = {} if changes is None else changes
    if not isinstance(changes, Mapping):
        raise ValidationError(f'limits={changes!r} is not a mapping such as {{"REQUEST_WEIGHT": (200, "1s")}}.')
    unknown = set(changes) - set(_STANDARD)
    if unknown:
        raise ValidationError(f"limits: {min(map(str, unknown))!r} is not one of {', '.join(_STANDARD)}.")
    windows: list[Window] = []
    for kind, standard in _STANDARD.items():
        given = changes.get(kind, standard)
        several = isinstance(given, list) or given is standard
        windows.extend(_window(kind, pair) for pair in (given if several else [given]))
    return tuple(windows)


def _window(kind: str, pair: Any) -> Window:
    try:
        amount, text = pair
        match = _WINDOW.fullmatch(text)
    except (TypeError, ValueError):
        match = None
    if match is None or int(match[1]) < 1 or isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise ValidationError(
            f"limits: {kind}={pair!r} is not (amount, window).",
            recovery_suggestions=['Give a pair such as (200, "1s"), (6000, "1m") or (200000, "1d").'],
        )
    return Window(kind, amount, int(match[1]), match[2].lower())


def announced(windows: Iterable[Window]) -> list[RateLimit]:
    """The limits as the exchange information lists them."""
    return [RateLimit(window.kind, window.interval, window.count, window.amount) for window in windows]


class Meter:
    """Counts of one address. Not safe between threads: one loop owns it.

    Parameters
    ----------
    windows
        The limits; ORDERS are not counted here, they belong to accounts.
    ban_after
        So many requests after the first 429 of a window bring a ban.
    ban_seconds
        Length of the first ban; each further one is twice as long, up to three days.
    """

    def __init__(self, windows: Iterable[Window], *, ban_after: int = 10, ban_seconds: float = 120.0) -> None:
        self._windows = [window for window in windows if window.kind in ("REQUEST_WEIGHT", "RAW_REQUESTS")]
        self._counts = [(0.0, 0) for _ in self._windows]
        self._ban_after, self._ban_seconds = ban_after, ban_seconds
        self._after_refusal = 0
        self._refused_until = 0.0
        self._bans = 0
        self.banned_until = 0.0

    def charge(self, weight: int, now: float, others: Others = lambda _start, _now: 0, *, raw: bool = True) -> None:
        """Count a request, whatever becomes of it; ``raw`` as one of RAW_REQUESTS too, which are REST's alone.

        Raises
        ------
        Refused : 429 over a limit, 418 while banned.
        """
        full: Window | None = None
        for place, window in enumerate(self._windows):
            weighs = window.kind == "REQUEST_WEIGHT"
            used = self._used(place, now) + (weight if weighs else int(raw))
            self._counts[place] = (window.start(now), used)
            if used + (others(window.start(now), now) if weighs else 0) > window.amount and full is None:
                full = window
        if now < self.banned_until:
            raise banned(self.banned_until, now)
        if full is not None:
            raise self._refuse(full, now)

    def add(self, weight: int, now: float) -> None:
        """Correct what was charged by ``weight``, up or down, once a request has shown what it costs."""
        for place, window in enumerate(self._windows):
            if window.kind == "REQUEST_WEIGHT" and weight:
                self._counts[place] = (window.start(now), max(0, self._used(place, now) + weight))

    def limits(self, now: float, others: Others = lambda _start, _now: 0) -> list[CountedLimit]:
        """The limits of weight and how much of each is used."""
        return [
            CountedLimit(
                window.kind,
                window.interval,
                window.count,
                window.amount,
                self._used(place, now) + others(window.start(now), now),
            )
            for place, window in enumerate(self._windows)
            if window.kind == "REQUEST_WEIGHT"
        ]

    def headers(self, now: float, others: Others = lambda _start, _now: 0) -> dict[str, str]:
        """Used weight, as every answer carries it."""
        found: dict[str, str] = {}
        for place, window in enumerate(self._windows):
            if window.kind == "REQUEST_WEIGHT":
                used = str(self._used(place, now) + others(window.start(now), now))
                found.setdefault(USED_WEIGHT, used)
                found[f"{USED_WEIGHT}-{window.count}{window.letter}"] = used
        return found

    def _used(self, place: int, now: float) -> int:
        start, used = self._counts[place]
        return used if start == self._windows[place].start(now) else 0

    def _refuse(self, window: Window, now: float) -> Refused:
        ends = window.start(now) + window.seconds
        if now >= self._refused_until:
            self._after_refusal = 0
            self._refused_until = ends
        else:
            self._after_refusal += 1
        if self._after_refusal >= self._ban_after:
            return banned(self.punish(now), now)
        wait = math.ceil(ends - now)
        if window.kind == "RAW_REQUESTS":
            return Refused(Code.TOO_MANY_REQUESTS, text=TOO_MANY_QUEUED, status=429, retry_after=wait)
        span = f"{window.count} {window.interval}"
        return Refused(Code.TOO_MANY_REQUESTS, window.amount, span, status=429, retry_after=wait)

    def punish(self, now: float) -> float:
        """Ban the address, longer each time; returns until when."""
        self._after_refusal, self._refused_until = 0, 0.0
        self.banned_until = now + min(self._ban_seconds * 2.0**self._bans, LONGEST_BAN_S)
        self._bans += 1
        return self.banned_until
