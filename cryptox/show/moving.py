"""What moves, in a notebook: the way to the widgets, which are imported only where there is a kernel to show them."""

from __future__ import annotations

import importlib
import sys
from logging import WARNING
from typing import Any

from cryptox import logs

__all__ = ["bundle", "has_kernel"]

log = logs.logger("show")


def bundle(thing: object) -> dict[str, Any] | None:
    """What IPython is to display of a feed or dashboard, by type of content; None where its card is all there is.

    A widget that cannot be made is no reason to show nothing: the log says why.
    """
    if not has_kernel():
        return None
    try:
        widgets: Any = importlib.import_module("cryptox.widgets.shown")
        shown: dict[str, Any] | None = widgets.bundle(thing)
    except Exception as error:  # noqa: BLE001  # whatever fails, the card is still there
        logs.event(log, "view.failed", level=WARNING, error=f"{type(error).__name__}: {error}")
        return None
    return shown


def has_kernel() -> bool:
    """Whether this process is a Jupyter kernel."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
