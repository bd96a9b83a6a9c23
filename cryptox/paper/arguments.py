"""Arguments of a paper exchange, checked: numbers, names, amounts, and the market that they mean."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from cryptox.errors import ValidationError

from .market import Market

__all__ = ["read_amount", "read_balances", "read_market", "read_path", "seconds", "text", "whole"]


def read_market(seed: int, symbols: Iterable[str] | None, history: Any) -> Market:
    """The market that these arguments mean: seeded, or of a file."""
    names = _names(symbols)
    if history is not None:
        from .history import HistoryMarket

        return HistoryMarket(*_sources(history, names), seed=seed)
    from .seeded import SeededMarket

    return SeededMarket(seed, symbols=names)


def _names(symbols: Any) -> list[str] | None:
    if symbols is None:
        return None
    names = [symbols] if isinstance(symbols, str) else list(symbols) if isinstance(symbols, Iterable) else []
    if not names:
        raise ValidationError(
            f"symbols={symbols!r} is no list of symbols.",
            recovery_suggestions=['Give names such as ["BTCUSDT", "ETHUSDT"], or leave symbols out for all.'],
        )
    return names


def _sources(history: Any, names: list[str] | None) -> tuple[Any, str | None]:
    """What to read, and the symbol of a single source."""
    if names is None:
        return history, None
    if isinstance(history, Mapping):
        missing = [name for name in names if name not in history]
        if missing:
            there = ", ".join(map(str, history))
            raise ValidationError(f"symbols: {missing[0]!r} is not in history, which has {there}.")
        return {name: history[name] for name in names}, None
    if len(names) != 1:
        raise ValidationError(
            f"symbols={names!r} does not fit a single history.",
            recovery_suggestions=["Name its one symbol, or give a mapping of symbols to files."],
        )
    return history, names[0]


def whole(name: str, value: Any, least: int, beyond: int) -> int:
    """A whole number in [least, beyond)."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < beyond:
        raise ValidationError(f"{name}={value!r} is not a whole number from {least} to {beyond - 1}.")
    return value


def seconds(name: str, value: Any, *, zero: bool = False) -> float:
    """A number of seconds above zero, or from zero on."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0 or (value == 0 and not zero):
        raise ValidationError(f"{name}={value!r} is not a number of seconds {'from' if zero else 'above'} zero.")
    return float(value)


def read_balances(balances: Any) -> dict[str, Decimal] | None:
    """Amounts by asset; None stays None.

    Raises
    ------
    ValidationError : not a mapping of amounts from zero on.
    """
    if balances is None:
        return None
    if not isinstance(balances, Mapping):
        raise ValidationError(f'balances={balances!r} is not a mapping such as {{"USDT": 10_000}}.')
    found: dict[str, Decimal] = {}
    for asset, amount in balances.items():
        number = read_amount(asset, amount)
        if number < 0 or not isinstance(asset, str):
            raise ValidationError(f"balances: {asset}={amount!r} is not an amount from zero on.")
        found[asset] = number
    return found


def read_amount(asset: Any, amount: Any) -> Decimal:
    """An amount of an asset, exact; a float by its shortest text.

    Raises
    ------
    ValidationError : not a finite number.
    """
    try:
        number = Decimal(repr(amount) if isinstance(amount, float) else amount)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValidationError(f"balances: {asset}={amount!r} is not an amount.") from error
    if not number.is_finite() or isinstance(amount, bool):
        raise ValidationError(f"balances: {asset}={amount!r} is not an amount from zero on.")
    return number


def text(name: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValidationError(f"{name}={value!r} is not a text.")
    return value


def read_path(path: Any) -> str:
    """A path as text."""
    try:
        return str(os.fspath(path))
    except TypeError as error:
        raise ValidationError(f"path={path!r} is not a path.") from error
