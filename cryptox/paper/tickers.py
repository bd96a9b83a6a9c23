"""Window statistics, last prices, best bids and asks, averages: as the paper exchange answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from cryptox.model.interval import DAY_MS, INTERVALS, MINUTE_MS
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.market import AveragePrice, BookTicker, Price, Ticker

from .market import Listing, Statistics
from .question import BREAK, Question, Told, status_of
from .refusals import EITHER, Refused
from .text import decimal, rounded

__all__ = [
    "average",
    "average_price",
    "best_prices",
    "percent_change",
    "prices",
    "ticker_24h",
    "trading_day",
    "window_start",
    "window_ticker",
]

AVERAGE_MINUTES = 5
PERCENT_PLACES = 3


def average_price(question: Question) -> Told:
    """Volume-weighted average over five minutes; the last price where nothing traded."""
    listing, market, now_ms = question.listing(), question.market, question.now_ms
    found = market.statistics(listing.symbol, now_ms - AVERAGE_MINUTES * MINUTE_MS, now_ms)
    price, last_us = average(listing, found), found.last_time_us
    if found.trades == 0:
        price = _last_price(question, listing)
        last = market.last_trade_id(listing.symbol, now_ms)
        last_us = int(market.tape(listing.symbol, last, last, now_ms).time_us[-1]) if last >= 0 else question.now_us
    return Told(AveragePrice(AVERAGE_MINUTES, price, question.moment(last_us)), ep.AVG_PRICE.sbe)


def prices(question: Question) -> Told:
    """Last price of one symbol or of many."""
    return _one_or_many(question, ep.TICKER_PRICE, lambda one: Price(one.symbol, _last_price(question, one)))


def best_prices(question: Question) -> Told:
    """Best bid and ask of one symbol or of many."""
    return _one_or_many(question, ep.TICKER_BOOK, lambda one: BookTicker(one.symbol, *_best(question, one)))


def ticker_24h(question: Question) -> Told:
    """Statistics of the last 24 hours."""
    start_ms = question.now_ms - DAY_MS
    mini = question.params["type"] == "MINI"

    def tell(listing: Listing) -> Any:
        found = question.market.statistics(listing.symbol, start_ms, question.now_ms)
        times = (start_ms * 1_000, question.now_us)
        return _ticker(question, listing, found, times, mini=mini, daily=not mini)

    return _one_or_many(question, ep.TICKER_24H, tell, mini=mini)


def trading_day(question: Question) -> Told:
    """Statistics of the day so far; days begin at midnight of the time zone asked for."""
    shift = question.params["timeZone"]
    start_ms = (question.now_ms + shift) // DAY_MS * DAY_MS - shift
    return _since(question, ep.TICKER_TRADING_DAY, start_ms, (start_ms + DAY_MS) * 1_000 - 1)


def window_ticker(question: Question) -> Told:
    """Statistics of a window that begins on a full minute."""
    start_ms = window_start(question.now_ms, question.params["windowSize"])
    return _since(question, ep.TICKER, start_ms, question.now_us)


def window_start(now_ms: int, window_ms: int) -> int:
    """The full minute on which a window of at least that length begins."""
    return (now_ms - window_ms) // MINUTE_MS * MINUTE_MS


def _since(question: Question, endpoint: ep.Endpoint, start_ms: int, close_us: int) -> Told:
    mini = question.params["type"] == "MINI"
    if question.params["symbol"] is None and question.params["symbols"] is None:
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "symbol", "symbols", text=EITHER)

    def tell(listing: Listing) -> Any:
        found = question.market.statistics(listing.symbol, start_ms, question.now_ms)
        return _ticker(question, listing, found, (start_ms * 1_000, close_us), mini=mini, daily=False)

    return _one_or_many(question, endpoint, tell, mini=mini)


def _one_or_many(
    question: Question, endpoint: ep.Endpoint, tell: Callable[[Listing], Any], *, mini: bool = False
) -> Told:
    """One object for ``symbol``, a list otherwise. Templates follow one another: full, full list, mini, mini list."""
    params, template = question.params, endpoint.sbe + (2 if mini else 0)
    if params["symbol"] is not None:
        if params["symbols"] is not None:
            raise Refused(Code.OPTIONAL_PARAMS_BAD_COMBO)
        return Told(tell(question.listing()), template)
    return Told([tell(one) for one in question.listings()], template + 1)


def _last_price(question: Question, listing: Listing) -> str:
    candles = question.market.candles(
        listing.symbol,
        INTERVALS["1m"],
        start_ms=0,
        end_ms=question.now_ms + 1,
        limit=1,
        newest=True,
        now_ms=question.now_ms,
    )
    last = int(candles.close[-1]) if len(candles.close) else 0
    return decimal(last, listing.price_exponent)


def _best(question: Question, listing: Listing) -> tuple[str, str, str, str]:
    """Bid, its quantity, ask, its quantity; zeros where the side is empty."""
    if status_of(listing, question.now_ms) == BREAK:
        return (decimal(0, 0),) * 4
    book = question.market.levels(listing.symbol, question.now_ms, 1)
    sides = ((book.bid_price, book.bid_quantity), (book.ask_price, book.ask_quantity))
    texts = [
        decimal(int(column[0]) if len(column) else 0, exponent)
        for side in sides
        for column, exponent in zip(side, (listing.price_exponent, listing.quantity_exponent), strict=True)
    ]
    return texts[0], texts[1], texts[2], texts[3]


def average(listing: Listing, found: Statistics) -> str:
    """Volume-weighted average price; zero where nothing traded."""
    if found.volume == 0:
        return decimal(0, 0)
    ticks = rounded(found.quote_volume * 10 ** (8 + listing.price_exponent), found.volume)
    return decimal(ticks, -8)


def percent_change(found: Statistics) -> str:
    """Change of the price in percent of the first one; zero where nothing traded."""
    change = found.last - found.open
    percent = rounded(change * 10 ** (2 + PERCENT_PLACES), found.open) if found.open else 0
    return decimal(percent, -PERCENT_PLACES, PERCENT_PLACES)


def _ticker(
    question: Question,
    listing: Listing,
    found: Statistics,
    times_us: tuple[int, int],
    *,
    mini: bool,
    daily: bool,
) -> Any:
    price, quantity = listing.price_exponent, listing.quantity_exponent
    change = found.last - found.open
    best = _best(question, listing) if daily else None
    told = Ticker(
        symbol=listing.symbol,
        price_change=UNSET if mini else decimal(change, price),
        price_change_percent=UNSET if mini else percent_change(found),
        weighted_avg_price=UNSET if mini else average(listing, found),
        prev_close=decimal(found.prev_close, price) if best else UNSET,
        last=decimal(found.last, price),
        last_quantity=decimal(found.last_quantity, quantity) if best else UNSET,
        bid=best[0] if best else UNSET,
        bid_quantity=best[1] if best else UNSET,
        ask=best[2] if best else UNSET,
        ask_quantity=best[3] if best else UNSET,
        open=decimal(found.open, price),
        high=decimal(found.high, price),
        low=decimal(found.low, price),
        volume=decimal(found.volume, quantity),
        quote_volume=decimal(found.quote_volume, price + quantity),
        open_time=question.moment(times_us[0]),
        close_time=question.moment(times_us[1]),
        first_id=found.first_id,
        last_id=found.last_id,
        trades=found.trades,
    )
    return told if daily else _last_after_low(told)


def _last_after_low(told: Ticker[str]) -> dict[str, Any]:
    """The order of fields that all but the 24-hour form have."""
    letters = {field.name: field.encode_name for field in msgspec.structs.fields(Ticker)}
    values = msgspec.to_builtins(told)
    last = values.pop(letters["last"])
    found: dict[str, Any] = {}
    for name, value in values.items():
        found[name] = value
        if name == letters["low"]:
            found[letters["last"]] = last
    return found
