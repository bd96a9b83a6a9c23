"""Unfilled orders of each account, counted as Binance counts them: fixed windows of real time, fills give back.

Pure: time is an argument, in real seconds since the epoch. Safe between threads: orders are counted where the engine
works, fills are noted where the server's loop runs.
Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/order_count_decrement (July 2026).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable

from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import ORDER_COUNT
from cryptox.venues.binance.wire.account import CountedLimit
from cryptox.venues.binance.words import ExecutionType

from .refusals import Refused
from .trading.reports import Execution, Report
from .weights import Window

__all__ = ["OrderCount", "OrderCounts"]

FIRST_TAKER_FILL = 1  # what an order's first fill gives back
FIRST_MAKER_FILL = 5


class OrderCounts:
    """Counts of all accounts.

    Parameters
    ----------
    windows
        Limits of the exchange; those of the kind ORDERS count here.
    """

    def __init__(self, windows: Iterable[Window]) -> None:
        self._windows = tuple(window for window in windows if window.kind == "ORDERS")
        self._counts: dict[int, list[tuple[float, int]]] = {}  # by account: (window start, orders) of each window
        self._lock = threading.Lock()

    def check(self, account: int, orders: int, now: float) -> None:
        """Whether so many more orders have room in every window.

        Raises
        ------
        Refused : -1015 with status 429.
        """
        with self._lock:
            for window, used in zip(self._windows, self._used(account, now), strict=True):
                if used + orders > window.amount:
                    span = f"{window.count} {window.interval}"
                    wait = math.ceil(window.start(now) + window.seconds - now)
                    raise Refused(Code.TOO_MANY_ORDERS, window.amount, span, status=429, retry_after=wait)

    def add(self, account: int, orders: int, now: float) -> None:
        """Count orders. While a day is over its limit, only days go on counting."""
        with self._lock:
            counts = self._used(account, now)
            pairs = list(zip(self._windows, counts, strict=True))
            spent = any(window.interval == "DAY" and used > window.amount for window, used in pairs)
            added = [used + orders * (not spent or window.interval == "DAY") for window, used in pairs]
            self._keep(account, added, now)

    def note(self, reports: Iterable[Report], now: float) -> None:
        """Give back what first fills give back; a listener of the engine's reports."""
        for report in reports:
            if not isinstance(report, Execution) or report.kind is not ExecutionType.TRADE or report.fill is None:
                continue
            if report.order.executed == report.fill.quantity:  # all that it has: the first fill
                given = FIRST_MAKER_FILL if report.fill.is_maker else FIRST_TAKER_FILL
                with self._lock:
                    left = [max(0, used - given) for used in self._used(report.account, now)]
                    self._keep(report.account, left, now)

    def headers(self, account: int, now: float) -> dict[str, str]:
        """The counts, as the answer to a placement carries them."""
        with self._lock:
            pairs = zip(self._windows, self._used(account, now), strict=True)
            return {f"{ORDER_COUNT}-{window.count}{window.letter}": str(used) for window, used in pairs}

    def limits(self, account: int, now: float) -> list[CountedLimit]:
        """The limits with their counts."""
        with self._lock:
            return [
                CountedLimit(window.kind, window.interval, window.count, window.amount, used)
                for window, used in zip(self._windows, self._used(account, now), strict=True)
            ]

    def _used(self, account: int, now: float) -> list[int]:
        counts = self._counts.get(account)
        if counts is None:
            return [0] * len(self._windows)
        pairs = zip(self._windows, counts, strict=True)
        return [used if start == window.start(now) else 0 for window, (start, used) in pairs]

    def _keep(self, account: int, counts: list[int], now: float) -> None:
        pairs = zip(self._windows, counts, strict=True)
        self._counts[account] = [(window.start(now), used) for window, used in pairs]


class OrderCount:
    """The count of one account at one moment of real time."""

    __slots__ = ("_account", "_counts", "_now")

    def __init__(self, counts: OrderCounts, account: int, now: float) -> None:
        self._counts, self._account, self._now = counts, account, now

    def check(self, orders: int = 1) -> None:
        """Whether so many more orders have room.

        Raises
        ------
        Refused : -1015 with status 429.
        """
        self._counts.check(self._account, orders, self._now)

    def add(self, orders: int = 1) -> None:
        """Count orders."""
        self._counts.add(self._account, orders, self._now)

    def headers(self) -> dict[str, str]:
        """The counts, as the answer to a placement carries them."""
        return self._counts.headers(self._account, self._now)

    def limits(self) -> list[CountedLimit]:
        """The limits with their counts."""
        return self._counts.limits(self._account, self._now)
