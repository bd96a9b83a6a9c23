from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptox.paper.streams.control import Command, Mistaken, answered, read_command

VARIANTS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"

DEEP, LONG = "[" * 100_000 + "]" * 100_000, "9" * 5_000
NOT_JSON = {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (
            '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth"],"id":1}',
            Command("SUBSCRIBE", 1, ("btcusdt@aggTrade", "btcusdt@depth")),
        ),
        ('{"method":"UNSUBSCRIBE","params":["a","a"],"id":-2}', Command("UNSUBSCRIBE", -2, ("a",))),
        ('{"method":"LIST_SUBSCRIPTIONS","id":3}', Command("LIST_SUBSCRIPTIONS", 3)),
        ('{"method":"LIST_SUBSCRIPTIONS","params":[],"id":null}', Command("LIST_SUBSCRIPTIONS", None)),
        ('{"method":"SET_PROPERTY","params":["combined",true],"id":4}', Command("SET_PROPERTY", 4, value=True)),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":"5a"}', Command("GET_PROPERTY", "5a")),
        (
            '{"id":"9f1c2b1e-0000-4000-8000-123456789abc","method":"SUBSCRIBE","params":[]}',
            Command("SUBSCRIBE", "9f1c2b1e-0000-4000-8000-123456789abc"),
        ),
    ],
)
def test_commands(text: str, command: Command) -> None:
    assert read_command(text) == command
    assert read_command(text.encode()) == command


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"method":"\\ud800","id":1}', NOT_JSON),
        ('{"method":"SUBSCRIBE","params":["\\ud800"],"id":1}', NOT_JSON),
        ('{"method":"SUBSCRIBE","params":[],"id":1,"\\udfff":2}', NOT_JSON),
        (f'{{"method":"SUBSCRIBE","params":[],"id":{LONG}}}', NOT_JSON),
        (f'{{"method":{DEEP},"id":1}}', NOT_JSON),
        ('{"method":"GET_PROPERTY","params":["x"],"id":7}', {"code": 0, "msg": "Unknown property", "id": 7}),
        ('{"method":"SET_PROPERTY","params":["x",true],"id":"a"}', {"code": 0, "msg": "Unknown property", "id": "a"}),
        (
            '{"method":"SET_PROPERTY","params":["combined",1],"id":1}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined"],"id":1}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
        (
            '{"method":"GET_PROPERTY","params":[],"id":1}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"SET_PROPERTY","params":[true,"combined"],"id":1}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS"}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":1.5}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":true}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":9223372036854775808}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","id":"' + "x" * 37 + '"}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        # The column of the documentation: after the closing quote of a method of nine letters behind this id.
        (
            '{"id":1,"method":"SUBSCRIBX","params":["a"]}',
            {
                "code": 2,
                "msg": f"Invalid request: unknown variant SUBSCRIBX, expected one of {VARIANTS} at line 1 column 28",
            },
        ),
        (
            '{"id":1,"params":["btcusdt@aggTrade","btcusdt@depth","ethusdt@aggTrade1"]}',
            {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 74"},
        ),
        ("[]", {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 2"}),
        (
            '{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        (
            '{"method":"GET_PROPERTY","params":["combined",true],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        ("hello", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        ('{"method":\n  nothing}', {"code": 3, "msg": "Invalid JSON: expected value at line 2 column 3"}),
        ("[" * 100_000, {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        ('{"method":"SUBSCRIBE","id":1}', {"code": 2, "msg": "Invalid request: missing field `params`"}),
        (
            '{"method":"SUBSCRIBE","params":[1],"id":1}',
            {"code": 2, "msg": "Invalid request: stream name must be a string"},
        ),
    ],
)
def test_mistakes(text: str, answer: dict[str, Any]) -> None:
    with pytest.raises(Mistaken) as caught:
        read_command(text)
    assert caught.value.answer == answer


def test_answers_repeat_the_id() -> None:
    assert json.dumps(answered(read_command('{"method":"LIST_SUBSCRIPTIONS","id":null}'), ["a"])) == (
        '{"result": ["a"], "id": null}'
    )
    assert answered(read_command('{"method":"SUBSCRIBE","params":[],"id":"z"}')) == {"result": None, "id": "z"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text()
    | st.binary()
    | st.fixed_dictionaries(
        {},
        optional={
            "method": st.sampled_from(("SUBSCRIBE", "SET_PROPERTY", "GET_PROPERTY", "LIST_SUBSCRIPTIONS")) | VALUES,
            "params": st.lists(st.just("combined") | VALUES, max_size=3) | VALUES,
            "id": st.integers() | VALUES,
        },
    ).map(json.dumps)
)
def test_whatever_is_said_is_a_command_or_a_mistake(text: str | bytes) -> None:
    try:
        command = read_command(text)
    except Mistaken as mistaken:
        answer = mistaken.answer
    else:
        assert all(isinstance(name, str) for name in command.streams)
        answer = answered(command)
    assert ("result" in answer) != (answer.get("code") in (0, 1, 2, 3))
    json.dumps(answer)
