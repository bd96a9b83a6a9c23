"""Moments as users write them, and as they are told: always UTC, inside as int milliseconds.

Nothing here looks at a clock: relative forms ("3 days ago") are taken from the exchange time that is passed in.
pandas and numpy values are recognised by what they can do, so neither is imported.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptox.errors import ValidationError

__all__ = ["iso", "needs_now", "to_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_NEWEST_MS = 253_402_300_800_000  # year 10000

_ABSOLUTE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
_AGO = re.compile(r"(\d{1,9}|an?)\s*([a-z]+)\s+ago", re.ASCII)
_NEAR_ABSOLUTE = re.compile(r"(\d{4})[-/.]?(\d{2})(?:[-/.]?(\d{2}))?", re.ASCII)
_UNIT_MS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": _DAY_MS, "week": 7 * _DAY_MS}
_UNIT_MONTHS = {"month": 1, "year": 12}
_SHORT = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "d": "day", "w": "week"}
_NAMED_DAYS = {"today": 0, "yesterday": 1}
_FORMS = (
    'Write a text such as "2024-01-01", "2024-01-01 12:00" or "3 days ago" (UTC).',
    "Or pass a datetime, date, pandas Timestamp, numpy datetime64, or an int in milliseconds.",
)


def to_ms(value: Any, *, now_ms: int, name: str = "time") -> int:
    """Milliseconds since the epoch (UTC) of a moment in any of the forms users write.

    Parameters
    ----------
    value
        Text ("2024-01-01", "2024-01-01 12:00", ISO 8601 with or without offset, "now", "today", "yesterday",
        "3 days ago", "1 month ago"), ``datetime`` (naive means UTC), ``date``, ``pandas.Timestamp``,
        ``numpy.datetime64``, or int milliseconds (16 digits: microseconds). Finer parts than a millisecond are cut.
    now_ms
        Exchange time in ms, which relative forms count from (see ``needs_now``).
    name
        The argument's name, for errors.

    Raises
    ------
    ValidationError
        Anything else, with what to write instead; ``suggested`` holds ``{name: value}`` where there is a good guess.
    """
    if isinstance(value, str):
        moment = _from_text(value.strip(), now_ms, name)
    elif isinstance(value, date):  # datetime, pandas.Timestamp and NaT are kinds of it
        moment = _from_date(value, name)
    elif _is_numpy_datetime(value):
        moment = _from_numpy(value, name)
    else:
        moment = _from_number(value, name)
    if not 0 <= moment < _NEWEST_MS:
        raise _refuse(f"{_argument(name, value)} lies before 1970 or after the year 9999.", name, "1970-01-01")
    return moment


def needs_now(value: Any) -> bool:
    """Whether a moment is relative ("now", "3 days ago"), so that exchange time must be known to read it."""
    if not isinstance(value, str):
        return False
    text = value.strip().lower()
    return text == "now" or text in _NAMED_DAYS or _AGO.fullmatch(text) is not None


def iso(time_ms: int) -> str:
    """ISO text of a moment: ``2024-01-01T00:00:00Z``, with milliseconds only where there are any.

    What lies beyond the calendar is told as its number: ``99999999999999999 ms``.
    """
    if not 0 <= time_ms < _NEWEST_MS:
        return f"{time_ms} ms"
    text = (_EPOCH + time_ms * _MS).isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"


def _from_text(text: str, now_ms: int, name: str) -> int:
    word = text.lower()
    if word == "now":
        return now_ms
    if word in _NAMED_DAYS:
        return (now_ms // _DAY_MS - _NAMED_DAYS[word]) * _DAY_MS
    if ago := _AGO.fullmatch(word):
        return _ago(ago[1], ago[2], now_ms, text, name)
    if parts := _ABSOLUTE.fullmatch(text):
        return _absolute(parts, text, name)
    if text.isascii() and text.isdigit() and len(text) >= 12:
        return _from_number(int(text[:40]), name)
    near = _NEAR_ABSOLUTE.fullmatch(text)
    guess = f"{near[1]}-{near[2]}-{near[3] or '01'}" if near else None
    if guess is not None:
        try:
            date.fromisoformat(guess)
        except ValueError:
            guess = None
    raise _refuse(f"{_argument(name, text)} is not a time that can be read.", name, guess)


def _absolute(parts: re.Match[str], text: str, name: str) -> int:
    year, month, day, hour, minute, second, fraction, offset = parts.groups()
    try:
        day_start = datetime(int(year), int(month), int(day), tzinfo=UTC)
        moment = day_start.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    except ValueError as error:
        raise _refuse(f"{_argument(name, text)} is no moment of the calendar: {error}.", name) from error
    return (moment - _EPOCH) // _MS + int((fraction or "0")[:3].ljust(3, "0")) - _offset_ms(offset, text, name)


def _offset_ms(offset: str | None, text: str, name: str) -> int:
    if offset is None or offset[0] not in "+-":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[-2:]) if len(offset) > 3 else 0
    if hours > 23 or minutes > 59:
        raise _refuse(f"{_argument(name, text)} has an offset of a day or more.", name)
    return (hours * 60 + minutes) * (-60_000 if offset[0] == "-" else 60_000)


def _ago(count: str, unit: str, now_ms: int, text: str, name: str) -> int:
    number = int(count) if count.isdigit() else 1
    unit = _SHORT.get(unit, unit.removesuffix("s"))
    if unit in _UNIT_MS:
        return now_ms - number * _UNIT_MS[unit]
    if unit in _UNIT_MONTHS:
        return _months_before(now_ms, number * _UNIT_MONTHS[unit])
    known = ", ".join([*_UNIT_MS, *_UNIT_MONTHS])
    guess = f"{number} minutes ago" if unit == "m" else None
    raise _refuse(f"{_argument(name, text)} has a unit that is not one of {known}.", name, guess)


def _months_before(now_ms: int, months: int) -> int:
    """The same day and time so many calendar months earlier, or that month's last day."""
    now = _EPOCH + now_ms * _MS
    total = now.year * 12 + now.month - 1 - months
    year, month = total // 12, total % 12 + 1
    if year < 1:
        return -1
    return (now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1])) - _EPOCH) // _MS


