"""Pictures of the live views and of an error's card, light and dark, for the README and the documentation.

    python benchmarks/screenshots.py docs/images [NAME ...]

They are looked at before they are committed, with 96 colours so that they are small (Pillow, where it is installed).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from labs import Lab, Notebook, Window, chromium

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
START = """
import cryptox as cx
exchange = cx.PaperExchange(clock=("2024-06-01 12:00", 4)).start()
session = cx.use(exchange)
"""
SHOW = {
    "klines": "cx.live.klines('BTCUSDT', '15m', history=150)",
    "book": "cx.live.book('BTCUSDT', levels=10)",
    "trades": "cx.live.trades('BTCUSDT', history=50)",
    "ticker": "cx.live.ticker(['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT'])",
    "orders": "session.buy('BTCUSDT', '0.01', price='15000'); session.sell('ETHUSDT', '0.5')\nsession.live.orders()",
    "account": "session.live.account()",
    "dashboard": "cx.dashboard('BTCUSDT', interval='1m')",
    "error": "cx.klines_bulk('BTCUSD', '1h', 5000)",
}
SEEN_MS = 4000


def main(folder: Path, names: list[str]) -> None:
    """Take them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        lab = Lab(Path(home) / "lab")
        try:
            window = Window(browser, lab)
            book = window.open(START, *(SHOW[name] for name in names), name="pictures")
            book.run(0)
            for theme, title in THEMES.items():
                book.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", title)
                for index, name in enumerate(names, 1):
                    take(book, index, folder / f"{name}-{theme}.png")
            print(*window.errors, sep="\n")
        finally:
            lab.stop()


def take(book: Notebook, index: int, path: Path) -> None:
    """Run a cell, and picture what it shows."""
    book.run(index)
    what = ".jp-OutputArea-output" if path.name.startswith("error") else ".cryptox-live"
    view = book.output(index).locator(what).first
    view.wait_for()
    view.scroll_into_view_if_needed()
    book.page.wait_for_timeout(SEEN_MS)
    view.screenshot(path=path)
    fewer_colours(path)
    print(f"{path} {path.stat().st_size / 1000:.0f} kB")


def fewer_colours(path: Path) -> None:
    """A third of the bytes, and nothing that an eye would miss."""
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(SHOW))
