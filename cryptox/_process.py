"""This process: since when cryptox is loaded in it, and how much memory it holds."""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from pathlib import Path
from typing import Any, Final

__all__ = ["LOADED_AT", "memory_mb"]

LOADED_AT: Final = time.monotonic()

_STATM: Final = Path("/proc/self/statm")  # of Linux


def memory_mb(statm: Path = _STATM) -> float | None:
    """Resident memory in MB (2**20 bytes), by the system or by psutil, which every kernel has; None without both."""
    try:
        pages = int(statm.read_text("ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
    except (OSError, ValueError, IndexError, AttributeError):
        return _by_psutil()


def _by_psutil() -> float | None:
    if importlib.util.find_spec("psutil") is None:
        return None
    psutil: Any = importlib.import_module("psutil")
    return float(psutil.Process().memory_info().rss / 2**20)
