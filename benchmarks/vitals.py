"""What a process takes: memory, tasks, threads, sockets. A part of ``soak.py``; reads ``/proc`` and asks glibc.

Memory has three readings, for resident memory moves by megabytes where nothing is kept: ``resident_mb`` is what the
system counts, ``memory_mb`` the same once cyclic garbage is collected and malloc has given back what it held free, and
``in_use_mb`` what malloc has handed out and not got back, so without what lies free between pieces in use.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import statistics
import sys
import threading
from dataclasses import dataclass
from itertools import combinations

from cryptox import _process

_libc = ctypes.CDLL(None)


class _Malloc(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks"),
            "keepcost",
        )
    ]


_libc.mallinfo2.restype = _Malloc


@dataclass
class Sample:
    """How it is at a moment."""

    at_s: float
    resident_mb: float
    memory_mb: float
    in_use_mb: float
    blocks: int  # of Python's own allocator
    tasks: int
    threads: int
    sockets: int
    files: int

    def __str__(self) -> str:
        return f"{self.tasks} tasks, {self.threads} threads, {self.sockets} sockets, {self.files} files"


def read(at_s: float) -> Sample:
    """Now; on the loop whose tasks are meant."""
    files = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that was listed
            files.append(os.readlink(f"/proc/self/fd/{name}"))
    resident_mb = _process.memory_mb() or 0.0
    gc.collect()
    _libc.malloc_trim(0)
    malloc = _libc.mallinfo2()
    return Sample(
        at_s=at_s,
        resident_mb=resident_mb,
        memory_mb=_process.memory_mb() or 0.0,
        in_use_mb=(malloc.uordblks + malloc.hblkhd) / 2**20,
        blocks=sys.getallocatedblocks(),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        sockets=sum(name.startswith("socket:") for name in files),
        files=len(files),
    )


def rise(points: list[tuple[float, float]]) -> float | None:
    """The slope of Theil and Sen: the median of the slopes of all pairs; None of fewer than two points."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    return statistics.median(slopes) if slopes else None
