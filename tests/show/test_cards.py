"""Cards of records."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from cryptox._display import Displayed
from cryptox.model.symbols import Symbol
from cryptox.show import cards, html


def test_a_symbols_card_has_every_field() -> None:
    symbol = Symbol(
        "BTCUSDT", "BTC", "USDT", "TRADING", tick_size=Decimal("0.01000000"), order_types=("LIMIT", "MARKET")
    )
    page = symbol._repr_html_()
    assert page is not None
    assert "<b>Symbol</b>" in page
    for field in dataclasses.fields(Symbol):
        assert f">{field.name}</td>" in page
    assert ">0.01000000</td>" in page
    assert ">LIMIT, MARKET</td>" in page
    assert "Decimal" not in page
    assert "None" not in page


def test_values_are_escaped_and_private_fields_left_out() -> None:
    @dataclasses.dataclass
    class Record(Displayed):
        name: str
        _inner: str = "hidden"
        key: str = dataclasses.field(default="hidden", repr=False)

    page = html(Record("<b>&"))
    assert page is not None
    assert "&lt;b&gt;&amp;" in page
    assert "hidden" not in page


def test_other_things_have_no_card() -> None:
    class Thing(Displayed):
        pass

    assert Thing()._repr_html_() is None
    assert "text/html" not in Thing()._repr_mimebundle_()
    assert html(Symbol) is None


def test_value_text() -> None:
    assert cards.value_text(Decimal("1E-8")) == "0.00000001"
    assert cards.value_text(()) == "–"
    assert cards.value_text({"b", "a"}) == "a, b"
    assert cards.value_text(True) == "True"
