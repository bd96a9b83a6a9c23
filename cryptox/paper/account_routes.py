"""What an account asks about itself: balances, commission, fills, limits, and what its key may do."""

from __future__ import annotations

from cryptox.venues.binance.wire.account import (
    AccountInfo,
    BalanceRow,
    CommissionRates,
    MyFilters,
    RateSet,
    Restrictions,
)
from cryptox.venues.binance.wire.orders import Discount

from .orders.queries import BY_TIME, answers_of, combined, neither, order_of, times, window
from .question import Question, Told, status_of
from .refusals import Refused
from .symbols import filters_of
from .trading.accounts import Account, Balance, Rates
from .trading.grid import amount_text

__all__ = [
    "account",
    "amendments",
    "api_restrictions",
    "commission",
    "my_allocations",
    "my_filters",
    "my_prevented_matches",
    "my_trades",
    "order_count",
]

BASIS_POINT = 10_000  # in 1e-8
NOTHING = Balance()

TRADES_BY = (*BY_TIME, *map(frozenset, (("orderId",), ("fromId",), ("orderId", "fromId"))))
ALLOCATIONS_BY = (
    *BY_TIME,
    *map(frozenset, (("orderId",), ("fromAllocationId",), ("orderId", "fromAllocationId"))),
)
MATCHES_BY = tuple(map(frozenset, (("preventedMatchId",), ("orderId",), ("orderId", "fromPreventedMatchId"))))


def account(question: Question) -> Told:
    """Balances of all assets that there are, commission, permissions."""
    mine, rates = question.account, question.account.standard
    rows = _balances(question, mine)
    answer = AccountInfo(
        maker_commission=rates.maker // BASIS_POINT,
        taker_commission=rates.taker // BASIS_POINT,
        buyer_commission=rates.buyer // BASIS_POINT,
        seller_commission=rates.seller // BASIS_POINT,
        commission_rates=_rates(rates),
        can_trade=mine.can_trade,
        can_withdraw=True,
        can_deposit=True,
        brokered=False,
        require_self_trade_prevention=False,
        prevent_sor=False,
        update_time=question.moment(mine.updated_us),
        account_type="SPOT",
        balances=[row for row, zero in rows if not (zero and question.params["omitZeroBalances"])],
        permissions=["SPOT"],
        uid=mine.uid,
    )
    return Told(answer)


def _balances(question: Question, mine: Account) -> list[tuple[BalanceRow[str], bool]]:
    """A row of each asset and whether it is zero: what trades here first, then what else the account has."""
    listings = question.market.listings.values()
    there = (one for one in listings if status_of(one, question.now_ms) is not None)
    assets = dict.fromkeys(asset for listing in there for asset in (listing.base, listing.quote))
    assets.update(dict.fromkeys(sorted(mine.balances)))
    found = []
    for asset in assets:
        held = mine.balances.get(asset, NOTHING)
        row = BalanceRow(asset, amount_text(held.free), amount_text(held.locked))
        found.append((row, not held.free and not held.locked))
    return found


def _rates(rates: Rates) -> RateSet[str]:
    return RateSet(
        amount_text(rates.maker), amount_text(rates.taker), amount_text(rates.buyer), amount_text(rates.seller)
    )


def commission(question: Question) -> Told:
    """Commission of the account on a symbol."""
    mine, listing = question.account, question.listing()
    discount = Discount(mine.takes_discount, True, mine.discount_asset, amount_text(mine.discount))
    standard, special, tax = _rates(mine.standard), _rates(mine.special), _rates(mine.tax)
    return Told(CommissionRates(listing.symbol, standard, special, tax, discount))


def my_trades(question: Question) -> Told:
    """Fills of the account on a symbol, oldest first."""
    params, listing = question.params, question.listing()
    sent = combined(question, TRADES_BY, ("orderId", "startTime", "endTime", "fromId"))
    start, end = times(question)
    number, first = params["orderId"], params["fromId"]
    found = [
        one
        for one in question.records.fills_of(question.account.uid, listing.symbol)
        if (number is None or one.order_id == number)
        and (first is None or one.trade_id >= first)
        and start <= one.time_us <= end
    ]
    rows = window(found, params["limit"], from_start=not sent.isdisjoint({"fromId", "startTime"}))
    return Told(list(map(answers_of(question, listing).my_trade, rows)))


def order_count(question: Question) -> Told:
    """Limits of unfilled orders, and how much of them is used."""
    return Told(question.order_count.limits())


def my_prevented_matches(question: Question) -> Told:
    """Trades that self-trade prevention did not let happen, oldest first."""
    params = question.params
    try:
        listing = question.listing()
    except Refused as refused:
        refused.costs = 2
        raise
    names = ("preventedMatchId", "orderId", "fromPreventedMatchId")
    if params["preventedMatchId"] is None and params["orderId"] is None:
        raise neither("preventedMatchId", "orderId")
    combined(question, MATCHES_BY, names)
    number, of_order, first = (params[name] for name in names)
    found = [
        one
        for one in question.records.prevented_of(question.account.uid, listing.symbol)
        if number in (None, one.id)
        and of_order in (None, one.taker_order_id, one.maker_order_id)
        and (first is None or one.id >= first)
    ]
    rows = found[: params["limit"]]
    return Told(list(map(answers_of(question, listing).prevented_row, rows)))


def my_allocations(question: Question) -> Told:
    """Fills from other books: none, because this exchange routes no orders."""
    question.listing()
    combined(question, ALLOCATIONS_BY, ("orderId", "startTime", "endTime", "fromAllocationId"))
    times(question)
    return Told([])


def amendments(question: Question) -> Told:
    """Reductions of one order, oldest first."""
    params, listing = question.params, question.listing()
    if order_of(question, listing, params["orderId"], None) is None:
        return Told([])
    first = params["fromExecutionId"] or 0
    made = question.records.amendments_of(listing.symbol, params["orderId"])
    rows = [one for one in made if one.execution_id >= first][: params["limit"]]
    return Told(list(map(answers_of(question, listing).amendment_row, rows)))


def my_filters(question: Question) -> Told:
    """Filters that bind the account on a symbol."""
    return Told(MyFilters([], filters_of(question.listing()), []))


def api_restrictions(question: Question) -> Told:
    """What the key may do; the shape is Binance's, the values are this exchange's own."""
    created = question.moment(question.account.created_us)
    return Told(Restrictions(False, created, True, question.key.can_trade))
