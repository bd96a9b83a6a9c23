"""Answers of the market data endpoints, read by their content type: SBE or JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, get_args

import msgspec

from cryptox.errors import ExchangeError
from cryptox.table.batch import Batch
from cryptox.transport.messages import Answer

from . import columns
from .sbe import arrays, codec

__all__ = [
    "SBE",
    "check_numbers",
    "converted",
    "is_sbe",
    "read_agg_trades",
    "read_as",
    "read_depth",
    "read_klines",
    "read_trades",
]

SBE = "application/sbe"
T = TypeVar("T")

_LARGEST, _LEAST = 25, -40  # powers of ten: amounts lie far within, and products of two stay exact

_NO_NUMBERS = frozenset({str, bool, type(None), msgspec.UnsetType})


def is_sbe(answer: Answer) -> bool:
    """Whether the body is SBE, by the answer's content type."""
    return answer.content_type == SBE


def read_klines(answer: Answer, *, exact: bool) -> Batch:
    """Candles, oldest first.

    Raises
    ------
    ExchangeError
        The body is not what was asked for; with ``exact`` also for a number that does not fit its column.
    """
    return _read(answer, exact, columns.klines, arrays.read_klines)


def read_trades(answer: Answer, *, exact: bool) -> Batch:
    """Trades, oldest first; errors as ``read_klines``."""
    return _read(answer, exact, columns.trades, arrays.read_trades)


def read_agg_trades(answer: Answer, *, exact: bool) -> Batch:
    """Aggregate trades, oldest first; errors as ``read_klines``."""
    return _read(answer, exact, columns.agg_trades, arrays.read_agg_trades)


def read_depth(answer: Answer, *, exact: bool) -> Batch:
    """Order book, bids then asks, ``extra["last_update_id"]`` set; errors as ``read_klines``."""
    return _read(answer, exact, columns.depth, arrays.read_depth)


def read_as(answer: Answer, kind: type[T]) -> T:
    """The answer as a wire type, such as ``ServerTime`` or ``list[Price[float]]``; texts become its numbers.

    Raises
    ------
    ExchangeError
        The body is not of that type.
    """
    _check(answer)
    try:
        if is_sbe(answer):
            return _checked(msgspec.convert(codec.decode(answer.body), kind, strict=False), kind)
        return _checked(msgspec.json.decode(answer.body, type=kind, strict=False), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ExchangeError(
            f"The answer is not what was asked for: {error}", technical_details=_details(answer)
        ) from error


def converted(body: Any, kind: type[T]) -> T:
    """A decoded body as a wire type; errors as ``read_as``."""
    try:
        return _checked(msgspec.convert(body, kind, strict=False), kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ExchangeError(f"The answer is not what was asked for: {error}") from error


def check_numbers(told: Any) -> None:
    """Refuse what is no amount in wire structs: NaN, infinities, powers of ten beyond any, integers beyond 64 bits.

    Raises
    ------
    ExchangeError
        There is one.
    """
    if isinstance(told, Decimal):
        if not (told.is_finite() and _LEAST <= told.adjusted() <= _LARGEST):
            raise ExchangeError(f"A number in the answer is no amount: {str(told)[:40]}.")
    elif isinstance(told, int):
        if not -(2**63) <= told < 2**63:
            raise ExchangeError("The answer holds an integer beyond 64 bits.")
    elif isinstance(told, msgspec.Struct):
        check_numbers(msgspec.structs.astuple(told))
    elif isinstance(told, list | tuple):
        for one in told:
            if type(one) not in _NO_NUMBERS:
                check_numbers(one)


def _checked(found: T, kind: Any) -> T:
    if _is_exact(kind):
        check_numbers(found)
    return found


@lru_cache(maxsize=64)
def _is_exact(kind: Any) -> bool:
    """Whether a wire type is read with decimals."""
    return kind is Decimal or any(map(_is_exact, get_args(kind)))


Reader = Callable[..., Batch]


def _read(answer: Answer, exact: bool, from_json: Reader, from_sbe: Reader) -> Batch:
    _check(answer)
    return (from_sbe if is_sbe(answer) else from_json)(answer.body, exact=exact)


def _check(answer: Answer) -> None:
    """Refuse what a proxy or a broken connection puts in the place of an answer."""
    if not answer.body:
        raise ExchangeError("The exchange answered with an empty body.", technical_details=_details(answer))
    if not is_sbe(answer) and (answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<"):
        raise ExchangeError(
            "A web page (HTML) came in the place of the exchange's answer; a proxy or its front may have sent it.",
            technical_details=_details(answer),
            recovery_suggestions=[
                "Open any page in a browser: the network may want a sign-in first.",
                "Where a proxy is set (proxy=, HTTPS_PROXY), check it; and the address of the venue.",
            ],
        )


def _details(answer: Answer) -> str:
    body = answer.body[:48].hex() if is_sbe(answer) else columns.excerpt(answer.body)
    return f"status {answer.status}, content type {answer.content_type or 'none'}, body {body}"
