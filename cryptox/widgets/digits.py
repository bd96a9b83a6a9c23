"""How many digits numbers have behind the point, so that no page rounds them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MOST_DIGITS", "digits_of"]

MOST_DIGITS = 12


def digits_of(*columns: Sequence[float | None]) -> int:
    """The most digits behind the point that any of the numbers needs, by its shortest text; 12 at most."""
    most = 0
    for column in columns:
        for value in column:
            if value is not None:
                most = max(most, _digits(repr(value)))
    return min(most, MOST_DIGITS)


def _digits(text: str) -> int:
    mantissa, _, exponent = text.partition("e")
    fraction = mantissa.partition(".")[2].rstrip("0")
    return max(0, len(fraction) - int(exponent or 0))
