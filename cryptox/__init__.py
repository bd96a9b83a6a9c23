"""cryptox: crypto market history, live data and trading for Jupyter.

>>> import cryptox as cx
>>> df = cx.klines_bulk("BTCUSDT", "1h", 5000)

Names are loaded when they are first used: importing cryptox loads no other package.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from cryptox import _process as _process  # since when it is loaded

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cryptox import aio, errors, logs
    from cryptox._accessor import register
    from cryptox.model.drafts import leg
    from cryptox.model.events import Gap
    from cryptox.model.symbols import Symbol
    from cryptox.paper.exchange import PaperExchange
    from cryptox.sync import keys
    from cryptox.sync.connect import connect, disconnect, session, use, users
    from cryptox.sync.doctor import doctor
    from cryptox.sync.door import last_error, run
    from cryptox.sync.face import Session
    from cryptox.sync.feed import Feed
    from cryptox.sync.health import health, monitor
    from cryptox.sync.quick import (
        agg_trades,
        avg_price,
        book_ticker,
        dashboard,
        depth,
        klines,
        klines_bulk,
        last_partial,
        live,
        prices,
        record,
        replay,
        server_time,
        symbol,
        symbols,
        ticker,
        trades,
        trades_bulk,
        unsubscribe,
    )
    from cryptox.table.attrs import attrs

_HOMES = {
    "cryptox._accessor": ("register",),
    "cryptox.model.drafts": ("leg",),
    "cryptox.model.events": ("Gap",),
    "cryptox.model.symbols": ("Symbol",),
    "cryptox.paper.exchange": ("PaperExchange",),
    "cryptox.sync.connect": ("connect", "disconnect", "session", "use", "users"),
    "cryptox.sync.doctor": ("doctor",),
    "cryptox.sync.door": ("last_error", "run"),
    "cryptox.sync.face": ("Session",),
    "cryptox.sync.feed": ("Feed",),
    "cryptox.sync.health": ("health", "monitor"),
    "cryptox.sync.quick": (
        "agg_trades",
        "avg_price",
        "book_ticker",
        "dashboard",
        "depth",
        "klines",
        "klines_bulk",
        "last_partial",
        "live",
        "prices",
        "record",
        "replay",
        "server_time",
        "symbol",
        "symbols",
        "ticker",
        "trades",
        "trades_bulk",
        "unsubscribe",
    ),
    "cryptox.table.attrs": ("attrs",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {"aio": "cryptox.aio", "errors": "cryptox.errors", "keys": "cryptox.sync.keys", "logs": "cryptox.logs"}

__all__ = [
    "Feed",
    "Gap",
    "PaperExchange",
    "Session",
    "Symbol",
    "agg_trades",
    "aio",
    "attrs",
    "avg_price",
    "book_ticker",
    "connect",
    "dashboard",
    "depth",
    "disconnect",
    "doctor",
    "errors",
    "health",
    "keys",
    "klines",
    "klines_bulk",
    "last_error",
    "last_partial",
    "leg",
    "live",
    "logs",
    "monitor",
    "prices",
    "record",
    "register",
    "replay",
    "run",
    "server_time",
    "session",
    "symbol",
    "symbols",
    "ticker",
    "trades",
    "trades_bulk",
    "unsubscribe",
    "use",
    "users",
]


if not TYPE_CHECKING:  # else every misspelt name would be an object to a type checker

    def __getattr__(name: str) -> object:
        """Load a public name when it is first asked for."""
        if name in _MODULES:
            return importlib.import_module(_MODULES[name])
        home = _HOME_OF.get(name)
        if home is None:
            meant = _meant(name)
            # With a name and no object Python adds no guess of its own below ours.
            told = {"name": name} if meant else {}
            raise AttributeError(f"module 'cryptox' has no attribute {name!r}{meant}", **told)
        module = importlib.import_module(home)
        if home.startswith("cryptox.sync."):
            importlib.import_module("cryptox.sync.connect")  # registers the default session
        value = getattr(module, name)
        globals()[name] = value
        return value


def _meant(name: str) -> str:
    """What a wrong name may have meant; "" where nothing is near, or a program only looks. Loads no module of ours."""
    asks = sys._getframe(1).f_back
    if name.startswith("_") or (asks is not None and asks.f_code.co_name == "_handle_fromlist"):  # import's own look
        return ""
    if hasattr(getattr(sys.modules.get("cryptox.sync.face"), "Session", None), name):  # orders, balances
        return f"; a session has it: cx.connect(...).{name}"
    import difflib

    near = difflib.get_close_matches(name.removeprefix("get_"), __all__, n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


def __dir__() -> list[str]:
    """The public names, for completion."""
    return [*__all__, "__version__"]


if "pandas" in sys.modules or "polars" in sys.modules:
    importlib.import_module("cryptox._accessor").register()
