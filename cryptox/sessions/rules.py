"""A symbol's rules, and the price that some of them compare with: kept for a while, read when they are needed."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from cryptox.errors import CryptoxError
from cryptox.model.account import Breach
from cryptox.model.drafts import refusal_of
from cryptox.model.orders import Draft
from cryptox.sessions.acting import Acting
from cryptox.venues.trading import OrderRules

__all__ = ["RuleBook", "Together", "Told"]

RULES_LIVE_S = 3600.0
REFERENCE_LIVES_S = 60.0  # for verdicts that are the same for all prices near it
NO_REFERENCE_LIVES_S = 3600.0


class Together(NamedTuple):
    """Several orders, and the arguments of the call that places them."""

    drafts: tuple[Draft, ...]
    arguments: dict[str, Any]


Told = Callable[[Sequence[Draft]], Together]
"""Orders as one call would place them."""


@dataclass(slots=True)
class _Kept:
    rules: OrderRules
    read_at: float
    reference: Decimal | None = None
    reference_at: float = float("-inf")
    has_none_at: float = float("-inf")  # when the exchange said that it has no reference price of its own


class RuleBook(Acting):
    """A session that knows the rules of the symbols it trades."""

    @functools.cached_property
    def _kept_rules(self) -> dict[str, _Kept]:
        return {}

    async def _rules(self, symbol: str) -> OrderRules:
        """The rules of a symbol, at most an hour old; a refusal of the exchange has them read anew."""
        return (await self._rules_kept(symbol)).rules

    async def _judged(self, draft: Draft) -> tuple[OrderRules, Decimal | None, tuple[Breach, ...]]:
        """The rules that an order breaks, with what they were judged by."""
        kept = await self._rules_kept(draft.symbol)
        reference = await self._reference(kept, draft)
        return kept.rules, reference, kept.rules.judge(draft, reference)

    async def _check_rules(self, *drafts: Draft, call: str, told: Told | None = None) -> None:
        """Refuse what breaks a rule of its symbol, before anything is sent.

        Raises
        ------
        FilterFailure, MarketClosed, OrderRejected
            With the nearest order that keeps all rules as ``suggested``, a corrected ``call``. ``told`` writes several
            orders as the arguments of one call.
        """
        for draft in drafts:
            rules, reference, breaches = await self._judged(draft)
            if breaches:
                nearest = rules.nearest(draft, reference)
                error = refusal_of(breaches, draft, nearest, call=call, context={"sent": False})
                if told is not None:
                    await self._correct(error, call, told, *drafts)
                raise error

    async def _correct(self, error: CryptoxError, call: str, told: Told, *drafts: Draft) -> None:
        """Put the nearest orders that keep all rules into the arguments of the call that places them together."""
        error.suggested, error.recovery_suggestions = None, list(error.advice)
        found: list[Draft] = []
        for draft in drafts:
            rules, reference, _ = await self._judged(draft)
            nearest = rules.nearest(draft, reference)
            if nearest is None:
                return
            found.append(nearest)
        was, better = told(drafts), told(found)
        for draft in better.drafts:
            if (await self._judged(draft))[2]:
                return
        changed = [f"{name}={value!r}" for name, value in better.arguments.items() if value != was.arguments.get(name)]
        error.suggested = {"call": call, "symbol": drafts[0].symbol, **better.arguments}
        error.recovery_suggestions = [f"Use {', '.join(changed)}."]

    def _forget_rules(self, symbol: str) -> None:
        """The exchange judged otherwise: what is known of the symbol is old."""
        self._kept_rules.pop(symbol, None)

    async def _rules_kept(self, symbol: str) -> _Kept:
        kept = self._kept_rules.get(symbol)
        if kept is None or time.monotonic() - kept.read_at > RULES_LIVE_S:
            rules = await self._ask(self._trading_venue.order_rules(symbol))
            kept = self._kept_rules[symbol] = _Kept(rules, time.monotonic())
            self._address.learn_limits(rules.limits)
            self._counts.learn([limit for limit in rules.limits if limit.kind == "ORDERS"])
        return kept

    async def _reference(self, kept: _Kept, draft: Draft) -> Decimal | None:
        """The price to compare with, as fresh as this order's verdict needs it; None where it does not matter."""
        now = time.monotonic()
        near = kept.reference if now - kept.reference_at < REFERENCE_LIVES_S else None
        if not kept.rules.needs_reference(draft, near):
            return near
        symbol, venue = draft.symbol, self._trading_venue
        own: Decimal | None = None
        if now - kept.has_none_at < NO_REFERENCE_LIVES_S:
            average = await self._ask(venue.average_price(symbol))
        else:
            own, average = await asyncio.gather(
                self._ask(venue.reference_price(symbol)), self._ask(venue.average_price(symbol))
            )
            if own is None:
                kept.has_none_at = now
        kept.reference, kept.reference_at = (average if own is None else own), now
        return kept.reference
