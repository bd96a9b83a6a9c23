"""How many digits numbers have behind the point, so that no page rounds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cryptox.table.batch import Array

__all__ = ["MOST_DIGITS", "digits_of"]

MOST_DIGITS = 12


def digits_of(*columns: Sequence[float | None] | Array) -> int:
    """The most digits behind the point that any of the numbers needs, by its shortest text; 12 at most."""
    numbers = np.concatenate([np.asarray(column, np.float64) for column in columns]) if columns else np.empty(0)
    left = numbers[np.isfinite(numbers) & (numbers != np.rint(numbers))]
    for digits in range(MOST_DIGITS):
        # The nearest float to so many units of the last digit: exact below 2**51 of them.
        left = left[np.rint(left * 10.0**digits) / 10.0**digits != left]
        if not len(left):
            return digits
    return MOST_DIGITS
