"""The display mixin: how a thing of ours shows itself, without knowing of HTML, and the way to the progress line.

``cryptox.show`` fills the registry when something is drawn for the first time, so that nothing below the top floor
imports it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, Protocol

__all__ = [
    "Displayed",
    "Moving",
    "Progress",
    "figure",
    "open_progress",
    "register_figures",
    "register_progress",
    "register_renderer",
    "register_traceback",
    "register_viewer",
]

_renderer: Callable[[object], str | None] | None = None
_traceback: Callable[[BaseException], list[str]] | None = None
_progress: Callable[[Any, int | None, str], Progress] | None = None
_viewer: Callable[[object], dict[str, Any] | None] | None = None
_figures: Callable[..., Any] | None = None


class Progress(Protocol):
    """Where long work says how far it is. May be called as often as one likes; never raises."""

    def update(self, rows: int, weight_used: int | None = None, weight_limit: int | None = None) -> None:
        """So many rows are there, in all; so much of the address's weight is used."""

    def finish(self, message: str | None = None) -> None:
        """It is over; ``message`` takes the place of the last line."""


def register_renderer(renderer: Callable[[object], str | None]) -> None:
    """Let ``renderer(thing)`` draw things as HTML; None stands for "text only"."""
    global _renderer
    _renderer = renderer


def register_traceback(renderer: Callable[[BaseException], list[str]]) -> None:
    """Let ``renderer(error)`` give the lines that IPython shows instead of a traceback."""
    global _traceback
    _traceback = renderer


def register_progress(make: Callable[[Any, int | None, str], Progress]) -> None:
    """Let ``make(progress, total_rows, label)`` give the progress line of one piece of work."""
    global _progress
    _progress = make


def register_viewer(viewer: Callable[[object], dict[str, Any] | None]) -> None:
    """Let ``viewer(thing)`` give what IPython is to display of a thing that moves; None stands for its card."""
    global _viewer
    _viewer = viewer


def register_figures(make: Callable[..., Any]) -> None:
    """Let ``make(snapshot, **options)`` give the figure of what a feed has at a moment."""
    global _figures
    _figures = make


def figure(snapshot: Any, **options: Any) -> Any:
    """What a feed has at a moment as a ``plotly.graph_objects.Figure``; raises what the options are refused with."""
    if _figures is None:
        _fill()
    assert _figures is not None
    return _figures(snapshot, **options)


def open_progress(progress: Any, total_rows: int | None, label: str) -> Progress:
    """The line that shows how far long work is; a silent one where nobody would see it.

    Parameters
    ----------
    progress
        What the user passed: None (shown in a notebook or terminal), True, False, or a function that is called with
        every state.
    total_rows
        Rows to come, None when that is not known.
    label
        What is being done: ``"BTCUSDT 1h"``.
    """
    if _progress is None:
        _fill()
    assert _progress is not None
    return _progress(progress, total_rows, label)


def _fill() -> None:
    # The one look upwards, by name and only when something is drawn: DESIGN, section 1 (leaves).
    importlib.import_module("cryptox.show")


class Displayed:
    """A thing with an HTML card in notebooks and its plain ``repr`` everywhere else."""

    __slots__ = ()  # costs records nothing

    def _repr_html_(self) -> str | None:
        if _renderer is None:
            _fill()
        return _renderer(self) if _renderer is not None else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002  # the signature is IPython's
        bundle = {"text/plain": repr(self)}
        html = self._repr_html_()
        if html is not None:
            bundle["text/html"] = html
        return bundle

    def _render_traceback_(self) -> list[str]:
        """What IPython prints for an uncaught error of ours: a short card in text. Never raises."""
        if not isinstance(self, BaseException):
            return [repr(self)]
        try:
            if _traceback is None:
                _fill()
            if _traceback is not None:
                # One string: IPython's modes join the list's items in different ways.
                return ["\n".join(_traceback(self))]
        except Exception:  # noqa: BLE001  # a card that cannot be drawn must not hide the error itself
            sys.exc_info()
        return [f"{type(self).__name__}: {self}"]


class Moving(Displayed):
    """A thing that moves while one looks: in a kernel it shows itself as a widget, elsewhere as its card."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if _viewer is None:
            _fill()
        bundle = _viewer(self) if _viewer is not None else None
        return super()._repr_mimebundle_(include, exclude) if bundle is None else bundle
