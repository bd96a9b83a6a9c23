"""Cards in a real page; and first, that the tests here would hear of what goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from labs import Lab, Notebook, Window

import cryptox

SHOW = Path(__file__).parents[1] / "show"
PRINTED = "[data-mime-type='application/vnd.jupyter.stdout']"
HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_kernel_is_the_environment_under_test(notebook: Callable[..., Notebook]) -> None:
    book = notebook("import sys, cryptox; print(sys.executable, cryptox.__file__)")
    book.run(0)
    assert book.output(0).inner_text().split() == [sys.executable, cryptox.__file__]


def test_what_goes_wrong_is_heard(window: Window, lab: Lab, notebook: Callable[..., Notebook]) -> None:
    book = notebook("import socket\ntry: socket.create_connection(('192.0.2.1', 9), 0.001)\nexcept OSError: pass")
    assert (window.errors, window.elsewhere(), lab.called()) == ([], [], [])
    window.page.evaluate("setTimeout(() => { throw new Error('thrown') }); console.error('said')")
    window.page.evaluate("setTimeout(() => alert('shown')); fetch('http://example.invalid/').catch(() => 0); 0")
    heard = {"uncaught thrown", "console said", "dialog shown"}
    book.until(lambda: heard <= {*window.errors}, "three errors")
    book.until(lambda: window.elsewhere() == ["http://example.invalid/"], "a request")
    book.until(lambda: any("Failed to load" in error for error in window.errors), "the request's end")
    window.forget()
    book.run(0)
    assert lab.called() == ["socket.getaddrinfo 192.0.2.1", "socket.connect 192.0.2.1"]
    lab.elsewhere.write_text("")


def test_text_from_outside_is_text_in_every_card(window: Window, notebook: Callable[..., Notebook]) -> None:
    some = "for kind in every.RECORDS{}: display(every.filled(kind))\nprint(len(every.RECORDS{}))"
    book = notebook(
        f"import sys; sys.path.insert(0, {str(SHOW)!r})\nimport test_every_card as every",
        some.format("[:40]", "[:40]"),  # a cell shows fifty outputs and hides the rest
        some.format("[40:]", "[40:]"),
        f"import cryptox as cx\ncx.klines({HOSTILE!r})",
        "from cryptox import errors\nraise every.error(errors.OrderRejected)",
        f"from IPython.display import HTML\nHTML({'<b>' + HOSTILE!r})",
    )
    book.run(0)
    for index in (1, 2):
        book.run(index)
        cards = book.output(index).locator(".jp-RenderedHTML")
        assert 40 >= cards.count() == int(book.output(index).locator(PRINTED).inner_text()) > 5
        for place in range(cards.count()):
            assert HOSTILE in cards.nth(place).inner_text(), cards.nth(place).inner_text()
    for index in (3, 4):
        book.run(index)
        assert HOSTILE in book.output(index).inner_text()
    assert "BadSymbol" in book.output(3).inner_text()
    assert window.page.locator("img[src=x]").count() == 0
    assert window.errors == []
    book.run(5)  # and were it not, it would be heard
    book.until(lambda: "dialog 1" in window.errors, "the image's script")
    window.forget()
