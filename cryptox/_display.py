"""The display mixin: how a thing of ours shows itself, without knowing of HTML.

``cryptox.show`` fills the registry when something is drawn for the first time, so that nothing below the top floor
imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Displayed", "register_renderer"]

_renderer: Callable[[object], str | None] | None = None


def register_renderer(renderer: Callable[[object], str | None]) -> None:
    """Let ``renderer(thing)`` draw things as HTML; None stands for "text only"."""
    global _renderer
    _renderer = renderer


class Displayed:
    """A thing with an HTML card in notebooks and its plain ``repr`` everywhere else."""

    def _repr_html_(self) -> str | None:
        if _renderer is None:
            # The one look upwards, by name and only when something is drawn: DESIGN, section 1 (leaves).
            import importlib

            importlib.import_module("cryptox.show")
        return _renderer(self) if _renderer is not None else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        html = self._repr_html_()
        if html is not None:
            bundle["text/html"] = html
        return bundle
