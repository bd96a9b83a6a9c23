"""Exact numbers as columns: 128-bit integers in units of 10**-8, in the ``DECIMAL`` layout of a batch.

Columns whose values fit int64 are handled as whole arrays; only what does not fit is handled value by value. A number
that cannot be stated exactly in 38 digits with 8 decimals is an ``ExchangeError``: nothing is rounded, nothing wraps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

from cryptox.errors import ExchangeError
from cryptox.model.columns import DECIMAL_SCALE

from .batch import DECIMAL, Array

__all__ = [
    "as_int64",
    "fits",
    "from_decimals",
    "from_int64",
    "from_int128",
    "from_integers",
    "from_texts",
    "multiply",
    "to_decimals",
    "to_float",
    "to_integers",
]

PRECISION = 38
ONE = 10**DECIMAL_SCALE
_WORD = 1 << 64
_INT64_MAX = (1 << 63) - 1
_LARGEST = 10**PRECISION  # first magnitude that does not fit
_EXACT_FLOAT = 1 << 53
_WIDE = Context(prec=100)
_PLAIN_TEXTS = re.compile(r"(?:-?[0-9]{1,40}\.[0-9]{8}\n)+")
_TEXT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


def from_int64(values: npt.NDArray[np.int64], scale: int) -> Array:
    """Decimals of ``values * 10**-scale``.

    Raises
    ------
    ExchangeError
        A value has more than 8 decimals, or more than 38 digits at scale 8.
    """
    values = np.asarray(values, np.int64)
    if scale == DECIMAL_SCALE:
        return _widen(values)
    if scale > DECIMAL_SCALE:
        return _widen(_divide(values, scale))
    factor = 10 ** (DECIMAL_SCALE - scale)
    if not values.size or not values.any():
        return _widen(values)
    largest = max(int(values.max()), -int(values.min()))
    if largest * factor <= _INT64_MAX:
        return _widen(values * factor)
    if largest * factor >= _LARGEST:
        raise _too_large(Decimal(largest).scaleb(-scale, _WIDE))
    if factor <= _INT64_MAX:
        return multiply(values, np.full(values.shape, factor, np.int64))
    return from_integers([value * factor for value in values.tolist()])


def from_int128(raw: Array, scale: int) -> Array:
    """Decimals of 128-bit mantissas (in the ``DECIMAL`` layout) times ``10**-scale``.

    Raises
    ------
    ExchangeError
        As ``from_int64``.
    """
    if scale == DECIMAL_SCALE:
        if not fits(raw, PRECISION).all():
            raise _too_large(_first_misfit(raw, PRECISION))
        return np.ascontiguousarray(raw)
    if _is_int64(raw):
        return from_int64(_low(raw), scale)
    shift = 10 ** abs(DECIMAL_SCALE - scale)
    if scale < DECIMAL_SCALE:
        return from_integers([value * shift for value in to_integers(raw)])
    integers = []
    for value in to_integers(raw):
        quotient, remainder = divmod(value, shift)
        if remainder:
            raise _too_fine(Decimal(value).scaleb(-scale, _WIDE))
        integers.append(quotient)
    return from_integers(integers)


def from_integers(values: Sequence[int]) -> Array:
    """Decimals from Python integers in units of 10**-8.

    Raises
    ------
    ExchangeError
        A value has more than 38 digits.
    """
    try:
        return _widen(np.array(values, np.int64))
    except OverflowError:
        pass
    out = np.empty(len(values), DECIMAL)
    for row, value in enumerate(values):
        if not -_LARGEST < value < _LARGEST:
            raise _too_large(Decimal(value).scaleb(-DECIMAL_SCALE, _WIDE))
        out[row] = (value % _WORD, value >> 64)
    return out


def from_texts(texts: Sequence[str]) -> Array:
    """Decimals from plain numbers as the exchange writes them, such as ``"64000.12000000"``.

    Raises
    ------
    ExchangeError
        Not a plain number (no exponent, no NaN, no sign but minus), more than 8 decimals that are not zero, or more
        than 38 digits.
    """
    if not texts:
        return np.empty(0, DECIMAL)
    joined = "\n".join(texts) + "\n"
    if _PLAIN_TEXTS.fullmatch(joined) and joined.count("\n") == len(texts):
        return from_integers(list(map(int, joined.replace(".", "").split())))
    return from_integers([_integer(text) for text in texts])


def from_decimals(values: Iterable[Decimal | None]) -> Array:
    """Decimals from ``decimal.Decimal``; None becomes zero, for columns that carry a mask of nulls.

    Raises
    ------
    ExchangeError
        A value is not finite, has more than 8 decimals that are not zero, or more than 38 digits.
    """
    return from_integers([0 if value is None else _units(value) for value in values])


def to_integers(column: Array) -> list[int]:
    """Units of 10**-8 as Python integers."""
    if _is_int64(column):
        return [int(value) for value in _low(column).tolist()]
    return [(high << 64) + low for low, high in zip(column["low"].tolist(), column["high"].tolist(), strict=True)]


def to_decimals(column: Array) -> list[Decimal]:
    """The numbers as ``decimal.Decimal``, each with 8 decimals."""
    return [Decimal(value).scaleb(-DECIMAL_SCALE, _WIDE) for value in to_integers(column)]


def to_float(column: Array) -> npt.NDArray[np.float64]:
    """The nearest floats: bit-equal to ``float(text)`` of the number's text."""
    if _is_int64(column):
        low = _low(column)
        floats = low / float(ONE)  # one correctly rounded division, while the mantissa itself is exact
        wide = np.flatnonzero((low > _EXACT_FLOAT) | (low < -_EXACT_FLOAT))
        if wide.size:
            floats[wide] = [value / ONE for value in low[wide].tolist()]
        return floats
    return np.array([value / ONE for value in to_integers(column)], np.float64)  # int / int rounds correctly


