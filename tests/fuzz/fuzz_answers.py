"""Decoders of answers over REST: JSON, SBE, refusals and headers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from fuzz_table import DECODERS, DRAFT, JSON, REF, SBE, VENUE, Decoder, answer, decoder, tried

from cryptox.errors import CryptoxError, ExchangeError
from cryptox.table.batch import Batch
from cryptox.venues.binance import columns, read, refusals
from cryptox.venues.binance.sbe import arrays, codec, schema
from cryptox.venues.binance.sequence import LocalBook
from cryptox.venues.binance.wire import account as wire_account
from cryptox.venues.binance.wire import fills as wire_fills
from cryptox.venues.binance.wire import general, market, order_lists
from cryptox.venues.binance.wire import orders as wire_orders

# Answers in JSON and SBE: the bulk ones, as columns.


def alike(one: Batch | None, other: Batch | None) -> None:
    """Two readings of the same rows."""
    assert (one is None) == (other is None), "one reading takes it, the other does not"
    if one is not None and other is not None:
        for name in one.table.names:
            assert np.array_equal(one.columns[name], other.columns[name]), f"two readings differ in {name}"


def written_again(batch: Batch | None, write: Callable[..., bytes], again: Callable[..., Batch]) -> None:
    """What the encoder makes of exact rows is read as the same rows, times before the year 5138."""
    if batch is None or any(
        len(times) and not 0 <= times.min() <= times.max() < 10**14
        for times in (batch.columns[name] for name in batch.table.names if name.endswith("time"))
    ):
        return
    with suppress(ValueError):  # beyond 64 bits
        body = write(batch.columns, price_exponent=-8, quantity_exponent=-8)
        alike(batch, again(body, exact=True))


def book_again(batch: Batch | None) -> None:
    if batch is None or not 0 <= batch.extra["last_update_id"] < 2**63:
        return
    sides = [
        {name: batch.columns[name][batch.columns["side"] == side] for name in ("price", "quantity")} for side in (0, 1)
    ]
    with suppress(ValueError):
        body = arrays.write_depth(
            *sides, last_update_id=batch.extra["last_update_id"], price_exponent=-8, quantity_exponent=-8
        )
        alike(batch, arrays.read_depth(body, exact=True))


def bulk(
    body: bytes, from_json: Callable[..., Batch], write: Callable[..., bytes], from_sbe: Callable[..., Batch]
) -> None:
    for exact in (False, True):
        batch = tried(ExchangeError, from_json, body, exact=exact)
    written_again(batch, write, from_sbe)


@decoder(ExchangeError)
def json_klines(body: bytes) -> None:
    bulk(body, columns.klines, arrays.write_klines, arrays.read_klines)
    for exact in (False, True):  # with a blank before it no short cut is taken
        one = tried(ExchangeError, columns.klines, body, exact=exact)
        alike(one, tried(ExchangeError, columns.klines, b" " + body, exact=exact))


@decoder(ExchangeError)
def json_trades(body: bytes) -> None:
    bulk(body, columns.trades, arrays.write_trades, arrays.read_trades)


@decoder(ExchangeError)
def json_agg_trades(body: bytes) -> None:
    bulk(body, columns.agg_trades, arrays.write_agg_trades, arrays.read_agg_trades)


@decoder(ExchangeError)
def json_depth(body: bytes) -> None:
    tried(ExchangeError, columns.depth, body)
    book_again(tried(ExchangeError, columns.depth, body, exact=True))
    found = VENUE.snapshot_in(body)
    if found is not None:
        book = LocalBook("BTCUSDT")
        tried(ExchangeError, book.snapshot, found.answer, limit=found.levels)
        book.top()
    tried(ExchangeError, VENUE.snapshot("BTCUSDT").read, answer(body))


def sbe_rows(body: bytes, again: Callable[..., Batch], write: Callable[..., bytes]) -> None:
    tried(ExchangeError, again, body)
    written_again(tried(ExchangeError, again, body, exact=True), write, again)


@decoder(ExchangeError)
def sbe_klines(body: bytes) -> None:
    sbe_rows(body, arrays.read_klines, arrays.write_klines)


@decoder(ExchangeError)
def sbe_trades(body: bytes) -> None:
    sbe_rows(body, arrays.read_trades, arrays.write_trades)


@decoder(ExchangeError)
def sbe_agg_trades(body: bytes) -> None:
    sbe_rows(body, arrays.read_agg_trades, arrays.write_agg_trades)


@decoder(ExchangeError)
def sbe_depth(body: bytes) -> None:
    tried(ExchangeError, arrays.read_depth, body)
    book_again(tried(ExchangeError, arrays.read_depth, body, exact=True))


def sbe_again(body: bytes, kind: schema.Schema) -> None:
    """Read by name and as JSON; what the encoder makes of it is taken."""
    raw = tried(ExchangeError, codec.decode_raw, body, schema=kind)
    shown = tried(ExchangeError, codec.decode, body, microseconds=True, schema=kind)
    tried(ExchangeError, codec.decode, body, schema=kind)
    if raw is not None and shown is not None:
        with suppress(ValueError):  # what it says of itself may be no message that can be written: unknown words
            codec.decode(codec.encode(raw["_message"], shown, schema=kind), schema=kind)


@decoder(ExchangeError)
def sbe_answer(body: bytes) -> None:
    sbe_again(body, schema.load())
    for kind in (general.ExchangeInfo, general.ServerTime, market.Depth[str], wire_orders.OrderAnswer[Decimal]):
        tried(ExchangeError, read.read_as, answer(body, SBE), kind)
    refused(body, SBE)


@decoder(ExchangeError)
def sbe_stream(body: bytes) -> None:
    sbe_again(body, schema.load(schema.STREAMS))


# Answers in JSON: the others, by the question that they answer.


def asked(*requests: Any) -> Callable[[bytes], None]:
    def read_all(body: bytes) -> None:
        for request in requests:
            found = tried(ExchangeError, request.read, answer(body))
            if found is not None:
                repr(found)

    return read_all


def again(body: bytes, kind: Any) -> None:
    """What is accepted as a wire type is accepted once more as the encoder writes it, and is the same."""
    found = tried(ExchangeError, read.read_as, answer(body), kind)
    if found is not None:
        text = msgspec.json.encode(found)
        assert msgspec.json.encode(read.read_as(answer(text), kind)) == text, "it is written another way again"


def answered(name: str, requests: Callable[[], tuple[Any, ...]], *kinds: Any) -> None:
    """A decoder of answers to requests, that are of these wire types."""

    def read_all(body: bytes) -> None:
        asked(*requests())(body)
        for kind in kinds:
            again(body, kind)

    DECODERS[name] = Decoder(name, read_all, (ExchangeError,))


def both(make: Callable[..., Any]) -> Callable[[], tuple[Any, ...]]:
    return lambda: (make(exact=False), make(exact=True))


answered("ticker", both(lambda exact: VENUE.ticker(None, "24h", exact=exact)), market.Ticker[str])
answered("prices", both(lambda exact: VENUE.prices(None, exact=exact)), list[market.Price[str]])
answered("book_ticker", both(lambda exact: VENUE.book_ticker(None, exact=exact)), list[market.BookTicker[str]])
answered(
    "avg_price",
    lambda: (*both(lambda exact: VENUE.avg_price("BTCUSDT", exact=exact))(), VENUE.average_price("BTCUSDT")),
)
answered("reference_price", lambda: (VENUE.reference_price("BTCUSDT"),))
answered("server_time", lambda: (VENUE.server_time(),), general.ServerTime)
answered("placed", lambda: (VENUE.place(DRAFT),), wire_orders.OrderAnswer[Decimal])
answered("tested", lambda: (VENUE.test(DRAFT),), wire_orders.TestAnswer[Decimal])
answered("canceled", lambda: (VENUE.cancel(REF, "y"),), wire_orders.CancelAnswer[Decimal])
answered("canceled_all", lambda: (VENUE.cancel_all("BTCUSDT"),))
answered("amended", lambda: (VENUE.amend(REF, Decimal(1), "y"),), wire_orders.AmendAnswer[Decimal])
answered("former_ids", lambda: (VENUE.former_ids("BTCUSDT", 1),), list[wire_fills.AmendmentRow[Decimal]])
answered("order", lambda: (VENUE.order(REF),), wire_orders.OrderRow[Decimal])
answered("orders", lambda: (VENUE.open_orders(None),), list[wire_orders.OrderRow[Decimal]])
answered(
    "fills",
    lambda: (VENUE.fills("BTCUSDT", start_ms=None, end_ms=None, from_id=None, limit=9),),
    list[wire_fills.MyTrade[Decimal]],
)
answered(
    "list_placed",
    lambda: (VENUE.place_oco("BTCUSDT", DRAFT, DRAFT, "l"),),
    order_lists.ListAnswer[wire_orders.OrderAnswer[Decimal]],
)
answered("list_canceled", lambda: (VENUE.cancel_list("BTCUSDT", order_list_id=1, client_order_id=None, cancel_id="y"),))
answered("order_list", lambda: (VENUE.order_list(order_list_id=1, client_order_id=None),), order_lists.ListAnswer[Any])
answered("account", lambda: (VENUE.account(),), wire_account.AccountInfo[Decimal])
answered("key_rights", lambda: (VENUE.key_rights(),), wire_account.Restrictions)
answered("fees", lambda: (VENUE.fees("BTCUSDT"),), wire_account.CommissionRates[Decimal])
answered("order_counts", lambda: (VENUE.order_counts(),))


@decoder(ExchangeError)
def replaced(body: bytes) -> None:
    request = VENUE.replace(REF, DRAFT, "y", go_on=True)
    for status in (200, 400, 409):
        told = answer(body, status=status)
        error = VENUE.refusal(request, told)
        if error is None:
            tried(ExchangeError, request.read, told)
        else:
            repr(error)


def _judged(rules: Any) -> Any:
    return rules.reference_minutes, rules.judge(DRAFT, Decimal(60000)), rules.nearest(DRAFT, None)


@decoder(ExchangeError)
def exchange_info(body: bytes) -> None:
    tried(ExchangeError, VENUE.rules(None).read, answer(body))
    rules = tried(ExchangeError, VENUE.order_rules("BTCUSDT").read, answer(body))
    if rules is not None:
        tried(CryptoxError, _judged, rules)
    again(body, general.ExchangeInfo)


def refused(body: bytes, headers: dict[str, str]) -> None:
    """An error body under every kind of status: always one of our errors, whatever it holds."""
    context = {"venue": "binance", "operation": "place_order", "symbol": "BTCUSDT", "interval": "1h"}
    for status in (302, 400, 403, 404, 409, 418, 429, 451, 503):
        told = answer(body, headers, status)
        for acts in (False, True):
            error = refusals.refusal(told, context=context, acts=acts)
            assert isinstance(error, CryptoxError)
            assert error.retry_after is None or 0 <= error.retry_after <= refusals.LONGEST_S
        refusals.verdict(told)
        refusals.retry_after(told)


@decoder()
def refusal(body: bytes) -> None:
    refused(body, JSON)


@decoder()
def headers(body: bytes) -> None:
    """A header line each: what an answer's headers say of limits and waits."""
    named = {}
    for line in body.decode("latin-1").split("\n"):
        name, _, value = line.partition(":")
        named[name.strip().lower()] = value.strip()
    told = answer(
        b'{"code":-1003,"msg":"Way too many requests; IP banned until 1780315290000."}', {**JSON, **named}, 418
    )
    VENUE.usage(told), VENUE.order_usage(told), VENUE.verdict(told), VENUE.is_steady(told)
    for status in (302, 418, 503):
        refusals.refusal(answer(told.body, dict(told.headers), status), context={}, acts=False)
