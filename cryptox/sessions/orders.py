"""Placing orders: checked exactly, sent once."""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from cryptox._boundary import public
from cryptox.errors import CryptoxError, FilterFailure, InsufficientFunds
from cryptox.model.account import Fees
from cryptox.model.drafts import draft_of
from cryptox.model.orders import Draft, Order, OrderList, Replaced
from cryptox.sessions.acts import Act, Known, Question
from cryptox.sessions.journal import Entry
from cryptox.sessions.lookups import is_another, terms_of
from cryptox.sessions.questions import questions
from cryptox.sessions.rules import RuleBook, Told
from cryptox.sessions.usercalls import UserCalls

__all__ = ["OrderCalls", "new_id"]

T = TypeVar("T")

PREFIX = "cx-"
CANCELS = frozenset({"cancel_order", "cancel_all", "cancel_order_list", "replace_order"})
MOST_CLAIMS = 10_000


def new_id() -> str:
    """A client order id of ours: when it was made, in base 36, and twelve random digits."""
    return f"{PREFIX}{_base36(time.time_ns() // 1_000_000)}-{secrets.token_hex(6)}"


class OrderCalls(RuleBook, UserCalls):
    """The calls of a session that place orders."""

    @functools.cached_property
    def _all_questions(self) -> Mapping[str, Question]:
        return questions(self)

    @property
    def _questions(self) -> Mapping[str, Question]:
        return self._all_questions

    def _heard(self, symbol: str, client_order_id: str) -> Order | None:
        """An order of which an answer or the user's own stream has told."""
        return self._blotter.by_client_id(symbol, client_order_id)

    @functools.cached_property
    def _claims(self) -> OrderedDict[tuple[str, int], str]:
        """Orders that were canceled, and the act whose answer said so."""
        return OrderedDict()

    def _claim(self, entry: Entry, result: Any) -> None:
        if entry.operation not in CANCELS:
            return
        for order in _orders_in(result):
            if order.status == "canceled":
                self._claims[order.symbol, order.order_id] = entry.client_order_id
        while len(self._claims) > MOST_CLAIMS:
            self._claims.popitem(last=False)

    def _may_have_canceled(self, entry: Entry, order: Order) -> bool:
        """Whether an order that is canceled may be so by an act; not that no other program did it."""
        if order.status != "canceled" or order.order_id in entry.about.get("ended", ()):
            return False
        return self._claims.get((order.symbol, order.order_id), entry.client_order_id) == entry.client_order_id

    def _known_before(self, entry: Entry) -> Known | None:
        """What was known when an act was about to be sent; None once its process is gone."""
        pending = self._acts.get(entry.client_order_id)
        return None if pending is None else pending.known

    @property
    def _times_tell(self) -> bool:
        """Whether the exchange's times tell what came after what: where they stand still or race, they do not."""
        return self._address.clock.steady

    def _hearsay(self, entry: Entry) -> Order | None:
        if entry.operation not in ("place_order", "amend_order"):
            return None
        order = self._heard(entry.symbol, entry.client_order_id)
        if order is None or is_another(entry, order) or self._blotter.is_short(order.symbol, order.order_id):
            return None
        return None if order.is_active and order.type == "MARKET" else order  # its fills come at once

    def _met(self, order: Order) -> None:
        for pending in list(self._acts.values()):
            if pending.state == "asking" and pending.entry.symbol == order.symbol:
                with contextlib.suppress(RuntimeError):  # its loop is closed
                    pending.outcome.get_loop().call_soon_threadsafe(self._take_hearsay, pending)

    def _learn_of(self, result: Any) -> None:
        for order in _orders_in(result):
            self._note_order(order)

    @public
    async def place_order(
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
    ) -> Order:
        """Place one order; at most one, whatever the network does.

        Its rules are checked first, and nothing is sent where one is broken. It is sent once: where no answer comes
        the exchange is asked until it is known what became of it.

        Parameters
        ----------
        symbol
            ``"BTCUSDT"`` in any of its spellings.
        side
            ``"buy"`` or ``"sell"``.
        type
            LIMIT, MARKET, STOP_LOSS, STOP_LOSS_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT or LIMIT_MAKER.
        quantity
            In base asset: text, int or ``Decimal``; a float is taken by its shortest text.
        price
            Limit price in quote asset, as ``quantity``.
        quote_quantity
            MARKET only, in the place of ``quantity``: so much of the quote asset.
        stop_price
            Last price that triggers a STOP_LOSS or TAKE_PROFIT.
        trailing_delta
            Distance of a trailing stop in hundredths of a percent: 100 is 1 %.
        iceberg_quantity
            Part that the book shows.
        time_in_force
            GTC (the default where a type takes one), IOC or FOK.
        client_order_id
            Up to 36 letters, digits, ``-`` and ``_``; None for one of ours, which begins with ``cx-``.
        self_trade_prevention
            NONE, EXPIRE_MAKER, EXPIRE_TAKER, EXPIRE_BOTH, DECREMENT; None for the symbol's own.

        Returns
        -------
        Order
            As the exchange answered, with its fills so far.

        Raises
        ------
        ValidationError, BadSymbol
            The arguments do not make an order; nothing was sent.
        FilterFailure
            A trading rule of the symbol; ``suggested`` is the nearest order that keeps all rules.
        OrderRejected, InsufficientFunds, MarketClosed
            The exchange refused it; nothing was placed.
        NotSent
            It is proved that nothing was placed: the same call may be made again.
        OutcomeUnknown
            Not known within ``resolve_timeout`` seconds: see ``unresolved``.
        TradingNotEnabled, ConfigurationError
            The session only reads, or has no key.

        Notes
        -----
        Cost: weight 1, nothing when it succeeds; 4 more where funds are short, to see whether it was itself that used
        them, sent twice by a proxy; one order of the account's count. The first order of a symbol reads its rules
        (weight 20) and the price that they compare with (weight 4).
        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints (order).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     order = await session.place_order("BTCUSDT", "buy", "MARKET", quantity="0.001")
        >>> order.status, order.filled
        ('filled', Decimal('0.00100000'))
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
        )
        return await self._place_once(draft)

    @public
    async def buy(self, symbol: str, quantity: Any = None, price: Any = None, *, quote_quantity: Any = None) -> Order:
        """Buy: a LIMIT order with a price, a MARKET order without. As ``place_order``.

        Parameters
        ----------
        symbol, quantity, price, quote_quantity
            As in ``place_order``; give ``quantity`` or, without a price, ``quote_quantity``.

        Returns
        -------
        Order
            As in ``place_order``.

        Raises
        ------
        CryptoxError
            As ``place_order``.

        Notes
        -----
        Cost and source: as ``place_order``.

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     (await session.buy("BTCUSDT", quote_quantity=100)).status
        'filled'
        """
        return await self._place_once(_plain_draft(symbol, "buy", quantity, price, quote_quantity))

    @public
    async def sell(self, symbol: str, quantity: Any = None, price: Any = None, *, quote_quantity: Any = None) -> Order:
        """Sell: a LIMIT order with a price, a MARKET order without. As ``place_order``.

        Parameters
        ----------
        symbol, quantity, price, quote_quantity
            As in ``buy``.

        Returns
        -------
        Order
            As in ``place_order``.

        Raises
        ------
        CryptoxError
            As ``place_order``.

        Notes
        -----
        Cost and source: as ``place_order``.

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     (await session.sell("BTCUSDT", "0.001")).side
        'sell'
        """
        return await self._place_once(_plain_draft(symbol, "sell", quantity, price, quote_quantity))

    @public
    async def test_order(
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
    ) -> Fees:
        """Have the exchange check an order; nothing is placed. Works where the session only reads.

        Parameters
        ----------
        symbol, side, type, quantity, price, quote_quantity, stop_price, trailing_delta
            As in ``place_order``.
        iceberg_quantity, time_in_force, client_order_id, self_trade_prevention
            As in ``place_order``.

        Returns
        -------
        Fees
            The commission that the order would pay.

        Raises
        ------
        CryptoxError
            As ``place_order`` before sending, and the exchange's refusal.

        Notes
        -----
        Cost: weight 20. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
        (order/test).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     (await session.test_order("BTCUSDT", "buy", "MARKET", quantity="0.001")).taker
        Decimal('0.00100000')
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
            call="test_order",
        )
        self._key()
        await self._check_rules(draft, call="test_order")
        return await self._ask_signed(self._trading_venue.test(draft))

    async def _place_once(self, draft: Draft) -> Order:
        self._may_act()
        await self._check_rules(draft, call="place_order")
        given = draft.client_order_id is not None
        named = draft if given else draft.changed(client_order_id=new_id())
        assert named.client_order_id is not None
        request = self._trading_venue.place(named)
        about = {"terms": terms_of(draft), **({"given": True} if given else {})}
        act = Act("place_order", draft.symbol, named.client_order_id, request, about)
        return await self._explaining(self._act(act), draft)

    async def _explaining(
        self, doing: Awaitable[T], *drafts: Draft, call: str = "place_order", told: Told | None = None
    ) -> T:
        """What came of it; a rule that the exchange judged otherwise is judged anew, for the nearest values."""
        try:
            return await doing
        except InsufficientFunds as error:
            if len(drafts) == 1:  # which says how much is missing
                error.suggested = {"call": "preview_order", **drafts[0].arguments()}
            raise
        except FilterFailure as error:
            if error.context.get("sent") is False:
                raise
            for draft in drafts:
                self._forget_rules(draft.symbol)
            await self._suggest(error, drafts, call, told)
            raise

    async def _suggest(self, error: FilterFailure, drafts: Sequence[Draft], call: str, told: Told | None) -> None:
        with contextlib.suppress(CryptoxError):
            for draft in drafts:
                rules, reference, breaches = await self._judged(draft)
                if not breaches:
                    continue
                nearest = rules.nearest(draft, reference)
                if told is not None:
                    await self._correct(error, call, told, *drafts)
                elif nearest is not None and error.suggested is None:
                    error.suggested = {"call": call, **nearest.arguments()}
                return


def _orders_in(result: Any) -> list[Order]:
    """The orders that an act or a query tells of."""
    found = [result.canceled, result.order] if isinstance(result, Replaced) else [result]
    if isinstance(result, OrderList):
        found = list(result.orders)
    elif isinstance(result, list):
        found = result
    return [order for order in found if isinstance(order, Order)]


def _plain_draft(symbol: str, side: str, quantity: Any, price: Any, quote_quantity: Any) -> Draft:
    kind = "MARKET" if price is None else "LIMIT"
    return draft_of(symbol, side, kind, quantity=quantity, price=price, quote_quantity=quote_quantity)


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, place = divmod(number, 36)
        text = digits[place] + text
    return text or "0"
