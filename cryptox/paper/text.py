"""Integers on a symbol's grid to the exchange's decimal text, one by one or a page at a time.

A page is drawn as a matrix of characters, one row per row of the answer: digits come four at a time from a table,
and what a number does not need of its field (leading zeros) is left out when the matrix is flattened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["Fixed", "Flag", "Piece", "Same", "Whole", "decimal", "draw", "rounded", "row_pieces"]

PLACES = 8  # Binance prints prices and quantities with eight decimals

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.uint8]

_ZERO = ord("0")
_FOUR_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)
_FLAGS = np.frombuffer(b"falsetrue\0", np.uint8).reshape(2, 5)


@lru_cache(4_096)  # the rows of a page have many numbers in common
def decimal(value: int, exponent: int, places: int = PLACES) -> str:
    """``value * 10**exponent`` with so many decimals; what lies beyond is rounded half away from zero."""
    if -exponent > places:
        value, exponent = rounded(value, 10 ** (-exponent - places)), -places
    digits = str(abs(value) * 10 ** (places + exponent)).zfill(places + 1)
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def rounded(numerator: int, denominator: int) -> int:
    """The quotient of two integers, rounded half away from zero; ``denominator`` is positive."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -size if numerator < 0 else size


@dataclass(frozen=True, slots=True)
class Same:
    """Text that every row has."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """A column of whole numbers; below zero only -1 occurs (no id)."""

    values: Ints


@dataclass(frozen=True, slots=True)
class Fixed:
    """A column of ``values * 10**exponent`` (not below zero), in quotes, with eight decimals."""

    values: Ints
    exponent: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A column of true and false."""

    values: Flags


Piece = Same | Whole | Fixed | Flag


def row_pieces(kind: type[msgspec.Struct], columns: dict[str, Piece]) -> list[Piece]:
    """The pieces of one row as JSON: an array or an object by the wire struct, letters and order included.

    A field that ``columns`` lacks is written with the struct's default.
    """
    listed = kind.__struct_config__.array_like
    pieces: list[Piece] = [Same(b"[" if listed else b"{")]
    for position, field in enumerate(msgspec.structs.fields(kind)):
        lead = b"," if position else b""
        if not listed:
            lead += msgspec.json.encode(field.encode_name) + b":"
        if lead:
            pieces.append(Same(lead))
        pieces.append(columns[field.name] if field.name in columns else Same(msgspec.json.encode(field.default)))
    pieces.append(Same(b"]" if listed else b"}"))
    return pieces


def draw(rows: int, pieces: Sequence[Piece]) -> bytes:
    """``rows`` rows as a JSON array."""
    if rows == 0:
        return b"[]"
    blocks = [_block(rows, piece) for piece in (*pieces, Same(b","))]
    page = np.concatenate([np.broadcast_to(block, (rows, block.shape[1])) for block in blocks], axis=1)
    return b"[" + page.tobytes().translate(None, b"\0")[:-1] + b"]"


def _block(rows: int, piece: Piece) -> Matrix:
    """Characters of one piece, a row each (or one row for all); zero bytes are left out later."""
    if isinstance(piece, Same):
        return np.frombuffer(piece.text, np.uint8)[None, :]
    if isinstance(piece, Flag):
        return _FLAGS[piece.values.astype(np.int8)]
    if isinstance(piece, Whole):
        return _whole(piece.values)
    return _fixed(rows, piece)


def _digits(values: Ints, least: int) -> Matrix:
    """Decimal digits with leading zeros, at least so many of them, a multiple of four."""
    needed = max(least, len(str(int(values.max()))))
    chunks = -(-needed // 4)
    found = np.empty((len(values), chunks), np.uint32)
    rest = values.astype(np.uint64)
    for chunk in range(chunks - 1, 0, -1):
        quotient = rest // np.uint64(10_000)
        found[:, chunk] = _FOUR_DIGITS[rest - quotient * np.uint64(10_000)]
        rest = quotient
    found[:, 0] = _FOUR_DIGITS[rest]
    return found.view(np.uint8).reshape(len(values), chunks * 4)


def _hide_leading_zeros(digits: Matrix) -> None:
    """Blank the zeros before the first digit of each row, but never its last column."""
    leading = np.ones(len(digits), np.bool_)
    for column in range(digits.shape[1] - 1):
        leading &= digits[:, column] == _ZERO
        if not leading.any():
            return
        digits[leading, column] = 0


def _whole(values: Ints) -> Matrix:
    negative = values < 0
    digits = _digits(np.abs(values), 1)
    _hide_leading_zeros(digits)
    if not negative.any():
        return digits
    return np.concatenate([np.where(negative, ord("-"), 0).astype(np.uint8)[:, None], digits], axis=1)


def _fixed(rows: int, piece: Fixed) -> Matrix:
    values, decimals = piece.values, -piece.exponent
    if decimals > PLACES:
        step = 10 ** (decimals - PLACES)
        values, decimals = (values + step // 2) // step, PLACES
    if decimals < 0:
        values, decimals = values * 10**-decimals, 0
    digits = _digits(values, decimals + 1)
    point = digits.shape[1] - decimals
    page = np.full((rows, digits.shape[1] + 3 + PLACES - decimals), _ZERO, np.uint8)
    page[:, 0] = page[:, -1] = ord('"')
    page[:, 1 : point + 1] = digits[:, :point]
    _hide_leading_zeros(page[:, 1 : point + 1])
    page[:, point + 1] = ord(".")
    page[:, point + 2 : point + 2 + decimals] = digits[:, point:]
    return page
