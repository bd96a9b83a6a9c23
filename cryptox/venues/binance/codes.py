"""Every error code of Binance Spot: its name, our class for it, and what it lets one conclude. The numbers stand here.

Two questions decide what a code means: may the request have been carried out all the same (``unknown``), and may the
very same request be made again later (``repeat``)?  Texts of the matching engine share a few codes, so ``TEXTS``
tells them apart.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors (July 2026); the rows after
``NO_REFERENCE_PRICE`` are seen on the wire but not on that page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Self

from cryptox.errors import (
    AuthenticationError,
    BadInterval,
    BadSymbol,
    ClockSkew,
    CryptoxError,
    ExchangeError,
    FilterFailure,
    InsufficientFunds,
    MarketClosed,
    NetworkError,
    NotSent,
    OrderNotFound,
    OrderRejected,
    RateLimited,
    ValidationError,
)

from .texts import EngineText

__all__ = ["BY_TEXT", "FILTER_FAILURE", "ROWS", "TEXTS", "Code", "Row", "class_of", "name_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """What a code means for the caller."""

    error: type[CryptoxError]  # where ``unknown`` is set: the class for reads; what acts becomes OutcomeUnknown
    unknown: bool = False  # the request may have been carried out
    repeat: bool = False  # the same request may succeed later
    advice: str = ""  # empty: the advice of the class


def _no(error: type[CryptoxError], advice: str = "") -> Row:
    return Row(error, advice=advice)


_ASK = "For an order: ask by its client order id before repeating. Anything else can simply be asked again."
_LEGS = "Look at the side of the market each leg must stand on, and at which legs need a price."
_SBE = "Connect with encoding='json': the numbers are the same."
_KEY = (
    "Check that api_key and secret_key are not swapped and belong together and to this venue, that the key may do "
    "this, and that this address is on its list."
)
_WAIT = "Then run the call again. A live feed (cx.live) brings the same without asking again and again."
_WHICH = (
    "Check symbol and id: orders(symbol) lists them, and ids are unique within one symbol only. Right after placing, "
    "ask again in a moment: this proves nothing yet."
)
_FIX = _no(ExchangeError)  # sessions of the FIX protocol, which is not spoken here


class Code(IntEnum):
    """A code by its name: ``Code.BAD_SYMBOL`` is an int, ``Code.BAD_SYMBOL.row`` its meaning."""

    row: Row

    def __new__(cls, number: int, row: Row) -> Self:
        """Make an int that carries its row."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.row = row
        return member

    UNKNOWN = -1000, Row(NetworkError, unknown=True, repeat=True, advice=_ASK)
    DISCONNECTED = -1001, Row(NetworkError, unknown=True, repeat=True, advice=_ASK)
    UNAUTHORIZED = -1002, _no(AuthenticationError)
    TOO_MANY_REQUESTS = -1003, Row(RateLimited, repeat=True, advice=_WAIT)
    UNEXPECTED_RESP = -1006, Row(NetworkError, unknown=True, advice=_ASK)
    TIMEOUT = -1007, Row(NetworkError, unknown=True, advice=_ASK)
    SERVER_BUSY = -1008, Row(NotSent, repeat=True, advice="The exchange is overloaded; try again in a few minutes.")
    ERROR_MSG_RECEIVED = -1010, _no(OrderRejected)
    INVALID_MESSAGE = -1013, _no(OrderRejected, "Look at symbol(name) for its trading rules.")
    UNKNOWN_ORDER_COMPOSITION = -1014, _no(OrderRejected, "This type does not go with the other arguments given.")
    TOO_MANY_ORDERS = -1015, Row(RateLimited, repeat=True, advice="Until then place no new order; cancelling works.")
    SERVICE_SHUTTING_DOWN = -1016, _no(ExchangeError, "The exchange has withdrawn this; look for a newer cryptox.")
    UNSUPPORTED_OPERATION = -1020, _no(ExchangeError)
    INVALID_TIMESTAMP = -1021, Row(ClockSkew, repeat=True)
    INVALID_SIGNATURE = -1022, _no(AuthenticationError, _KEY)
    COMP_ID_IN_USE = -1033, _FIX
    TOO_MANY_CONNECTIONS = -1034, _FIX
    LOGGED_OUT = -1035, _FIX
    ILLEGAL_CHARS = -1100, _no(ValidationError)
    TOO_MANY_PARAMETERS = -1101, _no(ValidationError)
    MANDATORY_PARAM_EMPTY_OR_MALFORMED = -1102, _no(ValidationError)
    UNKNOWN_PARAM = -1103, _no(ValidationError)
    UNREAD_PARAMETERS = -1104, _no(ValidationError)
    PARAM_EMPTY = -1105, _no(ValidationError)
    PARAM_NOT_REQUIRED = -1106, _no(ValidationError)
    PARAM_OVERFLOW = -1108, _no(ValidationError)
    BAD_PRECISION = -1111, _no(FilterFailure, "Give no more decimals than the symbol's tick and step size have.")
    NO_DEPTH = -1112, Row(OrderRejected, repeat=True, advice="Nobody quotes at the moment; try again, or use a limit.")
    TIF_NOT_REQUIRED = -1114, _no(ValidationError, "Leave time_in_force out for this type.")
    INVALID_TIF = -1115, _no(ValidationError, "time_in_force is GTC, IOC or FOK.")
    INVALID_ORDER_TYPE = -1116, _no(ValidationError, "symbol(name).order_types lists the types it takes.")
    INVALID_SIDE = -1117, _no(ValidationError, "side is buy or sell.")
    EMPTY_NEW_CL_ORD_ID = -1118, _no(ValidationError)
    EMPTY_ORG_CL_ORD_ID = -1119, _no(ValidationError)
    BAD_INTERVAL = -1120, _no(BadInterval, "Intervals: 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M.")
    BAD_SYMBOL = -1121, _no(BadSymbol, "symbols() lists what trades here.")
    INVALID_SYMBOLSTATUS = -1122, _no(ValidationError, "status is TRADING, HALT or BREAK.")
    INVALID_LISTEN_KEY = -1125, _no(ExchangeError)
    MORE_THAN_XX_HOURS = -1127, _no(ValidationError, "Ask for a narrower range.")
    OPTIONAL_PARAMS_BAD_COMBO = -1128, _no(ValidationError)
    INVALID_PARAMETER = -1130, _no(ValidationError)
    BAD_STRATEGY_TYPE = -1134, _no(ValidationError)
    INVALID_JSON = -1135, _no(ValidationError)
    INVALID_TICKER_TYPE = -1139, _no(ValidationError)
    INVALID_CANCEL_RESTRICTIONS = -1145, _no(ValidationError)
    DUPLICATE_SYMBOLS = -1151, _no(ValidationError, "Name each symbol once.")
    INVALID_SBE_HEADER = -1152, _no(ExchangeError, _SBE)
    UNSUPPORTED_SCHEMA_ID = -1153, _no(ExchangeError, _SBE)
    SBE_DISABLED = -1155, _no(ExchangeError, _SBE)
    OCO_ORDER_TYPE_REJECTED = -1158, _no(OrderRejected, _LEGS)
    OCO_ICEBERGQTY_TIMEINFORCE = -1160, _no(OrderRejected, "An iceberg leg needs time_in_force='GTC'.")
    # Only the answer could not be written: an order may well have been placed.
    DEPRECATED_SCHEMA = -1161, Row(ExchangeError, unknown=True, advice=_SBE)
    BUY_OCO_LIMIT_MUST_BE_BELOW = -1165, _no(OrderRejected, _LEGS)
    SELL_OCO_LIMIT_MUST_BE_ABOVE = -1166, _no(OrderRejected, _LEGS)
    BOTH_OCO_ORDERS_CANNOT_BE_LIMIT = -1168, _no(OrderRejected, _LEGS)
    CONFLICTING_FIELDS = -1182, _no(ValidationError)
    INVALID_TIME_UNIT = -1194, _no(ValidationError)
    BUY_OCO_STOP_LOSS_MUST_BE_ABOVE = -1196, _no(OrderRejected, _LEGS)
    SELL_OCO_STOP_LOSS_MUST_BE_BELOW = -1197, _no(OrderRejected, _LEGS)
    BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW = -1198, _no(OrderRejected, _LEGS)
    SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE = -1199, _no(OrderRejected, _LEGS)
    INVALID_PEG_PRICE_TYPE = -1210, _no(ValidationError)
    INVALID_PEG_OFFSET_TYPE = -1211, _no(ValidationError)
    SYMBOL_DOES_NOT_MATCH_STATUS = -1220, _no(ValidationError, "Ask without a status, or with the symbol's own.")
    INVALID_SBE_MESSAGE_FIELD = -1221, _no(ExchangeError, _SBE)
    OPO_WORKING_MUST_BE_BUY = -1222, _no(OrderRejected, _LEGS)
    OPO_PENDING_MUST_BE_SELL = -1223, _no(OrderRejected, _LEGS)
    WORKING_PARAM_REQUIRED = -1224, _no(OrderRejected, _LEGS)
    PENDING_PARAM_NOT_REQUIRED = -1225, _no(OrderRejected, _LEGS)
    NEW_ORDER_REJECTED = -2010, _no(OrderRejected)
    CANCEL_REJECTED = -2011, _no(OrderRejected, "The order may be filled by now: look at order(symbol, order).")
    NO_SUCH_ORDER = -2013, _no(OrderNotFound, _WHICH)
    BAD_API_KEY_FMT = -2014, _no(AuthenticationError, _KEY)
    REJECTED_MBX_KEY = -2015, _no(AuthenticationError, _KEY)
    NO_TRADING_WINDOW = -2016, _no(ExchangeError, "Ask ticker(symbol, window='24h') instead.")
    CANCEL_REPLACE_PARTIALLY_FAILED = -2021, _no(OrderRejected, "One half was done: look at open_orders(symbol).")
    CANCEL_REPLACE_FAILED = -2022, _no(OrderRejected, "Neither half was done; the former order still stands.")
    ORDER_ARCHIVED = -2026, _no(OrderNotFound, "Unfilled orders older than 90 days are no longer kept.")
    SUBSCRIPTION_ACTIVE = -2035, _no(ExchangeError)
    SUBSCRIPTION_INACTIVE = -2036, _no(ExchangeError)
    ORDER_AMEND_REJECTED = -2038, _no(OrderRejected)
    CLIENT_ORDER_ID_INVALID = -2039, _no(ValidationError, "The two ids name different orders; give one of them.")
    MAXIMUM_SUBSCRIPTION_IDS = -2042, _no(ExchangeError, "Open a new connection.")
    NO_REFERENCE_PRICE = -2043, _no(ValidationError)
    SERVER_BUSY_OLD = -1004, Row(NetworkError, unknown=True, repeat=True, advice=_ASK)
    START_AFTER_END = -1023, _no(ValidationError, "start must not be after end.")
    NOT_FOUND_OR_NOT_AUTHENTICATED = -1099, _no(AuthenticationError, _KEY)
    BAD_RECV_WINDOW = -1131, _no(ValidationError, "recvWindow is at most 60000 ms.")
    INVALID_ANSWER_TYPE = -1136, _no(ValidationError)
    BAD_API_KEY_ID = -2008, _no(AuthenticationError, _KEY)


