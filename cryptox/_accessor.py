"""How the frames of pandas and polars come to have ``df.cx``. What it can do is in ``cryptox.show.accessor``.

Registering imports nothing: neither pandas nor polars, nor the accessor itself before it is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["register"]


def register() -> tuple[str, ...]:
    """Give the frames of pandas and polars ``df.cx``, as far as these are imported; names those that have it now.

    The first frame that cryptox builds does the same, and so does ``import cryptox`` where pandas or polars are there
    already: it is needed only for frames from elsewhere, such as those of a parquet file.

    Examples
    --------
    >>> import pandas, polars
    >>> cx.register()
    ('pandas', 'polars')
    """
    return tuple(package for package in ("pandas", "polars") if _register(package))


def _register(package: str) -> bool:
    module = sys.modules.get(package)
    # While a package is still being imported it has no ``api`` yet: the first frame comes here again.
    api, frame = getattr(module, "api", None), getattr(module, "DataFrame", None)
    if api is None or frame is None:
        return False
    if getattr(frame, "cx", None) is not _accessor:
        home = api.extensions if package == "pandas" else api
        decorate = home.register_dataframe_accessor if package == "pandas" else home.register_dataframe_namespace
        decorate("cx")(_accessor)
    return True


def _accessor(frame: Any) -> Any:
    """What ``df.cx`` gives."""
    # Upwards by name, as in ``_display``: whoever asks for it draws or reckons, and loads what that needs.
    return importlib.import_module("cryptox.show.accessor").Accessor(frame)
