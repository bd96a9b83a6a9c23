"""Request frames as the WebSocket API reads them. Pure.

Values may be JSON text, numbers, booleans or arrays; routes read the text of a query, so each becomes that text. A
number keeps its digits as written, because they are signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.methods import Method, find_method

__all__ = ["Call", "Unread", "read_call"]

INVALID_JSON = "Invalid JSON Request"
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # the last: nested, the other: endless numbers
UNSUPPORTED = "This operation is not supported."
RATE_LIMITS = "returnRateLimits"

Id = int | str | None


class Unread(Exception):
    """A frame that is no request: ``refused`` says why, ``id`` is what could be read of it."""

    def __init__(self, refused: Refused, id: Id = None) -> None:
        super().__init__(str(refused))
        self.refused, self.id = refused, id


@dataclass(frozen=True, slots=True)
class Call:
    """One request that could be read."""

    id: Id
    method: Method
    params: dict[str, str] = field(repr=False)  # as the texts of a query, in the order sent
    rate_limits: bool | None = None  # whether the answer shall tell counts; None: as the connection says


def read_call(frame: str | bytes) -> Call:
    """The request in a frame.

    Raises
    ------
    Unread : not JSON, no id, no method, a method that nobody knows, params that are no object.
    """
    if isinstance(frame, bytes):
        raise Unread(Refused(Code.INVALID_JSON, text=INVALID_JSON))  # requests are text frames
    try:
        fields = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
        number, name = _id(fields), _decoded(fields, "method")
    except _UNREADABLE:
        raise Unread(Refused(Code.INVALID_JSON, text=INVALID_JSON)) from None
    if not isinstance(name, str) or not name:
        raise Unread(Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "method"), number)
    method = find_method(name)
    if method is None:
        raise Unread(Refused(Code.UNSUPPORTED_OPERATION, text=UNSUPPORTED), number)
    try:
        raw = msgspec.json.decode(fields.get("params", b"{}"), type=dict[str, msgspec.Raw] | None) or {}
        params = {key: text for key, value in raw.items() if (text := _text(value)) is not None}
    except _UNREADABLE:
        refused = Refused(Code.INVALID_JSON, text="JSON sent for parameter 'params' is not valid")
        raise Unread(refused, number) from None
    return Call(number, method, params, _flag(params.get(RATE_LIMITS), number))


def _id(fields: Mapping[str, msgspec.Raw]) -> Id:
    if "id" not in fields:
        raise Unread(Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "id"))
    found = _decoded(fields, "id")
    if isinstance(found, bool) or not isinstance(found, int | str | None):
        raise Unread(Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "id"))
    return found


def _decoded(fields: Mapping[str, msgspec.Raw], name: str) -> object:
    return msgspec.json.decode(fields[name]) if name in fields else None


def _text(value: msgspec.Raw) -> str | None:
    """A value as a query would write it; None for null, which counts as not sent."""
    first = bytes(value)[:1]
    if first == b'"':
        return msgspec.json.decode(value, type=str)
    if first in b"[{":
        return msgspec.json.encode(msgspec.json.decode(value)).decode()  # without the blanks between values
    text = bytes(value).decode().strip()
    return None if text == "null" else text


def _flag(text: str | None, number: Id) -> bool | None:
    if text is None:
        return None
    if text not in ("true", "false"):
        raise Unread(Refused(Code.ILLEGAL_CHARS, RATE_LIMITS, "true|false"), number)
    return text == "true"
