"""Users' trades of one symbol as columns, with their ids among the market's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from .market import Flags, Ints
from .trading.prints import Print

__all__ = ["Printed"]


@dataclass(frozen=True, slots=True)
class Printed:
    """Prints, oldest first, and the aggregates (groups of one taker order at one price) that they make."""

    total: int  # prints that this was made of, those after the moment looked at too
    before: Ints  # trades of the market's own that come before each
    aggregates_before: Ints
    price: Ints
    quantity: Ints
    time_us: Ints
    buyer_is_maker: Flags
    opens: Flags
    ids: Ints
    group_first: Ints  # index of each group's first print
    group_last: Ints
    group_before: Ints  # aggregates of the market's own that come before each group
    group_quantity: Ints
    group_ids: Ints

    @classmethod
    def of(cls, prints: Sequence[Print], kept: Self | None = None) -> Self:
        """Columns of these prints; ``kept`` are those of the first ones."""
        fresh = prints if kept is None else prints[kept.total :]
        columns: dict[str, Any] = {}
        for name in ("before", "aggregates_before", "price", "quantity", "time_us", "buyer_is_maker", "opens"):
            kind = np.bool_ if name in ("buyer_is_maker", "opens") else np.int64
            column: Any = np.fromiter((getattr(one, name) for one in fresh), kind, len(fresh))
            columns[name] = column if kept is None else np.concatenate((getattr(kept, name), column))
        count = len(prints)
        columns["opens"][:1] = True
        first = np.flatnonzero(columns["opens"])
        return cls(
            total=count,
            ids=columns["before"] + np.arange(count),
            group_first=first,
            group_last=np.append(first[1:], count) - 1,
            group_before=columns["aggregates_before"][first],
            group_quantity=np.add.reduceat(columns["quantity"], first) if count else first,
            group_ids=columns["aggregates_before"][first] + np.arange(len(first)),
            **columns,
        )

    def until(self, time_us: int) -> Self:
        """Only what was before a moment."""
        count = int(np.searchsorted(self.time_us, time_us))
        if count == len(self.time_us):
            return self
        whole = int(np.searchsorted(self.group_first, count))
        parts = {
            field.name: getattr(self, field.name)[: whole if field.name.startswith("group") else count]
            for field in fields(self)
            if field.name != "total"
        }
        return type(self)(total=self.total, **parts)

    def shifted(self, numbers: Ints) -> Ints:
        """Ids of the market's own trades, raised by the prints before each."""
        return numbers + np.searchsorted(self.before, numbers, side="right")

    def __len__(self) -> int:
        """How many prints."""
        return len(self.ids)
