"""Request frames: what can be read, and what an unreadable one is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.paper.signatures import call_payloads
from cryptox.paper.wsapi.requests import Unread, read_call
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code

DEEP, LONG = "[" * 100_000 + "]" * 100_000, "9" * 5_000


def frame(**fields: Any) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize("number", [1, -5, 2**62, "a1", "", "9e0c-…", None])
def test_ids_of_every_kind_are_kept(number: Any) -> None:
    call = read_call(frame(id=number, method="ping"))
    assert call.id == number
    assert call.method.twin is ep.PING
    assert call.params == {}


def test_names_may_carry_a_prefix() -> None:
    assert read_call(frame(id=1, method="v3/order.place")).method is read_call(frame(id=1, method="order.place")).method


def test_values_become_the_text_of_a_query() -> None:
    text = (
        '{"id":1,"method":"klines","params":{"a":"BTCUSDT","b":1.50,"c":17000000000000000,"d":true,"e":false,'
        '"f":["A", "B"],"g":"[\\"A\\",\\"B\\"]","h":null,"i":"é\\u00e9","j": 5 }}'
    )
    assert read_call(text).params == {
        "a": "BTCUSDT",
        "b": "1.50",  # digit by digit: it is signed so
        "c": "17000000000000000",
        "d": "true",
        "e": "false",
        "f": '["A","B"]',
        "g": '["A","B"]',
        "i": "éé",
        "j": "5",
    }


@given(st.decimals(min_value=0, max_value=10**9, places=8))
def test_numbers_are_signed_as_written(number: Any) -> None:
    call = read_call(f'{{"id":1,"method":"order.place","params":{{"price":{number:f},"signature":"x"}}}}')
    assert call_payloads(call.params) == (f"price={number:f}".encode(),)


@pytest.mark.parametrize(
    ("text", "number", "code", "words"),
    [
        ("", None, Code.INVALID_JSON, "Invalid JSON Request"),
        ("{", None, Code.INVALID_JSON, "Invalid JSON Request"),
        ("[]", None, Code.INVALID_JSON, "Invalid JSON Request"),
        ("5", None, Code.INVALID_JSON, "Invalid JSON Request"),
        (b'{"id":1,"method":"ping"}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        ('{"method":"ping"}', None, Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "'id'"),
        ('{"id":1.5,"method":"ping"}', None, Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "'id'"),
        ('{"id":true,"method":"ping"}', None, Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "'id'"),
        ('{"id":7}', 7, Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "'method'"),
        ('{"id":7,"method":5}', 7, Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, "'method'"),
        ('{"id":7,"method":"PING"}', 7, Code.UNSUPPORTED_OPERATION, "not supported"),
        ('{"id":7,"method":"userDataStream.start"}', 7, Code.UNSUPPORTED_OPERATION, "not supported"),
        ('{"id":7,"method":"ping","params":[]}', 7, Code.INVALID_JSON, "'params'"),
        ('{"id":7,"method":"ping","params":{"a":"\\ud800"}}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        (f'{{"id":{LONG},"method":"ping"}}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        (f'{{"id":{DEEP},"method":"ping"}}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        (f'{{"id":7,"method":{DEEP}}}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        (f'{{"id":7,"method":"ping","params":{{"a":{DEEP}}}}}', None, Code.INVALID_JSON, "Invalid JSON Request"),
        (f'{{"id":7,"method":"ping","params":{{"a":[{LONG}]}}}}', 7, Code.INVALID_JSON, "'params'"),
        ('{"id":7,"method":"ping","params":{"returnRateLimits":"no"}}', 7, Code.ILLEGAL_CHARS, "returnRateLimits"),
    ],
)
def test_what_cannot_be_read_is_refused(text: Any, number: Any, code: Code, words: str) -> None:
    with pytest.raises(Unread) as caught:
        read_call(text)
    assert caught.value.id == number
    assert caught.value.refused.code is code
    assert words in caught.value.refused.text
    assert caught.value.refused.status == 400


@pytest.mark.parametrize(("sent", "wanted"), [("true", True), ("false", False), ("null", None), ('"false"', False)])
def test_each_request_may_hide_the_limits(sent: str, wanted: bool | None) -> None:
    call = read_call(f'{{"id":1,"method":"ping","params":{{"returnRateLimits":{sent}}}}}')
    assert call.rate_limits is wanted


def test_params_may_be_null() -> None:
    assert read_call('{"id":1,"method":"ping","params":null}').params == {}
