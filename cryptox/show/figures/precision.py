"""How many decimals numbers need, told by the numbers themselves, and numbers as one reads them."""

from __future__ import annotations

from typing import Final

import numpy as np

from cryptox.table.batch import Array

__all__ = ["MOST", "axis_format", "decimals", "shown"]

MOST: Final = 8  # what the exchange writes at most
_NOISE: Final = 4 * float(np.finfo(np.float64).eps)


def decimals(*columns: Array, most: int = MOST) -> int:
    """The fewest decimals, at most ``most``, in which every number is told; noise of float sums is not looked at."""
    if not columns:
        return 0
    values = np.concatenate([column[np.isfinite(column)] for column in columns])
    for digits in range(most):
        scaled = values * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) <= _NOISE * np.abs(scaled)).all():
            return digits
    return most


def axis_format(digits: int) -> str:
    """The same for plotly: so many decimals, thousands parted."""
    return f",.{digits}f"


def shown(value: float, digits: int) -> str:
    """A number with so many decimals, thousands parted; a dash for none."""
    return f"{value:,.{digits}f}" if np.isfinite(value) else "–"
