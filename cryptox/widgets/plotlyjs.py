"""plotly.js for the pages of a kernel: from the installed wheel, once, and without a network.

A model that is never displayed carries it, compressed: whole, it would not fit what a notebook server lets through when
a page is loaded again. Pages unpack and load it once, however many charts they have.
"""

from __future__ import annotations

import gzip
import threading
from importlib.resources import files
from typing import Any, Final

import ipywidgets
import plotly
import traitlets

__all__ = ["PlotlyJs", "plotly_model"]

FAST: Final = 1  # level of compression: 1.7 MB of 4.8, in a tenth of a second


class PlotlyJs(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets has no types
    """The model that carries it."""

    version = traitlets.Unicode().tag(sync=True)
    packed = traitlets.Bytes().tag(sync=True)

    def __init__(self) -> None:
        code = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
        super().__init__(version=plotly.__version__, packed=gzip.compress(code, FAST))


class _Kept:
    """The one model of this kernel."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.model: Any = None


_kept: Final = _Kept()


def plotly_model() -> str:
    """The reference by which the page finds the model: made with the first chart, and again when it was closed."""
    with _kept.lock:
        if _kept.model is None or _kept.model.comm is None:
            _kept.model = PlotlyJs()
        return f"IPY_MODEL_{_kept.model.model_id}"
