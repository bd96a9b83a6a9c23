"""How Binance wants requests signed, over REST and over the WebSocket API. Pure: the time is an argument.

REST signs the bytes exactly as they are sent, percent-encoded (query, then body, nothing between); the WebSocket API
signs its parameters in raw text, sorted by name.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security and
.../websocket-api/request-security (July 2026).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Outgoing

from .headers import API_KEY

__all__ = ["authorised", "encoded", "signed_params", "ws_signature"]


_PLAIN = re.compile(r"[A-Za-z0-9\-_.~]*")


def encoded(params: Mapping[str, Any] | tuple[tuple[str, Any], ...]) -> str:
    """Parameters as text to be sent: all but letters, digits and ``-_.~`` as ``%XX`` of their UTF-8."""
    pairs = params.items() if isinstance(params, Mapping) else params
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def authorised(unsigned: Outgoing, signer: Signer, *, timestamp_ms: int, recv_window_ms: int) -> Outgoing:
    """The request with window, time, signature and key, to be sent at once and kept by nobody.

    They go to the query of a GET and to the body of anything else, whose URL so tells nothing.
    """
    extra = f"recvWindow={recv_window_ms}&timestamp={timestamp_ms}"
    address, _, query = unsigned.url.partition("?")
    headers = {**unsigned.headers, API_KEY: signer.name()}
    if unsigned.method == "GET":
        text = _signed("", _joined(query, extra), signer)
        return dataclasses.replace(unsigned, url=f"{address}?{text}", headers=headers, sign=None)
    text = _signed(query, _joined(unsigned.body.decode("ascii"), extra), signer)
    return dataclasses.replace(unsigned, body=text.encode("ascii"), headers=headers, sign=None)


def signed_params(
    params: Mapping[str, Any], signer: Signer, *, timestamp_ms: int, recv_window_ms: int | None
) -> dict[str, Any]:
    """Parameters of a signed request of the WebSocket API, key and signature included; None leaves the window out."""
    window = {} if recv_window_ms is None else {"recvWindow": recv_window_ms}
    full = {**params, "apiKey": signer.name(), **window, "timestamp": timestamp_ms}
    return {**full, "signature": ws_signature(full, signer)}


def ws_signature(params: Mapping[str, Any], signer: Signer) -> str:
    """Signature of the parameters of a request of the WebSocket API: sorted by name, raw, booleans as in JSON."""
    return signer.sign("&".join(f"{name}={_raw(params[name])}" for name in sorted(params)).encode())


def _signed(before: str, text: str, signer: Signer) -> str:
    """The text with the signature of itself and of what is sent before it."""
    return _joined(text, f"signature={_quoted(signer.sign((before + text).encode('ascii')))}")


def _quoted(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")


def _joined(text: str, more: str) -> str:
    return f"{text}&{more}" if text else more


def _raw(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
