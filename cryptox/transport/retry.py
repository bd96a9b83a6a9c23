"""When to try again: exponential back-off with full jitter. Pure: the random number is an argument."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Retry"]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and after what pauses, something safe to repeat is tried.

    Parameters
    ----------
    attempts
        How many times in all, the first one included.
    base_s, cap_s
        The first pause is up to ``base_s`` seconds, each further one up to twice as long, never above ``cap_s``.
    """

    attempts: int = 4
    base_s: float = 0.25
    cap_s: float = 8.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.base_s < 0 or self.cap_s < self.base_s:
            raise ValueError("attempts must be at least 1, and 0 <= base_s <= cap_s")

    def ceiling_s(self, failures: int) -> float:
        """The longest pause after so many failures in a row (1 or more), in seconds."""
        return min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60))

    def pause_s(self, failures: int, draw: float, left_s: float, *, persistent: bool = False) -> float | None:
        """Seconds to wait before the next try, or None to give up.

        Parameters
        ----------
        failures
            How many tries have failed so far.
        draw
            A random number in [0, 1).
        left_s
            Seconds left for the whole; a pause that would not leave any is not begun.
        persistent
            Only the time left counts, not the number of tries.
        """
        if failures >= self.attempts and not persistent:
            return None
        pause = draw * self.ceiling_s(failures)
        if persistent and failures >= self.attempts:
            pause = min(pause, max(0.0, left_s) / 4)  # several more tries, whatever the dice say
        return pause if pause < left_s else None
