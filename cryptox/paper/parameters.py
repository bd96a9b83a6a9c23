"""Query parameters as Binance checks them: what an endpoint takes, what a value may be, and which refusal fits.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (July 2026). Where the documentation is
silent (which code for which malformed value) the choice is ours and marked so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from cryptox.model.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from cryptox.venues.binance.codes import Code

from .refusals import DUPLICATES, TOO_MANY_VALUES, Refused

__all__ = [
    "FROM_ID",
    "Parameter",
    "bounded",
    "limit",
    "named",
    "number",
    "read_parameters",
    "required",
]

SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
SYMBOLS_RANGE = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'
NUMBER_RANGE = "^[0-9]{1,20}$"
DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
BOOLEAN_RANGE = "true|false"

_SYMBOL = re.compile(r"(?:(?![a-z])[\w\-.]){1,50}")
_SYMBOLS = re.compile(rf'\[(?:"{_SYMBOL.pattern}"(?:,"{_SYMBOL.pattern}")*)?\]')
_NUMBER = re.compile(r"[0-9]{1,20}")
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?", re.ASCII)
_SPAN = re.compile(r"(\d{1,2})([mhd])", re.ASCII)
_SPANS: dict[str, tuple[int, int]] = {"m": (59, MINUTE_MS), "h": (23, HOUR_MS), "d": (7, DAY_MS)}
_PERMISSION = re.compile(r"SPOT|MARGIN|LEVERAGED|TRD_GRP_\d{3}", re.ASCII)

LARGEST = 2**63 - 1
FIRST_MICROSECONDS = 10**15  # as milliseconds the year 33658, as microseconds 2001

Reader = Callable[[str, str], Any]  # (name, text) to value; raises Refused


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an endpoint."""

    name: str
    read: Reader
    mandatory: bool = False
    default: Any = None


