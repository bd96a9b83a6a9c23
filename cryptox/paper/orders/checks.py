"""What stands between a ticket and the engine: the symbol's status, the account's permission, the filters."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from cryptox.paper.market import Listing
from cryptox.paper.question import Question, status_of
from cryptox.paper.refusals import Refused
from cryptox.paper.symbols import filters_of
from cryptox.paper.trading.grid import Grid
from cryptox.paper.trading.orders import Order, Ticket
from cryptox.venues.binance.codes import FILTER_FAILURE, Code
from cryptox.venues.binance.texts import EngineText
from cryptox.venues.binance.words import OrderType, PegPriceType, Side, SymbolStatus

from .answers import OrderAnswers
from .filters import WORTHLESS, Context, Rules, counts_of, position_of
from .list_tickets import ListDraft
from .tickets import ClientIds, Draft

__all__ = ["Dealing", "rules_of"]

IDS_OF_A_REQUEST = 8  # at most; a list takes four
BOOK_LEVELS = 5_000
PEG_LEVELS = 101  # the best one and a hundred deeper


@cache
def rules_of(listing: Listing) -> Rules:
    """The filters of a symbol."""
    return Rules(listing, filters_of(listing))


class Dealing:
    """Where one request on one symbol is served.

    Raises
    ------
    Refused : no such symbol.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.listing = question.known(question.params["symbol"])
        self.symbol = self.listing.symbol
        self.rules = rules_of(self.listing)
        self.grid: Grid = self.rules.grid
        self.answers = OrderAnswers(self.grid, question.moment, question.account.group)
        counters = question.records.counters.get(self.symbol)
        events = question.records.newest_list + (counters.order + counters.execution if counters else 0)
        # Every order raises a counter, so no two requests that do something are given the same ids.
        self.new_id = ClientIds(f"{question.account.uid}/{self.symbol}", events * IDS_OF_A_REQUEST)

    def open(self, code: Code = Code.NEW_ORDER_REJECTED) -> None:
        """Whether this account may trade this symbol now.

        Raises
        ------
        Refused : the symbol does not trade, or the account may not.
        """
        if not self.question.account.can_trade:
            raise Refused(code, text=EngineText.MAY_NOT_TRADE)
        if status_of(self.listing, self.question.now_ms) != SymbolStatus.TRADING:
            raise Refused(code, text=EngineText.MARKET_CLOSED)

    def check(self, draft: Draft) -> None:
        """Whether an order passes all filters.

        Raises
        ------
        Refused : -1013 with the filter's name.
        """
        context = self.context()
        found = self.rules.failure(draft, context) or self._reverse_failure(draft.ticket)
        _refuse(found or self._pegged_failure(draft.ticket, context))

    def check_list(self, draft: ListDraft) -> None:
        """Whether a list passes all filters.

        Raises
        ------
        Refused : -1013 with the filter's name.
        """
        context = self.context()
        at_once = draft.ticket.legs if draft.ticket.working is None else (draft.ticket.working,)
        found = self.rules.list_failure(draft, context)
        for ticket in at_once:
            found = found or self._pegged_failure(ticket, context)
        _refuse(found)

    def check_amend(self, order: Order, steps: int, *, off_step: bool) -> None:
        """Whether an order passes all filters with a smaller quantity.

        Raises
        ------
        Refused : -2038 with the filter's name.
        """
        _refuse(self.rules.amend_failure(order, steps, self.context(), off_step=off_step), Code.ORDER_AMEND_REJECTED)

    def context(self) -> Context:
        """What filters look at beside the order."""
        question = self.question
        everywhere = question.records.open_orders(question.account.uid)
        here = [order for order in everywhere if order.symbol == self.symbol]
        balance = question.account.balances.get(self.listing.base)
        return Context(
            average=self._average,
            last=self._last,
            symbol=counts_of(here),
            exchange=counts_of(everywhere),
            position=position_of(balance, here, self.grid),
        )

    def _last(self) -> int:
        last: int = self.question.engine.last_price(self.symbol, self.question.now_us)
        return last

    def _average(self, minutes: int) -> Fraction:
        """Volume-weighted price of so many minutes in ticks."""
        question = self.question
        return question.averages.of(self.symbol, minutes, question.now_ms, self._last)

    def _reverse_failure(self, ticket: Ticket) -> str | None:
        """The filter that a market order by quote quantity fails with what it would take of the book."""
        half = self._last() // 2 if ticket.quote_quantity else 0  # what is below costs too much to look up for most
        if not half or self.rules.reverse_failure(self.grid.steps_for(ticket.quote_quantity, half)) is None:
            return None
        levels = self.question.engine.levels(self.symbol, self.question.now_us, BOOK_LEVELS)
        side = (levels.ask_price, levels.ask_quantity)
        if ticket.side is Side.SELL:
            side = (levels.bid_price, levels.bid_quantity)
        steps, rest = 0, ticket.quote_quantity
        for ticks, quantity in zip(*(column.tolist() for column in side), strict=True):
            taken = min(quantity, self.grid.steps_for(rest, ticks))
            steps, rest = steps + taken, rest - self.grid.quote(ticks, taken)
            if taken < quantity:
                break
        return self.rules.reverse_failure(steps)

    def _pegged_failure(self, ticket: Ticket, context: Context) -> str | None:
        """The filter that a pegged price fails which is taken at once; an empty level is the engine's to refuse."""
        if ticket.peg is None or ticket.type not in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
            return None
        levels = self.question.engine.levels(self.symbol, self.question.now_us, PEG_LEVELS)
        bids = (ticket.side is Side.BUY) == (ticket.peg.price_type is PegPriceType.PRIMARY_PEG)
        prices = levels.bid_price if bids else levels.ask_price
        place = ticket.peg.offset or 0
        if place >= len(prices):
            return None
        return self.rules.price_failure(ticket.side, ticket.type, int(prices[place]), ticket.quantity, context)


def _refuse(failure: str | None, code: Code = Code.INVALID_MESSAGE) -> None:
    if failure == WORTHLESS:
        raise Refused(code, text=EngineText.WORTHLESS)
    if failure is not None:
        raise Refused(code, text=FILTER_FAILURE + failure)
