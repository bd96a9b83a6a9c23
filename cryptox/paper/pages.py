"""Finished answers as rendered bytes, kept up to a number of bytes; the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from .encodings import zipped

__all__ = ["Page", "Pages"]


class Page:
    """One rendered answer, and its gzip once somebody has asked for it."""

    __slots__ = ("body", "packed", "stable", "weight")

    def __init__(self, body: bytes, weight: int, *, stable: bool = False) -> None:
        self.body = body
        self.weight = weight
        self.stable = stable  # the same question will have this answer for ever
        self.packed: bytes | None = None


class Pages:
    """A bounded store of pages."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self.size = 0  # bytes held

    def find(self, key: Hashable) -> Page | None:
        """The page of that key, which counts as used now."""
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def keep(self, key: Hashable, page: Page) -> None:
        """Keep a page that never changes."""
        if len(page.body) > self._most or key in self._pages:
            return
        self._pages[key] = page
        self._grow(len(page.body))

    def pack(self, key: Hashable, page: Page) -> bytes:
        """The page in gzip, made once."""
        if page.packed is None:
            page.packed = zipped(page.body)
            if self._pages.get(key) is page:
                self._grow(len(page.packed))
        return page.packed

    def _grow(self, size: int) -> None:
        self.size += size
        while self.size > self._most:
            _, old = self._pages.popitem(last=False)
            self.size -= len(old.body) + len(old.packed or b"")
