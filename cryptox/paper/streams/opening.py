"""What the address of a stream connection asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from cryptox.paper.refusals import Refused
from cryptox.venues.binance.codes import Code

__all__ = ["MOST_STREAMS", "SBE_PATH", "Opening", "is_stream_path", "read_opening"]

MOST_STREAMS = 1_024  # of one connection
RAW_PATH, COMBINED_PATH = "/ws", "/stream"
SBE_PATH = "/sbe"  # stands for the SBE streams' own host; /ws and /stream follow it
_UNITS = {"MILLISECOND": False, "millisecond": False, "MICROSECOND": True, "microsecond": True}


@dataclass(frozen=True, slots=True)
class Opening:
    """How a connection begins: its streams, the form of its events, and the unit of their times."""

    streams: tuple[str, ...]
    combined: bool
    microseconds: bool


def is_stream_path(target: str) -> bool:
    """Whether a request's target (path and query) belongs to the market streams."""
    path = target.partition("?")[0]
    return path in (RAW_PATH, COMBINED_PATH) or path.startswith((f"{RAW_PATH}/", f"{COMBINED_PATH}/"))


def read_opening(target: str) -> Opening:
    """Read a request's target: ``/ws/<stream>``, ``/stream?streams=a/b``, with ``timeUnit=`` or without.

    Names need not exist. A second question mark counts as an ampersand: python-binance appends ``?timeUnit=`` to an
    address that has a query already.

    Raises
    ------
    Refused : another time unit, or more streams than a connection may have.
    """
    target = target.encode(errors="surrogateescape").decode(errors="replace")  # bytes that are no UTF-8
    path, _, query = target.partition("?")
    fields: dict[str, str] = {}
    for pair in re.split("[&?]", query):
        name, _, value = pair.partition("=")
        fields.setdefault(unquote(name), unquote(value))
    unit = fields.get("timeUnit")
    if unit is not None and unit not in _UNITS:
        raise Refused(Code.INVALID_TIME_UNIT)
    combined = not (path == RAW_PATH or path.startswith(f"{RAW_PATH}/"))
    listed = fields.get("streams", "") if combined else unquote(path[len(RAW_PATH) :])
    streams = tuple(dict.fromkeys(name for name in listed.split("/") if name))
    if len(streams) > MOST_STREAMS:
        raise Refused(Code.TOO_MANY_PARAMETERS, MOST_STREAMS, len(streams))
    return Opening(streams, combined, unit is not None and _UNITS[unit])
