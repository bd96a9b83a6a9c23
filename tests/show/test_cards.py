"""The look of all cards."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cryptox._display import Displayed
from cryptox.model.symbols import Symbol
from cryptox.show import cards, errors, html, progress


def test_a_symbols_card_has_every_field() -> None:
    symbol = Symbol(
        "BTCUSDT", "BTC", "USDT", "TRADING", tick_size=Decimal("0.01000000"), order_types=("LIMIT", "MARKET")
    )
    page = symbol._repr_html_()
    assert page is not None
    assert "<b>Symbol</b>" in page
    for field in dataclasses.fields(Symbol):
        assert f">{field.name}</td>" in page
    assert ">0.01</td>" in page
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1.500"), "1.5"),
        (0.1, "0.1"),
        ((), "–"),
        (None, "–"),
        pytest.param({"b", "a"}, "a, b", id="set"),
        (list(range(14)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2 more"),
        ({"a": Decimal("1.0"), "b": None}, "a 1, b –"),
        (True, "yes"),
        (False, "no"),
        (datetime(2024, 6, 1, 12, 0, 0, 7000, tzinfo=UTC), "2024-06-01T12:00:00.007Z"),
    ],
    ids=str,
)
def test_value_text(value: object, text: str) -> None:
    assert cards.value_text(value) == text


def test_only_our_html_is_taken_as_it_is() -> None:
    assert cards.html_of("<i>") == "&lt;i&gt;"
    assert cards.html_of(cards.Html("<i>")) == "<i>"
    for page in (
        cards.rows([("<i>", "<i>")]),
        cards.table(["<i>"], [["<i>"]]),
        cards.listed(["<i>"]),
        cards.folded("<i>", cards.html_of("<i>")),
        cards.copied("<i>"),
        cards.marked("<i>", cards.GOOD, "<i>"),
        cards.side("<i>"),
        cards.card("<i>", "", about="<i>"),
        progress.bar("<i>", 1.0),
    ):
        assert "<i>" not in page
        assert "&lt;i&gt;" in page


def test_a_value_of_a_secret_name_is_hidden() -> None:
    page = cards.rows([("api_key", "abcdef"), ("listenKey", "abcdef"), ("text", "signature=abcdef"), ("price", 1)])
    assert "abcdef" not in page
    assert page.count("***") == 3


def test_controls_are_spelled_out_and_lines_stay() -> None:
    assert cards.safe("a\x1b[2J\nb\r") == "a\\x1b[2J\nb\\r"


def test_a_side_is_told_by_text_besides_colour() -> None:
    assert cards.side("buy").endswith("▲</span> buy")
    assert cards.side("sell").endswith("▼</span> sell")
    assert cards.GOOD in cards.side("buy")
    assert cards.BAD in cards.side("sell")
    assert cards.side("both") == "both"


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [cards.GOOD, cards.BAD, progress.BAR, *errors.ACCENTS.values()])
@pytest.mark.parametrize("page", ["#ffffff", "#111111"], ids=["light", "dark"])
def test_marks_stand_out_on_light_and_dark_pages(colour: str, page: str) -> None:
    dark, light = sorted((luminance(colour), luminance(page)))
    assert (light + 0.05) / (dark + 0.05) >= 3
