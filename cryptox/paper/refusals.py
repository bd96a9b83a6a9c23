"""What the paper exchange says when it refuses: Binance's codes by name, with Binance's texts.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors (July 2026). ``%s`` takes what the case names.
"""

from __future__ import annotations

import math
from typing import Any

from cryptox.venues.binance.codes import Code

__all__ = ["Refused", "banned", "words"]

_WORDS: dict[Code, str] = {
    Code.UNKNOWN: "An unknown error occurred while processing the request.",
    Code.DISCONNECTED: "Internal error; unable to process your request. Please try again.",
    Code.TIMEOUT: ("Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    Code.SERVER_BUSY: ("Server is currently overloaded with other requests. Please try again in a few minutes."),
    Code.TOO_MANY_REQUESTS: (
        "Too much request weight used; current limit is %s request weight per %s. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    ),
    Code.UNKNOWN_ORDER_COMPOSITION: "Unsupported order combination.",
    Code.UNSUPPORTED_OPERATION: "This operation is not supported.",
    Code.TOO_MANY_ORDERS: "Too many new orders; current limit is %s orders per %s.",
    Code.INVALID_TIMESTAMP: "Timestamp for this request is outside of the recvWindow.",
    Code.INVALID_SIGNATURE: "Signature for this request is not valid.",
    Code.BAD_API_KEY_FMT: "API-key format invalid.",
    Code.REJECTED_MBX_KEY: "Invalid API-key, IP, or permissions for action.",
    Code.BAD_RECV_WINDOW: "recvWindow must be less than 60000.",
    Code.MORE_THAN_XX_HOURS: "More than %s hours between startTime and endTime.",
    Code.NO_SUCH_ORDER: "Order does not exist.",
    Code.CLIENT_ORDER_ID_INVALID: "Client order ID is not correct for this order ID.",
    Code.ORDER_ARCHIVED: "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
    Code.START_AFTER_END: "Start time is greater than end time.",  # own
    Code.ILLEGAL_CHARS: "Illegal characters found in parameter '%s'; legal range is '%s'.",
    Code.TOO_MANY_PARAMETERS: "Too many parameters; expected '%s' and received '%s'.",
    Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED: ("Mandatory parameter '%s' was not sent, was empty/null, or malformed."),
    Code.UNREAD_PARAMETERS: "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.",
    Code.PARAM_EMPTY: "Parameter '%s' was empty.",
    Code.PARAM_NOT_REQUIRED: "Parameter '%s' sent when not required.",
    Code.PARAM_OVERFLOW: "Parameter '%s' overflowed.",
    Code.BAD_PRECISION: "Parameter '%s' has too much precision.",
    Code.INVALID_TIF: "Invalid timeInForce.",
    Code.INVALID_ORDER_TYPE: "Invalid orderType.",
    Code.INVALID_SIDE: "Invalid side.",
    Code.BAD_INTERVAL: "Invalid interval.",
    Code.BAD_SYMBOL: "Invalid symbol.",
    Code.INVALID_SYMBOLSTATUS: "Invalid symbolStatus.",
    Code.OPTIONAL_PARAMS_BAD_COMBO: "Combination of optional parameters invalid.",
    Code.INVALID_PARAMETER: "Data sent for parameter '%s' is not valid.",
    Code.BAD_STRATEGY_TYPE: "strategyType was less than 1000000.",
    Code.INVALID_ANSWER_TYPE: "Invalid newOrderRespType.",
    Code.INVALID_TICKER_TYPE: "Invalid ticker type.",
    Code.INVALID_CANCEL_RESTRICTIONS: "Invalid cancelRestrictions",  # sic: no dot
    Code.DUPLICATE_SYMBOLS: "Symbol is present multiple times in the list.",
    Code.INVALID_SBE_HEADER: "Invalid `X-MBX-SBE` header; expected `<SCHEMA_ID>:<VERSION>`.",
    Code.UNSUPPORTED_SCHEMA_ID: "Unsupported SBE schema ID or version specified in the X-MBX-SBE header.",
    Code.SBE_DISABLED: "SBE is not enabled.",
    Code.OCO_ORDER_TYPE_REJECTED: "Order type not supported in OCO.",
    Code.OCO_ICEBERGQTY_TIMEINFORCE: "Parameter '%s' is not supported if aboveTimeInForce/belowTimeInForce is not GTC.",
    Code.BUY_OCO_LIMIT_MUST_BE_BELOW: "A limit order in a buy OCO must be below.",
    Code.SELL_OCO_LIMIT_MUST_BE_ABOVE: "A limit order in a sell OCO must be above.",
    Code.BOTH_OCO_ORDERS_CANNOT_BE_LIMIT: "At least one OCO order must be contingent.",
    Code.INVALID_TIME_UNIT: "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    Code.BUY_OCO_STOP_LOSS_MUST_BE_ABOVE: "A stop loss order in a buy OCO must be above.",
    Code.SELL_OCO_STOP_LOSS_MUST_BE_BELOW: "A stop loss order in a sell OCO must be below.",
    Code.BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW: "A take profit order in a buy OCO must be below.",
    Code.SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE: "A take profit order in a sell OCO must be above.",
    Code.INVALID_PEG_PRICE_TYPE: "Invalid pegPriceType.",
    Code.INVALID_PEG_OFFSET_TYPE: "Invalid pegOffsetType.",
    Code.SYMBOL_DOES_NOT_MATCH_STATUS: "The symbol's status does not match the requested symbolStatus.",
    Code.OPO_WORKING_MUST_BE_BUY: "Working order in an OPO list must be a bid.",
    Code.OPO_PENDING_MUST_BE_SELL: "Pending orders in an OPO list must be asks.",
    Code.CANCEL_REPLACE_PARTIALLY_FAILED: "Order cancel-replace partially failed.",
    Code.CANCEL_REPLACE_FAILED: "Order cancel-replace failed.",
    Code.NO_REFERENCE_PRICE: "This symbol doesn't have a reference price.",
}

EITHER = "Param '%s' or '%s' must be sent, but both were empty/null!"
RECOMMENDED = "Combination of optional parameters invalid. Recommendation: '%s' should also be sent."
TOGETHER = "Combination of optional parameters invalid. Fields [%s] must be sent together or omitted entirely."
INVALID_NUMBER = "Invalid %s."
PREVENTION_NOT_ALLOWED = "This symbol does not allow the specified self-trade prevention mode."
DUPLICATES = "Duplicate values for a parameter detected."
TOO_MANY_VALUES = "Too many values sent for parameter '%s', maximum allowed up to %s."
AHEAD = "Timestamp for this request was 1000ms ahead of the server's time."
TOO_MANY_QUEUED = "Too many requests queued."
BANNED = (
    "Way too much request weight used; IP banned until %s. Please use WebSocket Streams for live updates to avoid bans."
)


def words(code: Code, *values: object) -> str:
    """The text of a code, with these values in the place of its ``%s``."""
    return _WORDS[code] % tuple(str(value) for value in values)


class Refused(Exception):
    """A request is answered with a refusal. ``text`` takes the place of the code's usual text.

    ``data`` goes into the body beside code and text (cancel-replace). ``costs`` is the request's weight where it is not
    the endpoint's usual one.
    """

    def __init__(
        self,
        code: Code,
        *values: object,
        text: str | None = None,
        status: int = 400,
        retry_after: int | None = None,
        data: Any = None,
        costs: int | None = None,
    ) -> None:
        self.code = code
        self.text = words(code, *values) if text is None else text % tuple(str(value) for value in values)
        self.status = status
        self.retry_after = retry_after  # whole seconds
        self.data = data  # ready for JSON
        self.costs = costs
        super().__init__(f"{int(code)} {self.text}")


def banned(until: float, now: float) -> Refused:
    """The refusal of whoever is banned until a moment; both in real seconds."""
    wait = math.ceil(until - now)
    return Refused(Code.TOO_MANY_REQUESTS, int(until * 1_000), text=BANNED, status=418, retry_after=wait)
