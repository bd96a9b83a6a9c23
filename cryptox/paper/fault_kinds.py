"""What faults there are, what each of them can be told, and the refusal of everything else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from cryptox.errors import ValidationError
from cryptox.venues.binance.channels import CHANNELS, Feed
from cryptox.venues.binance.codes import ROWS, Code
from cryptox.venues.binance.endpoints import ENDPOINTS
from cryptox.venues.binance.methods import METHODS

from .arguments import MOST_SECONDS
from .requests import is_path

__all__ = [
    "CALLS",
    "DEPTH_EVENT",
    "FRAMES",
    "KINDS",
    "REACH",
    "REQUESTS",
    "check_reach",
    "checked",
    "duration",
    "finite",
    "unknown",
]

# Settings of each kind with their defaults; ... is what must be given.
KINDS: dict[str, dict[str, Any]] = {
    "latency": {"seconds": ..., "jitter": 0.0},
    "drop": {"accepted": True},
    "reset": {"at": "start", "accepted": True},
    "status": {
        "code": None,
        "body": None,
        "error_code": None,
        "message": None,
        "location": None,
        "retry_after": None,
        "accepted": None,
    },
    "limit": {"code": 429, "retry_after": ...},
    "truncate": {"how": "length"},
    "body": {"how": ..., "size": 65 * 2**20},
    "repeat": {},
    "weight": {"amount": 0, "every": None, "rate": 0.0},
    "skew": {"seconds": ...},
    "frame": {"how": ..., "seconds": None},
    "skip_depth": {},
    "freeze": {"seconds": ...},
}
FRAMES = frozenset({"frame", "skip_depth", "freeze"})  # kinds that hit what goes out on WebSockets
CALLS = frozenset({"latency", "drop", "reset", "status", "limit", "skew"})  # that hit requests of the WebSocket API
REQUESTS = CALLS | {"truncate", "body", "repeat"}  # that hit HTTP requests
REACH = (
    "path",
    "method",
    "stream",
    "event",
    "times",
    "after",
    "seconds_long",
    "probability",
    "when",
    "seed",
)
DEPTH_EVENT = next(one.event for one in CHANNELS.values() if one.feed is Feed.DEPTH)
MOST_BYTES = 2**30  # of a body
MOST_WEIGHT = 2**53
MOST_SHOWN = 60  # characters of a value that is refused
LEAST_EVERY_S = 0.001
HTTP_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

_WORDS = {
    ("reset", "at"): ("start", "body"),
    ("truncate", "how"): ("length", "body"),
    ("body", "how"): ("html", "empty", "gzip", "huge", "bomb"),
    ("frame", "how"): ("drop", "duplicate", "reorder", "delay"),
}
_CODES = {"status": range(300, 600), "limit": (418, 429)}
_WHOLE = ("amount", "size", "retry_after")
_NUMBERS = {"jitter": MOST_SECONDS, "every": MOST_SECONDS, "rate": MOST_WEIGHT}
_MOST = {**_NUMBERS, "amount": MOST_WEIGHT, "size": MOST_BYTES, "retry_after": MOST_SECONDS}
_TEXTS = ("message", "location")
# The HTTP status that goes with a code: own, as none is documented; all others come with 400.
_STATUS_OF = {
    int(Code.UNKNOWN): 500,
    int(Code.DISCONNECTED): 500,
    int(Code.UNEXPECTED_RESP): 500,
    int(Code.TIMEOUT): 504,
    int(Code.SERVER_BUSY): 503,
}
BUSY = 503  # without another code it says -1008: not worked on


def checked(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a fault.

    Raises
    ------
    ValidationError : no such kind or setting, one that is missing, or a value out of range.
    """
    known = KINDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise unknown("kind of fault", kind, KINDS)
    for name in settings:
        if name not in known:
            raise unknown(f"setting of the fault {kind!r}", name, [*known, *REACH])
    merged = {**known, **settings}
    for name, value in merged.items():
        _check(kind, name, value)
    if kind == "status":
        _complete_status(merged)
    if kind in _CODES and (not _is_whole(merged["code"]) or merged["code"] not in _CODES[kind]):
        raise ValidationError(f"code={_brief(merged['code'])} cannot be forced with the fault {kind!r}.")
    if kind == "skew":
        finite("seconds", merged["seconds"])
    elif merged.get("seconds") is not None:
        _within("seconds", merged["seconds"], MOST_SECONDS)
    if kind == "frame" and merged["how"] == "delay" and not merged["seconds"]:
        raise ValidationError("The fault 'frame' needs seconds= above zero with how=\"delay\".")
    if merged.get("every") is not None and merged["every"] < LEAST_EVERY_S:
        raise ValidationError(
            f"every={merged['every']!r} would be endless weight; give a rate, or {LEAST_EVERY_S} seconds at least."
        )
    return merged


