"""The ladder of one book or several, for the feeds ``book`` and ``depth``."""

from __future__ import annotations

from typing import Any, Final

from cryptox.model.columns import CATEGORIES, Kind
from cryptox.table.batch import Batch

from .digits import digits_of
from .keyed import Row, rows_changed, word
from .kinds import ANEW, Change, Picture, Sight

__all__ = ["MOST_BOOKS", "change", "picture"]

MOST_BOOKS: Final = 12  # ladders of one widget
_BID, _ASK = range(len(CATEGORIES[Kind.BOOK_SIDE]))
_SIDES: Final = ("bids", "asks")


def picture(sight: Sight) -> Picture:
    """The ladders as they stand.

    Returns
    -------
    dict
        ``books``: one a symbol, with ``symbol``, ``bids`` and ``asks`` (rows of price and quantity, best first) and
        ``digits`` (of prices, of quantities). ``more``: how many symbols are not shown.
    """
    some = list(sight.batches.items())[:MOST_BOOKS]
    return {
        "books": [_book(symbol, batch) for symbol, batch in some],
        "more": len(sight.batches) - len(some),
    }


def change(before: Picture, after: Picture) -> Change | None:
    """``books``: pairs of a book's place and its levels that are to be put, or are gone."""
    if [one["symbol"] for one in before["books"]] != [one["symbol"] for one in after["books"]]:
        return ANEW
    pairs = enumerate(zip(before["books"], after["books"], strict=True))
    books = [[place, told] for place, (was, now) in pairs if (told := _told(was, now))]
    return {"books": books} if books else None


def _told(was: dict[str, Any], now: dict[str, Any]) -> Change:
    told: Change = {side: rows for side in _SIDES if (rows := rows_changed(was[side], now[side]))}
    return told | ({"digits": now["digits"]} if was["digits"] != now["digits"] else {})


def _book(symbol: str, batch: Batch) -> dict[str, Any]:
    sides, prices, quantities = (batch[name].tolist() for name in ("side", "price", "quantity"))
    levels: dict[int, list[Row]] = {_BID: [], _ASK: []}
    for side, price, quantity in zip(sides, prices, quantities, strict=True):
        levels[side].append([price, quantity])
    return {
        "symbol": word(symbol),
        "bids": levels[_BID],
        "asks": levels[_ASK],
        "digits": [digits_of(prices), digits_of(quantities)],
    }
