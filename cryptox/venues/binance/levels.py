"""One side of a local order book: exact decimal texts, the best levels in order, the others unordered.

A diff goes into the dictionary of prices in one operation; only prices that were not there cost more. For order they
become keys that compare as texts like the numbers they are, so that nothing is ever rounded: shorter ones are filled
with zeros ("09999.5" < "10000.5"), longer ones get a mark that sorts after all digits (":100000.5" > "99999.5").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from heapq import nlargest, nsmallest
from itertools import islice

from cryptox.errors import ExchangeError
from cryptox.model.columns import DECIMAL_SCALE

__all__ = ["Level", "Side", "check_plain", "normal"]

Level = tuple[str, str]
"""Price and quantity as the exchange writes them."""

_POINT = -DECIMAL_SCALE - 1  # where the point stands
_ZERO = "0." + DECIMAL_SCALE * "0"
_LENGTH = len(_ZERO)
_LONGEST = 40  # digits of a price, more than any has
_NINE = ord("9")
_ABOVE_ALL = "~"  # sorts after every key
_KEPT = 200  # places kept in order after they have been sorted
_GONE = 4_000  # levels without quantity that may stay in place
_MOST = 800  # beyond so many only the best are kept
_MANY = 40  # so many are put in their places by sorting, fewer one by one


def normal(price: str) -> str:
    """The price with eight decimals, as the exchange writes all of them.

    Raises
    ------
    ExchangeError
        Not a plain decimal, finer than eight decimals, or of more digits than any price has.
    """
    whole, _, decimals = price.partition(".")
    decimals = decimals.rstrip("0").ljust(DECIMAL_SCALE, "0")
    digits = whole + decimals
    if (
        not (whole and digits.isascii() and digits.isdecimal())
        or len(decimals) > DECIMAL_SCALE
        or len(digits) > _LONGEST
    ):
        raise ExchangeError(f"A number of the book is not a plain decimal: {price[:40]!r}")
    return f"{whole.lstrip('0') or '0'}.{decimals}"


def check_plain(texts: Sequence[str]) -> bool:
    """Whether all are written with eight decimals; errors as ``normal``."""
    joined = "".join(texts)
    digits = joined.replace(".", "")
    plain = len(joined) - len(digits) == len(texts) and digits.isascii() and digits.isdecimal()
    if plain and all(text[_POINT : _POINT + 1] == "." and -_POINT < len(text) <= _LONGEST for text in texts):
        return True
    for text in texts:
        normal(text)
    return False


def _key(price: str, width: int) -> str:
    """The key of a normal price."""
    return price.zfill(width) if len(price) <= width else chr(_NINE + len(price) - width) + price


class Side:
    """The bids or the asks.

    A level that is gone stays as a zero until its place is wanted: most of them come back.
    """

    __slots__ = ("_covered", "_high", "_is_bid", "_known", "_low", "_most", "_ordered", "_quantities", "_width")

    def __init__(self, *, is_bid: bool) -> None:
        self._is_bid = is_bid
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.fill((), width=len(_ZERO), complete=True)

    def fill(self, levels: Iterable[Level], *, width: int, complete: bool) -> None:
        """Take the levels of a snapshot, normal prices; ``complete`` where there are none beyond the last of them.

        ``width`` is the length that most prices of both sides have.
        """
        self._width = width
        self._quantities = dict(levels)
        keys = [_key(price, width) for price in self._quantities]
        worst = min if self._is_bid else max
        self._known = None if complete or not keys else worst(keys)
        self._covered = 0, ""
        self._sort(_KEPT)

    def apply(self, levels: Iterable[Level]) -> bool:
        """Set each level to its new quantity; False, with the rest undone, where a price is not normal.

        A zero removes the level; removing one that is not there is normal. Texts must be plain decimals.
        """
        quantities = self._quantities
        before = len(quantities)
        quantities.update(levels)
        added = len(quantities) - before
        if not added:
            return True
        prices = list(islice(reversed(quantities), added))  # a dictionary keeps the order of adding
        is_normal = self._add(prices) if added < _MANY or not self._is_usual(prices) else self._add_many(prices)
        if len(quantities) > self._most:
            self._tidy()
        if len(self._ordered) > _MOST:
            self._trim(_KEPT)
        return is_normal

    def _add(self, prices: Sequence[str]) -> bool:
        """Give prices that were not there their place in the order; False where one is not normal."""
        quantities, ordered, width = self._quantities, self._ordered, self._width
        low, high, is_normal = self._low, self._high, True
        for price in prices:
            quantity, length = quantities[price], len(price)
            if price[_POINT : _POINT + 1] != "." or length > _LONGEST:
                is_normal = False
                del quantities[price]
            elif quantity == _ZERO or (len(quantity) != _LENGTH and _is_zero(quantity)):
                del quantities[price]
            else:
                key = price if length == width else _key(price, width)
                if low <= key <= high:
                    insort(ordered, key)
        return is_normal

    def _is_usual(self, prices: Sequence[str]) -> bool:
        """Whether all are normal and of the usual length."""
        width = self._width
        points = "".join(prices)[width + _POINT :: width]
        return points == "." * len(prices) and set(map(len, prices)) == {width}

    def _add_many(self, prices: Sequence[str]) -> bool:
        """As ``_add``, of prices that are usual and thus their own keys: sorted together with those that are there."""
        quantities, low, high = self._quantities, self._low, self._high
        for price in [price for price in prices if _is_zero(quantities[price])]:
            del quantities[price]
        self._ordered += [price for price in prices if low <= price <= high and price in quantities]
        self._ordered.sort()
        return True

    @property
    def best(self) -> str | None:
        """Key of the best level; None where the side is empty."""
        ordered, quantities = self._ordered, self._quantities
        place = -1 if self._is_bid else 0
        while ordered:
            key = ordered[place]
            price = key if "0" < key[0] <= "9" else _plain(key)
            quantity = quantities[price]
            if quantity != _ZERO and (len(quantity) == _LENGTH or not _is_zero(quantity)):
                return key
            del quantities[price], ordered[place]
            if not ordered:
                self._sort(_KEPT)
                ordered, quantities = self._ordered, self._quantities
        return None

    @property
    def is_known(self) -> bool:
        """Whether the best level is certain: at or within the last level of the snapshot."""
        known, best = self._known, self.best
        if known is None:
            return True
        return best is not None and (best >= known if self._is_bid else best <= known)

    def covers(self, count: int) -> bool:
        """Whether the best ``count`` levels are certain, or all where the snapshot had all.

        Counted when the best price has come nearer to the end of the snapshot than it was when last counted.
        """
        best = self.best
        if self._known is None or best is None:
            return self._known is None
        counted, nearest = self._covered
        if counted == count and (nearest <= best if self._is_bid else best <= nearest):
            return True
        if len(self.top(count)) < count:
            return False
        self._covered = count, best
        return True

    def first(self) -> Level | None:
        """The best level; None where the side is empty."""
        key = self.best
        if key is None:
            return None
        price = _plain(key)
        return price, self._quantities[price]

    def top(self, count: int | None = None) -> list[Level]:
        """The best levels, best first: at most ``count``, and none beyond what the snapshot covered."""
        wanted = len(self._quantities) if count is None else count
        found = self._front(wanted)
        if len(found) < wanted and len(self._ordered) < len(self._quantities):
            self._sort(max(_KEPT, 2 * wanted))
            found = self._front(wanted)
        return found

    def _front(self, count: int) -> list[Level]:
        """The best of the ordered levels, as far as they are certain."""
        quantities, ordered, known = self._quantities, self._ordered, self._known
        if self._is_bid:
            keys = reversed(ordered) if known is None else reversed(ordered[bisect_left(ordered, known) :])
        else:
            keys = iter(ordered if known is None else ordered[: bisect_right(ordered, known)])
        found: list[Level] = []
        for key in keys:
            if len(found) >= count:
                break
            price = key if "0" < key[0] <= "9" else _plain(key)
            quantity = quantities[price]
            if quantity != _ZERO and (len(quantity) == _LENGTH or not _is_zero(quantity)):
                found.append((price, quantity))
        return found

    def _sort(self, count: int) -> None:
        """Drop what is gone, and order the best ``count`` levels anew."""
        live = {price: quantity for price, quantity in self._quantities.items() if quantity != _ZERO}
        self._quantities = live
        self._most = 2 * len(live) + _GONE
        width = self._width
        keys = [price if len(price) == width else _key(price, width) for price in live]
        self._low, self._high = "", _ABOVE_ALL
        if len(keys) <= count or 4 * count > len(keys):
            keys.sort()
        elif self._is_bid:
            keys = nlargest(count, keys)
            keys.reverse()
            self._low = keys[0]
        else:
            keys = nsmallest(count, keys)
            self._high = keys[-1]
        self._ordered = keys
        self._trim(count)

    def _tidy(self) -> None:
        """Drop what is gone."""
        live = {price: quantity for price, quantity in self._quantities.items() if quantity != _ZERO}
        self._quantities = live
        self._most = 2 * len(live) + _GONE
        self._ordered = [key for key in self._ordered if (key if "0" < key[0] <= "9" else _plain(key)) in live]
        if not self._ordered:
            self._sort(_KEPT)

    def _trim(self, count: int) -> None:
        """Keep only the best ``count`` places in order."""
        ordered = self._ordered
        if len(ordered) > count:
            if self._is_bid:
                del ordered[:-count]
                self._low = ordered[0]
            else:
                del ordered[count:]
                self._high = ordered[-1]


def _is_zero(quantity: str) -> bool:
    return quantity == _ZERO or (len(quantity) != _LENGTH and not quantity.strip("0."))


def _plain(key: str) -> str:
    """The price of a key."""
    if "0" < key[0] <= "9":
        return key
    text = key.lstrip("0") if key[0] == "0" else key[1:]
    return "0" + text if text[0] == "." else text
