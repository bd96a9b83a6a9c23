"""The one line that a record is in text: ``Balance(BTC: free 1, locked 0.25)``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from cryptox._secrets import printable, scrub

from .numbers import plain

__all__ = [
    "amount",
    "arguments_line",
    "changed_arguments",
    "count",
    "duration",
    "one_line",
    "order_size",
    "percent",
    "record_line",
    "sentences",
    "shortened",
    "terms",
]


def duration(seconds: float) -> str:
    """How long, rounded up: ``90 s``, ``7 min``, ``2.5 h``."""
    whole = math.ceil(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{math.ceil(whole / 60)} min" if whole < 7200 else f"{whole / 3600:.1f} h"


def record_line(name: str, *parts: str | None) -> str:
    """A record's line of its parts; empty ones are left out."""
    # Each by itself: what hides a secret takes all up to the next blank or comma.
    return f"{name}({', '.join(one_line(part) for part in parts if part)})"


def sentences(texts: Sequence[str]) -> str:
    """Several sentences in one line: ``The loop was 700 ms late; 3 of 40 requests failed.``."""
    return "; ".join([*(text.rstrip(".") for text in texts[:-1]), *texts[-1:]])


def one_line(text: str) -> str:
    """The text without secrets, and with what is not printable spelled out: it moves no cursor and breaks no line."""
    return printable(scrub(text))


def amount(value: Decimal | None, unit: str | None = None) -> str:
    """An amount without zeros at its end, with its unit; ``?`` where it is not known."""
    return f"{'?' if value is None else plain(value)}{'' if unit is None else f' {unit}'}"


def shortened(text: str) -> str:
    """An amount as the exchange writes it, without zeros at its end."""
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def count(number: int, noun: str) -> str:
    """So many of something: ``1 gap``, ``2 gaps``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def percent(part: Decimal) -> str:
    """A part of one in percent: ``0.1 %``."""
    return f"{plain(part * 100)} %"


def arguments_line(values: Mapping[str, Any]) -> str:
    """Arguments of a call: ``quantity 0.001, no price``."""
    return ", ".join(f"no {name}" if value is None else f"{name} {value}" for name, value in values.items())


def changed_arguments(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that another call has in their place: those that differ, None for those it has not."""
    changed = {name: value for name, value in becomes.items() if value != was.get(name)}
    return {**changed, **{name: None for name in was if name not in becomes}}


def order_size(quantity: Decimal | None, price: Decimal | None, quote_quantity: Decimal | None = None) -> str:
    """How much at what price: ``0.001 @ 60000``, ``? for 100``."""
    size = amount(quantity)
    if price is not None:
        return f"{size} @ {plain(price)}"
    return size if quote_quantity is None else f"{size} for {plain(quote_quantity)}"


def terms(record: Any) -> Iterable[str]:
    """What else an order was told, of those that it has."""
    for name, word in (
        ("stop_price", "stop"),
        ("trailing_delta", "trailing"),
        ("iceberg_quantity", "iceberg"),
        ("time_in_force", ""),
        ("self_trade_prevention", "self-trade prevention"),
    ):
        value = getattr(record, name, None)
        if value is not None:
            yield f"{word} {plain(value) if isinstance(value, Decimal) else value}".strip()
    if record.client_order_id is not None:
        yield repr(record.client_order_id)
