"""Answers as a fault wants them: other statuses, other bodies, cut bodies. No I/O."""

from __future__ import annotations

import gzip
from http.client import responses
from typing import Any

import msgspec

from cryptox.venues.binance.codes import Code, name_of
from cryptox.venues.binance.wire.general import ErrorBody

from .answers import Reply
from .encodings import JSON_TYPE
from .faults import Fault
from .refusals import BANNED, words

__all__ = ["spoil"]

HTML_TYPE = "text/html"
_CODE_OF = {503: Code.SERVER_BUSY, 504: Code.TIMEOUT}
_GATEWAY = (502, 504)  # come from something in front of the exchange, which speaks HTML
# Texts as the exchange's front sends them.
_FIREWALL = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>\n"
_RESTRICTED = {
    "code": 0,
    "msg": "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message "
    "in error.",
}


def spoil(fault: Fault, reply: Reply, now: float) -> Reply:
    """The reply that takes the place of ``reply`` under this fault; ``now`` in real seconds."""
    settings = fault.settings
    if fault.kind == "status":
        return _status(settings, reply)
    if fault.kind == "limit":
        return _limit(settings, reply, now)
    if fault.kind == "body":
        return _body(settings, reply)
    if fault.kind == "truncate" and settings["how"] == "body":
        cut = reply.body[: len(reply.body) // 2]
        return Reply(reply.status, cut, reply.content_type, dict(reply.headers))
    return reply


def _counted(reply: Reply) -> dict[str, str]:
    """Headers that go with any body."""
    return {name: value for name, value in reply.headers.items() if name != "Content-Encoding"}


def _status(settings: Any, reply: Reply) -> Reply:
    code, body, headers = settings["code"], settings["body"], _counted(reply)
    if settings["location"] is not None or 300 <= code < 400:
        headers["Location"] = settings["location"] or "https://www.binance.com/"
    if settings["retry_after"] is not None:
        headers["Retry-After"] = str(settings["retry_after"])
    if body is None:
        body = "html" if code in _GATEWAY or code == 403 else "empty" if code < 400 else "json"
    if body == "json":
        return Reply(code, _json(settings, code), JSON_TYPE, headers)
    if body == "html":
        return Reply(code, _page(code), HTML_TYPE, headers)
    text = "" if body == "empty" else body
    return Reply(code, text.encode() if isinstance(text, str) else text, "text/plain", headers)


def _json(settings: Any, status: int) -> bytes:
    if status == 451 and settings["error_code"] is None:
        return msgspec.json.encode(_RESTRICTED)
    usual = _CODE_OF.get(status, Code.UNKNOWN)
    code, message = settings["error_code"], settings["message"]
    if message is None:
        message = words(usual) if code is None else name_of(code)
    return msgspec.json.encode(ErrorBody(int(usual if code is None else code), message))


def _page(status: int) -> bytes:
    if status == 403:
        return _FIREWALL.encode()
    title = f"{status} {responses.get(status, '')}".strip()
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode()


def _limit(settings: Any, reply: Reply, now: float) -> Reply:
    wait = settings["retry_after"]
    if settings["code"] == 418:
        text = BANNED % int((now + wait) * 1_000)
    else:
        text = words(Code.TOO_MANY_REQUESTS, 6_000, "1 MINUTE")
    headers = {**_counted(reply), "Retry-After": str(wait)}
    return Reply(settings["code"], msgspec.json.encode(ErrorBody(int(Code.TOO_MANY_REQUESTS), text)), headers=headers)


def _body(settings: Any, reply: Reply) -> Reply:
    how, size, headers = settings["how"], settings["size"], _counted(reply)
    if how == "html":
        return Reply(200, b"<html><body>Welcome to our network. Please log in.</body></html>\n", HTML_TYPE, headers)
    if how == "empty":
        return Reply(200, b"", reply.content_type, headers)
    if how == "huge":
        return Reply(200, b"[" + b"0," * (size // 2) + b"0]", JSON_TYPE, headers)
    headers["Content-Encoding"] = "gzip"
    if how == "bomb":
        return Reply(200, gzip.compress(b"[" + b" " * size + b"]", 9, mtime=0), JSON_TYPE, headers)
    packed = bytearray(gzip.compress(reply.body, 6, mtime=0))
    packed[len(packed) // 2] ^= 0xFF
    return Reply(200, bytes(packed[: max(12, len(packed) * 3 // 4)]), reply.content_type, headers)
