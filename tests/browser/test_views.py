"""Live views in JupyterLab: each moves by itself and while a cell computes, obeys its buttons, outlives its page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from labs import Lab, Notebook, Window

# The kernel's market runs fast, so that candles close; what serves feeds there has names.
SETUP = """
import asyncio, threading, time
import cryptox as cx
from cryptox import portal
from ipywidgets.widgets.widget import _instances as models
exchange = cx.PaperExchange(clock=("2024-06-01 12:00", 20)).start()
session = cx.use(exchange)

async def tasks():
    names = (one.get_name() for one in asyncio.all_tasks())
    return sorted(one for one in names if one.startswith("cryptox-") and one != "cryptox-order")  # orders come and go

def census():
    views = sum(type(model).__name__.endswith("View") for model in models.values())
    threads = [one.name for one in threading.enumerate() if one.name.startswith("cryptox")]
    threads = sorted(name for name in threads if not name.startswith("cryptox-paper"))
    return views, threads, portal.run(tasks())
"""
KLINES = "feed = session.live.klines('BTCUSDT', '1m')\nfeed"
OTHERS = {
    "book": "book = session.live.book('BTCUSDT', levels=10)\nbook",
    "trades": "trades = session.live.trades('BTCUSDT')\ntrades",
    "ticker": "ticker = session.live.ticker(['BTCUSDT', 'ETHUSDT'])\nticker",
    "orders": "orders = session.live.orders()\norders",
    "account": "account = session.live.account()\naccount",
    "dashboard": "board = cx.dashboard('BTCUSDT', interval='1m')\nboard",
}
# Own orders and balances move when somebody trades: here a thread does, as a cell that computes cannot.
TRADE = """
def trade():
    while trading:
        session.buy("BTCUSDT", "0.001")
        time.sleep(0.5)

