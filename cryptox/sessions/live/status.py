"""How a feed is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptox._display import Displayed
from cryptox.model.lines import count, record_line

if TYPE_CHECKING:
    from .topic import Topic
    from .worker import Worker

__all__ = ["Status"]


@dataclass(frozen=True, slots=True)
class Status(Displayed):
    """How a feed is; over several symbols the worst of them, and the sum of counts.

    Attributes
    ----------
    connected
        Whether its connection is open and carries it.
    stale
        Whether what it shows may be old: not connected, or nothing was heard for some seconds.
    synced
        Whether nothing is missing: no repair is under way, and a local book is the exchange's.
    reconnects
        Connections after the first one, hand-overs included.
    gaps
        Stretches that were lost and could not be repaired.
    dropped
        Events that its own readers and callbacks were too slow for.
    received
        Events that came in, repaired ones included.
    latency
        Seconds from the exchange's sending of the newest event to its receipt, by this machine's clock as far as it
        agrees with the exchange's; None where the exchange does not say when it sent, or its clock is not known to run
        as ours does: a simulated market that stands or races, a replay.
    errors
        Exceptions that callbacks have raised.
    last_error
        The last of them, or what keeps the feed from working, in a line; None for nothing.
    """

    connected: bool
    stale: bool
    synced: bool
    reconnects: int
    gaps: int
    dropped: int
    received: int
    latency: float | None
    errors: int = 0
    last_error: str | None = None

    @classmethod
    def of_topics(
        cls,
        topics: Sequence[Topic],
        worker: Worker | None,
        now: float,
        dropped: int,
        *,
        runs: bool,
        waits_for: str | None,
    ) -> Status:
        """How a feed is at that moment: what its topics and callbacks say, what its readers have dropped.

        ``waits_for`` is what somebody has to do before anything comes, in a line.
        """
        late = [topic.latency for topic in topics if topic.latency is not None]
        failed = worker.last_error if worker is not None else None
        troubles = [failed, waits_for, *(topic.trouble for topic in topics)]
        live = runs and waits_for is None
        return cls(
            connected=live and all(topic.connected for topic in topics),
            stale=not live or any(topic.is_stale(now) for topic in topics),
            synced=live and all(topic.synced for topic in topics),
            reconnects=max((topic.reconnects for topic in topics), default=0),
            gaps=sum(topic.gaps for topic in topics),
            dropped=dropped + (worker.queue.dropped if worker is not None else 0),
            received=sum(topic.received for topic in topics),
            latency=max(late, default=None),
            errors=worker.errors if worker is not None else 0,
            last_error=next((trouble for trouble in troubles if trouble is not None), None),
        )

    @classmethod
    def of_all(cls, some: Iterable[Status]) -> Status:
        """How several feeds are together: the worst of them, and the sum of their counts."""
        each = list(some)
        return cls(
            connected=all(one.connected for one in each),
            stale=any(one.stale for one in each),
            synced=all(one.synced for one in each),
            reconnects=max((one.reconnects for one in each), default=0),
            gaps=sum(one.gaps for one in each),
            dropped=sum(one.dropped for one in each),
            received=sum(one.received for one in each),
            latency=max((one.latency for one in each if one.latency is not None), default=None),
            errors=sum(one.errors for one in each),
            last_error=next((one.last_error for one in each if one.last_error is not None), None),
        )

    def __repr__(self) -> str:
        """One line: how it is, then the counts."""
        return record_line(
            "Status",
            self._state,
            count(self.received, "event"),
            count(self.gaps, "gap"),
            f"{self.dropped} dropped",
            count(self.reconnects, "reconnect"),
            None if self.latency is None else f"latency {self.latency:.3f} s",
            f"{count(self.errors, 'error')} of callbacks" if self.errors else None,
            None if self.last_error is None else f"last error: {self.last_error}",
        )

    @property
    def _state(self) -> str:
        words = (("connected", "not connected"), ("stale", ""), ("synced", "not synced"))
        return ", ".join(word for good, bad in words if (word := good if getattr(self, good) else bad))

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        facts = {
            "state": self._state,
            "events": self.received,
            "gaps": self.gaps,
            "dropped": self.dropped,
            "reconnects": self.reconnects,
            "latency": None if self.latency is None else f"{self.latency:.3f} s",
        }
        told = {"errors of callbacks": self.errors or None, "last error": self.last_error}
        return {**facts, **{name: value for name, value in told.items() if value is not None}}
