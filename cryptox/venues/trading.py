"""What cryptox asks of an exchange that takes orders, beyond ``port.Venue``.

Requests of this part are signed; those that change something ``act``: they are sent once, and doubt about one is
``OutcomeUnknown``. Amounts are exact, and in our words.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from cryptox.model.account import Account, Breach, Fees, KeyRights
from cryptox.model.orders import Draft, Fill, Order, OrderList, Replaced
from cryptox.model.symbols import Symbol
from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Answer, Limit, Outgoing, Usage

from .port import Request, Venue

__all__ = ["OrderRef", "OrderRules", "TradingVenue"]


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order by what the user named it with; at least one id is given."""

    symbol: str
    order_id: int | None = None
    client_order_id: str | None = None


class OrderRules(Protocol):
    """What a symbol demands of an order, beyond what the kind of order demands. Pure."""

    symbol: Symbol
    limits: tuple[Limit, ...]  # of the address and the account, as announced with them

    @property
    def reference_minutes(self) -> int | None:
        """Minutes of the average price that some rule compares with (0: the last price); None where none does."""

    def judge(self, draft: Draft, reference: Decimal | None) -> tuple[Breach, ...]:
        """The rules that an order breaks; those that need a reference price are left out where there is none."""

    def nearest(self, draft: Draft, reference: Decimal | None) -> Draft | None:
        """The nearest order that breaks none of them; None where there is none."""

    def needs_reference(self, draft: Draft, around: Decimal | None) -> bool:
        """Whether a verdict on the order depends on where exactly the reference price is, near ``around``."""


class TradingVenue(Venue, Protocol):
    """An exchange that takes orders. Requests of this part are signed; those that change something ``act``."""

    def authorised(self, unsigned: Outgoing, signer: Signer, *, timestamp_ms: int, recv_window_ms: int) -> Outgoing:
        """The request with key, time and signature, put on when it is sent; its ``repr`` shows none of them."""

    def order_rules(self, symbol: str) -> Request[OrderRules]:
        """What the symbol demands of orders."""

    def reference_price(self, symbol: str) -> Request[Decimal | None]:
        """The exchange's reference price; None where it has none for the symbol."""

    def average_price(self, symbol: str) -> Request[Decimal]:
        """The average price that rules compare with where there is no reference price."""

    def place(self, draft: Draft) -> Request[Order]:
        """Place an order; ``client_order_id`` is set."""

    def test(self, draft: Draft) -> Request[Fees]:
        """Have the exchange check an order without placing it; what it would pay."""

    def cancel(self, ref: OrderRef, cancel_id: str) -> Request[Order | OrderList]:
        """Cancel an order; an order of a list takes the whole list with it."""

    def cancel_all(self, symbol: str) -> Request[list[Order]]:
        """Cancel all open orders of a symbol, those of lists included; nothing open is an ``OrderNotFound``."""

    def replace(self, ref: OrderRef, draft: Draft, cancel_id: str, *, go_on: bool) -> Request[Replaced]:
        """Cancel one order and place another; ``go_on`` places it even if the cancel fails.

        ``Request.read`` takes every definite answer of this one, half-done ones included.
        """

    def amend(self, ref: OrderRef, quantity: Decimal, new_id: str) -> Request[Order]:
        """Lower an order's quantity; it keeps its place in the book and takes ``new_id`` as its client order id."""

    def place_oco(self, symbol: str, above: Draft, below: Draft, list_id: str) -> Request[OrderList]:
        """Place a pair of which one order ends the other. Side and quantity are those of ``above``."""

    def place_oto(self, symbol: str, working: Draft, pending: Draft, list_id: str) -> Request[OrderList]:
        """Place an order that starts another once it is filled."""

    def place_otoco(self, symbol: str, working: Draft, above: Draft, below: Draft, list_id: str) -> Request[OrderList]:
        """Place an order that starts a pair once it is filled. The pair's side and quantity are those of ``above``."""

    def cancel_list(
        self, symbol: str, *, order_list_id: int | None, client_order_id: str | None, cancel_id: str
    ) -> Request[OrderList]:
        """Cancel an order list."""

    def order(self, ref: OrderRef) -> Request[Order]:
        """One order."""

    def former_ids(self, symbol: str, order_id: int) -> Request[frozenset[str]]:
        """Client order ids that an order had before its amends, or has by one; none where it was never amended."""

    def order_list(self, *, order_list_id: int | None, client_order_id: str | None) -> Request[OrderList]:
        """One order list, by the ids of its orders."""

    def open_orders(self, symbol: str | None) -> Request[list[Order]]:
        """Orders to which more may happen."""

    def orders(
        self, symbol: str, *, start_ms: int | None, end_ms: int | None, from_id: int | None, limit: int
    ) -> Request[list[Order]]:
        """Orders by time or from an id on, oldest first; ranges at most ``capabilities.account_window_ms`` wide."""

    def fills(
        self,
        symbol: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        from_id: int | None,
        limit: int,
        order_id: int | None = None,
    ) -> Request[list[Fill]]:
        """Executions by time, or from an id on without times; of one order where it is named (without times)."""

    def account(self, *, zeros: bool = False) -> Request[Account]:
        """Rights, commission and balances: those that are not zero, or with ``zeros`` all."""

    def key_rights(self) -> Request[KeyRights]:
        """What the key itself may do. Not every address of a venue tells: ExchangeError with status 404 there."""

    def fees(self, symbol: str) -> Request[Fees]:
        """Commission on a symbol."""

    def order_counts(self) -> Request[tuple[tuple[Limit, int], ...]]:
        """Limits of orders in a window, and how much of each is used."""

    def order_usage(self, answer: Answer) -> tuple[Usage, ...]:
        """What an answer's headers say of the account's order counts."""