trading = True
threading.Thread(target=trade, daemon=True).start()
"""
NOTEBOOK_7 = (  # says so of itself as it starts
    "uncaught Cannot read properties of undefined (reading 'schema')",
    "uncaught Command 'filebrowser:open-path' not registered.",
)
HOSTILE = "<img src=x onerror=alert(1)>"
COMPUTE = "while True: pass"
SHOWN, BUSY = 1, 2  # the cells


class View:
    """A live view on the page."""

    def __init__(self, book: Notebook, cell: int = SHOWN) -> None:
        self.book = book
        self.root = book.output(cell).locator(".cryptox-live")
        self.body = self.root.locator(".cryptox-body")
        self.pause = self.root.get_by_role("button", name="Pause")
        self.resume = self.root.get_by_role("button", name="Resume")
        self.stop = self.root.get_by_role("button", name="Stop", exact=True)

    def text(self) -> str:
        """What can be read of it."""
        return str(self.body.inner_text())

    def moves(self, times: int = 3) -> None:
        """See it change, so many times."""
        before = self.text()
        for _ in range(times):
            self.book.until(lambda before=before: self.text() != before, f"it moves; it says {before!r}")
            before = self.text()

    def stands(self) -> None:
        """See it not change, while in the kernel there is much news."""
        self.book.page.wait_for_timeout(300)  # what was on its way is there
        before, received = self.text(), self.received()
        self.book.until(lambda: self.received() > received + 3, "news in the kernel")
        self.book.page.wait_for_timeout(300)
        assert self.text() == before

    def received(self) -> int:
        """Events that the feed has had."""
        return int(self.book.ask("print(feed.status.received)"))

    def word(self, word: str) -> None:
        """Wait until its state is said in that word."""
        self.root.locator(".cryptox-state", has_text=word).first.wait_for()


@pytest.fixture(scope="module")
def shown(shared_window: Window) -> Iterator[View]:
    """A notebook whose second cell shows candles; the tests share it."""
    book = shared_window.open(SETUP, KLINES, COMPUTE, name="klines")
    book.run(0)
    yield View(book)
    book.close()


@pytest.fixture
def view(shown: View, shared_window: Window) -> Iterator[View]:
    """The view, its cell just run; afterwards the page must have had no error."""
    shared_window.forget()
    shown.book.run(SHOWN)
    shown.root.wait_for()
    yield shown
    assert shared_window.errors == []
    assert shared_window.elsewhere() == []
    assert shared_window.lab.called() == []


def test_it_moves_while_no_cell_runs_and_while_one_computes(view: View) -> None:
    view.word("connected")
    view.moves()
    view.book.run(BUSY, wait=False)
    view.book.until(view.book.busy, "the cell computes")
    view.moves(5)
    assert view.book.busy()
    view.book.interrupt()
    view.moves()
    assert view.root.locator(".cryptox-error:visible").count() == 0


def test_it_pauses_and_goes_on_by_mouse_and_by_keyboard(view: View) -> None:
    view.moves(1)
    view.pause.click()
    view.resume.wait_for()
    view.stands()
    view.resume.click()
    view.moves(1)
    view.pause.focus()
    view.book.page.keyboard.press("Enter")
    view.resume.wait_for()
    view.stands()
    view.book.page.keyboard.press("Space")
    view.moves(1)


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_it_stops_and_keeps_its_last_picture(view: View, how: str) -> None:
    view.moves(1)
    if how == "mouse":
        view.stop.click()
    else:
        view.pause.focus()
        view.book.page.keyboard.press("Tab")
        view.book.page.keyboard.press("Space")
    view.word("stopped")
    assert view.text() != ""
    assert view.book.ask("print(feed.is_running, census()[1])") == "False ['cryptox']"
    last = view.text()
    view.book.page.wait_for_timeout(500)
    assert view.text() == last


def test_running_the_cell_again_leaves_one_of_everything(view: View) -> None:
    before = view.book.ask("print(census())")
    assert before.startswith("(1, ['cryptox'")
    for _ in range(2):
        view.book.run(SHOWN)
    view.root.wait_for()
    assert view.root.count() == 1
    assert view.book.output(SHOWN).locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    settle = f"for _ in range(1000):\n    if str(census()) == {before!r}: break\n    time.sleep(0.02)"
    assert view.book.ask(f"{settle}\nprint(census())") == before
    view.moves(1)


def test_it_outlives_its_page(view: View) -> None:
    view.moves(1)
    view.book.save()
    view.book.reload()
    view.root.wait_for()
    view.word("connected")
    view.moves()


def test_the_saved_file_has_a_picture_and_no_secret(view: View, tmp_path: Path) -> None:
    view.moves(1)
    saved = view.book.save()
    keys = view.book.ask("print(*exchange.first_account())").split()
    assert len(keys) == 2
    assert not any(key in saved for key in keys)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path), str(view.book.path)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    (path,) = tmp_path.glob("*.html")
    html = path.read_text(encoding="utf-8")
    assert not any(key in html for key in keys)
    page = view.book.window.context.new_page()
    page.set_content(html, wait_until="domcontentloaded")
    picture = page.locator(".jp-OutputArea-output").filter(has_text="BTCUSDT").first
    assert picture.is_visible()
    assert picture.bounding_box()["height"] > 50
    page.close()
    view.book.window.forget()  # the template of nbconvert asks others for its scripts


def test_notebook_7_shows_it_and_text_from_outside_as_text(window: Window, lab: Lab) -> None:
    pytest.importorskip("notebook", reason="Notebook 7 is not installed")
    card = f"display(cx.errors.BadSymbol({HOSTILE!r}, recovery_suggestions=[{HOSTILE!r}]))\ncx.klines({HOSTILE!r})"
    book = window.written(SETUP, KLINES, card, name="seven")
    page = window.context.new_page()
    page.goto(f"{lab.url}/notebooks/{book.path.name}")
    cells = page.locator(".jp-CodeCell")
    cells.first.click()
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    line = page.locator(".cryptox-live .cryptox-body")
    line.wait_for()
    before = line.inner_text()
    book.until(lambda: line.inner_text() != before, "it moves")
    for kind in (".jp-RenderedHTML", ".jp-RenderedText"):
        book.until(lambda kind=kind: HOSTILE in cells.nth(2).locator(kind).last.inner_text(), f"the text in {kind}")
    assert page.locator("img[src=x]").count() == 0
    page.close()
    window.errors[:] = [one for one in window.errors if one not in NOTEBOOK_7]


def test_all_other_views_move_and_outlive_their_page(window: Window, notebook: Callable[..., Notebook]) -> None:
    book = notebook(SETUP.replace(", 20)", ", 4)"), TRADE, *OTHERS.values(), COMPUTE)
    views = {name: View(book, cell) for cell, name in enumerate(OTHERS, 2)}
    last = len(OTHERS) + 2
    for cell in range(last):
        book.run(cell)
    for view in views.values():
        view.word("connected")
    book.run(last, wait=False)
    book.until(book.busy, "the cell computes")
    for view in views.values():
        view.root.scroll_into_view_if_needed()
        view.moves(2)
    assert book.busy()
    book.interrupt()
    once = book.ask("print(census())")
    for cell in range(2, last):
        book.run(cell)
    settle = f"for _ in range(1000):\n    if str(census()) == {once!r}: break\n    time.sleep(0.02)"
    assert book.ask(f"{settle}\nprint(census())") == once
    saved = book.save()
    assert not any(key in saved for key in book.ask("print(*exchange.first_account())").split())
    book.reload()
    for view in views.values():
        view.root.scroll_into_view_if_needed()
        view.word("connected")
        view.moves(1)
        assert view.root.count() == 1
        assert view.root.locator(".cryptox-error:visible").count() == 0
