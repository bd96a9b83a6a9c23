"""The rows of a feed at a moment: taken on the loop, made a frame of wherever one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptox.model.time import iso
from cryptox.table.batch import Batch
from cryptox.table.frames import Frame, build
from cryptox.table.leading import Leading

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["Snapshot"]


class Snapshot:
    """The rows of a feed at a moment.

    Attributes
    ----------
    batches
        By symbol.
    as_of_ms
        The moment, in exchange time as far as that is known.
    """

    def __init__(self, plan: Plan, batches: dict[str, Batch], as_of_ms: int) -> None:
        self.batches = batches
        self.as_of_ms = as_of_ms
        self._plan = plan

    @property
    def kind(self) -> str:
        """The feed's kind."""
        return self._plan.kind

    @property
    def venue(self) -> str:
        """The venue's name."""
        return self._plan.venue_name

    @property
    def interval(self) -> str | None:
        """Of candles their interval; None for other kinds."""
        return self._plan.interval

    @property
    def is_of_several(self) -> bool:
        """Whether the feed was asked for with a list of symbols."""
        return self._plan.several

    def frame(self, backend: str | None = None) -> Frame:
        """As a frame."""
        plan, batches = self._plan, list(self.batches.values())
        chosen = plan.backend if backend is None else backend
        leading, attrs = None, {}
        if plan.several and "symbol" not in batches[0].table.names:
            leading = Leading.runs("symbol", {symbol: len(batch) for symbol, batch in self.batches.items()})
        elif not plan.several and (symbol := next(iter(self.batches))):
            attrs["symbol"] = symbol
        if plan.interval is not None:
            attrs["interval"] = plan.interval
        whole = Batch.concat(batches)
        about = {"venue": plan.venue_name, **attrs, "source": "stream", "as_of": iso(self.as_of_ms), **whole.extra}
        return build(whole, chosen, about, leading=leading)
