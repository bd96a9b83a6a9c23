"""What a request wants its answer written in, and the writing: JSON in two time units, SBE, gzip.

Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/sbe_faq (July 2026).
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import SBE, SBE_SCHEMA, TIME_UNIT
from cryptox.venues.binance.sbe.codec import encode
from cryptox.venues.binance.wire.general import ErrorBody
from cryptox.venues.binance.wire.market import Depth

from .binary import binary_book, binary_rows
from .question import Book, Ints, Rows, Told
from .refusals import Refused
from .text import Fixed, Same, draw, row_pieces

__all__ = ["JSON_TYPE", "SBE_TYPE", "Wanted", "negotiate", "refusal_body", "write", "zipped"]

JSON_TYPE = "application/json;charset=UTF-8"
SBE_TYPE = "application/sbe"
ZIP_FROM = 1_024  # bytes; smaller bodies are sent as they are
ZIP_LEVEL = 1

DEPRECATED = frozenset({"3:2", "3:3", "3:4"})  # still answered, in the newest version
ERROR_MESSAGE = "ErrorResponse"

_MICROSECONDS = {"MICROSECOND": True, "microsecond": True, "MILLISECOND": False, "millisecond": False}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an answer is to be written. ``refusal`` is what is wrong with the wish itself."""

    sbe: bool = False
    microseconds: bool = False
    gzip: bool = False
    deprecated: bool = False  # the SBE version asked for
    refusal: Refused | None = None


def negotiate(headers: Mapping[str, str], *, sbe_enabled: bool = True, json_only: bool = False) -> Wanted:
    """What the headers (names without regard to case) ask for; ``json_only`` passes over a wish for SBE."""
    accepted = _listed(headers.get("Accept", ""))
    squeeze = "gzip" in _listed(headers.get("Accept-Encoding", ""))
    if SBE_TYPE in accepted and not json_only:
        json_too = not accepted.isdisjoint({"application/json", "application/*", "*/*"})
        version = headers.get(SBE, "").strip()
        refusal = _sbe_refusal(version, sbe_enabled)
        if refusal is None:
            return Wanted(sbe=True, microseconds=True, gzip=squeeze, deprecated=version in DEPRECATED)
        if not json_too:
            return Wanted(sbe=refusal.status != 406, microseconds=True, gzip=squeeze, refusal=refusal)
    unit = headers.get(TIME_UNIT)
    if unit is not None and unit not in _MICROSECONDS:
        return Wanted(gzip=squeeze, refusal=Refused(Code.INVALID_TIME_UNIT))
    return Wanted(microseconds=unit is not None and _MICROSECONDS[unit], gzip=squeeze)


def _listed(header: str) -> set[str]:
    """Values of a list header, without those that carry ``q=0``."""
    found = set()
    for item in header.lower().split(","):
        value, _, options = item.partition(";")
        if options.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            found.add(value.strip())
    return found


def _sbe_refusal(version: str, enabled: bool) -> Refused | None:
    if not enabled:
        return Refused(Code.SBE_DISABLED, status=406)
    schema, colon, number = version.partition(":")
    if not (colon and schema.isdecimal() and number.isdecimal()):
        return Refused(Code.INVALID_SBE_HEADER)
    if version != SBE_SCHEMA and version not in DEPRECATED:
        return Refused(Code.UNSUPPORTED_SCHEMA_ID)
    return None


def write(answer: Told | Rows | Book, *, sbe: bool) -> bytes:
    """An answer in JSON or SBE."""
    if isinstance(answer, Rows):
        return binary_rows(answer) if sbe else draw(answer.count, row_pieces(answer.kind, answer.columns))
    if isinstance(answer, Book):
        return binary_book(answer) if sbe else _book(answer)
    if sbe:
        return encode(answer.template, msgspec.to_builtins(answer.body))
    return msgspec.json.encode(answer.body)


def _book(book: Book) -> bytes:
    levels, listing = book.levels, book.listing

    def side(prices: Ints, quantities: Ints) -> msgspec.Raw:
        price, quantity = Fixed(prices, listing.price_exponent), Fixed(quantities, listing.quantity_exponent)
        return msgspec.Raw(draw(len(prices), [Same(b"["), price, Same(b","), quantity, Same(b"]")]))

    bids = side(levels.bid_price, levels.bid_quantity)
    asks = side(levels.ask_price, levels.ask_quantity)
    # Depth is generic over the number; here a whole side is text already.
    return msgspec.json.encode(Depth(levels.last_update_id, cast(Any, bids), cast(Any, asks)))


def refusal_body(refused: Refused, *, sbe: bool) -> bytes:
    """A refusal in JSON or SBE."""
    body = ErrorBody(int(refused.code), refused.text)
    if refused.data is not None:
        return msgspec.json.encode({"code": body.code, "msg": body.msg, "data": refused.data})
    return encode(ERROR_MESSAGE, msgspec.to_builtins(body)) if sbe else msgspec.json.encode(body)


def zipped(body: bytes) -> bytes:
    """The body in gzip, always the same bytes for the same body."""
    return gzip.compress(body, ZIP_LEVEL, mtime=0)
