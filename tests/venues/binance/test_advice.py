"""What to do after a refusal, by its text."""

from __future__ import annotations

import pytest

from cryptox.venues.binance.advice import advice_of


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("Order would immediately match and take.", "LIMIT_MAKER only rests"),
        ("Unknown order sent.", "filled, canceled or expired"),
        ("Filter failure: MAX_NUM_ALGO_ORDERS", "Cancel some of open_orders"),
        ("Filter failure: EXCHANGE_MAX_NUM_ORDERS", "Cancel some of open_orders"),
    ],
)
def test_a_text_has_its_advice(words: str, advice: str) -> None:
    assert advice in str(advice_of(words))


@pytest.mark.parametrize("words", ["Filter failure: LOT_SIZE", "Something new.", ""])
def test_where_the_class_or_the_nearest_values_say_it_there_is_none(words: str) -> None:
    assert advice_of(words) is None
