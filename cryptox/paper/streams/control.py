"""Control messages of stream connections: what a client may say, and the answers. Pure.

Texts: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (July 2026).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Command", "Mistaken", "answered", "read_command", "too_many"]

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
COMBINED = "combined"  # the only property
_TEXT_ID = re.compile("[0-9A-Za-z_-]{1,36}")  # UUIDs have hyphens
_METHOD = re.compile(r'"method"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]*)')
_TOO_MANY = "too many parameters"


class Mistaken(Exception):
    """A control message is answered with an error."""

    def __init__(self, code: int, text: str, **more: Any) -> None:
        super().__init__(text)
        self.answer = {"code": code, "msg": text, **more}


@dataclass(frozen=True, slots=True)
class Command:
    """A control message that can be carried out.

    ``streams`` are those to subscribe or unsubscribe; ``value`` is the property's new one.
    """

    method: str
    id: int | str | None
    streams: tuple[str, ...] = ()
    value: bool = False


def answered(command: Command, result: Any = None) -> dict[str, Any]:
    """The answer to a command."""
    return {"result": result, "id": command.id}


def read_command(text: str | bytes) -> Command:
    """Read a control message.

    Raises
    ------
    Mistaken : it cannot be carried out.
    """
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    try:
        said = json.loads(text)
        json.dumps(said, ensure_ascii=False).encode()  # what stands in it can be answered
    except json.JSONDecodeError as error:
        raise _not_json(error.lineno, error.colno) from None
    except (ValueError, RecursionError):  # half a character, numbers of thousands of digits, lists a thousand deep
        raise _not_json(1, 1) from None
    if not isinstance(said, dict) or "method" not in said:
        raise _invalid(f"missing field `method` at {_place(text, len(text.rstrip()))}")
    method = said["method"]
    if method not in METHODS:
        found = _METHOD.search(text)
        known = ", ".join(f"`{name}`" for name in METHODS)
        place = _place(text, found.end() if found else len(text))
        raise _invalid(f"unknown variant {_shown(method)}, expected one of {known} at {place}")
    number = said.get("id", ...)
    if not _is_id(number):
        raise _invalid("request ID must be an unsigned integer")
    params = said.get("params", [])
    if not isinstance(params, list):
        raise _invalid("params must be a list")
    if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return Command(method, number, _streams(said, params))
    if method == "LIST_SUBSCRIPTIONS":
        if params:
            raise _invalid(_TOO_MANY)
        return Command(method, number)
    return _property(method, number, params)


def too_many() -> Mistaken:
    """More streams than a connection may have."""
    return _invalid(_TOO_MANY)


def _streams(said: dict[str, Any], params: list[Any]) -> tuple[str, ...]:
    if "params" not in said:
        raise _invalid("missing field `params`")
    for name in params:
        if not isinstance(name, str):
            raise _invalid("stream name must be a string")
    return tuple(dict.fromkeys(params))


def _property(method: str, number: Any, params: list[Any]) -> Command:
    if not params or not isinstance(params[0], str):
        raise _invalid("property name must be a string")
    if params[0] != COMBINED:
        raise Mistaken(0, "Unknown property", id=number)
    if len(params) > (2 if method == "SET_PROPERTY" else 1):
        raise _invalid(_TOO_MANY)
    if method == "GET_PROPERTY":
        return Command(method, number)
    if len(params) < 2 or not isinstance(params[1], bool):
        raise Mistaken(1, "Invalid value type: expected Boolean")
    return Command(method, number, value=params[1])


def _is_id(number: Any) -> bool:
    if isinstance(number, bool):
        return False
    if isinstance(number, int):
        return -(2**63) <= number < 2**63
    return number is None or (isinstance(number, str) and _TEXT_ID.fullmatch(number) is not None)


def _invalid(text: str) -> Mistaken:
    return Mistaken(2, f"Invalid request: {text}")


def _not_json(line: int, column: int) -> Mistaken:
    return Mistaken(3, f"Invalid JSON: expected value at line {line} column {column}")


def _shown(method: Any) -> str:
    return method if isinstance(method, str) else json.dumps(method)


def _place(text: str, end: int) -> str:
    """Where the ``end``-th character stands."""
    before = text[:end]
    return f"line {before.count(chr(10)) + 1} column {end - before.rfind(chr(10)) - 1}"