ROWS: MappingProxyType[int, Row] = MappingProxyType(
    {**dict.fromkeys(range(-1193, -1168), _FIX), **{int(code): code.row for code in Code}}
)
"""Code number to its row, the FIX range included."""

_NAMES = {int(code): code.name for code in Code}

FILTER_FAILURE = "Filter failure: "
"""Begins every text that names a filter of the symbol, the account or the exchange."""

TEXTS: MappingProxyType[str, type[CryptoxError]] = MappingProxyType(
    {
        EngineText.UNKNOWN_ORDER: OrderNotFound,
        EngineText.DUPLICATE_ORDER: OrderRejected,
        EngineText.MARKET_CLOSED: MarketClosed,
        EngineText.INSUFFICIENT_BALANCE: InsufficientFunds,
        EngineText.NO_MARKET_ORDERS: OrderRejected,
        EngineText.NO_ICEBERGS: OrderRejected,
        EngineText.NO_STOP_LOSS: OrderRejected,
        EngineText.NO_STOP_LOSS_LIMIT: OrderRejected,
        EngineText.NO_TAKE_PROFIT: OrderRejected,
        EngineText.NO_TAKE_PROFIT_LIMIT: OrderRejected,
        EngineText.NO_AMENDS: OrderRejected,
        EngineText.WORTHLESS: FilterFailure,
        EngineText.ICEBERG_EXCEEDS: FilterFailure,
        EngineText.ACTION_DISABLED: AuthenticationError,
        EngineText.MAY_NOT_TRADE: AuthenticationError,
        EngineText.UNSUPPORTED_COMBINATION: OrderRejected,
        EngineText.WOULD_TRIGGER: OrderRejected,
        EngineText.CANCEL_INVALID: ValidationError,
        EngineText.WOULD_TAKE: OrderRejected,
        EngineText.PRICE_RELATION: OrderRejected,
        EngineText.NO_OCO: OrderRejected,
        EngineText.NO_QUOTE_QUANTITY: OrderRejected,
        EngineText.NO_TRAILING: OrderRejected,
        EngineText.NO_CANCEL_REPLACE: OrderRejected,
        EngineText.SYMBOL_NOT_PERMITTED: AuthenticationError,
        EngineText.SYMBOL_RESTRICTED: AuthenticationError,
        EngineText.CANCEL_RESTRICTED: OrderRejected,
        EngineText.NO_REST_TRADING: OrderRejected,
        EngineText.NO_WEBSOCKET_TRADING: OrderRejected,
        EngineText.LIQUIDITY_BELOW_LOT: OrderRejected,
        EngineText.LIQUIDITY_BELOW_MARKET_LOT: OrderRejected,
        EngineText.LIQUIDITY_BELOW_MINIMUM: OrderRejected,
        EngineText.AMEND_INCREASES: OrderRejected,
        EngineText.CHANGES_NOTHING: OrderRejected,
        EngineText.AMEND_PENDING_OPO: OrderRejected,
        EngineText.NO_PEGS: OrderRejected,
        EngineText.TYPE_NOT_PEGGED: OrderRejected,
        EngineText.PEG_NOT_FOR_TYPE: OrderRejected,
        EngineText.LIQUIDITY_BELOW_PEG: OrderRejected,
        EngineText.NO_OPO: OrderRejected,
        EngineText.TYPE_NOT_IN_PHASE: MarketClosed,
        EngineText.GTC_IN_PHASE: MarketClosed,
    }
)
"""Texts of the matching engine; the same code carries many of them."""

BY_TEXT = frozenset(
    {
        Code.ERROR_MSG_RECEIVED,
        Code.INVALID_MESSAGE,
        Code.NEW_ORDER_REJECTED,
        Code.CANCEL_REJECTED,
        Code.ORDER_AMEND_REJECTED,
    }
)


def class_of(code: int, words: str) -> type[CryptoxError]:
    """Our class for a definite answer: by the text where one code stands for many reasons, else by the code.

    A code that no table knows is an ``ExchangeError``.
    """
    row = ROWS.get(code)
    if row is None:
        return ExchangeError
    if code in BY_TEXT:
        if words.startswith(FILTER_FAILURE):
            return FilterFailure
        return TEXTS.get(words.strip(), row.error)
    return row.error


def name_of(code: int) -> str:
    """The exchange's name of a code; ``"FIX"`` in the range of the FIX protocol, empty for one never heard of."""
    return _NAMES.get(code, "FIX" if code in ROWS else "")
