"""Arguments of a paper exchange, checked: numbers, names, amounts, and the market that they mean."""

from __future__ import annotations

import numbers
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cryptox.errors import ValidationError

from .market import Market

__all__ = [
    "MOST_SECONDS",
    "read_amount",
    "read_asset",
    "read_balances",
    "read_market",
    "read_path",
    "seconds",
    "text",
    "whole",
]

MOST_LETTERS = 32  # of an asset's name
LEAST_POWER, MOST_POWER = -8, 20  # of ten: from an atom to beyond what an account can hold
MOST_BITS = 128
MOST_DIGITS = 64
MOST_SECONDS = 10**9  # thirty years
SHOWN = 60  # letters of a value in a message
_AMOUNT = re.compile(r"[+-]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})(?:[eE][+-]?[0-9]{1,12})?")


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
        raise ValidationError(f"{name}={_shown(value)} is not a whole number from {least} to {beyond - 1}.")
    return value


def seconds(name: str, value: Any, *, zero: bool = False) -> float:
    """A number of seconds above zero, or from zero on, up to thirty years."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_SECONDS
    if not good or (value == 0 and not zero):
        least = "from" if zero else "above"
        raise ValidationError(f"{name}={_shown(value)} is not a number of seconds {least} zero, up to {MOST_SECONDS}.")
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
        if not _is_asset(asset):
            raise _no_asset(f"balances: {_shown(asset)}={_shown(amount)}")
        found[asset] = read_amount(asset, amount)
        if found[asset] < 0:
            raise ValidationError(f"balances: {asset}={_shown(amount)} is not an amount from zero on.")
    return found


def read_asset(asset: Any) -> str:
    """The name of an asset.

    Raises
    ------
    ValidationError : nothing that an asset could be called.
    """
    if not _is_asset(asset):
        raise _no_asset(f"asset={_shown(asset)}")
    return str(asset)


def _is_asset(asset: Any) -> bool:
    """Letters and digits in the form that listings have, none of them lower-case."""
    return (
        isinstance(asset, str)
        and 0 < len(asset) <= MOST_LETTERS
        and asset.isalnum()
        and asset == asset.upper()
        and unicodedata.is_normalized("NFKC", asset)
    )


def _no_asset(what: str) -> ValidationError:
    return ValidationError(
        f"{what}: that is not the name of an asset.",
        recovery_suggestions=['Names are capital letters and digits, such as "USDT".'],
    )


def read_amount(asset: str, amount: Any) -> Decimal:
    """An amount of an asset, exact; a float by its shortest text.

    Raises
    ------
    ValidationError : not a finite number, or one that no account could hold or no atom is as small as.
    """
    number = _number(amount)
    if number is None:
        raise ValidationError(f"{asset}={_shown(amount)} is not an amount.")
    if not number:
        return Decimal(0)
    if not LEAST_POWER <= number.adjusted() <= MOST_POWER or len(number.as_tuple().digits) > MOST_DIGITS:
        raise ValidationError(f"{asset}={_shown(amount)} is not an amount that an account can hold.")
    return number


def _number(amount: Any) -> Decimal | None:
    """The finite number that is meant; None for what is none. Takes no longer for large ones."""
    if isinstance(amount, bool) or not isinstance(amount, str | Decimal | numbers.Real):
        return None
    if isinstance(amount, numbers.Integral):
        whole = int(amount)
        return Decimal(whole) if whole.bit_length() <= MOST_BITS else None
    if isinstance(amount, numbers.Rational):
        return None
    if not isinstance(amount, Decimal):
        written = float.__repr__(amount) if isinstance(amount, float) else str(amount)  # numpy's repr says more
        if not _AMOUNT.fullmatch(written):
            return None
        amount = Decimal(written)
    return amount if amount.is_finite() else None


def _shown(value: Any) -> str:
    """A value as a message shows it, at a length that can be read."""
    try:
        shown = repr(value)
    except ValueError:  # an int of more digits than the interpreter writes
        return "a number of thousands of digits"
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def text(name: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValidationError(f"{name}={_shown(value)} is not a text.")
    return value


def read_path(path: Any) -> str:
    """A path as text."""
    try:
        return str(os.fspath(path))
    except TypeError as error:
        raise ValidationError(f"path={path!r} is not a path.") from error
