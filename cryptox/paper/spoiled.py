"""Answers as a fault wants them: other statuses, other bodies, cut bodies. No I/O."""

from __future__ import annotations

import gzip
from http.client import responses
from typing import Any, cast

import msgspec

from cryptox.venues.binance.codes import Code, name_of
from cryptox.venues.binance.wire.general import ErrorBody

from .answers import Reply
from .encodings import JSON_TYPE
from .faults import Fault
from .refusals import BANNED, Refused, words

__all__ = ["refusal_of", "spoil"]

HTML_TYPE = "text/html"
_CODE_OF = {503: Code.SERVER_BUSY, 504: Code.TIMEOUT}
_GATEWAY = (502, 504)  # come from something in front of the exchange, which speaks HTML
# Texts as the exchange's front sends them.
_FIREWALL = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>\n"
_RESTRICTED = ErrorBody(
    0,
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message "
    "in error.",
)


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


def refusal_of(fault: Fault, now: float) -> Refused:
    """What a fault with an answer of its own answers a request of the WebSocket API; ``now`` in real seconds."""
    settings = fault.settings
    error = _limit_error(settings, now) if fault.kind == "limit" else _error(settings)
    text = error.msg.replace("%", "%%")
    # Any number may stand for the code: only where there is no text it must be a known one.
    return Refused(cast(Code, error.code), text=text, status=settings["code"], retry_after=settings["retry_after"])


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
        is_page = settings["error_code"] is None and (code in _GATEWAY or code == 403)
        body = "html" if is_page else "empty" if code < 400 else "json"
    if body == "json":
        return Reply(code, msgspec.json.encode(_error(settings)), JSON_TYPE, headers)
    if body == "html":
        return Reply(code, _page(code), HTML_TYPE, headers)
    text = "" if body == "empty" else body
    return Reply(code, text.encode() if isinstance(text, str) else text, "text/plain", headers)


def _error(settings: Any) -> ErrorBody:
    status, code, message = settings["code"], settings["error_code"], settings["message"]
    if status == 451 and code is None:
        return _RESTRICTED
    code = int(_CODE_OF.get(status, Code.UNKNOWN) if code is None else code)
    return ErrorBody(code, _usual_text(code) if message is None else message)


def _usual_text(code: int) -> str:
    """The exchange's text of a code where it is always the same, else the code's name."""
    known = next((one for one in Code if one == code), None)
    try:
        return name_of(code) if known is None else words(known)
    except (KeyError, TypeError):  # no text, or one that takes values
        return name_of(code)


def _page(status: int) -> bytes:
    if status == 403:
        return _FIREWALL.encode()
    title = f"{status} {responses.get(status, '')}".strip()
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode()


def _limit(settings: Any, reply: Reply, now: float) -> Reply:
    headers = {**_counted(reply), "Retry-After": str(settings["retry_after"])}
    return Reply(settings["code"], msgspec.json.encode(_limit_error(settings, now)), headers=headers)


def _limit_error(settings: Any, now: float) -> ErrorBody:
    if settings["code"] == 418:
        return ErrorBody(int(Code.TOO_MANY_REQUESTS), BANNED % int((now + settings["retry_after"]) * 1_000))
    return ErrorBody(int(Code.TOO_MANY_REQUESTS), words(Code.TOO_MANY_REQUESTS, 6_000, "1 MINUTE"))


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
