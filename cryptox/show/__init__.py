"""How things of cryptox look: cards in HTML and text, the progress line. Imported when something is first drawn."""

from __future__ import annotations

from typing import Any

from cryptox import _display
from cryptox.show import cards, errors, moving, progress, records

__all__ = ["figure", "html"]


def figure(snapshot: Any, **options: Any) -> Any:
    """The figure of what a feed has at a moment."""
    from cryptox.show.figures.choose import of_snapshot

    return of_snapshot(snapshot, **options)


def html(thing: object) -> str | None:
    """The HTML card of a thing of ours; None where its ``repr`` is the better view."""
    if isinstance(thing, BaseException):
        return errors.html(thing)
    facts = getattr(thing, "_facts", None)
    if facts is not None and not isinstance(thing, type):
        return cards.card(type(thing).__name__, cards.rows(facts().items()))
    if isinstance(thing, progress.State):
        return progress.bar(str(thing), thing.percent)
    return records.html(thing)


_display.register_renderer(html)
_display.register_traceback(errors.traceback_lines)
_display.register_progress(progress.resolve)
_display.register_viewer(moving.bundle)
_display.register_figures(figure)
