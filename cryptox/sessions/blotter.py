"""What is known of a user's orders, fills and balances: a reduction of everything that was told, in whatever order.

An order only ever moves on. Answers and events overtake and repeat each other, so each is compared with what is known
by what can only grow or only shrink: how far its state is, what is filled, what self-trade prevention took, and its
quantity, which an amend lowers. What is behind is used for what it knows beyond the newer one, and for nothing else;
what is ahead in one respect and behind in another is impossible, and refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptox.model.account import Balance
from cryptox.model.orders import Fill, Order

__all__ = ["Blotter", "Refused"]

MOST_FINAL = 5_000  # orders to which nothing more can happen; the oldest known are forgotten first
MOST_FILLS = 50_000
ANOTHER_MS = 1_000  # an order made so long after the last change of one of the same id is another one
_TOLD_ONCE = (
    *("price", "time_in_force", "stop_price", "quote_quantity", "iceberg_quantity", "trailing_delta"),
    *("order_list_id", "self_trade_prevention", "expiry_reason"),
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that cannot be true beside what is known: why, and what was told."""

    why: str
    order: Order


class Blotter:
    """Orders by (symbol, id), fills by (symbol, order id, trade id), balances by asset. No clock, no I/O.

    Parameters
    ----------
    on_refused
        Told of each impossible transition.
    on_changed
        Told of each order of which anything is new.

    Attributes
    ----------
    refused : int
        Impossible transitions so far.
    """

    def __init__(
        self,
        on_refused: Callable[[Refused], None] = lambda _refused: None,
        on_changed: Callable[[Order], None] = lambda _order: None,
        *,
        most_final: int = MOST_FINAL,
        most_fills: int = MOST_FILLS,
    ) -> None:
        self._on_refused, self._on_changed = on_refused, on_changed
        self._most_final, self._most_fills = most_final, most_fills
        self.refused = 0
        self._open: dict[tuple[str, int], Order] = {}
        self._final: dict[tuple[str, int], Order] = {}
        self._ids: dict[tuple[str, str], set[int]] = {}  # of orders that have, or had, a client id
        self._names: dict[tuple[str, int], set[str]] = {}  # client ids that an order has or had
        self._fills: dict[tuple[Any, ...], Fill] = {}
        self._fills_of: dict[tuple[str, int], dict[tuple[Any, ...], Fill]] = {}
        self._sums: dict[tuple[str, int], Decimal] = {}  # quantities of the fills of an order
        self._counted: dict[tuple[str, int], set[tuple[Any, ...]]] = {}  # fills of an order that are not kept any more
        self._balances: dict[str, tuple[int, Balance]] = {}

    def apply_order(self, order: Order) -> bool:
        """Take what an answer or an event says of an order, its fills with it; whether anything is new in it."""
        key = order.symbol, order.order_id
        known = self._known(key)
        if known is not None and _is_another(known, order):
            self.forget(*key)
            known = None
        elif known is not None and _is_another(order, known):
            return False  # of one that is long gone
        merged = order.changed(fills=()) if known is None else self._merged(known, order)
        if merged is None:
            return False
        changed = merged != known
        if changed:
            self._keep(key, merged)
        self._ids.setdefault((order.symbol, order.client_order_id), set()).add(order.order_id)
        self._names.setdefault(key, set()).add(order.client_order_id)
        new = [fill for fill in order.fills if self.apply_fill(fill)]
        if changed or new:
            self._on_changed(order)
        return changed or bool(new)

    def apply_fill(self, fill: Fill) -> bool:
        """Take one execution; whether it was not known yet."""
        name, key = _name(fill), (fill.symbol, fill.order_id)
        if self.knows_fill(fill):
            return False
        self._fills[name] = fill
        self._fills_of.setdefault(key, {})[name] = fill
        self._sums[key] = self._sums.get(key, Decimal(0)) + fill.quantity
        self._make_room(key)
        return True

    def knows_fill(self, fill: Fill) -> bool:
        """Whether an execution was counted."""
        name = _name(fill)
        return name in self._fills or name in self._counted.get((fill.symbol, fill.order_id), ())

    def apply_balance(self, balance: Balance, updated: int) -> bool:
        """Take what an account has of an asset now.

        Parameters
        ----------
        balance
            Absolute values.
        updated
            When that became so, in exchange time, in one unit for all. What was told last counts among equals.

        Returns
        -------
        bool
            Whether anything is new in it.
        """
        known = self._balances.get(balance.asset)
        if known is not None and known[0] > updated:
            return False
        self._balances[balance.asset] = (updated, balance)
        return known is None or known[1] != balance

    def apply_balances(
        self, balances: Iterable[Balance], updated: int, *, within: int = 1, newer: Collection[str] = ()
    ) -> bool:
        """Take all balances of an account that are not zero: those that are not told of are zero.

        ``updated`` is cut to whole multiples of ``within``: what is known of the same stretch is not newer, except of
        the assets in ``newer``.
        """
        told = {balance.asset: balance for balance in balances}
        nothing = Decimal(0)
        for asset in self._balances:
            if asset not in told:
                told[asset] = Balance(asset=asset, free=nothing, locked=nothing)
        new = []
        for asset, balance in told.items():
            known = self._balances.get(asset)
            if known is not None and asset not in newer and updated < known[0] < updated + within:
                self._balances[asset] = (updated, known[1])
            new.append(self.apply_balance(balance, updated))
        return any(new)

    def order(self, symbol: str, order_id: int) -> Order | None:
        """An order as it stands, its known fills with it."""
        known = self._known((symbol, order_id))
        return None if known is None else self._filled(known)

    def by_client_id(self, symbol: str, client_order_id: str) -> Order | None:
        """The newest order that has that client id, or else had it before it was amended."""
        found = [
            order
            for order_id in self._ids.get((symbol, client_order_id), ())
            if (order := self._known((symbol, order_id))) is not None
        ]
        if not found:
            return None
        return self._filled(max(found, key=lambda one: (one.client_order_id == client_order_id, one.order_id)))

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Orders to which more may happen, by symbol and id."""
        found = [order for key, order in self._open.items() if symbol in (None, key[0])]
        return [self._filled(order) for order in sorted(found, key=lambda one: (one.symbol, one.order_id))]

    def orders(self, symbol: str | None = None) -> list[Order]:
        """All orders that are known, those that changed last at the end; without their fills."""
        found = [order for store in (self._final, self._open) for order in store.values()]
        found = [order for order in found if symbol in (None, order.symbol)]
        return sorted(found, key=lambda one: (one.updated_ms, one.symbol, one.order_id))

    def symbols(self) -> list[str]:
        """Symbols of which an order is known."""
        return sorted({symbol for store in (self._open, self._final) for symbol, _ in store})

    def named(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """An order by either of its ids, without its fills."""
        if order_id is not None:
            return self._known((symbol, order_id))
        return self.by_client_id(symbol, client_order_id or "")

    def numbers(self, symbol: str) -> tuple[frozenset[int], frozenset[int]]:
        """Ids of the orders of a symbol that are known: those to which more may happen, and those that have ended.

        Copied first: a stream may run on another thread.
        """
        open_, ended = (
            frozenset(number for name, number in list(store) if name == symbol) for store in (self._open, self._final)
        )
        return open_, ended

    def of_list(self, symbol: str, order_list_id: int) -> list[Order]:
        """Orders of a list that are known, without their fills."""
        found = [*self._open.values(), *self._final.values()]
        return [order for order in found if (order.symbol, order.order_list_id) == (symbol, order_list_id)]

    def fills(self, symbol: str | None = None, order_id: int | None = None) -> list[Fill]:
        """Executions that are known, oldest first; ``order_id`` needs a symbol."""
        if order_id is not None and symbol is not None:
            found: Iterable[Fill] = self._fills_of.get((symbol, order_id), {}).values()
        else:
            found = (fill for fill in self._fills.values() if symbol in (None, fill.symbol))
        return sorted(found, key=lambda one: (one.time_ms, one.symbol, one.id))

    def is_short(self, symbol: str, order_id: int) -> bool:
        """Whether more of an order is filled than its known fills explain."""
        known = self._known((symbol, order_id))
        return known is not None and self._sums.get((symbol, order_id), Decimal(0)) < known.filled

    def short_of_fills(self) -> list[Order]:
        """All such orders."""
        return [order for order in self.orders() if self.is_short(order.symbol, order.order_id)]

    def balances(self) -> dict[str, Balance]:
        """What the account has, by asset, as far as it was told; zeros included."""
        return {asset: self._balances[asset][1] for asset in sorted(self._balances)}

    def forget(self, symbol: str, order_id: int) -> Order | None:
        """Drop an order that the exchange knows no more; what was known of it."""
        key = symbol, order_id
        known = self._open.pop(key, None) or self._final.pop(key, None)
        for fill in self._fills_of.pop(key, ()):
            del self._fills[fill]
        self._sums.pop(key, None)
        self._counted.pop(key, None)
        for name in self._names.pop(key, ()):
            ids = self._ids[symbol, name]
            ids.discard(order_id)
            if not ids:
                del self._ids[symbol, name]
        return known

    def _known(self, key: tuple[str, int]) -> Order | None:
        return self._open.get(key) or self._final.get(key)

    def _keep(self, key: tuple[str, int], order: Order) -> None:
        if order.is_active:
            self._open[key] = order
            return
        self._open.pop(key, None)
        self._final[key] = order
        if len(self._final) > self._most_final:
            self.forget(*next(iter(self._final)))

    def _filled(self, order: Order) -> Order:
        return order.changed(fills=tuple(self.fills(order.symbol, order.order_id)))

    def _make_room(self, last: tuple[str, int]) -> None:
        """Keep to the most fills: the oldest final orders go whole; else the oldest fills, which still count."""
        while len(self._fills) > self._most_fills:
            oldest = next((key for key in self._final if key != last and key in self._fills_of), None)
            if oldest is not None:
                self.forget(*oldest)
                continue
            name = next(iter(self._fills))
            fill = self._fills.pop(name)
            key = fill.symbol, fill.order_id
            del self._fills_of[key][name]
            self._counted.setdefault(key, set()).add(name)

    def _merged(self, known: Order, told: Order) -> Order | None:
        """What both together say; None where they contradict each other."""
        why = _contradiction(known, told)
        if why is not None:
            self.refused += 1
            self._on_refused(Refused(why, told))
            return None
        newer, older = (told, known) if _is_newer(known, told) else (known, told)
        values: dict[str, Any] = {
            name: getattr(older, name)
            for name in _TOLD_ONCE
            if getattr(newer, name) is None and getattr(older, name) is not None
        }
        values["prevented"] = max(known.prevented, told.prevented)  # most events do not tell it
        values["updated_ms"] = max(known.updated_ms, told.updated_ms)
        values["time_ms"] = _least(known.time_ms, told.time_ms)
        values["working_ms"] = _least(known.working_ms, told.working_ms)
        values["is_working"] = older.is_working or (older.is_working if newer.is_working is None else newer.is_working)
        if newer.quantity is None:
            values["quantity"] = older.quantity
        if newer.quote_filled is None and newer.filled == older.filled:
            values["quote_filled"] = older.quote_filled
        return newer.changed(**values)


def _name(fill: Fill) -> tuple[Any, ...]:
    """What an execution is known by: a trade of an account with itself is one of each of two orders.

    What is no trade of the book has no id: then by all that is told of it.
    """
    told = () if fill.id >= 0 else (fill.time_ms, fill.price, fill.quantity, fill.fee)
    return (fill.symbol, fill.order_id, fill.id, *told)


def _phase(order: Order) -> int:
    """How far it is, apart from what is filled."""
    if order.is_final:
        return 2
    return 0 if order.status == "pending_new" else 1


def _is_another(known: Order, told: Order) -> bool:
    """Whether an id was given out anew: the exchange has begun again, as test networks do every month."""
    return (
        told.time_ms is not None
        and told.time_ms > known.updated_ms + ANOTHER_MS
        and told.client_order_id != known.client_order_id
    )


def _ahead(order: Order, other: Order) -> bool:
    """Whether something is known of an order that has not happened yet for the other record."""
    return _phase(order) > _phase(other) or order.filled > other.filled or _is_lowered(order, other)


def _is_lowered(order: Order, other: Order) -> bool:
    if order.quantity is None or other.quantity is None or _counts_quote(order) or _counts_quote(other):
        return False
    return order.quantity < other.quantity


def _counts_quote(order: Order) -> bool:
    """Whether its quantity follows from what it costs, and so is no fixed thing."""
    return order.quote_quantity is not None


def _is_newer(known: Order, told: Order) -> bool:
    """Whether what is told takes the place of what is known; both agree."""
    if _ahead(known, told):
        return False
    return _ahead(told, known) or told.updated_ms >= known.updated_ms


def _contradiction(known: Order, told: Order) -> str | None:
    """Why both cannot be true of one order; None where they can."""
    if (known.side, known.type) != (told.side, told.type):
        return f"a {known.side} {known.type} became a {told.side} {told.type}"
    if _ahead(known, told) and _ahead(told, known):
        return (
            f"{known.status} with {known.filled} of {known.quantity} filled, "
            f"and {told.status} with {told.filled} of {told.quantity}"
        )
    if known.is_final and told.is_final and (known.status, known.filled) != (told.status, told.filled):
        return f"{known.status} with {known.filled} filled became {told.status} with {told.filled}"
    return None


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
