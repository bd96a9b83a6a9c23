"""When a signed request is too early or too late: timestamp and recvWindow. Pure: time is an argument.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security (July 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cryptox.venues.binance.codes import Code

from .parameters import DECIMAL_RANGE, FIRST_MICROSECONDS, NUMBER_RANGE
from .refusals import AHEAD, Refused

__all__ = ["RECEIVE_WINDOW", "TIMESTAMP", "Timing", "read_timing"]

TIMESTAMP, RECEIVE_WINDOW = "timestamp", "recvWindow"
USUAL_WINDOW = "5000"  # milliseconds
MOST_WINDOW = 60_000
AHEAD_US = 1_000_000

_DECIMAL = re.compile(DECIMAL_RANGE, re.ASCII)
_NUMBER = re.compile("[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request says it was sent, and for how long it stands, in microseconds."""

    sent_us: int
    window_us: int
    unit_us: int = 1  # of the timestamp: 1000 for milliseconds

    def check(self, now_us: int) -> None:
        """Whether the request stands at ``now_us``, the exchange's time.

        Raises
        ------
        Refused : -1021, too far ahead or too old.
        """
        now_us -= now_us % self.unit_us
        if self.sent_us >= now_us + AHEAD_US:
            raise Refused(Code.INVALID_TIMESTAMP, text=AHEAD)
        if now_us - self.sent_us > self.window_us:
            raise Refused(Code.INVALID_TIMESTAMP)


def read_timing(params: Mapping[str, str]) -> Timing:
    """Timing of a request by its parameters, as text.

    Raises
    ------
    Refused : timestamp missing, or one of the two malformed or out of range.
    """
    stamp, window = params.get(TIMESTAMP), params.get(RECEIVE_WINDOW, USUAL_WINDOW)
    if not stamp:
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, TIMESTAMP)
    if not _NUMBER.fullmatch(stamp):
        raise Refused(Code.ILLEGAL_CHARS, TIMESTAMP, NUMBER_RANGE)
    if window == "":
        raise Refused(Code.PARAM_EMPTY, RECEIVE_WINDOW)
    match = _DECIMAL.fullmatch(window)
    if match is None:
        raise Refused(Code.ILLEGAL_CHARS, RECEIVE_WINDOW, DECIMAL_RANGE)
    if len((match[2] or ".")[1:]) > 3:  # own: which refusal
        raise Refused(Code.BAD_PRECISION, text=f"Parameter '{RECEIVE_WINDOW}' has too much precision.")
    milliseconds = Decimal(window)
    if milliseconds > MOST_WINDOW:
        raise Refused(Code.BAD_RECV_WINDOW)
    sent = int(stamp)
    unit_us = 1 if sent >= FIRST_MICROSECONDS else 1_000
    return Timing(sent * unit_us, int(milliseconds * 1_000), unit_us)