def _check(kind: str, name: str, value: Any) -> None:
    if value is ...:
        raise ValidationError(f"The fault {kind!r} needs {name}=.")
    choices = _WORDS.get((kind, name))
    if choices is not None and value not in choices:
        raise unknown(f"{name} of the fault {kind!r}", value, choices)
    if value is None:
        if KINDS[kind][name] is not None:
            raise ValidationError(f"{name}=None does not fit the fault {kind!r}.")
        return
    if name in _WHOLE or name in _NUMBERS:
        _within(name, value, _MOST[name])
    if name in _WHOLE and not _is_whole(value):
        raise ValidationError(f"{name}={value!r} is not a whole number.")
    if name in _TEXTS and not (isinstance(value, str) and value.isprintable()):
        raise ValidationError(f"{name}={value!r} is not a text of one line.")
    if name == "body" and not isinstance(value, str | bytes):
        raise ValidationError(f"body={value!r} is neither a text nor bytes.")
    if name == "error_code" and (not _is_whole(value) or not -(2**15) <= value < 2**15):
        raise ValidationError(f"error_code={_brief(value)} is not a whole number that fits into 16 bits.")
    if name == "accepted" and not isinstance(value, bool):
        raise ValidationError(f"accepted={value!r} is neither True nor False.")


def _complete_status(merged: dict[str, Any]) -> None:
    """What was left out of a status: the HTTP status by the error code, and whether the request is worked on."""
    code, error = merged["code"], merged["error_code"]
    if code is None:
        if error is None:
            raise ValidationError("The fault 'status' needs code= or error_code=.")
        merged["code"] = code = _STATUS_OF.get(error, 400)
    if merged["accepted"] is None:
        row = ROWS.get(error)
        merged["accepted"] = _is_whole(code) and code >= 500 and code != BUSY if row is None else row.unknown


def check_reach(
    kind: str,
    *,
    path: Any,
    method: Any,
    stream: Any,
    event: Any,
    times: Any,
    after: Any,
    seconds_long: Any,
    probability: Any,
    seed: Any,
) -> None:
    """Whether a fault of this kind can have that reach.

    Raises
    ------
    ValidationError : it cannot.
    """
    for name, value in (("times", times), ("after", after), ("seconds_long", seconds_long)):
        if value is not None:
            _within(name, value, MOST_SECONDS if name == "seconds_long" else 2**53)
            if name != "seconds_long" and not _is_whole(value):
                raise ValidationError(f"{name}={value!r} is not a whole number.")
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise ValidationError(f"probability={probability!r} is not between 0 and 1.")
    if not _is_whole(seed):
        raise ValidationError(f"seed={seed!r} is not a whole number.")
    texts = {"path": path, "method": method, "stream": stream, "event": event}
    for name, value in texts.items():
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise ValidationError(f"{name}={value!r} is not a text.")
        if (name in ("stream", "event")) != (kind in FRAMES):
            what = "messages on WebSockets" if kind in FRAMES else "requests"
            raise ValidationError(f"{name}= does not fit the fault {kind!r}, which hits {what}.")
    if method is not None and method.upper() not in HTTP_METHODS:
        raise unknown("method of HTTP", method, HTTP_METHODS)
    if kind == "skip_depth" and event is not None:
        raise ValidationError(f"event= does not fit the fault {kind!r}: it is {DEPTH_EVENT!r}.")
    if path is not None and not _is_endpoint(path):
        raise unknown("endpoint", path, [*(one.path.split("/", 3)[-1] for one in ENDPOINTS), *METHODS])


def _is_endpoint(path: str) -> bool:
    return path.startswith("/") or path in METHODS or any(is_path(one.path, path) for one in ENDPOINTS)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(name: str, value: Any, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValidationError(f"{name}={_brief(value)} is not a number from 0 to {most}.")


def finite(name: str, value: Any) -> None:
    """Refuse what is no number of seconds, to and fro, within thirty years."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_SECONDS:
        raise ValidationError(f"{name}={_brief(value)} is not a number from -{MOST_SECONDS} to {MOST_SECONDS}.")


def duration(name: str, value: Any, *, zero: bool = False) -> float:
    """A number of seconds up to thirty years, above zero or from there on."""
    _within(name, value, MOST_SECONDS)
    if not value and not zero:
        raise ValidationError(f"{name}={value!r} is not a number of seconds above zero.")
    return float(value)


def _brief(value: Any) -> str:
    """The value as far as it can be shown: a whole number may have too many digits."""
    try:
        shown = repr(value)
    except ValueError:
        return "that"
    return shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + "…"


def unknown(what: str, value: Any, known: Iterable[str]) -> ValidationError:
    """The refusal of a word, with the nearest one that would do."""
    names = list(known)
    near = get_close_matches(str(value), names, 1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return ValidationError(
        f"{value!r} is no {what}.{guess}", recovery_suggestions=["One of: " + ", ".join(names) + "."]
    )
