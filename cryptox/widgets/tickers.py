"""A card of one symbol's prices, or a table of several, for the feeds ``ticker`` and ``book_ticker``."""

from __future__ import annotations

from typing import Final

from cryptox.model.columns import Kind
from cryptox.table.batch import Batch

from .digits import digits_of
from .keyed import Row, number, rows_changed, word
from .kinds import ANEW, Change, Picture, Sight

__all__ = ["change", "picture"]

_LEFT_OUT: Final = frozenset({"symbol", "first_id", "last_id", "open_time", "prev_close", "last_quantity"})


def picture(sight: Sight) -> Picture:
    """The newest figures of each symbol.

    Returns
    -------
    dict
        ``columns``: names of the rows' items behind the symbol; ``rows``, one a symbol, in the order asked for (None
        for what is not known yet); ``symbols``, in that order; ``digits`` by symbol (of prices, of quantities).
    """
    columns: list[str] = []
    rows: list[Row] = []
    digits: dict[str, list[int]] = {}
    for symbol, batch in sight.batches.items():
        name, last = word(symbol), batch.take(slice(-1, None))
        columns = columns or [one for one in batch.table.names if one not in _LEFT_OUT]
        rows.append([name, *(number(last[one][0]) if len(last) else None for one in columns)])
        digits[name] = [_digits(kind, last) for kind in (Kind.PRICE, Kind.QUANTITY)]
    return {"columns": columns, "rows": rows, "symbols": list(digits), "digits": digits}


def change(before: Picture, after: Picture) -> Change | None:
    """``rows`` that are to be put, ``digits`` of symbols that have others now."""
    if before["symbols"] != after["symbols"] or before["columns"] != after["columns"]:
        return ANEW
    rows = rows_changed(before["rows"], after["rows"])
    digits = {name: found for name, found in after["digits"].items() if before["digits"][name] != found}
    return {name: told for name, told in (("rows", rows), ("digits", digits)) if told} or None


def _digits(kind: Kind, batch: Batch) -> int:
    # The average is a quotient: it has as many digits as the exchange likes.
    names = [one.name for one in batch.table.columns if one.kind is kind and one.name != "weighted_avg_price"]
    return digits_of(*(batch[name].tolist() for name in names))
