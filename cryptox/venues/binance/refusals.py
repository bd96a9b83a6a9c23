"""An answer that is no success becomes one of our errors. Pure: nothing is sent, no clock is read.

What acts (places or changes an order) is judged more strictly than what reads: only a JSON or SBE body whose code is
known to mean "not done" is a definite no. Everything else, and any 5xx, is ``OutcomeUnknown``.

Sources: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-api-information and
.../rest-api/limits (July 2026).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from cryptox._secrets import scrub
from cryptox.errors import (
    AuthenticationError,
    BadInterval,
    BadSymbol,
    Banned,
    CryptoxError,
    ExchangeError,
    InsufficientFunds,
    MarketClosed,
    NetworkError,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    ValidationError,
)
from cryptox.model.lines import duration
from cryptox.transport.caller import Verdict
from cryptox.transport.messages import Answer

from .advice import advice_of
from .codes import BY_TEXT, ROWS, Code, class_of, name_of
from .texts import EngineText
from .wire.general import ErrorBody

__all__ = ["Words", "refusal", "retry_after", "verdict", "words_of"]

LIMITED_S = 60.0
"""Wait after a 429 that does not say how long: the longest window of request weight."""
BANNED_S = 120.0
"""Wait after a 418 that does not say how long: the shortest ban."""
UNSAID = "The exchange gave no reason that can be read: check the arguments, the address of the venue and any proxy."
LONGEST_S = 3 * 86400.0
"""The longest ban that is documented; a wait beyond it is not believed."""

# These say that orders are too many; market data may still be asked for.
_ORDERS_ONLY = {Code.TOO_MANY_ORDERS, Code.CANCEL_REPLACE_PARTIALLY_FAILED, Code.CANCEL_REPLACE_FAILED}
_EXCERPT = 300
_TITLE = 200
_QUERY = re.compile(r"\?[^\s\"'<>?]*=[^\s\"'<>]*")
_BANNED_UNTIL = re.compile(r"banned until (\d{12,16})")
_TITLE_TAG = re.compile(r"(?is)<(title|h1)\b[^>]*>(.*?)</\1\s*>")
_TAG = re.compile(r"(?s)<[^>]*>")


class _Body(ErrorBody, frozen=True):
    data: Any = None


class Words(NamedTuple):
    """The exchange's own words: a code and a text, and what a half-done replacement says of its halves."""

    code: int
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known of one refused request."""

    answer: Answer
    words: Words | None
    excerpt: str
    who: str  # the venue, for a sentence
    what: str  # the operation and its symbol
    acts: bool


def refusal(answer: Answer, *, context: Mapping[str, Any], acts: bool) -> CryptoxError | None:
    """Our error for an answer that is not a success; None for one that is.

    Parameters
    ----------
    answer
        As it came over the wire.
    context
        Where it happened: ``venue``, ``operation``, ``symbol``, ``interval``, ... It ends up on the error.
    acts
        Whether the request places or changes something. Then doubt is ``OutcomeUnknown``; ``duplicate`` in the error's
        context says that something of the same client order id was there already.
    """
    if 200 <= answer.status < 300:
        return None
    words = words_of(answer)
    what = " ".join(str(context[key]) for key in ("operation", "symbol") if context.get(key)) or "the request"
    case = _Case(answer, words, excerpt(answer.body), str(context.get("venue", "the exchange")), what, acts)
    kind, message, more = _judge(case, context)
    if acts and not _is_definite(case):
        kind = OutcomeUnknown
        message = f"It is not known whether {case.what} was carried out: {message[0].lower()}{message[1:]}"
        more = {key: more[key] for key in ("retry_after",) if key in more}
    duplicate = {"duplicate": True} if acts and words and words.text == EngineText.DUPLICATE_ORDER else {}
    return kind(
        message,
        technical_details=_details(case),
        context={**context, **duplicate, "status": answer.status},
        code=words.code if words else None,
        **more,
    )


def verdict(answer: Answer) -> Verdict:
    """What the answer means for sending: taken, refused, to be tried again, or stop until the time it gives.

    A firewall's 403 is ``refused``: trying again at once is what it punishes.
    """
    status = answer.status
    if 200 <= status < 300:
        return Verdict("ok")
    if 500 <= status < 600 or status == 408:
        return Verdict("busy")
    words = words_of(answer)
    if _is_limit(status, words) and not (words and words.code in _ORDERS_ONLY):
        banned = _is_ban(status, words)
        return Verdict("stop", _wait(answer, banned), banned)
    row = ROWS.get(words.code) if words and 400 <= status < 500 else None
    return Verdict("busy" if row and issubclass(row.error, NetworkError) else "refused")


def words_of(answer: Answer) -> Words | None:
    """Code and text of an error body in JSON or SBE; None where there is none that can be read."""
    if answer.content_type == "application/sbe":
        body = _sbe(answer.body)
    else:
        try:
            body = msgspec.json.decode(answer.body, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    if body is None:
        return None
    data = body.data if isinstance(body.data, dict) else {}
    return Words(body.code, _clean(body.msg[:1000]), data)


def _sbe(body: bytes) -> _Body | None:
    from .sbe.codec import decode

    try:
        return msgspec.convert(decode(body), type=_Body)
    except (msgspec.ValidationError, RecursionError, ExchangeError):
        return None


def retry_after(answer: Answer) -> float | None:
    """Seconds until the exchange listens again, as the answer says it; None where it does not."""
    header = _seconds(answer.headers.get("retry-after", ""))
    if header is not None:
        return header
    words = words_of(answer)
    until = _BANNED_UNTIL.search(words.text) if words else None
    date = answer.headers.get("date", "")
    if until is None or not date:
        return None
    try:
        now = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
    return _seconds(str(int(until[1]) / 1000 - now))


def _is_limit(status: int, words: Words | None) -> bool:
    return status in (418, 429) or (words is not None and words.code == Code.TOO_MANY_REQUESTS)


def _is_ban(status: int, words: Words | None) -> bool:
    return status == 418 or (words is not None and _BANNED_UNTIL.search(words.text) is not None)


def _wait(answer: Answer, banned: bool) -> float:
    said = retry_after(answer)
    return said if said is not None else BANNED_S if banned else LIMITED_S


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_S) if math.isfinite(seconds) else None


def _is_definite(case: _Case) -> bool:
    """Whether the exchange itself said, in a code that leaves no doubt, that nothing was done."""
    if case.words is None or case.answer.status >= 500 or case.answer.status < 400:
        return False
    halves = (case.words.data.get(name) for name in ("cancelResponse", "newOrderResponse"))
    codes = [case.words.code, *(half["code"] for half in halves if isinstance(half, dict) and "code" in half)]
    return all(isinstance(code, int) and code in ROWS and not ROWS[code].unknown for code in codes)


_Judgement = tuple[type[CryptoxError], str, dict[str, Any]]


def _judge(case: _Case, context: Mapping[str, Any]) -> _Judgement:
    status = case.answer.status
    if 500 <= status < 600 or status == 408:
        advice = ["The trouble is at the exchange or its front, not here: run the call again in a moment."]
        message = f"{case.who} failed inside (HTTP {status}){_said(case)}."
        return NetworkError, message, {"recovery_suggestions": advice}
    if 300 <= status < 400:
        return _redirect(case)
    if _is_limit(status, case.words):
        return _limited(case)
    if status == 451:  # its body bears the code 0, which says nothing
        return _by_status(case)
    if case.words is not None:
        return _by_code(case, case.words, context)
    return _by_status(case)


def _redirect(case: _Case) -> _Judgement:
    try:
        host = urlsplit(case.answer.headers.get("location", "")).hostname
    except ValueError:
        host = None
    target = f" to {host}" if host else ""
    advice = [
        "Check the address of the venue, and whether a sign-in page or a proxy stands between.",
    ]
    message = f"{case.who} answered with a redirect{target} (HTTP {case.answer.status}), which is not followed."
    return ExchangeError, message, {"recovery_suggestions": advice}


def _limited(case: _Case) -> _Judgement:
    banned = _is_ban(case.answer.status, case.words)
    wait = _wait(case.answer, banned)
    more: dict[str, Any] = {"retry_after": wait}
    if banned:
        return Banned, f"{case.who} has banned this address for {duration(wait)}.", more
    row = ROWS.get(case.words.code) if case.words else None
    if row is not None and row.advice:
        more["recovery_suggestions"] = [row.advice]
    if case.words and case.words.code in _ORDERS_ONLY:
        return RateLimited, f"{case.who} takes no more orders for {duration(wait)}: {case.words.text}", more
    return RateLimited, f"{case.who} is limiting this address; wait {duration(wait)}.", more


def _by_code(case: _Case, words: Words, context: Mapping[str, Any]) -> _Judgement:
    row = ROWS.get(words.code)
    kind = class_of(words.code, words.text)
    more: dict[str, Any] = {}
    said = advice_of(words.text) if row is not None and words.code in BY_TEXT else None
    if said is not None:
        more["recovery_suggestions"] = [said]
    elif row is not None and kind is row.error and row.advice:
        more["recovery_suggestions"] = [row.advice]
    if row is not None and (kind is ExchangeError or row.repeat):
        more["retryable"] = row.repeat
    if issubclass(kind, RateLimited):
        more["retry_after"] = _wait(case.answer, banned=False)
    return kind, _sentence(case, words, kind, context), more


def _sentence(case: _Case, words: Words, kind: type[CryptoxError], context: Mapping[str, Any]) -> str:
    said = words.text or "no reason given."
    if kind is BadSymbol and context.get("symbol"):
        return f"{case.who} has no symbol {context['symbol']}."
    if kind is BadInterval and context.get("interval"):
        return f"{case.who} has no candles of {context['interval']}."
    if kind in (InsufficientFunds, MarketClosed, OrderNotFound) or issubclass(kind, AuthenticationError):
        return f"{case.who}: {said}"
    return f"{case.who} refused {case.what}: {said}"


def _by_status(case: _Case) -> _Judgement:
    status = case.answer.status
    if status == 401:
        return AuthenticationError, f"{case.who} did not accept the key (HTTP 401).", {}
    if status == 403:
        advice = ["Wait a minute before the next request. A proxy or company network may also have turned it away."]
        message = f"The firewall before {case.who} turned the request away (HTTP 403){_said(case)}."
        return NetworkError, message, {"retry_after": LIMITED_S, "recovery_suggestions": advice}
    if status == 404:
        advice = ["Check the address of the venue: something else may answer there."]
        return ExchangeError, f"{case.who} has no such path (HTTP 404).", {"recovery_suggestions": advice}
    if status == 406:
        advice = ["Connect with encoding='json': the numbers are the same."]
        return ExchangeError, f"{case.who} does not answer in SBE (HTTP 406).", {"recovery_suggestions": advice}
    if status == 409:
        return ExchangeError, f"{case.who} did one half of {case.what} and does not say which (HTTP 409).", {}
    if status == 451:
        advice = [
            "The exchange does not serve this place, for legal reasons.",
            "What still works: the paper venue (cryptox.connect('paper')), recorded data, and frames you already have.",
            "Where another venue of the exchange serves your place, connect to that one.",
        ]
        message = f"{case.who} does not serve this location (HTTP 451)."
        return ExchangeError, message, {"recovery_suggestions": advice, "retryable": False}
    if 400 <= status < 500:
        message = f"{case.who} refused {case.what} (HTTP {status}){_said(case)}."
        return ValidationError, message, {"recovery_suggestions": [UNSAID]}
    return ExchangeError, f"{case.who} answered with HTTP {status}, which means nothing here.", {}


def _said(case: _Case) -> str:
    """What the body says in a few words, for the end of a sentence."""
    text = case.words.text if case.words else _title(case.answer.body)
    return f": {text.rstrip('.')}" if text else ""


def _title(body: bytes) -> str:
    """The title of an HTML page as plain text."""
    from html import unescape  # brings a table of 2,000 names

    found = _TITLE_TAG.search(body[:8192].decode("utf-8", "replace"))
    return _clean(unescape(_TAG.sub(" ", found[2])))[:_TITLE] if found else ""


def excerpt(body: bytes) -> str:
    """The beginning of a body as one line of text without anything secret; binary bodies by their size."""
    text = body[: 8 * _EXCERPT].decode("utf-8", "replace")
    if "\x00" in text or text.count("\ufffd") > len(text) // 10 + 1:
        return f"<{len(body)} bytes, binary>"
    return _clean(text)[:_EXCERPT]


def _clean(text: str) -> str:
    """One line, printable, without query strings and secrets that the other side may echo."""
    text = scrub(_QUERY.sub("?…", text))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _details(case: _Case) -> str:
    parts = [f"HTTP {case.answer.status}"]
    if case.words is not None:
        name = name_of(case.words.code)
        parts.append(f"code {case.words.code}" + (f" {name}" if name else ""))
        parts.append(case.words.text[:_EXCERPT])
    elif case.answer.body:
        parts.append(f"{case.answer.content_type or 'no content type'}, {len(case.answer.body)} bytes")
    if case.words is None:  # with a code and a text, the body has nothing more to tell
        parts.append(case.excerpt if case.answer.body else "empty body")
    return " | ".join(part for part in parts if part)
