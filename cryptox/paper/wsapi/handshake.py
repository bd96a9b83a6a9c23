"""What the URL of a WebSocket API connection asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptox.paper.encodings import JSON_TYPE, negotiate, refusal_body
from cryptox.paper.refusals import Refused
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import TIME_UNIT

from .requests import RATE_LIMITS

__all__ = ["PATH", "Handshake", "read_handshake", "refusal_of_handshake"]

PATH = "/ws-api/v3"


@dataclass(frozen=True, slots=True)
class Handshake:
    """Unit of times, and whether answers tell counts."""

    microseconds: bool = False
    rate_limits: bool = True


def read_handshake(target: str) -> Handshake:
    """The wishes in a request target; what is not known there is passed over.

    Raises
    ------
    Refused : 404 for another path, 400 for values that are none, 406 for SBE, which is not on offer here.
    """
    path, _, query = target.partition("?")
    if path.rstrip("/") != PATH:
        raise Refused(Code.UNSUPPORTED_OPERATION, text="This operation is not supported.", status=404)
    options = dict(parse_qsl(query, keep_blank_values=True))
    if options.get("responseFormat", "json") != "json":
        if options["responseFormat"] != "sbe":
            raise Refused(Code.INVALID_PARAMETER, "responseFormat")  # own
        raise Refused(Code.SBE_DISABLED, status=406)
    shown = options.get(RATE_LIMITS, "true")
    if shown not in ("true", "false"):
        raise Refused(Code.ILLEGAL_CHARS, RATE_LIMITS, "true|false")  # own
    unit = options.get("timeUnit")
    wanted = negotiate({} if unit is None else {TIME_UNIT: unit})
    if wanted.refusal is not None:
        raise wanted.refusal
    return Handshake(wanted.microseconds, shown == "true")


def refusal_of_handshake(refused: Refused) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the HTTP answer to a handshake that fails."""
    headers = {"Content-Type": JSON_TYPE}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    return refusal_body(refused, sbe=False), headers
