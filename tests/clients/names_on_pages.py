"""Every name of python-binance and ccxt on the pages for those who come from them is one that these libraries have.

    PEER_PYTHON tests/clients/names_on_pages.py < addresses.json

Nothing is asked of the exchange.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import binance
import binance.exceptions
import ccxt.pro
from checks import Checks

PAGES = Path(__file__).resolve().parents[2] / "docs" / "migrating"
OBJECTS = {
    "python-binance": {
        "client": binance.Client,
        "manager": binance.ThreadedWebsocketManager,
        "depths": binance.ThreadedDepthCacheManager,
    },
    "ccxt": {"exchange": ccxt.pro.binance},
}
ERRORS = {"python-binance": binance.exceptions, "ccxt": ccxt}
CALL = re.compile(r"`(?:await )?(client|manager|depths|exchange)\.(\w+)\(([^`|]*)\)`")
ERROR = re.compile(r"`([A-Z][A-Za-z]+(?:Error|Exception|Timeout|Closed|Connect|Exceeded|Protection|Order|Funds|Nonce"
                   r"|NotFound|Symbol|Available))`")  # fmt: skip

checks = Checks(lambda error: (0, str(error)))


def named(text: str) -> list[str]:
    """The names of a call's arguments."""
    return re.findall(r"(?<![\w\"])(\w+)=", text)


for page, objects in OBJECTS.items():
    rows = [line for line in (PAGES / f"{page}.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    calls = [match for line in rows for match in CALL.finditer(line.split(" | ")[0])]
    checks.true(f"{page} has calls", len(calls) > 25, len(calls))
    for match in calls:
        kind = objects[match[1]]
        method = getattr(kind, match[2], None)
        if not checks.true(f"{page}: {match[1]}.{match[2]}", callable(method)):
            continue
        parameters = inspect.signature(method).parameters
        if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
            wrong = [name for name in named(re.sub(r"\{.*\}", "", match[3])) if name not in parameters]
            checks.equal(f"{page}: arguments of {match[2]}", wrong, [])
    left = [line.split(" | ")[0] for line in rows if not CALL.search(line)]
    errors = {name for line in left for name in ERROR.findall(line)}
    checks.true(f"{page} has errors", len(errors) > 1, sorted(errors))
    checks.equal(f"{page}: errors", [name for name in sorted(errors) if not hasattr(ERRORS[page], name)], [])
checks.end()
