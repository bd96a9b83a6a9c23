"""Trades that users' orders brought about: what lies over the seeded tape.

A print stands in the tape after ``before`` trades of the market's own and all earlier prints, so its id is
``before`` plus its place among the prints. The market's own path is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Print", "Prints"]


@dataclass(frozen=True, slots=True)
class Print:
    """One trade with at least one user's order in it."""

    before: int  # trades of the market's own that come before it
    aggregates_before: int  # and aggregates of the market's own
    price: int  # ticks
    quantity: int  # steps
    time_us: int
    buyer_is_maker: bool
    opens: bool  # begins an aggregate: another taker order, another price or another moment than the print before


class Prints:
    """All prints of the exchange, by symbol, oldest first; ``before`` and ``time_us`` never fall."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, list[Print]] = {}

    def of(self, symbol: str) -> list[Print]:
        """Prints of a symbol; not to be changed."""
        return self._by_symbol.get(symbol, _NONE)

    def add(self, symbol: str, printed: Print) -> int:
        """Append a print, and return its trade id."""
        kept = self._by_symbol.setdefault(symbol, [])
        assert not kept or (printed.before >= kept[-1].before and printed.time_us >= kept[-1].time_us)
        kept.append(printed)
        return printed.before + len(kept) - 1

    def symbols(self) -> list[str]:
        """Symbols that have prints."""
        return list(self._by_symbol)


_NONE: list[Print] = []
