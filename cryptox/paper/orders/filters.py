"""Verdicts of the trading rules: which filter, if any, an order, an order list or an amend fails.

Source: https://developers.binance.com/docs/binance-spot-api-docs/filters (July 2026). The order of the checks is ours:
prices, quantities, notional, iceberg, trailing, position, counts; the real one is not documented. All arithmetic is
exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from cryptox.paper.market import Listing
from cryptox.paper.trading.accounts import ATOMS, Balance
from cryptox.paper.trading.grid import PLACES, Grid, atoms_of
from cryptox.paper.trading.orders import NONE, Order, Ticket
from cryptox.venues.binance.words import OrderType, Side

from .list_tickets import ListDraft
from .tickets import Draft

__all__ = ["WORTHLESS", "Context", "Counts", "Rules", "counts_of", "position_of"]

BASIS_POINTS = 10_000
WORTHLESS = "worthless"
"""Not a filter: price times quantity comes to nothing."""

_IN_ATOMS = frozenset({"minPrice", "maxPrice", "tickSize", "minQty", "maxQty", "stepSize"})
_NOTIONALS = (("MIN_NOTIONAL", "applyToMarket", ""), ("NOTIONAL", "applyMinToMarket", "applyMaxToMarket"))


@dataclass(frozen=True, slots=True)
class Counts:
    """What an account has open."""

    orders: int = 0
    algos: int = 0  # of the four stop types
    icebergs: int = 0
    lists: int = 0

    def with_new(self, tickets: Iterable[Ticket], lists: int = 0) -> Counts:
        """These with new orders and lists."""
        new = list(tickets)
        return Counts(
            self.orders + len(new),
            self.algos + sum(ticket.type.is_contingent for ticket in new),
            self.icebergs + sum(ticket.iceberg > 0 for ticket in new),
            self.lists + lists,
        )


def counts_of(orders: Iterable[Order]) -> Counts:
    """Count open orders, and the lists that they belong to."""
    found = list(orders)
    return Counts(
        len(found),
        sum(order.type.is_contingent for order in found),
        sum(order.iceberg > 0 for order in found),
        len({order.list_id for order in found if order.list_id != NONE}),
    )


def position_of(balance: Balance | None, orders: Iterable[Order], grid: Grid) -> int:
    """Atoms of the base asset that an account may come to have: balance and open purchases, these as they were sent."""
    bought = sum(order.quantity for order in orders if order.side is Side.BUY)
    return (balance.free + balance.locked if balance else 0) + grid.base(bought)


@dataclass(frozen=True, slots=True)
class Context:
    """What verdicts depend on beside the order.

    ``average`` and ``last`` are called only by filters that need them: the average price of so many minutes, and the
    last price, both in ticks.
    """

    average: Callable[[int], Fraction]
    last: Callable[[], int]
    symbol: Counts = field(default_factory=Counts)  # open on the symbol
    exchange: Counts = field(default_factory=Counts)  # open on all symbols together
    position: int = 0  # atoms of the base asset, open purchases included


class Rules:
    """The filters of one symbol, of the exchange and of its assets, as ``myFilters`` shows them."""

    def __init__(
        self,
        listing: Listing,
        symbol_filters: Iterable[Mapping[str, Any]],
        exchange_filters: Iterable[Mapping[str, Any]] = (),
        asset_filters: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.listing, self.grid = listing, Grid(listing)
        self._filters = {one["filterType"]: _exact(one) for one in (*symbol_filters, *exchange_filters)}
        self._assets = {one["asset"]: Fraction(one["limit"]) for one in asset_filters}
        self._tick_atoms: int = 10 ** (PLACES + listing.price_exponent)
        self._tick = Fraction(10) ** listing.price_exponent
        self._step = Fraction(10) ** listing.quantity_exponent

    def failure(self, draft: Draft, context: Context) -> str | None:
        """The first filter that one new order fails; None where it passes them all."""
        found = self._alone(draft, context) or self._position([draft.ticket], context)
        return found or self._counts([draft.ticket], 0, context)

    def list_failure(self, draft: ListDraft, context: Context) -> str | None:
        """The first filter that a new list fails, with its orders one by one and then all at once."""
        for one in draft.drafts:
            found = self._alone(one, context)
            if found is not None:
                return found
        ticket = draft.ticket
        largest = max(ticket.legs, key=lambda leg: leg.quantity)  # one of a pair at most is ever filled
        buys = [largest] if ticket.working is None else [ticket.working, largest]
        found = self._position(buys, context)
        return found or self._counts([one.ticket for one in draft.drafts], 1, context)

    def amend_failure(self, order: Order, steps: int, context: Context, *, off_step: bool = False) -> str | None:
        """The first filter that an order fails with a smaller quantity."""
        most = self._filters.get("MAX_NUM_ORDER_AMENDS")
        if most is not None and order.amends >= most["maxNumOrderAmends"]:
            return "MAX_NUM_ORDER_AMENDS"
        if off_step or not self._in_lot("LOT_SIZE", steps):
            return "LOT_SIZE"
        return self._notional(order.type, order.pegged_price or order.price, steps, 0, context)

    def price_failure(self, side: Side, kind: OrderType, ticks: int, steps: int, context: Context) -> str | None:
        """The first filter that a price fails which an order takes later: a pegged one, when it enters the book."""
        if not self._in_range("PRICE_FILTER", ticks):
            return "PRICE_FILTER"
        return self._percent(side, ticks, context) or self._notional(kind, ticks, steps, 0, context)

    def start_failure(self, order: Order, ticks: int, steps: int, context: Context) -> str | None:
        """The first filter that an order fails when it is triggered or its list activates it.

        ``ticks`` is its price then, a pegged one too; 0 for none. A price of its own beside the pegged one counts too.
        """
        prices = [price for price in dict.fromkeys((ticks, order.price)) if price]
        for price in prices:
            found = None if self._in_range("PRICE_FILTER", price) else "PRICE_FILTER"
            found = found or self._percent(order.side, price, context)
            if found is not None:
                return found
        if not self._in_lot("LOT_SIZE", steps):
            return "LOT_SIZE"
        if order.type is OrderType.MARKET and not self._in_lot("MARKET_LOT_SIZE", steps):
            return "MARKET_LOT_SIZE"
        for price in prices or [0]:
            found = self._notional(order.type, price, steps, 0, context)
            if found is not None:
                return found
        return self._iceberg(steps, order.iceberg)

    def reverse_failure(self, steps: int) -> str | None:
        """The filter that a market order by quote quantity fails when it comes to so many steps."""
        for name in ("LOT_SIZE", "MARKET_LOT_SIZE"):
            rule = self._filters.get(name)
            if rule is not None and self.grid.base(steps) > rule["maxQty"]:
                return name
        return None

    def _alone(self, draft: Draft, context: Context) -> str | None:
        """Filters that look at one order only."""
        ticket = draft.ticket
        prices = [price for price in (ticket.price, ticket.stop) if price]
        if draft.off_tick or not all(self._in_range("PRICE_FILTER", price) for price in prices):
            return "PRICE_FILTER"
        found = self._percent(ticket.side, ticket.price, context) if ticket.price else None
        if found is not None:
            return found
        quantities = [quantity for quantity in (ticket.quantity, ticket.iceberg) if quantity]
        if draft.off_step or not all(self._in_lot("LOT_SIZE", quantity) for quantity in quantities):
            return "LOT_SIZE"
        market = ticket.type is OrderType.MARKET and ticket.quantity
        if market and not self._in_lot("MARKET_LOT_SIZE", ticket.quantity):
            return "MARKET_LOT_SIZE"
        return (
            self._notional(ticket.type, ticket.price, ticket.quantity, ticket.quote_quantity, context)
            or self._iceberg(ticket.quantity, ticket.iceberg)
            or self._trailing(ticket)
            or self._asset(ticket, context)
        )

    def _in_range(self, name: str, ticks: int) -> bool:
        rule = self._filters.get(name)
        if rule is None:
            return True
        price, tick = ticks * self._tick_atoms, rule["tickSize"]
        if tick and price % tick:
            return False
        return bool(price >= rule["minPrice"] and (not rule["maxPrice"] or price <= rule["maxPrice"]))

    def _in_lot(self, name: str, steps: int) -> bool:
        rule = self._filters.get(name)
        if rule is None:
            return True
        quantity, step = self.grid.base(steps), rule["stepSize"]
        if step and quantity % step:
            return False
        return bool(rule["minQty"] <= quantity <= rule["maxQty"])

    def _reference(self, rule: Mapping[str, Any], context: Context) -> Fraction:
        """The price that percentages and the notional of market orders go by, in ticks."""
        minutes = rule["avgPriceMins"]
        return context.average(minutes) if minutes else Fraction(context.last())

    def _percent(self, side: Side, ticks: int, context: Context) -> str | None:
        prefix = "bidM" if side is Side.BUY else "askM"
        for name, lead in (("PERCENT_PRICE", "m"), ("PERCENT_PRICE_BY_SIDE", prefix)):
            rule = self._filters.get(name)
            if rule is None:
                continue
            reference = self._reference(rule, context)
            down, up = rule[lead + "ultiplierDown"], rule[lead + "ultiplierUp"]
            if not reference * down <= ticks <= reference * up:
                return name
        return None

    def _value(self, ticks: int, steps: int, quote_quantity: int, reference: Callable[[], Fraction]) -> Fraction:
        """An order's worth in the quote asset."""
        if quote_quantity:
            return Fraction(quote_quantity, ATOMS)
        return (ticks or reference()) * steps * self._tick * self._step

    def _notional(self, kind: OrderType, ticks: int, steps: int, quote_quantity: int, context: Context) -> str | None:
        if not (steps or quote_quantity):
            return None  # it is not known yet how much
        takes = not kind.has_price  # MARKET, and the stops that become it (own)
        if not takes and not ticks:
            return None  # pegged: nor at which price
        if ticks and not takes and self.grid.quote(ticks, steps) == 0:
            return WORTHLESS
        for name, least, most in _NOTIONALS:
            rule = self._filters.get(name)
            if rule is None:
                continue
            low, high = not takes or rule[least], bool(most) and (not takes or rule[most])
            if not (low or high):
                continue
            price = 0 if takes else ticks
            value = self._value(price, steps, quote_quantity, partial(self._reference, rule, context))
            if (low and value < rule["minNotional"]) or (high and value > rule["maxNotional"]):
                return name
        return None

    def _iceberg(self, steps: int, shown: int) -> str | None:
        rule = self._filters.get("ICEBERG_PARTS")
        if rule is None or not shown:
            return None
        return "ICEBERG_PARTS" if -(-steps // shown) > rule["limit"] else None

    def _trailing(self, ticket: Ticket) -> str | None:
        rule = self._filters.get("TRAILING_DELTA")
        if rule is None or not ticket.trailing_delta:
            return None
        above = ticket.type.is_stop_loss == (ticket.side is Side.BUY)
        least, most = ("minTrailingAboveDelta", "maxTrailingAboveDelta")
        if not above:
            least, most = ("minTrailingBelowDelta", "maxTrailingBelowDelta")
        return None if rule[least] <= ticket.trailing_delta <= rule[most] else "TRAILING_DELTA"

    def _asset(self, ticket: Ticket, context: Context) -> str | None:
        base, quote = self._assets.get(self.listing.base), self._assets.get(self.listing.quote)
        if base is not None and ticket.quantity * self._step > base:
            return "MAX_ASSET"
        if quote is None:
            return None
        price = ticket.price or ticket.stop
        worth = self._value(price, ticket.quantity, ticket.quote_quantity, lambda: Fraction(context.last()))
        return "MAX_ASSET" if worth > quote else None

    def _position(self, tickets: Iterable[Ticket], context: Context) -> str | None:
        rule = self._filters.get("MAX_POSITION")
        bought = sum(ticket.quantity for ticket in tickets if ticket.side is Side.BUY)
        if rule is None or not bought:
            return None
        after = context.position + self.grid.base(bought)
        return "MAX_POSITION" if Fraction(after, ATOMS) > rule["maxPosition"] else None

    def _counts(self, tickets: Sequence[Ticket], lists: int, context: Context) -> str | None:
        """How many may be open; a rule counts only where the new orders add to it."""
        new = Counts().with_new(tickets, lists)
        for prefix, counts in (("", context.symbol), ("EXCHANGE_", context.exchange)):
            for name, limit, added, had in (
                ("MAX_NUM_ORDERS", "maxNumOrders", new.orders, counts.orders),
                ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", new.algos, counts.algos),
                ("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", new.icebergs, counts.icebergs),
                ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", new.lists, counts.lists),
            ):
                rule = self._filters.get(prefix + name)
                if rule is not None and added and had + added > rule[limit]:
                    return prefix + name
        return None


def _exact(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with its decimal strings as exact numbers: prices and quantities in atoms, all others as fractions."""
    found: dict[str, Any] = {}
    for name, value in rule.items():
        if name == "filterType" or not isinstance(value, str):
            found[name] = value
        else:
            found[name] = atoms_of(Decimal(value)) if name in _IN_ATOMS else Fraction(value)
    return found
