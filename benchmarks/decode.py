"""One page of 1,000 candles, bytes to DataFrame, against the users' usual recipe on the same bytes.

    python benchmarks/decode.py

The recipe is what notebooks do: ``orjson.loads``, ``DataFrame(rows)``, ``astype(float)``, ``to_datetime``.
"""

from __future__ import annotations

import http.client

import numpy as np
import orjson
import pandas as pd
from measure import machine, medians, show

import cryptox as cx
from cryptox.table.frames import build
from cryptox.transport.messages import Answer
from cryptox.venues.binance import read

COLUMNS = ["open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades"]
COLUMNS += ["taker_buy_volume", "taker_buy_quote_volume", "ignore"]


def page(exchange: cx.PaperExchange, accept: str) -> Answer:
    """One page as it comes over the wire."""
    connection = http.client.HTTPConnection("127.0.0.1", exchange.port)
    headers = {"accept": accept, "x-mbx-sbe": "3:5"}
    connection.request("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000", headers=headers)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, found, answer.read(), 0.0, 0.0)


def recipe(body: bytes) -> pd.DataFrame:
    """What users write."""
    frame = pd.DataFrame(orjson.loads(body), columns=COLUMNS).drop(columns="ignore")
    numbers = [name for name in COLUMNS[1:-1] if name not in ("close_time", "trades")]
    frame[numbers] = frame[numbers].astype(float)
    for name in ("open_time", "close_time"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    return frame.set_index("open_time")


def ours(answer: Answer, backend: str = "pandas") -> pd.DataFrame:
    """What the session does with an answer."""
    return build(read.read_klines(answer, exact=False), backend, {})


def main() -> None:
    """Measure and print."""
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        json, sbe = page(exchange, "application/json"), page(exchange, "application/sbe")
    expected = recipe(json.body)
    for answer in (json, sbe):
        frame = ours(answer)
        assert np.array_equal(frame["quote_volume"].to_numpy(), expected["quote_volume"].to_numpy())
        assert np.array_equal(frame.index.asi8, expected.index.as_unit("ms").asi8)
    works = {
        "recipe (orjson, pandas)": lambda: recipe(json.body),
        "cryptox JSON": lambda: ours(json),
        "cryptox SBE": lambda: ours(sbe),
        "cryptox SBE to polars": lambda: ours(sbe, "polars"),
        "orjson.loads alone": lambda: orjson.loads(json.body),
    }
    seconds = medians(works, rounds=60, calls=5)
    base = seconds["recipe (orjson, pandas)"]
    rows = [("1,000 candles, bytes to frame", "ms", "times faster than the recipe")]
    rows += [(name, f"{value * 1000:.3f}", f"{base / value:.1f}") for name, value in seconds.items()]
    print(machine())
    show(rows, f"One page: JSON {len(json.body):,} bytes, SBE {len(sbe.body):,}.")


if __name__ == "__main__":
    main()
