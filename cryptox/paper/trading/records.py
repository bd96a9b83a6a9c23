"""What the exchange remembers: orders, fills, lists, prevented matches, amendments; found by id, account and client id.

Everything that changes is noted in ``changed``, so that a store can write it down after each event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .accounts import Key
from .orders import Amendment, Fill, Order, OrderList, Prevented

__all__ = ["Changes", "Counters", "Records", "Taken"]


@dataclass(slots=True)
class Counters:
    """Newest ids of one symbol."""

    order: int = 0
    execution: int = 0
    prevented: int = 0
    book_shift: int = 0  # changes of the book by users' orders: what the market's own update id is raised by


@dataclass(slots=True)
class Taken:
    """What users took of the market's own book: price to (quantity of the market's own there, steps taken of it)."""

    bids: dict[int, tuple[int, int]] = field(default_factory=dict)
    asks: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What has changed since it was last taken."""

    orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    accounts: set[int] = field(default_factory=set)
    keys: list[Key] = field(default_factory=list)
    symbols: set[str] = field(default_factory=set)  # whose counters moved
    taken: set[str] = field(default_factory=set)  # symbols of whose book something was taken or has come back
    fills: list[Fill] = field(default_factory=list)
    prevented: list[Prevented] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)


class Records:
    """The exchange's memory. Orders are never forgotten."""

    def __init__(self) -> None:
        self.counters: dict[str, Counters] = {}
        self.taken: dict[str, Taken] = {}
        self.newest_list = 0
        self.changed = Changes()
        self._orders: dict[str, dict[int, Order]] = {}
        self._of: dict[tuple[int, str], list[Order]] = {}  # by account and symbol, ids rising
        self._open: dict[int, dict[tuple[str, int], Order]] = {}  # by account
        self._client: dict[tuple[int, str, str], Order] = {}  # newest of each client id, by account and symbol
        self._lists: dict[int, OrderList] = {}
        self._list_client: dict[tuple[int, str], OrderList] = {}
        self._fills: dict[tuple[int, str], list[Fill]] = {}
        self._prevented: dict[tuple[int, str], list[Prevented]] = {}
        self._amendments: dict[tuple[str, int], list[Amendment]] = {}

    def count(self, symbol: str) -> Counters:
        """Counters of a symbol; noted as changed."""
        found = self.counters.get(symbol)
        if found is None:
            found = self.counters[symbol] = Counters()
        self.changed.symbols.add(symbol)
        return found

    def taken_of(self, symbol: str) -> Taken:
        """What users took of a symbol's book; whoever changes it notes that in ``changed``."""
        return self.taken.setdefault(symbol, Taken())

    def add(self, order: Order) -> None:
        """Remember a new order."""
        self._orders.setdefault(order.symbol, {})[order.id] = order
        self._of.setdefault((order.account, order.symbol), []).append(order)
        key = (order.account, order.symbol, order.client_id)
        known = self._client.get(key)
        # Orders come from a file by their ids, and an older one may have got this client id later.
        if known is None or _newness(order) >= _newness(known):
            self._client[key] = order
        self.touch(order)

    def touch(self, order: Order) -> None:
        """Note that an order has changed; must follow every change of its status, quantity or client id."""
        key = (order.symbol, order.id)
        self.changed.orders[key] = order
        mine = self._open.setdefault(order.account, {})
        if order.is_open:
            mine[key] = order
        else:
            mine.pop(key, None)

    def rename(self, order: Order, client_id: str) -> None:
        """Give an order another client id."""
        key = (order.account, order.symbol, order.client_id)
        former = [one for one in self.orders_of(*key[:2]) if one.client_id == key[2] and one is not order]
        if former:
            self._client[key] = max(former, key=_newness)
        else:
            self._client.pop(key, None)
        order.client_id, order.named = client_id, self.count(order.symbol).execution
        self._client[order.account, order.symbol, client_id] = order
        self.touch(order)

    def order(self, symbol: str, number: int) -> Order | None:
        """An order by its id."""
        return self._orders.get(symbol, {}).get(number)

    def order_by_client_id(self, account: int, symbol: str, client_id: str) -> Order | None:
        """The newest order of an account that has (had) this client id."""
        return self._client.get((account, symbol, client_id))

    def orders_of(self, account: int, symbol: str) -> list[Order]:
        """All orders of an account on a symbol, ids rising; not to be changed."""
        return self._of.get((account, symbol), [])

    def open_orders(self, account: int, symbol: str | None = None) -> list[Order]:
        """Open orders of an account, by symbol and id."""
        mine = self._open.get(account, {})
        return [mine[key] for key in sorted(mine) if symbol is None or key[0] == symbol]

    def all_orders(self) -> Iterator[Order]:
        """Every order of the exchange."""
        for orders in self._orders.values():
            yield from orders.values()

    def add_list(self, order_list: OrderList) -> None:
        """Remember a new order list."""
        self._lists[order_list.id] = order_list
        self._list_client[order_list.account, order_list.client_id] = order_list
        self.newest_list = max(self.newest_list, order_list.id)
        self.touch_list(order_list)

    def touch_list(self, order_list: OrderList) -> None:
        """Note that a list has changed."""
        self.changed.lists[order_list.id] = order_list

    def order_list(self, number: int) -> OrderList | None:
        """A list by its id."""
        return self._lists.get(number)

    def list_by_client_id(self, account: int, client_id: str) -> OrderList | None:
        """The newest list of an account with this client id."""
        return self._list_client.get((account, client_id))

    def lists_of(self, account: int) -> list[OrderList]:
        """All lists of an account, ids rising."""
        return [one for one in self._lists.values() if one.account == account]

    def add_fill(self, fill: Fill) -> None:
        """Remember a fill."""
        self._fills.setdefault((fill.account, fill.symbol), []).append(fill)
        self.changed.fills.append(fill)

    def fills_of(self, account: int, symbol: str) -> list[Fill]:
        """All fills of an account on a symbol, ids rising; not to be changed."""
        return self._fills.get((account, symbol), [])

    def add_prevented(self, match: Prevented) -> None:
        """Remember a prevented match."""
        self._prevented.setdefault((match.account, match.symbol), []).append(match)
        self.changed.prevented.append(match)

    def prevented_of(self, account: int, symbol: str) -> list[Prevented]:
        """All prevented matches of an account on a symbol, ids rising."""
        return self._prevented.get((account, symbol), [])

    def add_amendment(self, amendment: Amendment) -> None:
        """Remember an amendment."""
        self._amendments.setdefault((amendment.symbol, amendment.order_id), []).append(amendment)
        self.changed.amendments.append(amendment)

    def amendments_of(self, symbol: str, order_id: int) -> list[Amendment]:
        """All amendments of an order, oldest first."""
        return self._amendments.get((symbol, order_id), [])

    def take_changes(self) -> Changes:
        """What has changed since this was last called."""
        changed, self.changed = self.changed, Changes()
        return changed


def _newness(order: Order) -> tuple[int, bool, int]:
    """Grows with the time at which an order got its client id."""
    return order.named, order.is_open, order.id