def read_parameters(
    taken: Sequence[Parameter], sent: Sequence[tuple[str, str]], also: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Checked values by parameter name, defaults filled in. Names in ``also`` are taken, and read elsewhere.

    Raises
    ------
    Refused : the first thing wrong: duplicates, too many, missing, malformed, and at last what nobody reads.
    """
    given = dict(sent)
    if len(given) < len(sent):
        raise Refused(Code.TOO_MANY_PARAMETERS, text=DUPLICATES)
    if len(given) > len(taken) + len(also):
        raise Refused(Code.TOO_MANY_PARAMETERS, len(taken) + len(also), len(given))
    values: dict[str, Any] = {}
    read = len(given.keys() & also)
    for parameter in taken:
        text = given.get(parameter.name)
        if text is None or (text == "" and parameter.mandatory):
            if parameter.mandatory:
                raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, parameter.name)
            values[parameter.name] = parameter.default
            continue
        if text == "":
            raise Refused(Code.PARAM_EMPTY, parameter.name)
        values[parameter.name] = parameter.read(parameter.name, text)
        read += 1
    if read < len(given):
        raise Refused(Code.UNREAD_PARAMETERS, read, len(given))
    return values


def required(parameter: Parameter) -> Parameter:
    """The same parameter, mandatory."""
    return Parameter(parameter.name, parameter.read, mandatory=True)


def limit(default: int, cap: int) -> Parameter:
    """How many rows; more than the cap is cut to it."""

    def read(name: str, text: str) -> int:
        rows = _number(name, text)
        if rows == 0:
            raise Refused(Code.INVALID_PARAMETER, name)  # own
        return min(rows, cap)

    return Parameter("limit", read, default=default)


def number(name: str, *, mandatory: bool = False) -> Parameter:
    """A whole number from zero on."""
    return Parameter(name, _number, mandatory)


def bounded(parameter: Parameter, most: int) -> Parameter:
    """The same list parameter with at most so many values."""

    def read(name: str, text: str) -> Any:
        values = parameter.read(name, text)
        if len(values) > most:
            raise Refused(Code.TOO_MANY_PARAMETERS, name, most, text=TOO_MANY_VALUES)
        return values

    return Parameter(parameter.name, read, parameter.mandatory)


def named(name: str, choices: Sequence[str], code: Code, default: str | None = None) -> Parameter:
    """One word of a closed list; anything else is refused with ``code``."""

    def read(name: str, text: str) -> str:
        if text not in choices:
            raise Refused(code, name) if code is Code.INVALID_PARAMETER else Refused(code)
        return text

    return Parameter(name, read, default=default)


def _illegal(name: str, legal: str) -> NoReturn:
    raise Refused(Code.ILLEGAL_CHARS, name, legal)


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        _illegal(name, NUMBER_RANGE)
    return min(int(text), LARGEST)


def _symbol(name: str, text: str) -> str:
    if not _SYMBOL.fullmatch(text):
        _illegal(name, SYMBOL_RANGE)
    return text


def _symbols(name: str, text: str) -> tuple[str, ...]:
    if not _SYMBOLS.fullmatch(text):
        _illegal(name, SYMBOLS_RANGE)
    names = json.loads(text)
    if not names:
        raise Refused(Code.PARAM_EMPTY, name)
    if len(set(names)) < len(names):
        raise Refused(Code.DUPLICATE_SYMBOLS)
    return tuple(names)


def _start_us(name: str, text: str) -> int:
    """First microsecond of a time in ms or us, told apart by size."""
    value = _number(name, text)
    return value if value >= FIRST_MICROSECONDS else value * 1_000


def _end_us(name: str, text: str) -> int:
    """Last microsecond of a time in ms or us: a whole millisecond is meant to its end."""
    value = _number(name, text)
    return value if value >= FIRST_MICROSECONDS else value * 1_000 + 999


def _zone_ms(name: str, text: str) -> int:
    match = _ZONE.fullmatch(text)
    if match:
        shift = int(match[2]) * HOUR_MS + int(match[3] or 0) * MINUTE_MS
        shift = -shift if match[1] == "-" else shift
        if -12 * HOUR_MS <= shift <= 14 * HOUR_MS:
            return shift
    raise Refused(Code.INVALID_PARAMETER, name)  # own


def _span_ms(name: str, text: str) -> int:
    match = _SPAN.fullmatch(text)
    if match:
        most, unit_ms = _SPANS[match[2]]
        if 1 <= int(match[1]) <= most:
            return int(match[1]) * unit_ms
    raise Refused(Code.INVALID_PARAMETER, name)  # own


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        _illegal(name, BOOLEAN_RANGE)
    return text == "true"


def _permissions(name: str, text: str) -> frozenset[str]:
    names: Any = [text]
    if text.startswith("["):
        try:
            names = json.loads(text)
        except ValueError:
            names = []
    if not names or not all(isinstance(word, str) and _PERMISSION.fullmatch(word) for word in names):
        raise Refused(Code.INVALID_PARAMETER, name)  # own
    return frozenset(names)


SYMBOL = Parameter("symbol", _symbol)
SYMBOLS = Parameter("symbols", _symbols)
INTERVAL = named("interval", tuple(INTERVALS), Code.BAD_INTERVAL)
START = Parameter("startTime", _start_us)
END = Parameter("endTime", _end_us)
FROM_ID = Parameter("fromId", _number)
TIME_ZONE = Parameter("timeZone", _zone_ms, default=0)
WINDOW_SIZE = Parameter("windowSize", _span_ms, default=DAY_MS)
TICKER_TYPE = named("type", ("FULL", "MINI"), Code.INVALID_TICKER_TYPE, default="FULL")
SYMBOL_STATUS = named("symbolStatus", ("TRADING", "HALT", "BREAK"), Code.INVALID_SYMBOLSTATUS)
PERMISSIONS = Parameter("permissions", _permissions)
SHOW_PERMISSION_SETS = Parameter("showPermissionSets", _boolean, default=True)
OMIT_ZERO_BALANCES = Parameter("omitZeroBalances", _boolean, default=False)
