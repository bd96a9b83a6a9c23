"""What an account has, may do and pays."""

from __future__ import annotations

import asyncio
import functools
from decimal import Decimal
from typing import Any

from cryptox._boundary import public
from cryptox.errors import BadSymbol, ValidationError
from cryptox.model.account import Account, Fees
from cryptox.model.columns import LIMITS
from cryptox.model.names import check_flag, normalise_symbol
from cryptox.model.numbers import EXACT, decimal_of
from cryptox.model.portfolio import Portfolio, valued
from cryptox.model.time import iso
from cryptox.sessions.core import ALL, Frame
from cryptox.sessions.signed import Signed
from cryptox.table.decimals import to_decimals
from cryptox.table.records import balances_batch, rows_batch

__all__ = ["LIMIT_WORDS", "AccountCalls", "window_name"]

BOOK_LEVELS = (100, 5000)  # asked for one after the other, until they hold the quantity
ASK = 1  # code of the side in a batch of the book
LIMIT_WORDS = {"REQUEST_WEIGHT": "weight", "RAW_REQUESTS": "requests", "ORDERS": "orders"}
UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))


class AccountCalls(Signed):
    """The calls of a session about its account. All of them but ``limits`` need a key."""

    @public
    async def balances(
        self, include_zero: bool = False, *, frame: str | None = None, exact: bool | None = None
    ) -> Frame:
        """Balances as a frame, one row per asset.

        Parameters
        ----------
        include_zero
            Also assets of which the account has nothing.
        frame, exact
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: balances

        Raises
        ------
        ConfigurationError
            The session has no key.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (account).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     balances = await session.balances()
        >>> float(balances.free["BTC"])
        1.0
        """
        zeros = check_flag(include_zero, name="include_zero")
        form = self._form(frame, exact)
        account = await self._ask_signed(self._trading_venue.account(zeros=zeros))
        rows = [balance for balance in account.balances.values() if zeros or balance.total]
        return self._frame(balances_batch(rows, exact=form.exact), form, as_of=iso(await self._as_of()))

    @public
    async def account(self) -> Account:
        """What the account may do, and its commission, as a record.

        The rights are the account's; a key of it may have fewer.

        Returns
        -------
        Account
            ``can_trade``, ``can_withdraw``, ``can_deposit``; ``maker``, ``taker``, ``buyer`` and ``seller`` as parts of
            one; ``balances`` that are not zero, by asset.

        Raises
        ------
        ConfigurationError
            The session has no key.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints (account).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     account = await session.account()
        >>> account.can_trade, account.taker
        (True, Decimal('0.00100000'))
        """
        return await self._ask_signed(self._trading_venue.account())

    @public
    async def fees(self, symbol: str) -> Fees:
        """Commission of the account on a symbol, as a record.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.

        Returns
        -------
        Fees
            ``maker`` and ``taker`` as parts of one (0.001 is a tenth of a percent), discounts beside them.

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ConfigurationError
            The session has no key.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (account/commission).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     fees = await session.fees("BTCUSDT")
        >>> fees.taker
        Decimal('0.00100000')
        """
        return await self._ask_signed(self._trading_venue.fees(normalise_symbol(symbol)))

    @public
    async def portfolio_value(self, quote: str = "USDT") -> Portfolio:
        """What the account is worth in one asset, free and locked, as a record.

        Last prices count: of the asset's own symbol with ``quote``, either way round, else through one of the large
        assets (USDT, BTC, BNB, ...).

        Parameters
        ----------
        quote
            Asset to count in.

        Returns
        -------
        Portfolio
            ``total``, ``by_asset``, and the assets that no price leads to: ``unpriced``.

        Raises
        ------
        ValidationError
            Nothing trades in that asset here.
        ConfigurationError
            The session has no key.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 24.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (account, ticker/price).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     value = await session.portfolio_value()
        >>> value.by_asset["USDT"], value.unpriced
        (Decimal('100000.00000000'), ())
        """
        asset = _asset(quote)
        self._key()
        account, batch = await asyncio.gather(
            self._ask_signed(self._trading_venue.account()), self._ask(self.venue.prices(None, exact=True))
        )
        prices = dict(zip(map(str, batch["symbol"]), to_decimals(batch["price"]), strict=True))
        if not any(name.startswith(asset) or name.endswith(asset) for name in prices):
            raise ValidationError(
                f"Nothing trades in {asset} on {self.venue.name}, so nothing can be counted in it.",
                recovery_suggestions=["Name an asset such as USDT or BTC."],
                suggested={"quote": "USDT"},
            )
        return valued(account.balances.values(), prices, asset)

    @public
    async def can_afford(self, symbol: str, side: str, quantity: Any, price: Any = None) -> bool:
        """Whether what is free is enough for an order: quote asset to buy with, base asset to sell.

        Commission is taken from what an order receives, so it needs nothing more. Of a purchase without a price the
        cost is what the book of this moment asks.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        side
            ``"buy"`` or ``"sell"``.
        quantity, price
            Amounts: text, ``int``, ``Decimal``, or a ``float`` by its shortest text. No price: a market order.

        Raises
        ------
        BadSymbol
            Nothing trades under that name here.
        ValidationError
            Not a side, or not an amount above zero.
        ConfigurationError
            The session has no key.
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 20; 20 more for the first call of a symbol; 5 for a purchase without a price, 255 for one of more
        than 100 levels hold.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (account, depth).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     await session.can_afford("BTCUSDT", "buy", "1", "60000"), await session.can_afford("BTCUSDT", "sell", 2)
        (True, False)
        """
        name = normalise_symbol(symbol)
        buys = _buys(side)
        amount = decimal_of(quantity, "quantity")
        limit = None if price is None else decimal_of(price, "price")
        self._key()
        base, quote = await self._assets_of(name)
        account = await self._ask_signed(self._trading_venue.account())
        spent = quote if buys else base
        free = account.balances[spent].free if spent in account.balances else Decimal(0)
        if not buys:
            return free >= amount
        if limit is not None:
            return free >= EXACT.multiply(amount, limit)
        return free >= await self._asked(name, amount)

    @public
    async def limits(self, *, frame: str | None = None) -> Frame:
        """Limits of the address and of the account, and how much of each is used, as a frame.

        Without a key only those of the address.

        Parameters
        ----------
        frame
            As in ``klines``.

        Returns
        -------
        Frame
            Columns: limits

        Raises
        ------
        AuthenticationError, RateLimited, NetworkError, ExchangeError
            The exchange or the way to it.

        Notes
        -----
        Cost: weight 40 with a key; 20 where the limits of the address were not read before.
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (rateLimit/order).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     limits = await session.limits()
        >>> sorted(set(limits.kind))
        ['orders', 'requests', 'weight']
        """
        form = self._form(frame, None)
        as_of = await self._as_of(rules_of=self._address.rules_of or ALL)
        orders = () if self.signer is None else await self._ask_signed(self._trading_venue.order_counts())
        states = self._address.limiter.states(self._moment())
        counted = [*((state.limit, state.used) for state in states), *orders]
        rows = [
            {
                "kind": LIMIT_WORDS.get(limit.kind, limit.kind.lower()),
                "window": window_name(limit.window_ms),
                "limit": limit.amount,
                "used": used,
            }
            for limit, used in counted
        ]
        return self._frame(rows_batch(LIMITS, rows), form, as_of=iso(as_of))

    @functools.cached_property
    def _pairs(self) -> dict[str, tuple[str, str]]:
        """Base and quote of symbols; they never change."""
        return {}

    async def _assets_of(self, symbol: str) -> tuple[str, str]:
        if symbol not in self._pairs:
            rules = await self._ask(self.venue.rules([symbol]))
            self._address.learn(rules)
            self._pairs.update((one.symbol, (one.base, one.quote)) for one in rules.symbols)
        if symbol not in self._pairs:
            raise BadSymbol(f"{self.venue.name} does not know {symbol}.", context={"symbol": symbol})
        return self._pairs[symbol]

    async def _asked(self, symbol: str, quantity: Decimal) -> Decimal:
        """What the book asks for a quantity; what goes beyond the book at its last price."""
        left, cost, price = quantity, Decimal(0), Decimal(0)
        for levels in BOOK_LEVELS:
            batch = await self._ask(self.venue.depth(symbol, limit=levels, exact=True))
            asks = batch.take(batch["side"] == ASK)
            left, cost = quantity, Decimal(0)
            for price, there in zip(to_decimals(asks["price"]), to_decimals(asks["quantity"]), strict=True):
                taken = min(left, there)
                left, cost = left - taken, EXACT.add(cost, EXACT.multiply(taken, price))
                if not left:
                    return cost
            if len(asks) < levels:
                break
        return EXACT.add(cost, EXACT.multiply(left, price))


def _asset(value: Any) -> str:
    text = value.strip().upper() if isinstance(value, str) else ""
    if not text:
        raise ValidationError(
            f"quote must be the name of an asset, not {value!r}.",
            recovery_suggestions=["Name an asset such as USDT or BTC."],
            suggested={"quote": "USDT"},
        )
    return text


def _buys(side: Any) -> bool:
    word = side.strip().lower() if isinstance(side, str) else side
    if word in ("buy", "sell"):
        return bool(word == "buy")
    raise ValidationError(f"side must be buy or sell, not {side!r}.", recovery_suggestions=['Write "buy" or "sell".'])


def window_name(window_ms: int) -> str:
    """``10s``, ``1m``, ``1d``: the largest unit that divides it."""
    for unit, size in UNITS:
        if window_ms % size == 0:
            return f"{window_ms // size}{unit}"
    return f"{window_ms}ms"