def as_int64(column: Array) -> npt.NDArray[np.int64] | None:
    """Units of 10**-8 as 64-bit integers, or None where one of them is wider."""
    return _low(column) if _is_int64(column) else None


def fits(column: Array, precision: int) -> npt.NDArray[np.bool_]:
    """Which numbers have at most ``precision`` digits, the 8 decimals included."""
    limit = 10**precision
    if limit <= _INT64_MAX and _is_int64(column):
        value = _low(column)
        return np.asarray((value < limit) & (value > -limit), np.bool_)
    sign = column["high"] < 0
    low = np.where(sign, ~column["low"], column["low"])  # magnitude; one less where negative
    high = np.where(sign, ~column["high"], column["high"]).view(np.uint64)
    top, rest = divmod(limit, _WORD)
    at_most = low < np.where(sign, np.uint64(rest - 1), np.uint64(rest))
    return np.asarray((high < top) | ((high == top) & at_most), np.bool_)


def multiply(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> Array:
    """128-bit products of 64-bit integers, in the ``DECIMAL`` layout; never overflows."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a, b = _magnitude(left), _magnitude(right)
    a_high, a_low, b_high, b_low = a >> half, a & mask, b >> half, b & mask
    lowest = a_low * b_low
    cross = a_high * b_low + (lowest >> half)
    other = a_low * b_high + (cross & mask)
    low = (other << half) | (lowest & mask)
    high = a_high * b_high + (cross >> half) + (other >> half)
    negative = (left < 0) ^ (right < 0)
    out = np.empty(low.shape, DECIMAL)
    out["low"] = np.where(negative, ~low + np.uint64(1), low)
    out["high"] = np.where(negative, ~high + (low == 0), high).view(np.int64)
    return out


def _magnitude(values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    unsigned = np.ascontiguousarray(values, np.int64).view(np.uint64)
    return np.where(values < 0, ~unsigned + np.uint64(1), unsigned)


def _widen(values: npt.NDArray[np.int64]) -> Array:
    pairs = np.empty((values.size, 2), np.int64)
    pairs[:, 0] = values
    np.right_shift(values, 63, out=pairs[:, 1])
    return pairs.reshape(-1).view(DECIMAL)


def _low(column: Array) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(column["low"]).view(np.int64)


def _is_int64(column: Array) -> bool:
    return bool((column["high"] == _low(column) >> 63).all())


def _divide(values: npt.NDArray[np.int64], scale: int) -> npt.NDArray[np.int64]:
    divisor = 10 ** (scale - DECIMAL_SCALE)
    if divisor > _INT64_MAX:
        quotients, rests = np.zeros_like(values), values
    else:
        quotients, rests = np.divmod(values, divisor)
    if rests.any():
        raise _too_fine(Decimal(int(values[np.flatnonzero(rests)[0]])).scaleb(-scale, _WIDE))
    return quotients


def _integer(text: str) -> int:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ExchangeError(f"{text[:60]!r} is not a plain decimal number.")
    sign, whole, fraction = match.groups(default="")
    if len(whole) + len(fraction) > 100:
        raise ExchangeError(f"A number of {len(whole) + len(fraction)} digits does not fit an exact column.")
    if fraction[DECIMAL_SCALE:].strip("0"):
        raise _too_fine(text)
    return int(sign + whole + fraction[:DECIMAL_SCALE].ljust(DECIMAL_SCALE, "0"))


def _units(value: Decimal) -> int:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ExchangeError(f"{value} is not a plain decimal number.")
    if not value:
        return 0
    if value.adjusted() >= PRECISION:
        raise _too_large(value)
    shift = exponent + DECIMAL_SCALE
    mantissa = int("".join(map(str, digits)))
    units, rest = mantissa, 0
    if shift >= 0:
        units *= int(10**shift)
    else:
        units, rest = divmod(mantissa, int(10 ** min(-shift, len(digits) + 1)))
    if rest:
        raise _too_fine(value)
    return -units if sign else units


def _first_misfit(column: Array, precision: int) -> Decimal:
    row = int(np.flatnonzero(~fits(column, precision))[0])
    return to_decimals(column[row : row + 1])[0]


def _too_large(value: Decimal) -> ExchangeError:
    return _misfit(f"{_shown(value)} has more than {PRECISION} digits at {DECIMAL_SCALE} decimals")


def _too_fine(value: Decimal | str) -> ExchangeError:
    return _misfit(f"{_shown(value)} has more than {DECIMAL_SCALE} decimals")


def _shown(value: Decimal | str) -> str:
    return f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < 60 else str(value)[:60]


def _misfit(fact: str) -> ExchangeError:
    return ExchangeError(
        f"{fact}, too many for an exact column.",
        recovery_suggestions=["Ask for floats: exact=False."],
        suggested={"exact": False},
    )
