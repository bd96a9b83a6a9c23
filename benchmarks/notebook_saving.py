"""Run a notebook and keep its outputs in the file: text, tables, and pictures in the place of figures and widgets."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDTH = 860
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def save(path: Path, environment: dict[str, str]) -> str:
    """Run the notebook in this interpreter and write what it gave; a line that says how much."""
    book = nbformat.read(path, as_version=4)
    os.environ.update(environment)
    NotebookClient(book, timeout=120, store_widget_state=False, kernel_name="python3").execute(env=dict(os.environ))
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "data" in output:
                _plain(output)
    book.metadata.pop("widgets", None)
    book.metadata["language_info"].pop("version", None)
    for name in ("codemirror_mode", "nbconvert_exporter"):
        book.metadata["language_info"].pop(name, None)
    nbformat.write(book, path)
    return f"{path.name}: {len(book.cells)} cells, {path.stat().st_size:,} bytes"


def _plain(output: Any) -> None:
    """Leave out what only a running kernel can show."""
    figure = output.data.pop(PLOTLY, None)
    if figure is not None:
        output.data = {"image/png": base64.b64encode(picture(figure)).decode(), "text/plain": "<plotly figure>"}
    if output.data.pop(WIDGET, None) is not None and not output.data.get("text/html"):
        output.data.pop("text/html", None)  # the picture of a widget is an output of its own, before this one
    output.metadata = {}


def picture(figure: dict[str, Any]) -> bytes:
    """A plotly figure as PNG, without a background, drawn by a browser without a window."""
    from plotly.offline import get_plotlyjs

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise RuntimeError("Figures are saved as pictures, which takes Chromium.")
    height = figure["layout"].get("height", 450)
    drawn = json.dumps({"data": figure["data"], "layout": figure["layout"], "config": {"staticPlot": True}})
    drawn = drawn.replace("</", "<\\/")
    page = (
        f'<!doctype html><meta charset="utf-8"><body style="margin:0">'
        f'<div id="a" style="width:{WIDTH}px;height:{height}px"></div>'
        f"<script>{get_plotlyjs()}</script><script>Plotly.newPlot('a', {drawn})</script>"
    )
    with tempfile.TemporaryDirectory(prefix="picture-") as folder:
        (Path(folder) / "page.html").write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
        options += [
            "--default-background-color=00000000",
            f"--window-size={WIDTH},{height}",
            f"--user-data-dir={folder}/p",
        ]
        subprocess.run(
            [browser, *options, f"--screenshot={folder}/page.png", f"file://{folder}/page.html"],
            check=True,
            capture_output=True,
            timeout=120,
        )
        return (Path(folder) / "page.png").read_bytes()
