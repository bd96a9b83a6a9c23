"""A market order whose answer is lost: what each client says of it, and how many orders the exchange then has.

    python benchmarks/lost_answer.py --venvs VENVS

Each client places one order for 0.001 BTC on a paper exchange of its own, with a time limit of two seconds. The
exchange carries the order out and then does not answer, resets the connection, or answers -1007, which says that the
outcome is unknown; in a fourth case the order gets lost on its way, which looks like the first from outside.

VENVS is the folder that ``benchmarks/venvs.py`` made; a client that is not there is left out with a message.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from typing import Any

from measure import machine, show
from venvs import python, versions

import cryptox as cx

FAULTS: dict[str, dict[str, Any]] = {
    "carried out, no answer": {"kind": "drop"},
    "carried out, connection reset": {"kind": "reset", "at": "body"},
    "carried out, -1007": {"kind": "status", "error_code": -1007},
    "never arrived, no answer": {"kind": "drop", "accepted": False},
}
LIMIT_S = 2
RUN = """
import json, sys
told = json.loads(sys.stdin.readline())
rest_url, api_key, secret_key = told["rest_url"], told["api_key"], told["secret_key"]
{setup}
print("READY", flush=True)
sys.stdin.readline()
try:
    said = {call}
except Exception as error:
    kind = type(error)
    said = kind.__module__.partition(".")[0] + "." + kind.__name__
print(said, flush=True)
"""
SETUP = {
    "python-binance": f"""
from binance import Client
Client.API_URL = rest_url + "/api"
client = Client(api_key, secret_key, requests_params={{"timeout": {LIMIT_S}}})
""",
    "ccxt": f"""
import ccxt
only = {{"fetchMarkets": {{"types": ["spot"]}}, "fetchCurrencies": False, "fetchMargins": False}}
client = ccxt.binance({{"apiKey": api_key, "secret": secret_key, "options": only, "timeout": {LIMIT_S * 1000}}})
client.urls["api"] = {{"public": rest_url + "/api/v3", "private": rest_url + "/api/v3"}}
client.load_markets()
""",
    "sdk": f"""
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.spot import Spot
given = ConfigurationRestAPI(api_key=api_key, api_secret=secret_key, base_path=rest_url, timeout={LIMIT_S * 1000})
client = Spot(config_rest_api=given)
client.rest_api.time()
""",
}
CALL = {
    "python-binance": 'client.order_market_buy(symbol="BTCUSDT", quantity="0.001")["status"]',
    "ccxt": 'client.create_market_buy_order("BTC/USDT", 0.001)["status"]',
    "sdk": ('client.rest_api.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.001).data().status'),
}


def main(folder: str | None) -> None:
    """Print a row for each client."""
    print(machine())
    rows = [("client", *FAULTS), ("cryptox", *(told(*of_ours(fault)) for fault in FAULTS.values()))]
    for client in versions(folder, [*SETUP]):
        found = [of_peer(client, str(python(folder, client)), fault) for fault in FAULTS.values()]
        if None in found:
            print(f"{client}: left out, it could not be set up")
        else:
            rows.append((client, *(told(*one) for one in found if one)))
    show(rows, "In brackets how many orders the exchange then has.")


def told(said: str, orders: int) -> str:
    """A cell."""
    return f"{said} ({orders})"


def of_ours(fault: dict[str, Any]) -> tuple[str, int]:
    """What cryptox said, and how many orders there are."""
    with cx.PaperExchange() as exchange:
        keys = exchange.create_account()
        with cx.connect(exchange, api_key=keys[0], secret_key=keys[1], order_timeout=LIMIT_S) as session:
            session.symbol("BTCUSDT")
            exchange.faults.add(path="order", method="POST", times=1, **fault)
            try:
                said = str(session.buy("BTCUSDT", "0.001").status)
            except cx.errors.CryptoxError as error:
                said = f"cryptox.{type(error).__name__}"
        return said, placed(exchange, keys)


def of_peer(client: str, interpreter: str, fault: dict[str, Any]) -> tuple[str, int] | None:
    """The same of another client, in a process of its own; None where it is not there."""
    with cx.PaperExchange() as exchange:
        keys = exchange.create_account()
        program = RUN.format(setup=SETUP[client], call=CALL[client])
        where = {"rest_url": exchange.rest_url, "api_key": keys[0], "secret_key": keys[1]}
        with subprocess.Popen(
            [interpreter, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as peer:
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(json.dumps(where) + "\n")
            peer.stdin.flush()
            if peer.stdout.readline() != "READY\n":
                return None
            exchange.faults.add(path="order", method="POST", times=1, **fault)
            peer.stdin.write("\n")
            peer.stdin.flush()
            said = peer.stdout.readline().strip()
        return said, placed(exchange, keys)


def placed(exchange: cx.PaperExchange, keys: tuple[str, str]) -> int:
    """How many orders the account has."""
    exchange.faults.clear()
    with cx.connect(exchange, api_key=keys[0], secret_key=keys[1]) as session:
        return len(session.orders("BTCUSDT"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venvs", metavar="FOLDER", help="where the other clients are")
    main(parser.parse_args().venvs)
