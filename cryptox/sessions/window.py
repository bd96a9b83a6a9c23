"""Start and end of a call: checked before anything is sent, and judged once, by exchange time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cryptox.errors import ValidationError
from cryptox.model.time import to_ms

__all__ = ["Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range as the user wrote it."""

    start: Any
    end: Any

    def check(self) -> None:
        """Refuse what can be refused without knowing exchange time.

        Raises
        ------
        ValidationError
            A moment that cannot be read, or a start after the end.
        """
        self.resolve(int(time.time() * 1000))

    def resolve(self, as_of_ms: int) -> tuple[int | None, int | None]:
        """Start and end in ms; an end in the future is cut to ``as_of_ms``, a start in the future then too."""
        start = None if self.start is None else to_ms(self.start, now_ms=as_of_ms, name="start")
        end = None if self.end is None else to_ms(self.end, now_ms=as_of_ms, name="end")
        if start is not None and end is not None and start > end:
            raise ValidationError(
                f"start ({self.start}) lies after end ({self.end}).",
                recovery_suggestions=["Exchange start and end. Ranges are [start, end), in UTC."],
                suggested={"start": self.end, "end": self.start},
            )
        if end is not None:
            end = min(end, as_of_ms)
        return start, end
