"""Orders as users write them, brought to one form or refused with a corrected call. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cryptox.errors import CryptoxError, FilterFailure, ValidationError

from .account import Breach
from .demands import LIMITS, TYPES, check_draft
from .names import normalise_symbol
from .numbers import decimal_of, plain
from .orders import SIDES, Draft, Leg

__all__ = ["PREVENTIONS", "TIMES_IN_FORCE", "delta_of", "draft_of", "leg", "refusal_of"]

TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
PREVENTIONS = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
LONGEST_ID = 36
PRECISION = "PRECISION"  # the rule of an asset's decimals, which no filter of a symbol tells
MOST_DELTA = 10**6

_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}", re.ASCII)
_AMOUNTS = ("quantity", "price", "quote_quantity", "stop_price", "iceberg_quantity")
_MEANT = {
    "B": "buy",
    "BID": "buy",
    "LONG": "buy",
    "S": "sell",
    "ASK": "sell",
    "SHORT": "sell",
    "STOP": "STOP_LOSS",
    "STOP_MARKET": "STOP_LOSS",
    "STOP_LIMIT": "STOP_LOSS_LIMIT",
    "POST_ONLY": "LIMIT_MAKER",
}


def draft_of(
    symbol: object,
    side: object,
    type: object = "LIMIT",
    *,
    quantity: Any = None,
    price: Any = None,
    quote_quantity: Any = None,
    stop_price: Any = None,
    trailing_delta: Any = None,
    iceberg_quantity: Any = None,
    time_in_force: object = None,
    client_order_id: object = None,
    self_trade_prevention: object = None,
    call: str = "place_order",
) -> Draft:
    """The order that a call asks for: words in any case, amounts exact, LIMIT types GTC unless said otherwise.

    Parameters
    ----------
    call
        Name of the user's call, for the corrected one.

    Raises
    ------
    ValidationError
        Not an order that any exchange could take; ``suggested`` holds a corrected call where there is one.
    BadSymbol
        No name of a symbol.
    """
    given = dict(
        zip(_AMOUNTS, (quantity, price, quote_quantity, stop_price, iceberg_quantity), strict=True),
        trailing_delta=trailing_delta,
        time_in_force=time_in_force,
        client_order_id=client_order_id,
        self_trade_prevention=self_trade_prevention,
    )
    told = {"call": call, "symbol": symbol, "side": side, "type": type, **_set(given)}
    kind = _word("type", type, TYPES, told)
    times = None if time_in_force is None else _word("time_in_force", time_in_force, TIMES_IN_FORCE, told)
    draft = Draft(
        symbol=normalise_symbol(symbol),
        side=_word("side", side, SIDES, told),
        type=kind,
        **{name: decimal_of(given[name], name) for name in _AMOUNTS if given[name] is not None},
        trailing_delta=None if trailing_delta is None else delta_of(trailing_delta),
        time_in_force="GTC" if times is None and kind in LIMITS else times,
        client_order_id=None if client_order_id is None else _client_id(client_order_id, told),
        self_trade_prevention=None
        if self_trade_prevention is None
        else _word("self_trade_prevention", self_trade_prevention, PREVENTIONS, told),
    )
    check_draft(draft, call=call)
    return draft


def leg(
    side: str,
    type: str = "LIMIT",
    quantity: Any = None,
    *,
    price: Any = None,
    stop_price: Any = None,
    trailing_delta: Any = None,
    iceberg_quantity: Any = None,
    time_in_force: str | None = None,
    client_order_id: str | None = None,
) -> Leg:
    """One order of a list, for ``place_oto`` and ``place_otoco``. Sends nothing.

    Parameters
    ----------
    side, type, quantity, price, stop_price, trailing_delta, iceberg_quantity, time_in_force, client_order_id
        As in ``place_order``.

    Returns
    -------
    Leg
        Its arguments, exact.

    Raises
    ------
    ValidationError
        They do not make an order; ``suggested`` holds a corrected call where there is one.

    Examples
    --------
    >>> cx.leg("buy", "LIMIT", "0.001", price="60000").time_in_force
    'GTC'
    """
    try:
        draft = draft_of(
            "ANY",
            side,
            type,
            quantity=quantity,
            price=price,
            stop_price=stop_price,
            trailing_delta=trailing_delta,
            iceberg_quantity=iceberg_quantity,
            time_in_force=time_in_force,
            client_order_id=client_order_id,
            call="leg",
        )
    except ValidationError as error:
        if error.suggested is not None:
            error.suggested.pop("symbol", None)  # no argument of this call
        raise
    return Leg(**{one.name: getattr(draft, one.name) for one in dataclasses.fields(Leg)})


def refusal_of(
    breaches: Iterable[Breach],
    draft: Draft,
    nearest: Draft | None,
    *,
    call: str = "place_order",
    context: Mapping[str, Any] | None = None,
) -> CryptoxError:
    """The error of an order that breaks rules of its symbol; nothing was sent.

    Parameters
    ----------
    breaches
        At least one.
    nearest
        The nearest order that breaks none; None for none.
    """
    every = list(breaches)
    kind = next((one.error for one in every if not issubclass(one.error, FilterFailure)), FilterFailure)
    told = [one for one in every if one.error is kind]
    kept = [one.nearest for one in told if one.rule != PRECISION]
    told = [one for one in told if one.rule != PRECISION or one.nearest not in kept]  # finer than the step, too: once
    advice = None
    if nearest is not None:
        was, is_now = draft.arguments(), nearest.arguments()
        changed = [f"{name}={is_now[name]!r}" for name in is_now if is_now[name] != was.get(name)]
        changed += [f"no {name}" for name in was if name not in is_now]
        advice = [f"Use {', '.join(changed)}."]
    return kind(
        " ".join(dict.fromkeys(f"{draft.symbol}: {one.message}" for one in told)),
        technical_details="; ".join(f"{one.rule}: {one.message}" for one in every),
        recovery_suggestions=advice,
        context={**(context or {}), "symbol": draft.symbol, "rules": [one.rule for one in every]},
        suggested=None if nearest is None else {"call": call, **nearest.arguments()},
    )


def _word(name: str, value: object, words: tuple[str, ...], told: Mapping[str, Any]) -> str:
    """One of the words, in any case, with spaces or dashes for underscores."""
    if isinstance(value, str):
        upper = re.sub(r"[\s\-]+", "_", value.strip()).upper()
        for word in words:
            if word.upper() == upper:
                return word
        from difflib import get_close_matches

        near = get_close_matches(upper, [word.upper() for word in words], n=1, cutoff=0.5)
        meant = _MEANT.get(upper) or (near[0] if near else None)
        guess = next((word for word in words if meant is not None and word.upper() == meant.upper()), None)
    else:
        guess = None
    raise ValidationError(
        f"{name} {value!r} is not known." + (f" Did you mean {guess!r}?" if guess else ""),
        recovery_suggestions=[f"{name} is one of {', '.join(words)}."],
        suggested={**told, name: guess} if guess else None,
    )


def delta_of(value: Any) -> int:
    """Distance of a trailing stop, in hundredths of a percent.

    Raises
    ------
    ValidationError
        Not a whole number above zero, or more than any.
    """
    number = decimal_of(value, "trailing_delta")
    if number != number.to_integral_value() or number > MOST_DELTA:
        raise ValidationError(
            f"trailing_delta is a whole number of hundredths of a percent, not {value!r}.",
            recovery_suggestions=["trailing_delta=100 is one percent."],
        )
    return int(number)


def _client_id(value: object, told: Mapping[str, Any]) -> str:
    if isinstance(value, str) and _CLIENT_ID.fullmatch(value):
        return value
    guess = re.sub(r"[^a-zA-Z0-9\-_]+", "-", str(value), flags=re.ASCII).strip("-")[:LONGEST_ID]
    raise ValidationError(
        f"client_order_id has 1 to {LONGEST_ID} letters, digits, dashes and underscores; {value!r} does not.",
        recovery_suggestions=["Leave it out: one is made for every order."],
        suggested={**told, "client_order_id": guess} if guess else None,
    )


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, amounts as text."""
    return {
        name: plain(value) if isinstance(value, Decimal) and value.is_finite() else value
        for name, value in given.items()
        if value is not None
    }
