"""What an order would be and mean; nothing is sent that changes anything."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from cryptox._boundary import public
from cryptox.model.account import Account, Breach, Fees, Preview
from cryptox.model.drafts import draft_of
from cryptox.model.numbers import EXACT, multiple, plain
from cryptox.model.orders import Draft
from cryptox.model.symbols import Symbol
from cryptox.sessions.past_orders import PastOrderCalls
from cryptox.venues.trading import OrderRules

__all__ = ["PreviewCalls"]

LEVELS = 500
QUANTITY_RULES = frozenset({"LOT_SIZE", "MARKET_LOT_SIZE"})
_ATOM = Decimal("1E-8")


class _Estimate(NamedTuple):
    price: Decimal | None
    base: Decimal | None
    quote: Decimal | None


class PreviewCalls(PastOrderCalls):
    """The call of a session that looks ahead."""

    @public
    async def preview_order(
        self,
        symbol: str,
        side: str,
        type: str = "LIMIT",
        *,
        quantity: Any = None,
        price: Any = None,
        quote_quantity: Any = None,
        stop_price: Any = None,
        trailing_delta: int | None = None,
        iceberg_quantity: Any = None,
        time_in_force: str | None = None,
        client_order_id: str | None = None,
        self_trade_prevention: str | None = None,
    ) -> Preview:
        """What would be sent: verdict, nearest valid values, cost, fee, balance after. Nothing is placed.

        Works where the session only reads; without a key it leaves fee and balance out.

        Parameters
        ----------
        symbol, side, type, quantity, price, quote_quantity, stop_price, trailing_delta
            As in ``place_order``.
        iceberg_quantity, time_in_force, client_order_id, self_trade_prevention
            As in ``place_order``.

        Returns
        -------
        Preview
            Costs of an order without a price are estimates by the book of this moment.

        Raises
        ------
        ValidationError, BadSymbol
            The arguments do not make an order.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 40 with a key (account and commission); up to 49 more where rules or the book have to be read.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/filters.

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     preview = await session.preview_order("BTCUSDT", "buy", quantity="0.0000123", price="60000.001")
        >>> preview.accepted, preview.nearest["price"]
        (False, '60000')
        """
        draft = draft_of(
            symbol,
            side,
            type,
            quantity=quantity,
            price=price,
            quote_quantity=quote_quantity,
            stop_price=stop_price,
            trailing_delta=trailing_delta,
            iceberg_quantity=iceberg_quantity,
            time_in_force=time_in_force,
            client_order_id=client_order_id,
            self_trade_prevention=self_trade_prevention,
            call="preview_order",
        )
        rules, reference, breaches = await self._judged(draft)
        estimate = await self._estimate(draft, rules.symbol)
        account: Account | None = None
        fees: Fees | None = None
        if self.signer is not None:
            account = await self._ask_signed(self._trading_venue.account())
            fees = await self._ask_signed(self._trading_venue.fees(draft.symbol))
        broken = (
            *breaches,
            *_too_large(draft, rules, estimate),
            *_unaffordable(draft, rules.symbol, estimate, account),
        )
        nearest = rules.nearest(draft, reference) if breaches else None
        return _preview(draft, rules.symbol, broken, nearest, estimate, account, fees)

    async def _estimate(self, draft: Draft, symbol: Symbol) -> _Estimate:
        """Price, base and quote quantity that the order would come to."""
        price = draft.price if draft.price is not None else draft.stop_price
        if price is None:
            return await self._walk(draft, symbol)
        base = draft.quantity
        return _Estimate(price, base, None if base is None else EXACT.multiply(base, price))

    async def _walk(self, draft: Draft, symbol: Symbol) -> _Estimate:
        """What a market order would get from the book of this moment; None where it holds too little."""
        batch = await self._ask(self.venue.depth(draft.symbol, limit=LEVELS, exact=False))
        taken = 1 if draft.side == "buy" else 0  # asks, bids
        levels = [
            (Decimal(repr(float(price))), Decimal(repr(float(quantity))))
            for side, price, quantity in zip(
                batch.columns["side"], batch.columns["price"], batch.columns["quantity"], strict=True
            )
            if side == taken
        ]
        base, quote = Decimal(0), Decimal(0)
        for price, there in levels:
            if draft.quantity is not None:
                take = min(there, draft.quantity - base)
            else:
                assert draft.quote_quantity is not None
                take = min(there, EXACT.divide(draft.quote_quantity - quote, price))
                if take < there:  # what it buys of the last level ends on the step
                    take = max(
                        multiple(EXACT.add(base, take), symbol.step_size or Decimal(0), ROUND_FLOOR) - base, Decimal(0)
                    )
            base, quote = EXACT.add(base, take), EXACT.add(quote, EXACT.multiply(take, price))
            if take < there:
                break
        if not base or (draft.quantity is not None and base < draft.quantity):
            return _Estimate(None, draft.quantity, draft.quote_quantity)
        average = EXACT.divide(quote, base).quantize(_ATOM, context=EXACT)
        return _Estimate(average, draft.quantity or base.quantize(_ATOM, context=EXACT), quote)


def _spent(draft: Draft, estimate: _Estimate) -> Decimal | None:
    return estimate.quote if draft.side == "buy" else estimate.base


def _too_large(draft: Draft, rules: OrderRules, estimate: _Estimate) -> list[Breach]:
    """What the rules say to the quantity that a market order by value would come to."""
    if draft.quote_quantity is None or not estimate.base:
        return []
    found = rules.judge(draft.changed(quote_quantity=None, quantity=estimate.base), None)
    return [dataclasses.replace(one, nearest={}) for one in found if one.rule in QUANTITY_RULES]


def _unaffordable(draft: Draft, symbol: Symbol, estimate: _Estimate, account: Account | None) -> tuple[Breach, ...]:
    spends = symbol.quote if draft.side == "buy" else symbol.base
    needed = _spent(draft, estimate)
    if account is None or needed is None:
        return ()
    free = account.balances[spends].free if spends in account.balances else Decimal(0)
    if needed <= free:
        return ()
    return (Breach(rule="BALANCE", message=f"It needs {plain(needed)} {spends}; {plain(free)} are free."),)


def _preview(
    draft: Draft,
    symbol: Symbol,
    breaches: tuple[Breach, ...],
    nearest: Draft | None,
    estimate: _Estimate,
    account: Account | None,
    fees: Fees | None,
) -> Preview:
    buys = draft.side == "buy"
    spends, receives = (symbol.quote, symbol.base) if buys else (symbol.base, symbol.quote)
    spent, received = _spent(draft, estimate), estimate.base if buys else estimate.quote
    free = None
    if account is not None:
        free = account.balances[spends].free if spends in account.balances else Decimal(0)
    fee = None
    if fees is not None and received is not None:
        fee = EXACT.multiply(received, _rate(fees, buys=buys)).quantize(_ATOM, ROUND_CEILING, EXACT)
    return Preview(
        order=draft,
        accepted=not breaches,
        breaches=breaches,
        nearest=None if nearest is None else nearest.arguments(),
        price=estimate.price,
        cost=estimate.quote,
        quote=symbol.quote,
        fee=fee,
        fee_asset=None if fee is None else receives,
        spends=spends,
        free=free,
        free_after=None if free is None or spent is None else free - spent,
    )


def _rate(fees: Fees, *, buys: bool) -> Decimal:
    """What a taker pays, a discount included."""
    rate = fees.taker + (fees.buyer if buys else fees.seller)
    if fees.discounted and fees.discount is not None:
        rate -= fees.standard_taker * (1 - fees.discount)
    return rate
