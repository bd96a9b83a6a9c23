"""What each type of order needs and what it cannot have, whatever the symbol. Pure.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (July 2026); the types
are the contract's own words.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cryptox.errors import ValidationError

from .orders import Draft

__all__ = ["LIMITS", "TYPES", "check_draft", "oco_drafts"]

TYPES = ("LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER")
LIMITS = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
"""Types that have a time in force."""

_PRICED = LIMITS | {"LIMIT_MAKER"}
_CONTINGENT = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_WITHOUT_PRICE = {"LIMIT": "MARKET", "LIMIT_MAKER": "MARKET"}
_WITH_PRICE = {"MARKET": "LIMIT", "STOP_LOSS": "STOP_LOSS_LIMIT", "TAKE_PROFIT": "TAKE_PROFIT_LIMIT"}
_WITH_STOP = {"LIMIT": "STOP_LOSS_LIMIT", "LIMIT_MAKER": "STOP_LOSS_LIMIT", "MARKET": "STOP_LOSS"}


def check_draft(draft: Draft, *, call: str = "place_order") -> None:
    """Refuse an order whose parts do not belong together.

    Raises
    ------
    ValidationError
        Something is missing, superfluous or contradictory; ``suggested`` holds a corrected ``call`` where there is
        one that is plainly meant.
    """
    _check_size(draft, call)
    _check_price(draft, call)
    _check_stop(draft, call)
    _check_rest(draft, call)


def oco_drafts(
    symbol: str,
    side: str,
    quantity: Decimal,
    *,
    price: Decimal,
    stop_price: Decimal,
    stop_limit_price: Decimal | None = None,
    trailing_delta: int | None = None,
) -> tuple[Draft, Draft]:
    """The two orders of a pair, the one above the market first: a sale has its limit above, a purchase below.

    Raises
    ------
    ValidationError
        The prices stand on the wrong sides; ``suggested`` holds them turned round.
    """
    if (price > stop_price) != (side == "sell") or price == stop_price:
        where = "above" if side == "sell" else "below"
        turned = Draft(symbol=symbol, side=side, type="LIMIT", quantity=quantity, price=stop_price, stop_price=price)
        suggested = {"call": "place_oco", **turned.arguments()}
        del suggested["type"]
        raise ValidationError(
            f"An OCO that {side}s has its price {where} its stop_price.",
            recovery_suggestions=[f"Give a price {where} the market and a stop_price on its other side."],
            suggested=None if price == stop_price else suggested,
        )
    both: dict[str, Any] = {"symbol": symbol, "side": side, "quantity": quantity}
    limit = Draft(**both, type="LIMIT_MAKER", price=price)
    stop = Draft(**both, type="STOP_LOSS", stop_price=stop_price, trailing_delta=trailing_delta)
    if stop_limit_price is not None:
        stop = stop.changed(type="STOP_LOSS_LIMIT", price=stop_limit_price, time_in_force="GTC")
    return (limit, stop) if side == "sell" else (stop, limit)


def _check_size(draft: Draft, call: str) -> None:
    kind, worth = draft.type, draft.quote_quantity
    if worth is not None and kind != "MARKET":
        meant = _bare(draft, "MARKET") if draft.quantity is None and kind in _WITHOUT_PRICE else None
        raise _wrong(
            f"quote_quantity is for MARKET orders, not for {kind}.",
            "Give quantity, in base asset.",
            meant if draft.quantity is None else draft.changed(quote_quantity=None),
            call,
        )
    if draft.quantity is not None and worth is not None:
        text = "A MARKET order has quantity (base asset) or quote_quantity, not both."
        raise _wrong(text, "Leave one of them out.", draft.changed(quote_quantity=None), call)
    if draft.quantity is None and worth is None:
        more = ", or quote_quantity in quote asset" if kind == "MARKET" else ""
        raise _wrong(f"A {kind} order needs a quantity.", f"Give quantity in base asset{more}.", None, call)


def _check_price(draft: Draft, call: str) -> None:
    kind = draft.type
    if kind in _PRICED and draft.price is None:
        other = _WITHOUT_PRICE.get(kind, kind.removesuffix("_LIMIT"))
        # No call to copy: the price that was forgotten is not known, and one without would trade at any.
        raise _wrong(f"A {kind} order needs a price.", f"Give price, or type {other!r} to trade at any.", None, call)
    if kind not in _PRICED and draft.price is not None:
        meant = draft.changed(type=_WITH_PRICE[kind], time_in_force=draft.time_in_force or "GTC")
        if draft.quantity is None:
            meant = draft.changed(price=None)
        text = f"A {kind} order has no price of its own."
        raise _wrong(text, f"Leave price out, or use type {_WITH_PRICE[kind]!r}.", meant, call)


def _check_stop(draft: Draft, call: str) -> None:
    kind = draft.type
    if kind in _CONTINGENT and draft.stop_price is None and draft.trailing_delta is None:
        text = f"A {kind} order needs a stop_price or a trailing_delta."
        raise _wrong(text, "Give stop_price, the price that starts it.", None, call)
    for name in ("stop_price", "trailing_delta"):
        if kind not in _CONTINGENT and getattr(draft, name) is not None:
            meant = draft.changed(type=_WITH_STOP[kind], quote_quantity=None)
            meant = meant.changed(time_in_force=(draft.time_in_force or "GTC") if meant.type in LIMITS else None)
            text = f"A {kind} order does not wait, so it has no {name}."
            advice = (
                f"Leave {name} out, or use type {meant.type!r} or {meant.type.replace('STOP_LOSS', 'TAKE_PROFIT')!r}."
            )
            raise _wrong(text, advice, None if draft.quantity is None else meant, call)


def _check_rest(draft: Draft, call: str) -> None:
    kind = draft.type
    if kind in LIMITS and draft.time_in_force is None:
        meant = draft.changed(time_in_force="GTC")
        raise _wrong(f"A {kind} order needs a time_in_force.", "Give time_in_force='GTC'.", meant, call)
    if kind not in LIMITS and draft.time_in_force is not None:
        text = f"A {kind} order has no time_in_force."
        raise _wrong(text, "Leave time_in_force out.", draft.changed(time_in_force=None), call)
    if draft.iceberg_quantity is None:
        return
    if kind not in _PRICED:
        text = f"A {kind} order never rests in the book, so it has no iceberg_quantity."
        raise _wrong(text, "Leave iceberg_quantity out.", draft.changed(iceberg_quantity=None), call)
    if draft.time_in_force not in (None, "GTC"):
        text = f"An iceberg rests in the book, so its time_in_force is GTC, not {draft.time_in_force}."
        raise _wrong(text, "Give time_in_force='GTC'.", draft.changed(time_in_force="GTC"), call)


def _bare(draft: Draft, kind: str) -> Draft:
    """The order as one of a type that has no price."""
    return draft.changed(type=kind, price=None, time_in_force=None, iceberg_quantity=None)


def _wrong(message: str, advice: str, meant: Draft | None, call: str) -> ValidationError:
    suggested = None if meant is None else {"call": call, **meant.arguments()}
    return ValidationError(message, recovery_suggestions=[advice], suggested=suggested)
