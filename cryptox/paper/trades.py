"""Trades, aggregate trades and the order book as the paper exchange answers them."""

from __future__ import annotations

import numpy as np

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.market import AggTrade, Trade

from .market import Aggregates, Tape
from .question import BREAK, Book, Question, Rows, Told, status_of
from .refusals import Refused
from .text import Fixed, Flag, Whole

__all__ = ["aggregate_trades", "block_trades", "depth", "trades"]


def depth(question: Question) -> Book:
    """The order book; an empty one where nothing trades any more."""
    listing = question.listing()
    limit = 0 if status_of(listing, question.now_ms) == BREAK else question.params["limit"]
    return Book(question.market.levels(listing.symbol, question.now_ms, limit), listing)


def trades(question: Question) -> Rows:
    """The newest trades, or those from an id on."""
    market, params, now_ms = question.market, question.params, question.now_ms
    listing, limit = question.listing(), question.params["limit"]
    newest = market.last_trade_id(listing.symbol, now_ms)
    first = params.get("fromId")
    begin = max(0, newest - limit + 1) if first is None else first
    last = min(newest, begin + limit - 1)
    tape = market.tape(listing.symbol, min(begin, last + 1), last, now_ms)
    return _trade_rows(question, tape, stable=first is not None and len(tape.id) == limit and last < newest)


def _trade_rows(question: Question, tape: Tape, *, stable: bool) -> Rows:
    listing = question.known(question.params["symbol"])
    price, quantity = listing.price_exponent, listing.quantity_exponent
    return Rows(
        Trade,
        len(tape.id),
        {
            "id": Whole(tape.id),
            "price": Fixed(tape.price, price),
            "quantity": Fixed(tape.quantity, quantity),
            "quote_quantity": Fixed(tape.price * tape.quantity, price + quantity),
            "time": Whole(question.moments(tape.time_us)),
            "buyer_is_maker": Flag(tape.buyer_is_maker),
            "is_best_match": Flag(np.ones(len(tape.id), np.bool_)),
        },
        listing,
        stable,
    )


def block_trades(question: Question) -> Told:
    """Block trades: there are none at this exchange."""
    question.listing()
    return Told([], ep.HISTORICAL_BLOCK_TRADES.sbe)


def aggregate_trades(question: Question) -> Rows:
    """Aggregate trades: by id, in a window of time, or the newest."""
    params, now_ms, market = question.params, question.now_ms, question.market
    start_us, end_us, from_id, limit = params["startTime"], params["endTime"], params["fromId"], params["limit"]
    if from_id is not None and (start_us is not None or end_us is not None):
        raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
    symbol = question.listing().symbol
    newest = market.last_aggregate_id(symbol, now_ms)
    last = newest if end_us is None else _before(question, symbol, end_us + 1) - 1
    if from_id is not None:
        begin = from_id
    elif start_us is not None:
        begin = _before(question, symbol, start_us)
    else:
        begin = max(0, last - limit + 1)
    last = min(last, begin + limit - 1)
    found = market.aggregates(symbol, min(begin, last + 1), last, now_ms)
    anchored = from_id is not None or start_us is not None
    settled = (anchored and len(found.id) == limit) or (end_us is not None and end_us < question.now_us)
    return _aggregate_rows(question, found, stable=settled and last < newest)


def _before(question: Question, symbol: str, time_us: int) -> int:
    """How many aggregate trades there are before that microsecond: the id of the first one after."""
    market, now_ms = question.market, question.now_ms
    if time_us > question.now_us:
        return market.last_aggregate_id(symbol, now_ms) + 1
    found = market.aggregate_at(symbol, time_us // 1_000, now_ms)
    if time_us % 1_000 == 0:
        return found
    beyond = market.aggregate_at(symbol, time_us // 1_000 + 1, now_ms)
    within = market.aggregates(symbol, found, beyond - 1, now_ms)
    return found + int(np.searchsorted(within.time_us, time_us))


def _aggregate_rows(question: Question, found: Aggregates, *, stable: bool) -> Rows:
    listing = question.known(question.params["symbol"])
    return Rows(
        AggTrade,
        len(found.id),
        {
            "id": Whole(found.id),
            "price": Fixed(found.price, listing.price_exponent),
            "quantity": Fixed(found.quantity, listing.quantity_exponent),
            "first_id": Whole(found.first_id),
            "last_id": Whole(found.last_id),
            "time": Whole(question.moments(found.time_us)),
            "buyer_is_maker": Flag(found.buyer_is_maker),
            "is_best_match": Flag(np.ones(len(found.id), np.bool_)),
        },
        listing,
        stable,
    )
