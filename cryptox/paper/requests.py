"""What was asked of the paper exchange: a bounded log, for tests to count what really went over the wire."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

__all__ = ["Logged", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Logged:
    """One request and what became of it."""

    method: str
    path: str
    query: str  # as it came
    status: int  # 0 where no answer was sent
    time: float  # arrival, real seconds since the epoch
    weight: int
    fault: str | None = None  # kind of the fault that decided the answer

    @property
    def params(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class RequestLog:
    """The newest requests, oldest first. Safe between threads; ``total`` counts also those that were let go."""

    def __init__(self, most: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Logged] = deque(maxlen=most)
        self.total = 0

    def _forked(self) -> None:
        """In a forked child: nobody holds its lock."""
        self._lock = threading.Lock()

    def add(self, request: Logged) -> None:
        """Write one request down."""
        with self._lock:
            self._kept.append(request)
            self.total += 1

    def of(self, path: str) -> list[Logged]:
        """The requests of an endpoint, by its path or the end of it (``"klines"``)."""
        return [request for request in self if is_path(request.path, path)]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._kept.clear()
            self.total = 0

    def __iter__(self) -> Iterator[Logged]:
        """Requests as they stand now, oldest first."""
        with self._lock:
            return iter(tuple(self._kept))

    def __len__(self) -> int:
        """Number of requests kept."""
        return len(self._kept)

    def __getitem__(self, place: int) -> Logged:
        """One request; -1 is the newest."""
        with self._lock:
            return self._kept[place]


def is_path(path: str, wanted: str) -> bool:
    """Whether ``wanted`` is the path, or its end from a slash on."""
    return path == wanted or path.endswith("/" + wanted.lstrip("/"))
