"""What a symbol demands of an order, and the nearest order that keeps it. Pure and exact.

Only what can be told from the order, the symbol and the reference price: counts and positions are the exchange's to
judge. Not the paper exchange's functions, which are to find out whether these are right.

Source: https://developers.binance.com/docs/binance-spot-api-docs/filters (July 2026). Own, where it is silent: pure
stop orders are worth what market orders are, and a largest quantity of zero is no rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from cryptox.errors import CryptoxError, MarketClosed, OrderRejected
from cryptox.model.account import Breach
from cryptox.model.drafts import PRECISION
from cryptox.model.numbers import EXACT, plain
from cryptox.model.orders import Draft
from cryptox.model.symbols import Symbol
from cryptox.transport.messages import Limit

from .bounds import Bound, place
from .read import check_numbers
from .symbols import symbol_of
from .wire.general import SymbolInfo
from .words import OrderType, SymbolStatus

__all__ = ["FilterRules"]

NEAR = Fraction(3, 2)
"""A reference price is taken to lie within this factor of one that is not quite known."""

_Prices = tuple[Decimal, Decimal] | None  # what the reference price is taken for as a lower, and as an upper one
_HUGE = Decimal(10**40)  # more than any quantity
_PERCENT = (("PERCENT_PRICE", "multiplier", "multiplier"), ("PERCENT_PRICE_BY_SIDE", "bidMultiplier", "askMultiplier"))
_NOTIONAL = (("MIN_NOTIONAL", "applyToMarket", ""), ("NOTIONAL", "applyMinToMarket", "applyMaxToMarket"))


@dataclass(frozen=True, slots=True)
class _Span:
    """The reference prices with which one rule is kept; None for no bound."""

    low: Fraction | None
    high: Fraction | None

    def holds(self, low: Fraction, high: Fraction) -> bool | None:
        """Whether the rule is kept with every price of a range, or with none (False); None where it depends."""
        inside = (self.low is None or self.low <= low) and (self.high is None or high <= self.high)
        outside = (self.low is not None and high < self.low) or (self.high is not None and low > self.high)
        return True if inside else False if outside else None


class FilterRules:
    """The rules of one symbol, as exchange information tells them."""

    def __init__(self, info: SymbolInfo, limits: tuple[Limit, ...] = ()) -> None:
        self.symbol: Symbol = symbol_of(info)
        self.limits = limits
        self._info = info
        self._filters = {str(rule.get("filterType")): _exact(rule) for rule in info.filters}
        self._base_unit = Decimal(1).scaleb(-info.base_precision)
        self._quote_unit = Decimal(1).scaleb(-info.quote_precision)
        self._ticks = [Bound(PRECISION, step=self._quote_unit), self._tick()]
        self._lots = [Bound(PRECISION, step=self._base_unit), self._lot("LOT_SIZE")]

    @property
    def reference_minutes(self) -> int | None:
        """Minutes of the average price that some rule compares with (0: the last price); None where none does."""
        for name, *_ in _PERCENT:
            if name in self._filters:
                return int(self._filters[name].get("avgPriceMins", 0))
        for name, least, most in _NOTIONAL:
            rule = self._filters.get(name, {})
            if rule.get(least) or rule.get(most):
                return int(rule.get("avgPriceMins", 0))
        return None

    def judge(self, draft: Draft, reference: Decimal | None) -> tuple[Breach, ...]:
        """The rules that an order breaks; those that need a reference price are left out where there is none.

        The reference price is told in few digits where a coin is cheap: what it may be by these counts as kept.
        """
        found = [Breach(rule=rule, message=text, error=error) for rule, text, error in self._standing(draft)]
        faults = [
            (name, value, bound.rule, fault)
            for name, value, bounds in self._numbers(draft, self._around(reference, 1))
            for bound in bounds
            if (fault := bound.fault(name, value)) is not None
        ]
        if faults:
            strict = {name: bounds for name, _, bounds in self._numbers(draft, self._around(reference, -1))}
            for name, value, rule, fault in faults:
                found.append(_breach(rule, fault, name, place(value, strict[name], up=_goes_up(name, draft))))
        found += self._without(draft)
        return tuple(found)

    def nearest(self, draft: Draft, reference: Decimal | None) -> Draft | None:
        """The nearest order that breaks none of the rules; None where there is none.

        Prices go down to the tick for a purchase and up for a sale, quantities down to the step; what is below a
        least value is raised to it. The price moves away from the tick next to it only where no quantity would do.
        """
        if not self.judge(draft, reference):
            return draft
        if any(True for _ in self._standing(draft)):
            return None
        prices = self._around(reference, -1)
        found: Draft | None = draft.changed(**{name: None for one in self._without(draft) for name in one.nearest})
        for name in ("price", "stop_price", "quantity", "quote_quantity", "iceberg_quantity", "trailing_delta"):
            found = found and self._settled(found, name, prices)
        return found if found is not None and not self.judge(found, reference) else None

    def needs_reference(self, draft: Draft, around: Decimal | None) -> bool:
        """Whether a verdict depends on where exactly the reference price is, within half as much again of ``around``.

        With ``around`` None: whether it depends on it at all.
        """
        spans = list(self._spans(draft))
        if around is None or around <= 0:
            return bool(spans)
        middle = Fraction(around)
        return any(span.holds(middle / NEAR, middle * NEAR) is None for span in spans)

    def _around(self, reference: Decimal | None, sign: int) -> _Prices:
        """The reference price within the decimals that it is told in: at its kindest, or (-1) at its hardest."""
        if reference is None or reference <= 0:
            return None
        slack = min(self._quote_unit, EXACT.divide(reference, Decimal(2))) * sign
        return EXACT.subtract(reference, slack), EXACT.add(reference, slack)

    def _settled(self, draft: Draft, name: str, prices: _Prices) -> Draft | None:
        """The order with one number moved to where it keeps its rules."""
        for number, value, bounds in self._numbers(draft, prices):
            if number != name:
                continue
            found = place(value, bounds, up=_goes_up(name, draft))
            if found is not None:
                return draft.changed(**{name: _number(name, found)})
            if name == "iceberg_quantity":
                return draft.changed(iceberg_quantity=None)
            if name == "quantity" and draft.price is not None:
                return self._dearer(draft, value, prices)
            return None
        return draft

    def _dearer(self, draft: Draft, quantity: Decimal, prices: _Prices) -> Draft | None:
        """The order at the nearest price at which some quantity is worth enough, and not too much."""
        bounds = self._quantity(draft, prices)
        alone = [bound for bound in bounds if bound.worth is None]
        least, most = place(Decimal(0), alone), place(_HUGE, alone)
        if draft.price is None or least is None or most is None:
            return None
        wanted = [
            Bound("", bound.low, bound.high, worth=(most, least))  # a price, as a quantity would be
            for bound in bounds
            if bound.worth is not None
        ]
        price = place(draft.price, [*self._price(draft, prices), *wanted], up=_goes_up("price", draft))
        if price is None:
            return None
        moved = draft.changed(price=price)
        found = place(quantity, self._quantity(moved, prices))
        return None if found is None else moved.changed(quantity=found)

    def _standing(self, draft: Draft) -> Iterator[tuple[str, str, type[CryptoxError]]]:
        """What no other number would change."""
        info = self._info
        if info.status != SymbolStatus.TRADING:
            yield "STATUS", f"{info.symbol} does not trade now, its status is {info.status}.", MarketClosed
        if not info.is_spot_trading_allowed:
            yield "SPOT_TRADING", f"{info.symbol} is not open for spot trading.", OrderRejected
        if info.order_types and draft.type not in info.order_types:
            types = ", ".join(info.order_types)
            yield "ORDER_TYPE", f"{info.symbol} takes no {draft.type} orders, only {types}.", OrderRejected
        if draft.trailing_delta is not None and not info.trailing_stop_allowed:
            yield "TRAILING_STOP", f"{info.symbol} takes no trailing stops.", OrderRejected
        if draft.quote_quantity is not None and not info.quote_quantity_market_allowed:
            yield "QUOTE_QUANTITY", f"{info.symbol} takes no market orders by quote_quantity.", OrderRejected

    def _without(self, draft: Draft) -> list[Breach]:
        """What is refused as such, and accepted when it is left out."""
        info, found = self._info, []
        if draft.iceberg_quantity is not None and not info.iceberg_allowed:
            said = f"{info.symbol} takes no iceberg orders."
            found.append(Breach(rule="ICEBERG", message=said, nearest={"iceberg_quantity": None}, error=OrderRejected))
        modes, mode = info.allowed_self_trade_prevention, draft.self_trade_prevention
        if mode is not None and modes and mode not in modes:
            said = f"{info.symbol} does not allow self_trade_prevention {mode}, only {', '.join(modes)}."
            without = {"self_trade_prevention": None}
            found.append(Breach(rule="SELF_TRADE_PREVENTION", message=said, nearest=without, error=OrderRejected))
        return found

    def _numbers(self, draft: Draft, prices: _Prices) -> Iterator[tuple[str, Decimal, list[Bound]]]:
        """Every number of an order, with what bounds it."""
        if draft.price is not None:
            yield "price", draft.price, self._price(draft, prices)
        if draft.stop_price is not None:
            yield "stop_price", draft.stop_price, self._ticks
        if draft.quantity is not None:
            yield "quantity", draft.quantity, self._quantity(draft, prices)
        if draft.quote_quantity is not None:
            yield "quote_quantity", draft.quote_quantity, self._quote_quantity(draft)
        if draft.iceberg_quantity is not None:
            yield "iceberg_quantity", draft.iceberg_quantity, self._iceberg(draft)
        if draft.trailing_delta is not None:
            yield "trailing_delta", Decimal(draft.trailing_delta), self._trailing(draft)

    def _tick(self) -> Bound:
        rule = self._filters.get("PRICE_FILTER", {})
        low, high, step = (rule.get(name) or None for name in ("minPrice", "maxPrice", "tickSize"))
        return Bound("PRICE_FILTER", low, high, step)

    def _price(self, draft: Draft, prices: _Prices) -> list[Bound]:
        found = [*self._ticks]
        if prices is not None:
            for name, down, up in self._percents(draft):
                found.append(Bound(name, EXACT.multiply(prices[0], down), EXACT.multiply(prices[1], up)))
        return found

    def _lot(self, name: str) -> Bound:
        rule = self._filters.get(name, {})
        return Bound(name, rule.get("minQty"), rule.get("maxQty") or None, rule.get("stepSize") or None)

    def _quantity(self, draft: Draft, prices: _Prices) -> list[Bound]:
        found = [*self._lots]
        if draft.type == OrderType.MARKET:
            found.append(self._lot("MARKET_LOT_SIZE"))
        worth = None if prices is None else (prices[1], prices[0])
        if draft.price is not None:
            worth = (draft.price, draft.price)
            found.append(Bound("ZERO_NOTIONAL", self._quote_unit, worth=worth))
        if worth is not None:
            found += [Bound(name, low, high, worth=worth) for name, low, high in self._notionals(draft)]
        return found

    def _quote_quantity(self, draft: Draft) -> list[Bound]:
        notionals = [Bound(name, low, high) for name, low, high in self._notionals(draft)]
        return [Bound(PRECISION, step=self._quote_unit), *notionals]

    def _iceberg(self, draft: Draft) -> list[Bound]:
        found = [*self._lots]
        if draft.quantity is not None:
            parts = self._filters.get("ICEBERG_PARTS", {}).get("limit")
            found.append(Bound("ICEBERG_QUANTITY", high=draft.quantity, open=True))
            if parts:
                found.append(Bound("ICEBERG_PARTS", draft.quantity, worth=(parts, parts), factor=plain(parts)))
        return found

    def _trailing(self, draft: Draft) -> list[Bound]:
        rule = self._filters.get("TRAILING_DELTA", {})
        stop_loss = draft.type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
        where = "Above" if stop_loss == (draft.side == "buy") else "Below"
        least, most = (rule.get(f"{end}Trailing{where}Delta") for end in ("min", "max"))
        return [Bound("TRAILING_DELTA", least, most, Decimal(1))]

    def _percents(self, draft: Draft) -> Iterator[tuple[str, Decimal, Decimal]]:
        """By how much a price may differ from the reference price: rule, least and largest factor."""
        for name, *sides in _PERCENT:
            rule = self._filters.get(name)
            word = sides[0] if draft.side == "buy" else sides[1]
            if rule is not None and f"{word}Up" in rule:
                yield name, rule.get(f"{word}Down", Decimal(0)), rule[f"{word}Up"]

    def _notionals(self, draft: Draft) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
        """What an order must at least and may at most be worth: rule, least, most."""
        takes = draft.price is None
        for name, least, most in _NOTIONAL:
            rule = self._filters.get(name)
            if rule is None:
                continue
            low = rule.get("minNotional") if not takes or rule.get(least) else None
            high = rule.get("maxNotional") if not takes or rule.get(most) else None
            if low is not None or high is not None:
                yield name, low, high

    def _spans(self, draft: Draft) -> Iterator[_Span]:
        """The reference prices with which each rule that goes by one is kept."""
        if draft.price is not None:
            price = Fraction(draft.price)
            for _, down, up in self._percents(draft):
                if up:
                    yield _Span(price / Fraction(up), price / Fraction(down) if down else None)
        elif draft.quantity:
            quantity = Fraction(draft.quantity)
            for _, low, high in self._notionals(draft):
                yield _Span(*(None if one is None else Fraction(one) / quantity for one in (low, high)))


def _goes_up(name: str, draft: Draft) -> bool:
    """Which way a number is rounded: a sale asks for more, never for less."""
    return name in ("price", "stop_price") and draft.side == "sell"


def _breach(rule: str, fault: str, name: str, nearest: Decimal | None) -> Breach:
    if nearest is None:
        return Breach(rule=rule, message=f"{fault}.")
    value = _number(name, nearest)
    told = plain(value) if isinstance(value, Decimal) else value
    return Breach(rule=rule, message=f"{fault}; nearest {name} {told}.", nearest={name: told})


def _number(name: str, value: Decimal) -> Decimal | int:
    return int(value) if name == "trailing_delta" else value


def _exact(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A filter with its numbers exact."""
    found: dict[str, Any] = {}
    for name, value in rule.items():
        if name == "filterType" or isinstance(value, bool):
            found[name] = value
            continue
        try:
            number = Decimal(value if isinstance(value, int) else str(value))
        except InvalidOperation:
            continue  # words and lists of filters that are not ours to judge
        if number.is_finite():
            check_numbers(number)  # a rule of 10**999999999 would be reckoned with for ever
            found[name] = number
    return found
