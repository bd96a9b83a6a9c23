"""Titles, escaping, times, and colours that can be seen on light and on dark pages."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.model.lines import one_line
from cryptox.show.figures import look

PAGES = {"light": ["#ffffff"], "dark": ["#111111"], "auto": ["#ffffff", "#111111"]}


@given(st.text(max_size=look.LONGEST))
def test_whatever_is_escaped_is_shown_as_it_is_and_never_read(text: str) -> None:
    found = look.escaped(text)
    assert not set("<>$%") & set(found)
    assert unescape(found) == unescape(look.escaped(one_line(text)))
    if text.isprintable() and "=" not in text and ":" not in text:  # nothing that could be a secret
        assert unescape(found) == text


def test_long_names_are_cut_before_they_are_escaped() -> None:
    found = look.escaped("<" * 1000)
    assert found == "&lt;" * (look.LONGEST - 1) + "…"


def test_secrets_do_not_reach_a_figure() -> None:
    assert "abcdef" not in look.escaped("secret=abcdef")


def test_what_plotly_reads() -> None:
    assert look.escaped('<img src=x onerror=alert(1)> &lt; $x$ %{y} "') == (
        '&lt;img src=x onerror=alert(1)&gt; &amp;lt; &#36;x&#36; &#37;{y} "'
    )


def test_titles() -> None:
    assert look.About("BTCUSDT", "paper", "1h").title() == "<b>BTCUSDT</b> 1h · paper"
    assert look.About("<b>", None, "<i>").title("trades") == "<b>&lt;b&gt;</b> &lt;i&gt; trades"
    assert look.About().title() == ""
    assert look.About(None, "paper").title("tickers") == "tickers · paper"


def test_times() -> None:
    assert look.moment(1_717_243_200_000) == "2024-06-01 12:00"
    assert look.moment(1_717_243_201_000) == "2024-06-01 12:00:01"
    assert look.moment(1_717_243_201_500) == "2024-06-01 12:00:01.500"
    assert look.span(0, 60_000) == "1970-01-01 00:00 to 1970-01-01 00:01 UTC"


@pytest.mark.parametrize(
    ("step_ms", "form"),
    [(None, "%S.%L"), (0, "%S.%L"), (1_000, "%M:%S"), (60_000, "%H:%M"), (3_600_000, "%H:%M"), (86_400_000, "%m-%d")],
)
def test_the_hover_tells_as_much_of_a_time_as_is_needed(step_ms: int | None, form: str) -> None:
    axis = look.time_axis(step_ms)
    assert axis["hoverformat"].endswith(form)
    assert axis["rangeslider"] == {"visible": False}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", look.THEMES)
def test_text_can_be_read_on_its_pages(theme: str) -> None:
    assert all(contrast(look.INK[theme], page) >= (4 if theme == "auto" else 7) for page in PAGES[theme])


@pytest.mark.parametrize("colour", [*look.PALETTE, look.GOOD, look.BAD])
def test_lines_stand_out_from_all_pages(colour: str) -> None:
    assert min(contrast(colour, page) for page in PAGES["auto"]) >= 3


def test_faded() -> None:
    assert look.faded("#1f9d61", 0.25) == "rgba(31,157,97,0.25)"


def test_the_page_shines_through_and_another_template_takes_all_of_the_look() -> None:
    figure = look.build([], {}, title="t", told=["a", "b"], theme="dark", note="nothing")
    told = figure.to_plotly_json()["layout"]
    assert told["title"] == {"text": "t", "subtitle": {"text": "a · b"}}
    assert told["annotations"][0]["text"] == "nothing"
    assert told["height"] == look.HEIGHT
    assert figure.layout.template.layout.paper_bgcolor == look.CLEAR
    assert figure.layout.template.layout.font.color == look.INK["dark"]
    assert "paper_bgcolor" not in told
    figure.layout.template = {"layout": {"paper_bgcolor": "black"}}
    assert figure.layout.template.layout.to_plotly_json() == {"paper_bgcolor": "black"}


def test_a_long_legend_has_room() -> None:
    tops = []
    for count in (1, 6, 12):
        traces = [{"type": "scatter", "name": "a column's name"}] * count
        tops.append(look.build(traces, {"showlegend": True}, title="").layout.margin.t)
    assert tops == [look.TOP + lines * look.LEGEND_PX for lines in (1, 2, 3)]
    assert look.build([], {}, title="").layout.margin.t == look.TOP
