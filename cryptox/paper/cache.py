"""A least-recently-used cache that is bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

__all__ = ["Cache"]

T = TypeVar("T")


class Cache:
    """Made things by key, the longest unused dropped first once they weigh more than ``limit`` bytes together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.weight = 0
        self._items: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """What is kept under ``key``, made now if need be."""
        found = self._items.get(key)
        if found is not None:
            self._items.move_to_end(key)
            return cast(T, found[0])
        made = make()
        self.put(key, made, weigh(made))
        return made

    def put(self, key: Hashable, item: object, weight: int) -> None:
        """Keep ``item``; what is kept under a key never changes."""
        if key in self._items:
            return
        self._items[key] = (item, weight)
        self.weight += weight
        while self.weight > self.limit and len(self._items) > 1:
            self.weight -= self._items.popitem(last=False)[1][1]
