"""What goes over the wire and what comes back, as plain values: no I/O here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Answer", "Limit", "Outgoing", "Usage"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request, ready to be sent."""

    method: str
    url: str  # absolute, query included
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sign: Callable[[Outgoing], Outgoing] | None = field(default=None, repr=False, compare=False)
    """Puts key and signature on, called once when the request is about to be sent; nothing else ever holds them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Header names are lower case; the body is decoded (gzip undone)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float  # time.monotonic() in seconds
    received_at: float

    @property
    def content_type(self) -> str:
        """Media type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of something per fixed, aligned window of exchange time."""

    kind: str  # "REQUEST_WEIGHT", "RAW_REQUESTS", "ORDERS"
    amount: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit's window the exchange says this address has used, this request included."""

    kind: str
    window_ms: int
    used: int
