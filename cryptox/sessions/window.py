"""Start and end of a call: checked before anything is sent, and judged once, by exchange time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cryptox.errors import ValidationError
from cryptox.model.time import needs_now, to_ms

__all__ = ["Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range as the user wrote it."""

    start: Any
    end: Any

    def check(self) -> None:
        """Refuse what can be refused without knowing exchange time.

        Where a relative time ("3 days ago") meets another time, only exchange time can say which comes first.

        Raises
        ------
        ValidationError
            A moment that cannot be read, or a start after the end.
        """
        start, end = self._read(int(time.time() * 1000))
        if not (needs_now(self.start) or needs_now(self.end)):
            self._check_order(start, end)

    def resolve(self, as_of_ms: int) -> tuple[int | None, int | None]:
        """Start and end in ms; an end in the future is cut to ``as_of_ms``, a start in the future then too."""
        start, end = self._read(as_of_ms)
        self._check_order(start, end)
        if end is not None:
            end = min(end, as_of_ms)
        return start, end

    def _read(self, now_ms: int) -> tuple[int | None, int | None]:
        start = None if self.start is None else to_ms(self.start, now_ms=now_ms, name="start")
        end = None if self.end is None else to_ms(self.end, now_ms=now_ms, name="end")
        return start, end

    def _check_order(self, start: int | None, end: int | None) -> None:
        if start is not None and end is not None and start > end:
            raise ValidationError(
                f"start ({self.start}) lies after end ({self.end}).",
                recovery_suggestions=["Exchange start and end. Ranges are [start, end), in UTC."],
                suggested={"start": self.end, "end": self.start},
            )
