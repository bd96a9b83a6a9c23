"""Cards of errors, in text and HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from cryptox.errors import BadSymbol, Banned, CryptoxError, NetworkError, RateLimited, ValidationError
from cryptox.show import errors, html


class Reader(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


ERROR = BadSymbol(
    "nothing trades as BTCUSD",
    technical_details="HTTP 400: Invalid symbol.",
    recovery_suggestions=["Near names: BTCUSDT, BTCUSDC."],
    context={"venue": "paper", "endpoint": "/api/v3/klines", "user": None},
    code=-1121,
    suggested={"call": "klines", "symbol": "BTCUSDT", "interval": "4h", "limit": 10},
)


def test_text_says_what_why_what_to_do_and_the_call() -> None:
    assert errors.text_lines(ERROR) == [
        "BadSymbol: nothing trades as BTCUSD (code -1121)",
        "",
        "Why",
        "  HTTP 400: Invalid symbol.",
        "  venue paper, endpoint /api/v3/klines",
        "",
        "What to do",
        "  - Near names: BTCUSDT, BTCUSDC.",
        "",
        "Try",
        '  cx.klines("BTCUSDT", "4h", limit=10)',
    ]


def test_html_has_the_same_content() -> None:
    page = ERROR._repr_html_()
    assert page is not None
    read = Reader(page)
    assert read.open == []
    text = " ".join(read.texts)
    for line in errors.text_lines(ERROR):
        plain = line.strip().removeprefix("- ").removeprefix("BadSymbol: ")
        if plain not in ("Why", "What to do", "Try"):
            assert plain in text
    assert ERROR._repr_mimebundle_() == {"text/plain": repr(ERROR), "text/html": page}


def test_everything_is_escaped() -> None:
    bad = "<script>alert('x')</script>&"
    error = CryptoxError(
        bad,
        technical_details=bad + "detail",
        recovery_suggestions=[bad],
        context={bad: bad},
        suggested={"call": "klines", "symbol": bad},
    )
    page = html(error)
    assert page is not None
    assert "<script" not in page
    read = Reader(page)
    assert "script" not in read.tags
    assert bad in read.texts
    assert page.count("&lt;script&gt;") == 5


@pytest.mark.parametrize(
    ("suggested", "context", "call"),
    [
        (None, {}, None),
        ({"start": "2024-01-01", "end": "2024-02-01"}, {}, 'start="2024-01-01", end="2024-02-01"'),
        ({"limit": 5}, {"operation": "depth"}, "cx.depth(limit=5)"),
        ({"call": "prices", "symbols": ["A", "B"]}, {}, 'cx.prices(symbols=["A", "B"])'),
        ({"call": "x", "limit": 5, "symbol": 'quo"te'}, {}, "session.x('quo\"te', limit=5)"),
        ({"call": "place_order", "side": "buy", "symbol": "A"}, {}, 'session.place_order("A", side="buy")'),
    ],
    ids=["none", "arguments-only", "operation", "list", "order", "of-a-session"],
)
def test_corrected_call(suggested: dict[str, object] | None, context: dict[str, object], call: str | None) -> None:
    assert errors.corrected_call(ValidationError("no", suggested=suggested, context=context)) == call


def test_waiting_time_and_partial_are_told() -> None:
    lines = errors.text_lines(RateLimited("too much", retry_after=12.4, partial=["a row"]))
    assert "  - Wait 13 s." in lines
    assert "  - What was fetched so far is in the error's .partial." in lines
    assert "partial" not in "".join(errors.text_lines(RateLimited("too much", retry_after=1, partial=[])))


def test_secrets_of_foreign_texts_are_hidden() -> None:
    error = NetworkError("GET https://x/?signature=abcdef failed", technical_details="apiKey=abcdef")
    shown = "\n".join(errors.traceback_lines(error)) + errors.html(error)
    assert "abcdef" not in shown


def test_long_details_are_cut() -> None:
    lines = errors.text_lines(NetworkError("no", technical_details="x" * 5000))
    assert max(map(len, lines)) < 420


def test_severity_colours_differ() -> None:
    assert errors.ACCENTS["warning"] in errors.html(NetworkError("no"))
    assert errors.ACCENTS["critical"] in errors.html(Banned("no"))


def test_traceback_lines_show_the_users_line() -> None:
    try:
        raise ValidationError("wrong")
    except ValidationError as error:
        (text,) = error._render_traceback_()
    lines = text.splitlines()
    assert lines[0] == "ValidationError: wrong"
    assert lines[2].startswith(f"File {__file__}, line ")
    assert lines[3].endswith('raise ValidationError("wrong")')
    assert lines[-1] == "Full chain: print(cx.last_error())"


def test_a_card_that_cannot_be_drawn_does_not_hide_the_error() -> None:
    error = ValidationError("wrong")
    error.recovery_suggestions = None  # type: ignore[assignment]
    assert error._render_traceback_() == ["ValidationError: wrong"]
