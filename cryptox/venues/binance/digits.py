"""Candles straight from the digits of a JSON body, without a Python object per number.

Binance writes candles without blanks, with eight decimals, and with fields of which only the digits differ. Where a
body is exactly that, commas say where each number ends, eight digits are loaded as one 64-bit word, and a word becomes
a number in six whole-array operations (D. Lemire, "Quickly parsing eight digits", 2018). Of any other body this module
says None, and the caller reads it the usual way: nothing is guessed here, and every byte has been looked at.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cryptox.table.batch import Array

__all__ = ["DECIMALS", "kline_columns"]

DECIMALS = 8

Positions = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_FIELDS = 12
_INTEGERS = [0, 6, 8]  # open time, close time, number of trades
_NUMBERS = [1, 2, 3, 4, 5, 7, 9, 10]  # quoted, with decimals; the twelfth field is always "0"
_PAD = bytes(16)  # so that two words can be loaded before the end of any number
_COMMA, _QUOTE, _POINT, _OPEN, _ZERO = b',".[0'
_LAST = np.uint64(int.from_bytes(b'"0"]', "little"))

_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE = np.uint64(0x7676767676767676)
_HIGH_BITS = np.uint64(0x8080808080808080)


def kline_columns(body: bytes) -> tuple[Array, Array] | None:
    """Integers (3, rows) and numbers (8, rows), fields in their order; None for a body that Binance does not write so.

    Integers are times and counts, int64. Numbers are prices and volumes in units of 10**-8: int64, or Python integers
    where those are too small.
    """
    if not (body.startswith(b"[[") and body.endswith(b"]]")):
        return None
    padded = _PAD + body
    text = np.frombuffer(padded, np.uint8)
    commas = np.flatnonzero(text == _COMMA)
    if (len(commas) + 1) % _FIELDS:
        return None
    starts, ends = np.empty((2, _FIELDS, (len(commas) + 1) // _FIELDS), np.int64)
    ends[...] = np.append(commas, len(text) - 1).reshape(-1, _FIELDS).T
    starts[1:] = ends[:-1] + 1
    starts[0, 0], starts[0, 1:] = len(_PAD) + 1, ends[-1, :-1] + 1
    words = np.ndarray((len(text) - 7,), "<u8", padded, strides=(1,))
    opened, closed = starts[_NUMBERS], ends[_NUMBERS]
    if not _is_framed(text, words, starts, ends, opened, closed):
        return None
    starts[0] += 1  # the bracket of the row
    points = closed - (2 + DECIMALS)
    integers = _integers(words, starts[_INTEGERS], ends[_INTEGERS])
    units = _integers(words, opened + 1, points)
    fractions = _digits(words[points + 1])
    if integers is None or units is None or fractions is None:
        return None
    if ((text.take(starts[_INTEGERS]) == _ZERO) & (ends[_INTEGERS] - starts[_INTEGERS] > 1)).any():
        return None  # no JSON
    if int(units.max(initial=0)) >= 9 * 10**10:
        units = units.astype(object)
    return integers, np.asarray(units * 10**DECIMALS + _value(fractions))


def _is_framed(
    text: npt.NDArray[np.uint8], words: Words, starts: Positions, ends: Positions, opened: Positions, closed: Positions
) -> bool:
    """Whether brackets, quotes and points stand where they should."""
    return bool(
        int((closed - opened).min()) > 2 + DECIMALS
        and (text.take(starts[0]) == _OPEN).all()
        and (text.take(opened) == _QUOTE).all()
        and (text.take(closed - 1) == _QUOTE).all()
        and (text.take(closed - (2 + DECIMALS)) == _POINT).all()
        and (ends[-1] - starts[-1] == 4).all()
        and (words[ends[-1] - 8] >> np.uint64(32) == _LAST).all()
    )


def _integers(words: Words, starts: Positions, ends: Positions) -> npt.NDArray[np.int64] | None:
    """Numbers of 1 to 16 digits between positions; None where there is anything else."""
    lengths = ends - starts
    if lengths.size and not (lengths.min() >= 1 and lengths.max() <= 16):
        return None
    low = _digits(words[ends - 8], lengths)
    if low is None:
        return None
    values = _value(low)
    long = lengths > 8
    if long.any():
        high = _digits(words[ends[long] - 16], lengths[long] - 8)
        if high is None:
            return None
        values[long] += _value(high) * 10**8
    return values


def _digits(words: Words, lengths: Positions | None = None) -> Words | None:
    """Values of the digits in each word, the first in the lowest byte; of shorter numbers the last ``lengths``."""
    digits = words ^ _ZEROS
    if lengths is not None:
        foreign = np.maximum(64 - 8 * lengths, 0).view(np.uint64)  # bits of what stands before the number
        digits = digits >> foreign << foreign
    if (((digits + _ABOVE_NINE) | digits) & _HIGH_BITS).any():
        return None
    return digits


def _value(digits: Words) -> npt.NDArray[np.int64]:
    """The number that eight digits make: pairs, then fours, then all."""
    pairs = ((digits * np.uint64(2561)) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = ((pairs * np.uint64(6553601)) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    return ((fours * np.uint64(42949672960001)) >> np.uint64(32)).view(np.int64)
