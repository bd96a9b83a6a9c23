"""What all figures have in common: colours and text that are readable on light and dark pages, titles, escaping.

plotly reads a few HTML tags, HTML's entities, TeX between dollars and ``%{...}`` in its texts: whatever comes from
outside goes through :func:`escaped`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from math import ceil
from typing import Any, Final

from cryptox.model.lines import one_line
from cryptox.model.time import iso
from cryptox.show.cards import BAD, GOOD

__all__ = [
    "BAD",
    "CLEAR",
    "FAINT",
    "GOOD",
    "INK",
    "PALETTE",
    "THEMES",
    "About",
    "build",
    "escaped",
    "faded",
    "moment",
    "span",
    "time_axis",
]

Figure = Any
"""A ``plotly.graph_objects.Figure``."""

# The text of "auto" stands out more than 4 : 1 from white and from JupyterLab's dark page.
INK: Final[Mapping[str, str]] = {"auto": "#7a7a7a", "light": "#2b2f36", "dark": "#d8dbe0"}
THEMES: Final = tuple(INK)
# Told apart with every kind of colour vision; each stands out 3 : 1 from white and from black.
PALETTE: Final = ("#2f7ed8", "#c47900", "#a35fc9", "#00949b", "#c4527f", "#7f8500")
CLEAR: Final = "rgba(0,0,0,0)"
FAINT: Final = "rgba(128,128,128,.22)"
HEIGHT: Final = 480
PAGE_PX: Final = 800
KEY_PX, LETTER_PX = 55, 7  # widths in a legend
TOP: Final = 70  # px above the axes, for the title
LEGEND_PX: Final = 24  # besides, for each line of a legend
LONGEST: Final = 60  # characters of a name from outside
_HOVER: Final = {"bgcolor": "#23272e", "bordercolor": "#8a8f98", "font": {"color": "#f2f3f5"}, "namelength": -1}
# What plotly reads in a text beyond plain characters, besides HTML's own three.
_READ: Final = str.maketrans({"$": "&#36;", "%": "&#37;"})


@dataclass(frozen=True, slots=True)
class About:
    """What a figure is of; None for what is not known."""

    symbol: str | None = None
    venue: str | None = None
    interval: str | None = None
    as_of_ms: int | None = None

    def title(self, what: str = "") -> str:
        """``<b>BTCUSDT</b> 1h · paper``, escaped."""
        head = f"<b>{escaped(self.symbol)}</b>" if self.symbol else ""
        words = " ".join(part for part in (head, escaped(self.interval or ""), what) if part)
        return " · ".join(part for part in (words, escaped(self.venue or "")) if part)


def escaped(text: str) -> str:
    """Text from outside as plotly shows it: every character as itself, none read as markup; cut where it is long."""
    plain = one_line(text)
    if len(plain) > LONGEST:
        plain = plain[: LONGEST - 1] + "…"
    return escape(plain, quote=False).translate(_READ)


def faded(colour: str, opacity: float) -> str:
    """A ``#rrggbb`` colour that lets the page shine through."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def moment(time_ms: int) -> str:
    """A moment as one reads it: ``2024-06-01 12:00``, UTC; seconds only where there are any."""
    text = iso(time_ms).removesuffix("Z").replace("T", " ")
    return text.removesuffix(":00")


def span(first_ms: int, last_ms: int) -> str:
    """From when to when."""
    return f"{moment(first_ms)} to {moment(last_ms)} UTC"


def time_axis(step_ms: int | None) -> dict[str, Any]:
    """An axis of times given in ms; the hover tells as much of a time as rows so far apart need."""
    if step_ms is None or step_ms < 1000:
        form = "%Y-%m-%d %H:%M:%S.%L"
    elif step_ms < 60_000:
        form = "%Y-%m-%d %H:%M:%S"
    else:
        form = "%Y-%m-%d" if step_ms % 86_400_000 == 0 else "%Y-%m-%d %H:%M"
    return {
        "type": "date",
        "hoverformat": form,
        "rangeslider": {"visible": False},
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": FAINT,
    }


def build(
    traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], *, title: str, told: Sequence[str] = (),
    height: int | None = None, theme: str = "auto", note: str | None = None,
) -> Figure:  # fmt: skip
    """The figure of these traces.

    Parameters
    ----------
    traces, layout
        As plotly has them; text from outside is escaped in them.
    title, told
        The title, and what stands in small letters below it, escaped.
    height
        In pixels.
    theme
        One of ``THEMES``.
    note
        What stands in the middle where there is nothing to draw.
    """
    import plotly.graph_objects as go

    words: dict[str, Any] = {"text": title}
    if told:
        words["subtitle"] = {"text": " · ".join(told)}
    top = TOP + _legend_px(traces) if layout.get("showlegend") else TOP
    said = {"margin": {"t": top}, **layout}
    if note is not None:
        said["annotations"] = [{"text": note, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}]
    return go.Figure(
        data=list(traces),
        layout={"template": {"layout": _style(theme)}, "title": words, "height": height or HEIGHT, **said},
    )


def _legend_px(traces: Sequence[Mapping[str, Any]]) -> int:
    """The height of a legend above the axes; how wide the page is nobody knows here."""
    names = [str(trace.get("name", "")) for trace in traces if trace.get("showlegend") is not False]
    return LEGEND_PX * ceil(sum(KEY_PX + LETTER_PX * len(unescape(name)) for name in names) / PAGE_PX)


def _style(theme: str) -> dict[str, Any]:
    """The look as a template: ``figure.update_layout(template="plotly_dark")`` puts another in its place."""
    axis = {
        "gridcolor": FAINT,
        "linecolor": FAINT,
        "zerolinecolor": FAINT,
        "automargin": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": FAINT,
    }
    ink = INK[theme]
    return {
        "font": {"color": ink, "size": 12},
        "title": {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 12},
            "font": {"size": 16, "color": ink},
            "subtitle": {"font": {"size": 12, "color": ink}},
        },
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "colorway": list(PALETTE),
        "hoverlabel": _HOVER,
        "margin": {"l": 12, "r": 12, "t": TOP, "b": 12},
        "xaxis": {**axis, "showgrid": True},
        "yaxis": {**axis, "side": "right", "exponentformat": "none", "separatethousands": True},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "bgcolor": CLEAR},
        "modebar": {"bgcolor": CLEAR, "color": faded("#808080", 0.6), "activecolor": "#808080"},
    }
