"""Every way an exchange, or what stands before it, can say no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox import errors
from cryptox.transport.caller import Verdict
from cryptox.transport.messages import Answer
from cryptox.venues.binance.codes import ROWS
from cryptox.venues.binance.refusals import refusal, retry_after, verdict, words_of

CONTEXT = {"venue": "binance", "operation": "klines", "symbol": "BTCUSDT", "interval": "1h", "endpoint": "klines"}


def answer(status: int, body: bytes | dict[str, Any] = b"", content_type: str | None = None, **headers: str) -> Answer:
    kind = content_type or ("application/json;charset=UTF-8" if isinstance(body, dict) else "text/html")
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": kind, **named}, raw, 0.0, 0.1)


def error_of(given: Answer, *, acts: bool = False) -> errors.CryptoxError:
    error = refusal(given, context=CONTEXT, acts=acts)
    assert error is not None
    return error


def no(code: int, msg: str, status: int = 400, **more: Any) -> Answer:
    return answer(status, {"code": code, "msg": msg, **more})


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_no_refusal(status: int) -> None:
    assert refusal(answer(status, {"code": -1121, "msg": "x"}), context=CONTEXT, acts=True) is None


def test_an_unknown_symbol_is_named() -> None:
    error = error_of(no(-1121, "Invalid symbol."))
    assert type(error) is errors.BadSymbol
    assert str(error) == "binance has no symbol BTCUSDT. (code -1121)"
    assert error.code == -1121
    assert error.context == {**CONTEXT, "status": 400}
    assert not error.retryable
    assert error.recovery_suggestions == ["symbols() lists what trades here."]
    assert error.technical_details == ("HTTP 400 | code -1121 BAD_SYMBOL | Invalid symbol.")


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        (no(-1120, "Invalid interval."), errors.BadInterval, "binance has no candles of 1h."),
        (no(-1100, "Illegal characters found."), errors.ValidationError, "refused klines BTCUSDT: Illegal characters"),
        (no(-1013, "Filter failure: LOT_SIZE"), errors.FilterFailure, "Filter failure: LOT_SIZE"),
        (no(-2015, "Invalid API-key.", 401), errors.AuthenticationError, "binance: Invalid API-key."),
        (answer(401, b"<h1>no</h1>"), errors.AuthenticationError, "did not accept the key (HTTP 401)"),
        (answer(403, b"<title>Blocked &amp; logged</title>"), errors.NetworkError, "(HTTP 403): Blocked & logged."),
        (answer(404, b"<html>"), errors.ExchangeError, "no such path (HTTP 404)"),
        (answer(406), errors.ExchangeError, "does not answer in SBE (HTTP 406)"),
        (answer(409), errors.ExchangeError, "one half"),
        (answer(451, b""), errors.ExchangeError, "does not serve this location (HTTP 451)"),
        (answer(400, b'{"code":-11'), errors.ValidationError, "refused klines BTCUSDT (HTTP 400)"),
        (answer(302, location="https://login.example/p?signature=abc"), errors.ExchangeError, "to login.example (HTTP"),
        (answer(302, location="http://[bad"), errors.ExchangeError, "with a redirect (HTTP 302)"),
        (answer(502, b"<title>502 Bad Gateway</title>"), errors.NetworkError, "(HTTP 502): 502 Bad Gateway."),
        (answer(504), errors.NetworkError, "failed inside (HTTP 504)."),
        (no(-1007, "Timeout waiting.", 504), errors.NetworkError, "failed inside (HTTP 504): Timeout waiting."),
        (no(-1006, "Execution status unknown."), errors.NetworkError, "Execution status unknown."),
        (no(-99999, "New."), errors.ExchangeError, "refused klines BTCUSDT: New."),
        (answer(600), errors.ExchangeError, "HTTP 600"),
    ],
)
def test_a_read_that_is_refused(given: Answer, kind: type[errors.CryptoxError], says: str) -> None:
    error = error_of(given)
    assert type(error) is kind
    assert says in error.user_message


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"{}", b'{"code":"x","msg":1}', b"\xff\xfe", b'{"code":']
)
@pytest.mark.parametrize("status", [300, 400, 403, 418, 429, 451, 500, 503])
def test_a_broken_body_is_a_typed_error_and_for_orders_a_doubt(status: int, body: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        assert isinstance(error_of(answer(status, body, kind)), errors.CryptoxError)
        assert type(error_of(answer(status, body, kind), acts=True)) is errors.OutcomeUnknown


def test_an_order_is_definitely_refused_only_by_a_known_code_below_500() -> None:
    for code, row in ROWS.items():
        for status, definite in ((400, not row.unknown), (302, False), (500, False), (503, False)):
            error = error_of(no(code, "Words.", status), acts=True)
            assert (type(error) is not errors.OutcomeUnknown) is definite, (code, status)
            assert error.code == code
    assert type(error_of(no(-98765, "Never heard of."), acts=True)) is errors.OutcomeUnknown


def test_doubt_in_one_half_of_a_replacement_is_doubt() -> None:
    halves = {"cancelResponse": {"code": -2011, "msg": "Unknown order sent."}}
    clear = no(-2021, "Order cancel-replace partially failed.", 409, data=halves)
    assert type(error_of(clear, acts=True)) is errors.OrderRejected
    halves["newOrderResponse"] = {"code": -1007, "msg": "Timeout."}
    doubt = no(-2021, "Order cancel-replace partially failed.", 409, data=halves)
    assert type(error_of(doubt, acts=True)) is errors.OutcomeUnknown


def test_outcome_unknown_says_so_and_advises_to_ask() -> None:
    error = error_of(no(-1007, "Timeout waiting for response.", 504), acts=True)
    assert error.user_message.startswith("It is not known whether klines BTCUSDT was carried out: ")
    assert not error.retryable
    assert error.severity == "critical"
    assert "client order id" in error.recovery_suggestions[0]


def test_an_id_that_was_there_already_is_told() -> None:
    """What it decides: whether an order of that id may be the call's own."""
    twice = no(-2010, "Duplicate order sent.")
    assert error_of(twice, acts=True).context["duplicate"] is True
    assert "duplicate" not in error_of(twice).context
    assert "duplicate" not in error_of(no(-2010, "Account has insufficient balance."), acts=True).context


