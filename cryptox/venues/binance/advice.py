"""What to do after a refusal of the matching engine, by its text, where the class of the error does not say it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .codes import FILTER_FAILURE
from .texts import EngineText

__all__ = ["advice_of"]

_THIN = "The book holds too little at the moment: give a price (LIMIT), or wait."
_SIDES = "Place it on the other side of the market, or use the opposite kind: STOP_LOSS for TAKE_PROFIT, and back."
_MANY = "Cancel some of open_orders(symbol) first."

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        EngineText.UNKNOWN_ORDER: "It may be filled, canceled or expired by now: look at order(symbol, order). "
        "Order ids are unique within one symbol only, and are given as int.",
        EngineText.DUPLICATE_ORDER: "An open order has this client_order_id: leave it out, and one is made.",
        EngineText.WOULD_TRIGGER: _SIDES,
        EngineText.WOULD_TAKE: "A LIMIT_MAKER only rests: give a price on its own side of the book, or use type LIMIT.",
        EngineText.PRICE_RELATION: "One price must stand above the market and one below it: selling, price above and "
        "stop_price below; buying, the other way round.",
        EngineText.AMEND_INCREASES: "To raise it, cancel it and place another: replace_order(...).",
        EngineText.CHANGES_NOTHING: "It has this quantity already. An amend lowers it; replace_order(...) does more.",
        EngineText.LIQUIDITY_BELOW_LOT: _THIN,
        EngineText.LIQUIDITY_BELOW_MARKET_LOT: _THIN,
        EngineText.LIQUIDITY_BELOW_MINIMUM: _THIN,
        EngineText.WORTHLESS: "Raise quantity or price; preview_order shows the nearest values.",
        EngineText.ICEBERG_EXCEEDS: "Give an iceberg_quantity below the quantity.",
    }
)
_FILTERS: Mapping[str, str] = MappingProxyType(
    {
        "MAX_NUM_ORDERS": _MANY,
        "MAX_NUM_ALGO_ORDERS": _MANY,
        "MAX_NUM_ICEBERG_ORDERS": _MANY,
        "MAX_NUM_ORDER_LISTS": _MANY,
        "MARKET_LOT_SIZE": "A market order of this symbol may not be as large: place several, or a LIMIT order.",
        "MAX_POSITION": "The account may hold no more of the base asset: sell some, or cancel open purchases.",
    }
)


def advice_of(words: str) -> str | None:
    """One sentence of advice for a text of the matching engine; None where there is none."""
    said = words.strip()
    if said.startswith(FILTER_FAILURE):
        return _FILTERS.get(said.removeprefix(FILTER_FAILURE).removeprefix("EXCHANGE_"))
    return _TEXTS.get(said)
