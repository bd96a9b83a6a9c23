"""The table of decoders itself, and what its rows share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptox.model.orders import Draft
from cryptox.settings import Settings
from cryptox.transport.messages import Answer
from cryptox.venues.binance.venue import open_venue
from cryptox.venues.trading import OrderRef

__all__ = ["DECODERS", "DRAFT", "JSON", "REF", "SBE", "VENUE", "Decoder", "answer", "decoder", "tried"]

VENUE = open_venue("binance", Settings(rest_url="http://127.0.0.1:9"), {})
DRAFT = Draft(
    symbol="BTCUSDT", side="buy", type="LIMIT", quantity=Decimal("0.001"), price=Decimal(60000), client_order_id="x"
)
REF = OrderRef("BTCUSDT", client_order_id="x")
JSON = {"content-type": "application/json;charset=UTF-8", "date": "Mon, 01 Jun 2026 12:00:30 GMT"}
SBE = {"content-type": "application/sbe"}


@dataclass(frozen=True)
class Decoder:
    """One row of the table.

    ``weight`` is how many of its cases take as long as those of the fast ones: the quick test tries so many fewer.
    """

    name: str
    read: Callable[[bytes], None]
    raises: tuple[type[Exception], ...]
    weight: int = 1


DECODERS: dict[str, Decoder] = {}


def decoder(*raises: type[Exception], weight: int = 1) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    """Put a function into the table, under its name."""

    def put(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
        DECODERS[function.__name__] = Decoder(function.__name__, function, raises, weight)
        return function

    return put


def answer(body: bytes, headers: dict[str, str] = JSON, status: int = 200) -> Answer:
    return Answer(status, headers, body, 0.0, 0.1)


def tried(
    raises: type[Exception] | tuple[type[Exception], ...], call: Callable[..., Any], *given: Any, **named: Any
) -> Any:
    """What a call returns; None where it raises what it may."""
    try:
        return call(*given, **named)
    except raises as error:
        str(error)
        return None