@pytest.mark.parametrize("half", ["cancelResponse", "newOrderResponse"])
def test_doubt_in_either_half_of_a_replacement_is_doubt(half: str) -> None:
    other = {"cancelResponse": "newOrderResponse", "newOrderResponse": "cancelResponse"}[half]
    data = {half: {"code": -1006, "msg": "Unknown."}, other: {"code": -2010, "msg": "No."}}
    error = error_of(no(-2022, "Order cancel-replace failed.", data=data), acts=True)
    assert type(error) is errors.OutcomeUnknown


def test_bounds_of_statuses() -> None:
    for status, acts, kind in (
        (300, False, errors.ExchangeError),
        (500, False, errors.NetworkError),
        (599, False, errors.NetworkError),
        (500, True, errors.OutcomeUnknown),
        (399, True, errors.OutcomeUnknown),
    ):
        assert type(error_of(no(-2010, "No.", status), acts=acts)) is kind, status
    assert "redirect" in str(error_of(answer(300)))
    assert verdict(no(-2010, "No.", 599)) == Verdict("busy")


def test_doubt_keeps_how_long_to_wait_and_the_words() -> None:
    error = error_of(answer(429, b"<html>", retry_after="7"), acts=True)
    assert isinstance(error, errors.OutcomeUnknown)
    assert error.retry_after == 7  # type: ignore[attr-defined]  # asked for where it is there
    assert str(error_of(no(-1007, "Timeout.", 504), acts=True)).startswith(
        "It is not known whether klines BTCUSDT was carried out: binance failed inside (HTTP 504)"
    )
    assert "<html>" in str(error_of(answer(400, b"<html>")).technical_details)


