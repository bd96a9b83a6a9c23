"""Options are judged one by one, and against what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryptox.errors import ValidationError
from cryptox.show.figures.wishes import MOST_OVERLAYS, Wishes, wishes


def test_what_can_be_asked_for() -> None:
    assert wishes() == Wishes()
    assert wishes(overlay="a").overlay == {"a": "a"}
    assert wishes(overlay=("a", "b")).overlay == {"a": "a", "b": "b"}
    assert wishes(overlay={"mean": [1, 2]}).overlay == {"mean": [1, 2]}
    assert wishes(overlay=[]) == Wishes()
    found = wishes(log=np.True_, volume=False, symbol="X", height=500.0, theme="dark")
    assert found == Wishes(log=True, volume=False, symbol="X", height=500, theme="dark")
    assert type(found.height) is int


@pytest.mark.parametrize(
    ("options", "message", "suggested"),
    [
        ({"overlay": 3}, "overlay is a column's name, .* this one is a int", None),
        ({"overlay": ["a", 3]}, "this one is a list", None),
        ({"overlay": {3: [1]}}, "this one is a dict", None),
        ({"overlay": [str(at) for at in range(MOST_OVERLAYS + 1)]}, "13 overlays are more than one can read", None),
        ({"log": "no"}, "log is True or False", None),
        ({"volume": 1}, "volume is True or False", None),
        ({"symbol": ["A"]}, "symbol is one symbol as text, not a list", None),
        ({"height": 10}, "height=10 is not a whole number of pixels from 120 to 4000", {"height": 120}),
        ({"height": 1e9}, "height=1000000000.0 is not", {"height": 4000}),
        ({"height": 500.5}, "height=500.5 is not", {"height": 500}),
        ({"height": float("nan")}, "height=nan is not", None),
        ({"height": True}, "height=True is not", None),
        ({"height": "tall"}, "height='tall' is not", None),
        ({"theme": "Drak"}, "theme='Drak' is not one of auto, light, dark", {"theme": "dark"}),
        ({"theme": None}, "theme=None is not one of", {"theme": "auto"}),
    ],
)
def test_what_cannot(options: dict[str, Any], message: str, suggested: dict[str, Any] | None) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        wishes(**options)
    assert caught.value.suggested == suggested
    assert caught.value.recovery_suggestions


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("depth", {"overlay": "a"}, "overlay= is for figures of klines, not of depth"),
        ("trades", {"volume": False}, "volume= is for figures of klines, not of trades"),
        ("ticker", {"log": True}, "log= is for figures of klines and trades and depth, not of ticker"),
        ("book_ticker", {"log": True}, "not of book ticker"),
        ("orders", {"log": True}, "not of orders"),
    ],
)
def test_what_a_kind_has_not(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        wishes(**options).check(kind)


@pytest.mark.parametrize("kind", ["klines", "trades", "depth", "ticker", "book_ticker", "orders", "account"])
def test_height_theme_and_symbol_fit_everywhere(kind: str) -> None:
    wishes(height=300, theme="light", symbol="X").check(kind)
