"""Average prices as filters want them, kept for the second in which they hold."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from cryptox.model.interval import MINUTE_MS

from .market import Market

__all__ = ["Averages"]


class Averages:
    """Volume-weighted prices of one market's symbols, renewed every second as their stream is."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._kept: dict[tuple[str, int], tuple[int, Fraction]] = {}

    def of(self, symbol: str, minutes: int, now_ms: int, last: Callable[[], int]) -> Fraction:
        """The average of so many minutes in ticks; ``last`` where nothing was traded."""
        key, second = (symbol, minutes), now_ms // 1_000
        found = self._kept.get(key)
        if found is None or found[0] != second:
            told = self._market.statistics(symbol, now_ms - minutes * MINUTE_MS, now_ms)
            price = Fraction(told.quote_volume, told.volume) if told.volume else Fraction(last())
            found = self._kept[key] = (second, price)
        return found[1]