def test_429_waits_as_long_as_the_header_says() -> None:
    given = no(-1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.", 429)
    assert error_of(given).retry_after == 60.0
    error = error_of(answer(429, {"code": -1003, "msg": "x"}, retry_after="17"))
    assert type(error) is errors.RateLimited
    assert error.retry_after == 17.0
    assert error.retryable
    assert "wait 17 s" in error.user_message


BAN = "Way too much request weight used; IP banned until 1767225660000. Please use WebSocket Streams for live updates."


def test_418_waits_until_the_ban_ends() -> None:
    error = error_of(answer(418, {"code": -1003, "msg": BAN}, retry_after="90"))
    assert type(error) is errors.Banned
    assert (error.retry_after, error.retryable, error.severity) == (90.0, False, "critical")
    dated = answer(418, {"code": -1003, "msg": BAN}, date="Thu, 01 Jan 2026 00:00:00 GMT")
    assert error_of(dated).retry_after == 60.0
    assert error_of(answer(418, {"code": -1003, "msg": BAN})).retry_after == 120.0
    assert error_of(answer(418, b"<html>teapot</html>")).retry_after == 120.0


@pytest.mark.parametrize("header", ["nan", "inf", "-inf", "soon", "", "1e400"])
def test_a_senseless_retry_after_is_not_believed(header: str) -> None:
    assert retry_after(answer(429, b"", retry_after=header)) is None


@pytest.mark.parametrize(("header", "seconds"), [("-5", 0.0), ("99999999", 259200.0), ("0.5", 0.5)])
def test_retry_after_stays_within_reason(header: str, seconds: float) -> None:
    assert retry_after(answer(429, b"", retry_after=header)) == seconds


def test_a_senseless_date_is_not_believed() -> None:
    assert retry_after(answer(418, {"code": -1003, "msg": BAN}, date="yesterday")) is None


def test_limits_of_orders_are_limits() -> None:
    error = error_of(no(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429), acts=True)
    assert type(error) is errors.RateLimited
    assert error.recovery_suggestions == ["Until then place no new order; cancelling works."]


def test_clock_skew_and_overload_may_be_repeated() -> None:
    assert error_of(no(-1021, "Timestamp."), acts=True).retryable
    assert type(error_of(no(-1008, "Overloaded.", 400), acts=True)) is errors.NotSent


def test_451_says_what_still_works() -> None:
    error = error_of(answer(451, b"<html><title>Unavailable</title></html>"))
    assert "cryptox.connect('paper')" in " ".join(error.recovery_suggestions)
    assert "VPN" not in " ".join(error.recovery_suggestions).upper()
    assert not error.retryable


def test_titles_and_excerpts_are_cut() -> None:
    error = error_of(answer(502, b"<title>" + b"a" * 5000 + b"</title>"))
    assert error.user_message.count("a" * 200) == 1
    assert "a" * 201 not in error.user_message
    assert len(error.technical_details) < 400


def test_a_title_is_text_and_not_markup() -> None:
    error = error_of(answer(503, b"<title>\n Down <b>for</b>\t&lt;now&gt;\x00\x1b[31m </title>"))
    assert error.user_message == "binance failed inside (HTTP 503): Down for <now> [31m."


@pytest.mark.parametrize("where", ["html", "json", "location"])
def test_no_secret_comes_back_in_an_error(where: str) -> None:
    echo = "GET /x/order?symbol=BTCUSDT&timestamp=1&signature=SENTINEL and X-MBX-APIKEY: SENTINEL signature=SENTINEL"
    given = {
        "html": answer(403, f"<title>{echo}</title><p>{echo}</p>".encode()),
        "json": no(-1100, echo),
        "location": answer(302, location="https://user:SENTINEL@h.example/?signature=SENTINEL"),
    }[where]
    for acts in (False, True):
        error = error_of(given, acts=acts)
        assert "SENTINEL" not in f"{error!r} {error} {error.technical_details} {vars(error)}"
        assert "symbol=BTCUSDT" not in error.technical_details


def test_binary_refusals_say_the_same(shared: Path) -> None:
    pytest.importorskip("cryptox.venues.binance.sbe.codec", reason="the SBE codec is not there")
    vectors = json.loads((shared / "binance" / "vectors.json").read_text(encoding="utf-8"))["sbe"]
    bodies = [bytes.fromhex(one["hex"]) for one in vectors if one["name"] == "ErrorResponse"]
    assert len(bodies) == 2
    symbol, ban = (answer(status, body, "application/sbe") for status, body in zip((400, 418), bodies, strict=True))
    words = words_of(symbol)
    assert words is not None
    assert words[:2] == (-1121, "Invalid symbol.")
    assert str(error_of(symbol)) == str(error_of(no(-1121, "Invalid symbol.")))
    assert type(error_of(symbol, acts=True)) is errors.BadSymbol
    assert type(error_of(ban)) is errors.Banned
    for cut in range(len(bodies[0])):
        broken = answer(400, bodies[0][:cut], "application/sbe")
        assert isinstance(error_of(broken), errors.CryptoxError), cut


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, b"<html>"), Verdict("ok")),
        (no(-1121, "Invalid symbol."), Verdict("refused")),
        (no(-1021, "Timestamp."), Verdict("refused")),
        (no(-1006, "Unexpected."), Verdict("busy")),
        (no(-1008, "Overloaded."), Verdict("busy")),
        (no(-1007, "Timeout.", 504), Verdict("busy")),
        (answer(502, b"<html>"), Verdict("busy")),
        (answer(408), Verdict("busy")),
        (answer(403, b"<html>"), Verdict("refused")),
        (answer(302, location="https://h/"), Verdict("refused")),
        (answer(451), Verdict("refused")),
        (answer(429, b"", retry_after="7"), Verdict("stop", 7.0)),
        (no(-1003, "Too many requests queued.", 429), Verdict("stop", 60.0)),
        (no(-1003, "Too much request weight used.", 400), Verdict("stop", 60.0)),
        (no(-1003, BAN, 400), Verdict("stop", 120.0, banned=True)),
        (answer(418, {"code": -1003, "msg": BAN}, retry_after="90"), Verdict("stop", 90.0, banned=True)),
        (answer(418), Verdict("stop", 120.0, banned=True)),
        (no(-1015, "Too many new orders.", 429), Verdict("refused")),
        (no(-2021, "Order cancel-replace partially failed.", 429), Verdict("refused")),
    ],
)
def test_what_an_answer_means_for_sending(given: Answer, expected: Verdict) -> None:
    assert verdict(given) == expected


def test_a_ban_is_a_ban_under_any_status() -> None:
    assert type(error_of(no(-1003, BAN, 400))) is errors.Banned


@given(status=st.integers(100, 999), body=st.binary(max_size=100))
def test_verdict_and_refusal_agree(status: int, body: bytes) -> None:
    given = answer(status, body, "application/json")
    error = refusal(given, context={}, acts=False)
    assert (verdict(given).kind == "ok") is (error is None)
    assert (verdict(given).kind == "stop") is isinstance(error, errors.RateLimited)


@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=400),
    acts=st.booleans(),
    kind=st.sampled_from(["application/json", "application/sbe", "text/html", ""]),
)
def test_whatever_comes_back_is_one_of_ours(status: int, body: bytes, acts: bool, kind: str) -> None:
    error = refusal(answer(status, body, kind), context={}, acts=acts)
    assert (error is None) is (200 <= status < 300)
    if error is not None:
        assert len(error.technical_details) < 1000
        assert acts is (type(error) is errors.OutcomeUnknown)
