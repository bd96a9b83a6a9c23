"""Faults on request: what the network, the exchange's front or another client can do to an answer.

``exchange.faults.add("status", code=502, path="klines", times=3)``. Kinds and their settings:

=========== =====================================================================================================
latency     ``seconds``, ``jitter`` (uniform, added): the answer comes later
drop        taken, never answered
reset       ``at="start"`` before any byte of the answer, or ``"body"`` in the middle of it: the connection is reset
status      ``code``; ``body`` is json, html, empty or the text itself (default: what usually comes with that
            status); ``error_code`` and ``message`` of a JSON body; ``location`` of a redirect; ``retry_after``
limit       ``code`` 429 or 418, ``retry_after`` in whole seconds: a limit that the counters do not explain
truncate    ``how="length"``: fewer bytes than announced; ``"body"``: a cut body of the right length
body        ``how`` html (with 200), empty, gzip (broken), huge (``size`` bytes) or bomb (``size`` bytes zipped)
weight      ``amount`` used by another client now; with ``every`` seconds again and again; or ``rate`` per second
skew        ``seconds`` added to what ``/time`` says
=========== =====================================================================================================

Every kind takes ``path`` (an endpoint, or the end of its path), ``times`` (so many requests), ``after`` (not the
first so many), ``seconds_long`` (for so long), ``probability`` (by ``seed``) and ``when`` (a predicate of the request).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from cryptox.errors import ValidationError
from cryptox.venues.binance.endpoints import ENDPOINTS

from .requests import is_path

__all__ = ["KINDS", "Fault", "Faults", "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as a fault's predicate sees it."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


# Settings of each kind with their defaults; ... is what must be given.
KINDS: dict[str, dict[str, Any]] = {
    "latency": {"seconds": ..., "jitter": 0.0},
    "drop": {},
    "reset": {"at": "start"},
    "status": {
        "code": ...,
        "body": None,
        "error_code": None,
        "message": None,
        "location": None,
        "retry_after": None,
    },
    "limit": {"code": 429, "retry_after": ...},
    "truncate": {"how": "length"},
    "body": {"how": ..., "size": 65 * 2**20},
    "weight": {"amount": 0, "every": None, "rate": 0.0},
    "skew": {"seconds": ...},
}
_WORDS = {
    ("reset", "at"): ("start", "body"),
    ("truncate", "how"): ("length", "body"),
    ("body", "how"): ("html", "empty", "gzip", "huge", "bomb"),
}
_CODES = {"status": range(300, 600), "limit": (418, 429)}


@dataclass(slots=True)
class Fault:
    """One fault, in force until it is used up, its time is over, or it is removed."""

    kind: str
    settings: Mapping[str, Any]
    path: str | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    when: Callable[[Seen], bool] | None = None
    since: float = 0.0  # real seconds since the epoch
    until: float = float("inf")
    hits: int = 0  # how often it has struck
    _passed: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def strikes(self, seen: Seen, now: float) -> bool:
        """Whether this request is hit; counts it if so."""
        if not self.since <= now < self.until or (self.times is not None and self.hits >= self.times):
            return False
        if self.path is not None and not is_path(seen.path, self.path):
            return False
        if self.when is not None and not self.when(seen):
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        if self.probability < 1 and self.chance.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def delay(self) -> float:
        """Seconds that a latency fault adds to one answer."""
        return float(self.settings["seconds"]) + self.chance.random() * float(self.settings["jitter"])

    def used(self, start: float, now: float) -> int:
        """Weight that the other client of a weight fault used in [start, now]."""
        begin, end = max(start, self.since), min(now, self.until)
        if end < begin:
            return 0
        steady = float(self.settings["rate"]) * (end - begin)
        amount, every = int(self.settings["amount"]), self.settings["every"]
        if every is None:
            moments = 1 if start <= self.since else 0
        else:
            first = -(-(begin - self.since) // every)
            moments = int((end - self.since) // every - first) + 1
        return int(steady) + amount * max(0, moments)


class Faults:
    """The faults in force. Safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._weights: tuple[Fault, ...] = ()

    def add(
        self,
        kind: str,
        *,
        path: str | None = None,
        times: int | None = None,
        after: int = 0,
        seconds_long: float | None = None,
        probability: float = 1.0,
        when: Callable[[Seen], bool] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Fault:
        """Put a fault in force, and return it (``.hits`` counts, ``remove`` takes it away).

        Parameters
        ----------
        kind, settings
            See the head of this module.
        path
            Only for this endpoint: ``"klines"``, ``"ticker/price"`` or a whole path.
        times
            Only so many requests are hit.
        after
            The first so many that would be hit are spared.
        seconds_long
            In force for so many real seconds.
        probability, seed
            Hits by chance, always the same chances for the same seed.
        when
            Only requests for which this is true.

        Raises
        ------
        ValidationError : no such kind, setting or endpoint, or a value out of range.
        """
        checked = _checked(kind, settings)
        _check_reach(path, times, after, probability, seconds_long)
        now = self._clock()
        until = float("inf") if seconds_long is None else now + seconds_long
        fault = Fault(kind, checked, path, times, after, probability, when, now, until)
        fault.chance.seed(seed)
        with self._lock:
            self._faults.append(fault)
            self._sort()
        return fault

    def remove(self, fault: Fault) -> None:
        """Take one fault away; nothing happens if it is gone already."""
        with self._lock:
            self._faults = [one for one in self._faults if one is not fault]
            self._sort()

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults = []
            self._sort()

    def struck(self, seen: Seen, now: float) -> list[Fault]:
        """The faults that hit this request, in the order in which they were added."""
        if not self._faults:
            return []
        with self._lock:
            return [fault for fault in self._faults if fault.kind != "weight" and fault.strikes(seen, now)]

    def others(self, start: float, now: float) -> int:
        """Weight used by other clients in [start, now], in real seconds."""
        return sum(fault.used(start, now) for fault in self._weights)

    def _sort(self) -> None:
        self._weights = tuple(fault for fault in self._faults if fault.kind == "weight")

    def __iter__(self) -> Iterator[Fault]:
        """The faults in force."""
        with self._lock:
            return iter(tuple(self._faults))

    def __len__(self) -> int:
        """Number of faults in force."""
        return len(self._faults)


def _checked(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    known = KINDS.get(kind)
    if known is None:
        raise _unknown("kind of fault", kind, list(KINDS))
    for name in settings:
        if name not in known:
            raise _unknown(f"setting of the fault {kind!r}", name, [*known, *_REACH])
    merged = {**known, **settings}
    for name, value in merged.items():
        if value is ...:
            raise ValidationError(f"The fault {kind!r} needs {name}=.")
        choices = _WORDS.get((kind, name))
        if choices is not None and value not in choices:
            raise _unknown(f"{name} of the fault {kind!r}", value, list(choices))
        if name in ("jitter", "every", "rate", "amount", "size", "retry_after") and value is not None:
            _not_below_zero(name, value)
    if kind in _CODES and merged["code"] not in _CODES[kind]:
        raise ValidationError(f"code={merged['code']!r} cannot be forced with the fault {kind!r}.")
    if kind == "latency":
        _not_below_zero("seconds", merged["seconds"])
    if merged.get("every") == 0:
        raise ValidationError("every=0 would be endless weight; give a rate, or seconds above zero.")
    return merged


_REACH = ("path", "times", "after", "seconds_long", "probability", "when", "seed")


def _check_reach(
    path: str | None, times: int | None, after: int, probability: float, seconds_long: float | None
) -> None:
    for name, value in (("times", times), ("after", after), ("seconds_long", seconds_long)):
        if value is not None:
            _not_below_zero(name, value)
    if not 0 <= probability <= 1:
        raise ValidationError(f"probability={probability!r} is not between 0 and 1.")
    if path is not None and not path.startswith("/") and not any(is_path(one.path, path) for one in ENDPOINTS):
        raise _unknown("endpoint", path, [one.path.split("/", 3)[-1] for one in ENDPOINTS])


def _not_below_zero(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValidationError(f"{name}={value!r} is not a number from zero on.")


def _unknown(what: str, value: Any, known: list[str]) -> ValidationError:
    near = get_close_matches(str(value), known, 1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return ValidationError(
        f"{value!r} is no {what}.{guess}", recovery_suggestions=["One of: " + ", ".join(map(str, known)) + "."]
    )
