"""The tape, for the feeds ``trades`` and ``agg_trades``."""

from __future__ import annotations

from typing import Any, Final

from cryptox.model.columns import CATEGORIES, Kind
from cryptox.table.batch import Batch

from .digits import digits_of
from .keyed import Row, rows_changed, word
from .kinds import ANEW, Change, Picture, Sight

__all__ = ["MOST_ROWS", "change", "picture"]

MOST_ROWS: Final = 30  # on the tape
_SIDES: Final = CATEGORIES[Kind.SIDE]


def picture(sight: Sight) -> Picture:
    """The newest trades of all symbols together.

    Returns
    -------
    dict
        ``rows`` (key, symbol, time in ms, id, price, quantity, side), newest first; ``symbols``; ``digits`` by symbol
        (of prices, of quantities); ``most``: rows of a tape.
    """
    digits: dict[str, list[int]] = {}
    found: list[Row] = []
    for symbol, batch in sight.batches.items():
        name, newest = word(symbol), batch.take(slice(-MOST_ROWS, None))
        found += _rows(name, newest)
        digits[name] = [digits_of(newest[column].tolist()) for column in ("price", "quantity")]
    rows = sorted(found, key=_newness, reverse=True)[:MOST_ROWS]
    return {"rows": rows, "symbols": list(digits), "digits": digits, "most": MOST_ROWS}


def change(before: Picture, after: Picture) -> Change | None:
    """``rows`` that are to be put or are gone; of a full tape the oldest go by themselves. ``digits`` as they are."""
    if before["symbols"] != after["symbols"]:
        return ANEW
    told: Change = {} if before["digits"] == after["digits"] else {"digits": after["digits"]}
    rows = rows_changed(before["rows"], after["rows"])
    if _are_pushed_off(set(rows.get("gone", ())), before["rows"], after["rows"]):
        rows.pop("gone")
    return told | ({"rows": rows} if rows else {}) or None


def _rows(symbol: str, batch: Batch) -> list[Row]:
    columns = [batch[name].tolist() for name in ("time", "id", "price", "quantity", "side")]
    return [
        [f"{symbol}:{trade}", symbol, time_ms, trade, price, quantity, _SIDES[side]]
        for time_ms, trade, price, quantity, side in zip(*columns, strict=True)
    ]


def _are_pushed_off(gone: set[str], before: list[Row], after: list[Row]) -> bool:
    """Whether a page finds out by itself that rows are gone: they are older than all of a full tape."""
    if not gone or len(after) < MOST_ROWS:
        return False
    oldest = _newness(after[-1])
    return all(_newness(row) < oldest for row in before if row[0] in gone)


def _newness(row: Row) -> tuple[Any, ...]:
    return row[2], row[3], row[1]
