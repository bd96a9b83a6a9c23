"""Trading rules of a symbol, read from Binance's filters by name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from cryptox.errors import ExchangeError
from cryptox.model.symbols import Symbol
from cryptox.venues.binance.read import check_numbers
from cryptox.venues.binance.wire.general import SymbolInfo

__all__ = ["symbol_of"]


def symbol_of(info: SymbolInfo) -> Symbol:
    """One symbol in our words; rules that the exchange does not state are None."""
    filters = {str(rule.get("filterType")): rule for rule in info.filters}
    price = filters.get("PRICE_FILTER", {})
    lot = filters.get("LOT_SIZE", {})
    notional = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))  # MIN_NOTIONAL until 2023
    return Symbol(
        symbol=info.symbol,
        base=info.base,
        quote=info.quote,
        status=info.status,
        tick_size=_number(price, "tickSize"),
        step_size=_number(lot, "stepSize"),
        min_quantity=_number(lot, "minQty"),
        max_quantity=_number(lot, "maxQty"),
        min_notional=_number(notional, "minNotional"),
        order_types=tuple(sorted(info.order_types)),  # a set: SBE and old answers list it in other orders
        min_price=_number(price, "minPrice"),
        max_price=_number(price, "maxPrice"),
        max_notional=_number(notional, "maxNotional"),
        base_precision=info.base_precision,
        quote_precision=info.quote_precision,
        is_spot_trading_allowed=info.is_spot_trading_allowed,
        is_margin_trading_allowed=info.is_margin_trading_allowed,
    )


def _number(rule: Mapping[str, Any], name: str) -> Decimal | None:
    if name not in rule:
        return None
    try:
        value = Decimal(str(rule[name]))
    except InvalidOperation as error:
        raise ExchangeError(f"The exchange's rule {name} is no number: {rule[name]!r}.") from error
    if not value.is_finite():
        return None
    check_numbers(value)
    return value
