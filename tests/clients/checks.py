"""What the scripts of the other clients share: one line for every check, exact amounts, a book built from events.

Plain Python: it runs in the clients' own environment, which has no cryptox.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

ATOM = Decimal("0.00000001")
ZERO = Decimal(0)


def exact(value: Any) -> Decimal:
    """An amount as it was written; of a float what is shortest."""
    return Decimal(str(value))


class Checks:
    """Counts checks and prints a line for each: ``ok`` and the value, or ``FAIL``, what was found and what was wanted.

    Parameters
    ----------
    refusal
        Reads code and text from an exception of the client.
    """

    def __init__(self, refusal: Callable[[Any], tuple[Any, str]]) -> None:
        self.done = self.failed = 0
        self._refusal = refusal

    def _say(self, good: bool, what: str, told: str) -> bool:
        self.done += 1
        self.failed += not good
        sys.stdout.write(f"{'ok  ' if good else 'FAIL'}  {what}: {told}\n")
        sys.stdout.flush()
        return good

    def equal(self, what: str, found: Any, wanted: Any) -> bool:
        """Both are the same."""
        good = found == wanted
        return self._say(good, what, _short(found) if good else f"found {found!r}, wanted {wanted!r}")

    def true(self, what: str, good: Any, told: Any = "") -> bool:
        """The condition holds; ``told`` says with what."""
        return self._say(bool(good), what, _short(told) if good else f"not so: {told!r}")

    @contextmanager
    def refused(self, what: str, kind: type[BaseException], code: Any, text: str) -> Iterator[None]:
        """What stands inside ends in exactly this exception of the client, with the exchange's code and text."""
        try:
            yield
        except Exception as error:
            found = (f"{type(error).__module__}.{type(error).__qualname__}", *self._read(error))
            self.equal(what, found, (f"{kind.__module__}.{kind.__qualname__}", code, text))
        else:
            self._say(False, what, f"was not refused, wanted {kind.__name__} {code} {text!r}")

    def _read(self, error: Exception) -> tuple[Any, str]:
        try:
            return self._refusal(error)
        except (AttributeError, ValueError, KeyError, IndexError):
            return None, f"{error!r}"

    def part(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        """Run a part of the scenario; an exception that it leaves is one failed check, and the next part follows."""
        with self._part(name):
            return call(*args)

    async def async_part(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, within: float = 40) -> Any:
        """The same for a coroutine, which is given ``within`` seconds."""
        with self._part(name):
            return await asyncio.wait_for(call(*args), within)

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        began, done = time.monotonic(), self.done
        sys.stdout.write(f"--- {name}\n")
        try:
            yield
        except Exception:
            self._say(False, name, "ended early")
            traceback.print_exc(file=sys.stdout)
        sys.stdout.write(f"--- {name}: {self.done - done} checks in {time.monotonic() - began:.1f} s\n")

    def end(self) -> None:
        """Say the count, and leave with status 0 only if every check held and there was one."""
        sys.stdout.write(f"=== {self.done - self.failed} of {self.done} checks held\n")
        sys.stdout.flush()
        sys.exit(0 if self.done and not self.failed else 1)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def told() -> dict[str, Any]:
    """Addresses and keys, from standard input."""
    return json.load(sys.stdin)


async def until(found: Callable[[], Any], within: float = 15.0) -> Any:
    """What ``found`` gives as soon as it is true; its last answer once the time is over."""
    end = time.monotonic() + within
    while not (value := found()) and time.monotonic() < end:  # noqa: ASYNC110 - whatever the condition reads
        await asyncio.sleep(0.02)
    return value


def first(rows: Iterable[Mapping[str, Any]], **wanted: Any) -> Mapping[str, Any] | None:
    """The first row with these values."""
    return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


def every(rows: Iterable[Mapping[str, Any]], **wanted: Any) -> list[Mapping[str, Any]]:
    """All rows with these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def one_candle(minutes: Sequence[Sequence[Any]]) -> tuple[Decimal, ...]:
    """Open, high, low, close, volume, quote volume, trades of consecutive candles taken together."""
    columns = list(zip(*[[exact(value) for value in row[:9]] for row in minutes], strict=True))
    return (
        columns[1][0],
        max(columns[2]),
        min(columns[3]),
        columns[4][-1],
        sum(columns[5], ZERO),
        sum(columns[7], ZERO),
        sum(columns[8], ZERO),
    )


class Book:
    """A book kept by the documented steps: events after a snapshot, each joining the one before."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.tops: dict[int, tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]] = {}
        self.holes: list[str] = []
        self.seen: dict[Decimal, list[Decimal]] = {}  # every quantity that a bid price has had
        self._sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] | None = None
        self._last = 0

    def start(self, snapshot: Mapping[str, Any]) -> bool:
        """Take the snapshot and the events so far; False if it is older than the first of them."""
        if self.events and snapshot["lastUpdateId"] < self.events[0]["U"] - 1:
            return False
        self._sides = ({}, {})
        for side, rows in zip(self._sides, (snapshot["bids"], snapshot["asks"]), strict=True):
            side.update((exact(price), exact(quantity)) for price, quantity in rows)
        self._last = snapshot["lastUpdateId"]
        self._note()
        for event in self.events:
            self._apply(event)
        return True

    def take(self, event: Mapping[str, Any]) -> None:
        """The next event of the stream."""
        if self.events and event["U"] != self.events[-1]["u"] + 1:
            self.holes.append(f"{self.events[-1]['u']} then {event['U']}")
        self.events.append(event)
        if self._sides is not None:
            self._apply(event)

    def steps(self, price: Decimal) -> list[Decimal]:
        """By how much the quantity that is bid at a price rose and fell; the first of it counts from nothing."""
        return [after - before for before, after in itertools.pairwise([ZERO, *self.seen.get(price, [])])]

    def _apply(self, event: Mapping[str, Any]) -> None:
        if event["u"] <= self._last:
            return
        if event["U"] > self._last + 1:
            self.holes.append(f"{self._last} then {event['U']}")
        for side, rows in zip(self._sides, (event["b"], event["a"]), strict=True):
            for price, quantity in rows:
                side[exact(price)] = exact(quantity)
                if not exact(quantity):
                    del side[exact(price)]
        for price, quantity in event["b"]:
            self.seen.setdefault(exact(price), []).append(exact(quantity))
        self._last = event["u"]
        self._note()

    def _note(self) -> None:
        bids, asks = self._sides
        self.tops[self._last] = (sorted(bids.items(), reverse=True)[:20], sorted(asks.items())[:20])

    def agrees(self, snapshot: Mapping[str, Any]) -> bool | None:
        """Whether its best levels are those of a snapshot with 20; None where no event ended at that id."""
        mine = self.tops.get(snapshot["lastUpdateId"])
        if mine is None:
            return None
        theirs = [[(exact(price), exact(quantity)) for price, quantity in snapshot[side]] for side in ("bids", "asks")]
        return list(mine) == theirs
