"""Events into the order of their ids: none twice, none before the one that precedes it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Hole", "Order"]

T = TypeVar("T")


class Hole(NamedTuple):
    """Ids that are missing, from ``first`` to before ``end``."""

    first: int
    end: int


class Order(Generic[T]):
    """Passes events on in order, and keeps those that came too early.

    Parameters
    ----------
    id_of
        An event's id.
    after
        The id that follows an id; by default one more.

    Attributes
    ----------
    next
        The id that is passed on next; None while it is not known: then everything is kept.
    doubles
        How many events came again.
    """

    def __init__(self, id_of: Callable[[T], int], after: Callable[[int], int] | None = None) -> None:
        self._id_of = id_of
        self._after = after or _one_more
        self._early: dict[int, T] = {}
        self.next: int | None = None
        self.doubles = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._early)

    @property
    def first(self) -> int | None:
        """The lowest id that is kept."""
        return min(self._early, default=None)

    @property
    def hole(self) -> Hole | None:
        """What is missing before the first that is kept; None for nothing."""
        if self.next is None or not self._early:
            return None
        return Hole(self.next, min(self._early))

    def offer(self, events: Iterable[T]) -> list[T]:
        """Take events in any order; returns those that can be passed on, in order."""
        early, expected = self._early, self.next
        for event in events:
            key = self._id_of(event)
            if key in early or (expected is not None and key < expected):
                self.doubles += 1
            else:
                early[key] = event
        return self._ready()

    def begin(self, at: int) -> list[T]:
        """Pass on from this id; returns what is kept from there on without a hole. Earlier ones are dropped."""
        self.next = at
        for key in [key for key in self._early if key < at]:
            del self._early[key]
            self.doubles += 1
        return self._ready()

    def skip(self) -> tuple[Hole, list[T]] | None:
        """Give up what is missing before the first that is kept; returns it, and what can be passed on then."""
        hole = self.hole
        if hole is None:
            return None
        self.next = hole.end
        return hole, self._ready()

    def _ready(self) -> list[T]:
        early, found = self._early, []  # type: dict[int, T], list[T]
        if self.next is None:
            return found
        expected = self.next
        while early and (event := early.pop(expected, None)) is not None:
            found.append(event)
            expected = self._after(expected)
        self.next = expected
        return found


def _one_more(key: int) -> int:
    return key + 1
