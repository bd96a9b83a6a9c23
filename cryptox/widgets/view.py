"""The widget of a live view: what its page is told, and what the page says back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import anywidget
import traitlets

from .kinds import KINDS, Change, Kind
from .plotlyjs import plotly_model
from .pump import Pump, Whole

__all__ = ["LiveView", "view_class"]

WORDS: Final = frozenset({"shown", "gone", "pause", "resume", "stop"})


class LiveView(anywidget.AnyWidget):
    """A live view of something that a pump shows. Closing it, from any thread, ends it and lets go of what it shows.

    To the page go the traits and the messages ``{"change": ..., "number": n}``, which makes the picture n of the one
    before; from the page come ``{"do": ..., "page": ..., "number": ...}``.

    Attributes
    ----------
    kind
        Of view.
    about
        Title, venue, symbols and topic.
    state
        As ``Status``, and ``paused``, ``stopped``, ``error``.
    initial
        ``{"number": n, "picture": ...}``; whoever asks for the whole model gets the newest.
    plotly
        The model that has plotly.js, for kinds that need it.
    snapshot
        Name of the static picture that is displayed beside it, and hidden while a page shows the view.
    """

    kind = traitlets.Unicode().tag(sync=True)
    about = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    initial = traitlets.Dict().tag(sync=True, to_json=lambda _, view: view._newest())
    plotly = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Unicode().tag(sync=True)

    def __init__(self, kind: Kind, pump: Pump) -> None:
        self._pump = pump
        self._writing = threading.RLock()
        self._is_open = True
        number, picture = pump.whole
        super().__init__(
            kind=kind.name,
            about=dict(pump.about),
            state={**pump.state, "paused": False},
            initial={"number": number, "picture": picture},
            plotly=plotly_model() if kind.needs_plotly else "",
            snapshot=uuid.uuid4().hex,
        )
        self.on_msg(self._heard)
        pump.loop.call_soon_threadsafe(pump.add, self, number)

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self._is_open

    @property
    def is_running(self) -> bool:
        """As ``is_open``: in the words of what a notebook's cell has made."""
        return self._is_open

    def frame(self, about: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Say what is shown, and how it is; what has not changed is not sent."""
        with self._writing:
            if self._is_open:
                self.about = dict(about)
                self.state = dict(state)

    def whole(self, whole: Whole) -> None:
        """Send a whole picture."""
        with self._writing:
            if self._is_open:
                self.initial = {"number": whole[0], "picture": whole[1]}

    def change(self, number: int, change: Change) -> None:
        """Send what makes the picture of that number of the one before."""
        with self._writing:
            if self._is_open:
                self.send({"change": change, "number": number})

    def let_go(self, *, end: bool = False) -> None:  # noqa: ARG002  # the words of what a notebook's cell has made
        """Close it: its cell runs again."""
        self.close()

    def close(self) -> None:
        """End it, on the page too. A second time does nothing."""
        with self._writing:
            if not self._is_open:
                return
            self._is_open = False
            if self.comm is not None:  # else it never came to life, nor did its layout
                self.layout.close()
            super().close()
        if not self._pump.loop.is_closed():
            self._pump.loop.call_soon_threadsafe(self._pump.remove, self)

    def _newest(self) -> dict[str, Any]:
        number, picture = self._pump.whole
        return {"number": number, "picture": picture}

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        """A page says something; on the kernel's thread, and late while a cell computes."""
        said = content if isinstance(content, dict) else {}
        does, page, number = (said.get(name) for name in ("do", "page", "number"))
        if isinstance(does, str) and does in WORDS and self._is_open and not self._pump.loop.is_closed():
            number = number if isinstance(number, int) else -1
            self._pump.loop.call_soon_threadsafe(self._pump.hear, self, does, str(page), number)


@cache
def view_class(name: str) -> type[LiveView]:
    """The widget class of a kind of view: its script is the frame's and the kind's own, put together."""
    kind = KINDS[name]
    folder = files(__package__) / "js"
    scripts = [(folder / script).read_text("utf-8") for script in ("frame.js", *kind.scripts)]
    ending = f"export default {{ render: (page) => framed(page, paint_{kind.name}) }};\n"
    css = "".join((folder / style).read_text("utf-8") for style in ("cryptox.css", "tables.css"))
    members = {"_esm": "\n".join([*scripts, ending]), "_css": css, "__module__": __name__}
    return type(f"{name.title()}View", (LiveView,), members)
