"""The user's own orders and balances, for the feeds ``orders`` and ``account``."""

from __future__ import annotations

from typing import Any, Final

from cryptox.model.columns import CATEGORIES, Kind
from cryptox.model.orders import ACTIVE
from cryptox.table.batch import Batch

from .digits import digits_of
from .keyed import Row, number, rows_changed, word
from .kinds import Change, Picture, Sight

__all__ = ["BALANCES", "LAST", "MOST_BALANCES", "MOST_OPEN", "ORDERS", "change", "picture"]

MOST_OPEN: Final = 100
LAST: Final = 20  # orders that are done with
MOST_BALANCES: Final = 200
ORDERS: Final = (
    *("key", "symbol", "side", "type", "status", "price", "stop_price", "quantity", "quote_quantity", "filled"),
    *("average_price", "time", "updated", "id", "is_open"),
)
BALANCES: Final = ("asset", "free", "locked", "total")
_AMOUNTS: Final = ("price", "stop_price", "quantity", "quote_quantity", "filled", "average_price")
_NEWEST: Final = [ORDERS.index(name) for name in ("is_open", "updated", "time", "key")]
_SIDES: Final = CATEGORIES[Kind.SIDE]


def picture(sight: Sight) -> Picture:
    """Open orders and the last of the others, or what the account has, zeros left out.

    Returns
    -------
    dict
        ``columns``; ``rows``, of orders the open ones first, and those that changed last before others; of balances by
        asset; ``digits`` by symbol (of prices, quantities and averages) or by asset (of amounts); ``open``: how many
        orders are; ``more``: how many open orders, or assets, are not shown.
    """
    batches = list(sight.batches.values())
    return _account(batches) if sight.kind == "account" else _orders(batches)


def change(before: Picture, after: Picture) -> Change | None:
    """``rows`` that are to be put or are gone; the other facts as they are now, where they have changed."""
    told: Change = {name: after[name] for name in ("digits", "open", "more") if before[name] != after[name]}
    rows = rows_changed(before["rows"], after["rows"])
    return told | ({"rows": rows} if rows else {}) or None


def _orders(batches: list[Batch]) -> Picture:
    found = (row for batch in batches for row in _order_rows(batch))
    rows = sorted(found, key=_newness, reverse=True)
    is_open = [row for row in rows if row[-1]]
    shown = is_open[:MOST_OPEN] + [row for row in rows if not row[-1]][:LAST]
    by_symbol: dict[str, list[Row]] = {}
    for row in shown:
        by_symbol.setdefault(row[1], []).append(row)
    return {
        "columns": list(ORDERS),
        "rows": shown,
        "digits": {symbol: _digits(some) for symbol, some in by_symbol.items()},
        "open": len(is_open),
        "more": max(0, len(is_open) - MOST_OPEN),
    }


def _account(batches: list[Batch]) -> Picture:
    rows: list[Row] = []
    for batch in batches:
        amounts = [batch[name].tolist() for name in BALANCES[1:]]
        for asset, free, locked, total in zip(batch["asset"].tolist(), *amounts, strict=True):
            if total:
                rows.append([word(asset), number(free), number(locked), number(total)])
    rows.sort(key=_asset)
    shown = rows[:MOST_BALANCES]
    return {
        "columns": list(BALANCES),
        "rows": shown,
        "digits": {row[0]: digits_of(row[1:]) for row in shown},
        "open": 0,
        "more": len(rows) - len(shown),
    }


def _order_rows(batch: Batch) -> list[Row]:
    columns: dict[str, list[Any]] = {name: batch[name].tolist() for name in ("status", "order_id", "time", "updated")}
    columns |= {name: [word(value) for value in batch[name].tolist()] for name in ("symbol", "type")}
    columns |= {name: [number(value) for value in batch[name].tolist()] for name in _AMOUNTS}
    columns["side"] = [_SIDES[code] for code in batch["side"].tolist()]
    columns["is_open"] = [status in ACTIVE for status in columns["status"]]
    columns["status"] = [word(status) for status in columns["status"]]
    columns["id"] = [str(number) for number in columns.pop("order_id")]  # numbers of a page end at 2**53
    columns["key"] = [f"{symbol}:{order}" for symbol, order in zip(columns["symbol"], columns["id"], strict=True)]
    return [list(row) for row in zip(*(columns[name] for name in ORDERS), strict=True)]


def _digits(rows: list[Row]) -> list[int]:
    """Of prices, of quantities, of averages: these are quotients, and have as many digits as one likes."""
    price, quantity, average = (
        digits_of(*([row[ORDERS.index(name)] for row in rows] for name in names))
        for names in (("price", "stop_price"), ("quantity", "filled"), ("average_price",))
    )
    return [price, quantity, min(average, price + 2)]


def _newness(row: Row) -> tuple[Any, ...]:
    return tuple(row[place] for place in _NEWEST)


def _asset(row: Row) -> str:
    return str(row[0])
