"""The handshake of a WebSocket: the request, and what its answer means. No socket, no clock."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cryptox.errors import (
    AuthenticationError,
    Banned,
    ConfigurationError,
    CryptoxError,
    ExchangeError,
    NetworkError,
    RateLimited,
)

from .dial import Target
from .messages import Answer

if TYPE_CHECKING:
    from websockets.client import ClientProtocol
    from websockets.uri import WebSocketURI

__all__ = ["Judge", "Upgrade", "refused", "target_of"]

MOST_HEAD = 2**16  # bytes of the answer's head
MOST_BODY = 2**14  # bytes of a refusal's body that are read
UNTOLD_WAIT_S = 60.0  # after a refusal for a limit that does not say how long
LONGEST_WAIT_S = 7 * 86_400.0

# The machine writes whole requests to its log, keys included: this one says nothing.
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - registered nowhere: no setting turns it on


Judge = Callable[[Answer], CryptoxError]


def target_of(url: str) -> tuple[Target, WebSocketURI]:
    """Where a WebSocket URL leads.

    Raises
    ------
    ConfigurationError
        It is no ``ws://`` or ``wss://`` URL. The URL is not shown: it may hold a key.
    """
    from websockets.exceptions import InvalidURI
    from websockets.uri import parse_uri

    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError):
        raise ConfigurationError(
            "The address of the stream is no WebSocket URL.",
            recovery_suggestions=["It must begin with ws:// or wss://, followed by a host."],
        ) from None
    return Target(uri.secure, uri.host, uri.port), uri


class Upgrade:
    """One handshake.

    Parameters
    ----------
    uri
        What is asked for.
    headers
        Further headers of the request. They may hold a key: they are neither kept nor shown.
    most_bytes
        Size of the largest message taken, in bytes.
    """

    def __init__(self, uri: WebSocketURI, headers: Mapping[str, str], *, most_bytes: int) -> None:
        from websockets.client import ClientProtocol

        self.protocol: ClientProtocol = ClientProtocol(uri, max_size=most_bytes, logger=_SILENT)
        request = self.protocol.connect()
        request.headers["User-Agent"] = "cryptox"
        for name, value in headers.items():
            if any(letter in "\r\n\0" for letter in name + value) or not (name + value).isascii():
                raise ConfigurationError(f"The header {name!r} holds characters that no header may hold.")
            request.headers[name] = value
        self.protocol.send_request(request)
        self._got = bytearray()
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body_size = 0

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes of the answer. Returns what followed it once the connection is open, None before that.

        After a refusal ``is_refused`` is true; ``complete`` says when its body has come as well.

        Raises
        ------
        ExchangeError
            It is no answer, or no answer to our request.
        """
        self._got += data
        if self._status:
            del self._got[MOST_BODY:]
            return None
        head, end, rest = bytes(self._got).partition(b"\r\n\r\n")
        if len(head) > MOST_HEAD or not b"HTTP/1.".startswith(head[:7]):
            raise ExchangeError("What answers at the stream's address does not speak WebSocket.")
        if not end:
            return None
        status = _status(head)
        if status != 101:
            self._status, self._headers = status, _headers(head)
            length = self._headers.get("content-length", "")
            self._body_size = min(int(length), MOST_BODY) if length.isdecimal() else MOST_BODY
            self._got = bytearray(rest[:MOST_BODY])
            return None
        self._got.clear()
        self.protocol.receive_data(head + end)
        if self.protocol.handshake_exc is not None:
            raise ExchangeError(
                "What answers at the stream's address does not speak WebSocket.",
                technical_details=f"{type(self.protocol.handshake_exc).__name__}: {self.protocol.handshake_exc}",
            ) from None
        self.protocol.events_received()
        return rest

    @property
    def is_refused(self) -> bool:
        """Whether the answer is another than a WebSocket."""
        return self._status != 0

    @property
    def complete(self) -> bool:
        """Whether a refusal is all there, or as much of it as is read."""
        return self.is_refused and len(self._got) >= self._body_size

    def answer(self, sent_at: float, received_at: float) -> Answer:
        """The refusal, with its body as far as it came, at most 16 KiB. Times are monotonic seconds."""
        return Answer(self._status, self._headers, bytes(self._got), sent_at, received_at)


def refused(answer: Answer, target: Target) -> CryptoxError:
    """The error for a refused handshake by its HTTP status alone; a venue that knows more may judge itself."""
    status, host = answer.status, target.host
    context = {"host": host, "status": status, "sent": True}
    details = f"HTTP {status} at {target}: {answer.body[:200].decode('utf-8', 'replace')!r}"
    wait = _wait(answer)
    if status in (418, 429):
        kind: type[RateLimited] = Banned if status == 418 else RateLimited
        wait = UNTOLD_WAIT_S if wait is None else wait
        what = "has banned this address" if status == 418 else "takes no more connections from this address"
        return kind(f"{host} {what} for {wait:g} s.", technical_details=details, context=context, retry_after=wait)
    if status == 401:
        return AuthenticationError(f"{host} did not accept the key (HTTP 401).", technical_details=details,
                                   context=context)  # fmt: skip
    if status == 403:
        return NetworkError(
            f"The firewall before {host} turned the connection away (HTTP 403).",
            technical_details=details,
            context=context,
            retry_after=UNTOLD_WAIT_S if wait is None else wait,
        )
    if status == 451:
        return ExchangeError(
            f"{host} does not serve this location (HTTP 451).",
            technical_details=details,
            context=context,
            recovery_suggestions=["The exchange does not serve this place, for legal reasons; the paper venue works."],
        )
    if status >= 500 or status == 408:
        return NetworkError(
            f"{host} failed inside (HTTP {status}).", technical_details=details, context=context, retry_after=wait
        )
    return ExchangeError(
        f"{host} opens no stream there (HTTP {status}).",
        technical_details=details,
        context=context,
        recovery_suggestions=["Check the address of the venue: something else may answer there."],
    )


def _status(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if len(words) < 2 or not (words[1].isdigit() and len(words[1]) == 3):
        raise ExchangeError("What answers at the stream's address does not speak HTTP.")
    return int(words[1])


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _wait(answer: Answer) -> float | None:
    """The header Retry-After in seconds; None where there is none, or a date, which exchanges do not send."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if math.isfinite(seconds) else None
