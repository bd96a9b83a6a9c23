"""What the chart of candles shows: the newest candles of each symbol, the last one maybe forming."""

from __future__ import annotations

from typing import Any

from cryptox.table.batch import Batch

from .digits import digits_of
from .kinds import ANEW, Change, Picture, Sight

__all__ = ["COLUMNS", "change", "picture"]

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")


def picture(sight: Sight) -> Picture:
    """Candles by symbol as rows of ``COLUMNS``, oldest first; digits of prices and of volumes behind the point."""
    return {"interval": sight.interval, "of": {symbol: _candles(batch) for symbol, batch in sight.batches.items()}}


def change(before: Picture, after: Picture) -> Change | None:
    """By symbol: how many candles go in front, how many stay of those left, and what comes after them."""
    if before["interval"] != after["interval"] or list(before["of"]) != list(after["of"]):
        return ANEW
    steps = {}
    for symbol, now in after["of"].items():
        step = _step(before["of"][symbol], now)
        if step is not None:
            steps[symbol] = step
    return {"of": steps} if steps else None


def _candles(batch: Batch) -> dict[str, Any]:
    columns = [batch[name] for name in COLUMNS]
    rows = [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return {"digits": digits_of(*columns[1:5]), "volume_digits": digits_of(columns[5]), "rows": rows}


def _step(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any] | None:
    step: dict[str, Any] = {name: now[name] for name in ("digits", "volume_digits") if now[name] != before[name]}
    old, new = before["rows"], now["rows"]
    drop = next((at for at, row in enumerate(old) if new and row[0] >= new[0][0]), len(old))
    left = old[drop:]
    keep = next((at for at, (one, other) in enumerate(zip(left, new, strict=False)) if one != other), None)
    keep = min(len(left), len(new)) if keep is None else keep
    if drop or keep < len(left) or keep < len(new):
        step |= {"drop": drop, "keep": keep, "rows": new[keep:]}
    return step or None
