"""Calls to copy."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from cryptox.show.calls import call_line


@pytest.mark.parametrize(
    ("call", "arguments", "line"),
    [
        ("klines", {"interval": "4h", "symbol": "A", "limit": 5}, 'cx.klines("A", "4h", limit=5)'),
        ("live.trades", {"symbol": "A"}, 'cx.live.trades("A")'),
        ("buy", {"symbol": "A", "quantity": "0.1"}, 'session.buy("A", quantity="0.1")'),
        (None, {"symbol": "A", "limit": 5}, 'symbol="A", limit=5'),
        ("df.cx.plot", {"symbol": "A", "theme": "dark"}, 'df.cx.plot(symbol="A", theme="dark")'),
        ("feed.figure", {"symbol": "A"}, 'feed.figure(symbol="A")'),
    ],
    ids=["public", "live", "of-a-session", "unnamed", "of-a-frame", "of-a-feed"],
)
def test_a_call_as_one_writes_it(call: str | None, arguments: dict[str, Any], line: str) -> None:
    assert call_line(call, arguments) == line


@pytest.mark.parametrize("text", ["a'b", 'a"b', "a'\"b", "a\\", "a\nb", "\x1b[2J", '");import os#', "é"])
def test_what_is_copied_is_the_value_and_nothing_else(text: str) -> None:
    tree = ast.parse(call_line("klines", {"symbol": text, "more": [text, 1]}), mode="eval").body
    assert isinstance(tree, ast.Call)
    assert [ast.literal_eval(one) for one in tree.args] == [text]
    assert {one.arg: ast.literal_eval(one.value) for one in tree.keywords} == {"more": [text, 1]}