def _from_date(value: date, name: str) -> int:
    if value != value:  # NaT, like NaN, differs from itself
        raise _refuse(f"{name} is NaT, which is no time.", name)
    if not isinstance(value, datetime):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MS
    offset = value.utcoffset() or timedelta(0)
    # By fields, because a pandas Timestamp would answer arithmetic with types and bounds of its own.
    second = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, tzinfo=UTC)
    return (second - _EPOCH - offset + timedelta(microseconds=value.microsecond)) // _MS


def _is_numpy_datetime(value: Any) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ == "datetime64"


def _from_numpy(value: Any, name: str) -> int:
    if str(value) == "NaT":
        raise _refuse(f"{name} is NaT, which is no time.", name)
    try:
        years = int(value.astype("datetime64[Y]").astype("int64"))
    except OverflowError:  # of units so fine that they never leave the months around 1970
        years = 0
    if not 0 <= years < 8030:  # so far away that milliseconds would wrap around
        return -1
    return int(value.astype("datetime64[ms]").astype("int64"))


def _from_number(value: Any, name: str) -> int:
    if type(value).__name__ in ("bool", "bool_") or not hasattr(value, "__index__") or hasattr(value, "__len__"):
        raise _refuse_type(value, name)
    number = int(value.__index__())
    if abs(number) >= 10**20:
        raise _refuse(f"{name} is a number of more than 20 digits, not a time.", name)
    digits = len(str(abs(number)))
    if number >= 10**11 and digits <= 14:
        return number
    if number > 0 and digits == 16:
        return number // 1000
    guess = {9: number * 1000, 10: number * 1000, 11: number * 1000, 19: number // 10**6}.get(digits)
    unit = "seconds" if number < 10**11 else "nanoseconds"
    if guess is None or number < 0:
        raise _refuse(f"{name}={number} is neither milliseconds (13 digits) nor microseconds (16 digits).", name)
    raise _refuse(
        f"{name}={number} looks like {unit}; whole numbers are milliseconds since 1970: {guess} is {iso(guess)}.",
        name,
        guess,
    )


def _refuse_type(value: Any, name: str) -> ValidationError:
    if isinstance(value, float) and 10**8 <= value < 10**11:
        guess: int | None = round(value * 1000)
    elif isinstance(value, float) and 10**11 <= value < 10**14:
        guess = round(value)
    else:
        guess = None
    kind = "nothing" if value is None else f"a {type(value).__name__}"
    return _refuse(f"{_argument(name, value)} is {kind}, not a time.", name, guess)


def _argument(name: str, value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a foreign object's repr must not hide the real error
        text = type(value).__name__
    return f"{name}={text if len(text) <= 60 else text[:57] + '...'}"


def _refuse(message: str, name: str, guess: str | int | None = None) -> ValidationError:
    suggestions = list(_FORMS)
    if guess is not None:
        suggestions.insert(0, f"Did you mean {name}={guess!r}?")
    return ValidationError(
        message,
        recovery_suggestions=suggestions,
        suggested=None if guess is None else {name: guess},
        context={"argument": name},
    )
