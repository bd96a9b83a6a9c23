"""What the pictures of ladders, tapes and tables are made of: rows with a key.

A row is a list whose first item is its key; the order of rows that a change tells of is the page's business. Text from
outside is one line without control characters here, and set as text there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cryptox.model.lines import one_line

from .kinds import Change

__all__ = ["Row", "number", "rows_changed", "word"]

Row = list[Any]


def number(value: float) -> float | None:
    """A number that JSON can hold; None for none."""
    return float(value) if math.isfinite(value) else None


def word(value: object) -> str:
    """Text from outside as one line that moves nothing on a page; empty for none."""
    return "" if value is None else one_line(str(value))


def rows_changed(before: Sequence[Row], after: Sequence[Row]) -> Change:
    """What makes the rows of ``before`` those of ``after``: ``put`` has rows, ``gone`` keys; each only where needed."""
    was: Mapping[Any, Row] = {row[0]: row for row in before}
    kept = {row[0] for row in after}
    put = [row for row in after if was.get(row[0]) != row]
    gone = [key for key in was if key not in kept]
    return {name: told for name, told in (("put", put), ("gone", gone)) if told}
