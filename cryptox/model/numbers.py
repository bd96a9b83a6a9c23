"""Exact numbers as people write them: text, int, Decimal, or a float by its shortest text."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from cryptox.errors import ValidationError

__all__ = ["EXACT", "decimal_of", "multiple", "plain"]

EXACT = Context(prec=60)
"""For arithmetic on amounts: products of any two that the exchange takes are exact in it."""

MOST_DIGITS = 40


def decimal_of(value: Any, name: str, *, zero: bool = False) -> Decimal:
    """An amount above zero (or zero, where that is allowed), exactly as it was written.

    Parameters
    ----------
    value
        ``str`` ("0.001", "1e-3"), ``int``, ``Decimal``, or a ``float``, taken by its shortest text; numpy's too.
    name
        What it is, for the message.
    zero
        Whether zero is allowed.

    Raises
    ------
    ValidationError
        Not a number, not finite, below zero, or of more digits than any exchange has.
    """
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = str(value) if value.dtype.kind == "f" else value.item()
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise _not_an_amount(value, name)
    try:
        number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise _not_an_amount(value, name) from None
    if not number.is_finite() or (number < 0 if zero else number <= 0):
        raise _not_an_amount(value, name)
    _, digits, exponent = number.as_tuple()
    if max(len(digits), -int(exponent), abs(number.adjusted())) > MOST_DIGITS:
        raise ValidationError(
            f"{name} has more digits than any amount: {str(value)[:60]}.",
            recovery_suggestions=[f"Round {name} to the symbol's step; preview_order shows the nearest."],
        )
    return number


def plain(number: Decimal) -> str:
    """The number without exponent and without zeros at its end: ``"0.001"``, ``"60000"``."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def multiple(number: Decimal, step: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """The multiple of ``step`` next to a number: below (``ROUND_FLOOR``), above (``ROUND_CEILING``) or nearest."""
    if step == 0:
        return number
    if rounding not in (ROUND_FLOOR, ROUND_CEILING, ROUND_HALF_EVEN):
        raise ValueError(rounding)
    count = EXACT.divide(number, step)
    return EXACT.multiply(count.to_integral_value(rounding=rounding, context=EXACT), step)


def _not_an_amount(value: object, name: str) -> ValidationError:
    return ValidationError(
        f"{name} must be an amount above zero, not {value!r}.",
        recovery_suggestions=[f'Give {name} as text, int or Decimal, such as "0.001".'],
    )
