"""What the paper exchange says when it refuses: Binance's codes by name, with Binance's texts.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors (July 2026). ``%s`` takes what the case names.
"""

from __future__ import annotations

from cryptox.venues.binance.codes import Code

__all__ = ["Refused", "words"]

_WORDS: dict[Code, str] = {
    Code.UNKNOWN: "An unknown error occurred while processing the request.",
    Code.DISCONNECTED: "Internal error; unable to process your request. Please try again.",
    Code.TIMEOUT: ("Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    Code.SERVER_BUSY: ("Server is currently overloaded with other requests. Please try again in a few minutes."),
    Code.TOO_MANY_REQUESTS: (
        "Too much request weight used; current limit is %s request weight per %s. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    ),
    Code.ILLEGAL_CHARS: "Illegal characters found in parameter '%s'; legal range is '%s'.",
    Code.TOO_MANY_PARAMETERS: "Too many parameters; expected '%s' and received '%s'.",
    Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED: ("Mandatory parameter '%s' was not sent, was empty/null, or malformed."),
    Code.UNREAD_PARAMETERS: "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.",
    Code.PARAM_EMPTY: "Parameter '%s' was empty.",
    Code.BAD_INTERVAL: "Invalid interval.",
    Code.BAD_SYMBOL: "Invalid symbol.",
    Code.INVALID_SYMBOLSTATUS: "Invalid symbolStatus.",
    Code.OPTIONAL_PARAMS_BAD_COMBO: "Combination of optional parameters invalid.",
    Code.INVALID_PARAMETER: "Data sent for parameter '%s' is not valid.",
    Code.INVALID_TICKER_TYPE: "Invalid ticker type.",
    Code.DUPLICATE_SYMBOLS: "Symbol is present multiple times in the list.",
    Code.INVALID_SBE_HEADER: "Invalid `X-MBX-SBE` header; expected `<SCHEMA_ID>:<VERSION>`.",
    Code.UNSUPPORTED_SCHEMA_ID: "Unsupported SBE schema ID or version specified in the X-MBX-SBE header.",
    Code.SBE_DISABLED: "SBE is not enabled.",
    Code.INVALID_TIME_UNIT: "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    Code.SYMBOL_DOES_NOT_MATCH_STATUS: "The symbol's status does not match the requested symbolStatus.",
    Code.NO_REFERENCE_PRICE: "This symbol doesn't have a reference price.",
}

EITHER = "Param '%s' or '%s' must be sent, but both were empty/null!"
DUPLICATES = "Duplicate values for a parameter detected."
TOO_MANY_VALUES = "Too many values sent for parameter '%s', maximum allowed up to %s."
TOO_MANY_QUEUED = "Too many requests queued."
BANNED = (
    "Way too much request weight used; IP banned until %s. Please use WebSocket Streams for live updates to avoid bans."
)


def words(code: Code, *values: object) -> str:
    """The text of a code, with these values in the place of its ``%s``."""
    return _WORDS[code] % tuple(str(value) for value in values)


class Refused(Exception):
    """A request is answered with a refusal. ``text`` takes the place of the code's usual text."""

    def __init__(
        self,
        code: Code,
        *values: object,
        text: str | None = None,
        status: int = 400,
        retry_after: int | None = None,
    ) -> None:
        self.code = code
        self.text = words(code, *values) if text is None else text % tuple(str(value) for value in values)
        self.status = status
        self.retry_after = retry_after  # whole seconds
        super().__init__(f"{int(code)} {self.text}")
