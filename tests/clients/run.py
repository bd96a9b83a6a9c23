"""Run the other clients against paper exchanges of their own, and say what held.

    python tests/clients/run.py PEER_PYTHON [client ...]
    python tests/clients/run.py --packages

PEER_PYTHON is a Python that has the packages which ``--packages`` names; cryptox runs in the one that runs this. Each
client gets an exchange in real time with a new account, keys of all three kinds, and a time limit. Ends with 0 only if
all checks of all clients held. Nothing leaves the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import cryptox as cx

HERE = Path(__file__).resolve().parent
PACKAGES = ("python-binance==1.0.37", "ccxt==4.5.90", "binance-sdk-spot==13.2.0")
SCRIPTS = {
    "python-binance": "python_binance.py",
    "python-binance-async": "python_binance_async.py",
    "ccxt": "ccxt_client.py",
    "ccxt-pro": "ccxt_pro.py",
    "binance-sdk-spot": "official_sdk.py",
    "binance-sdk-spot-sockets": "official_sdk_sockets.py",
    "names-on-pages": "names_on_pages.py",
}
BALANCES = {"USDT": "100000", "BTC": "1", "ETH": "10", "BNB": "10"}
LIMIT_S = 150.0


@dataclass
class Run:
    """One client at work on its exchange."""

    client: str
    exchange: cx.PaperExchange
    process: subprocess.Popen[str]
    output: IO[str]
    began: float
    status: int | str | None = None
    seconds: float = 0.0

    def look(self) -> bool:
        """Whether it has ended, or has been ended for taking too long."""
        if self.status is None:
            self.status = self.process.poll()
            self.seconds = time.monotonic() - self.began
            if self.status is None and self.seconds > LIMIT_S:
                self.process.kill()
                self.process.wait()
                self.status = f"stopped after {LIMIT_S:.0f} s"
        return self.status is not None

    def end(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.exchange.stop()


def start(peer: str, client: str) -> Run:
    """Start a client on an exchange of its own."""
    exchange = cx.PaperExchange().start()
    keys = exchange.create_account(BALANCES)
    told: dict[str, Any] = {
        "rest_url": exchange.rest_url,
        "stream_url": exchange.stream_url,
        "ws_api_url": exchange.ws_api_url,
        "api_key": keys.api_key,
        "secret_key": keys.secret_key,
        "balances": BALANCES,
        "ed25519": another_key(exchange, keys.api_key, ed25519.Ed25519PrivateKey.generate()),
        "rsa": another_key(exchange, keys.api_key, rsa.generate_private_key(65537, 2048)),
    }
    output = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - read when the client has ended
    process = subprocess.Popen(
        [peer, str(HERE / SCRIPTS[client])],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1", **plain_environment()},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(told))
    process.stdin.close()
    return Run(client, exchange, process, output, time.monotonic())


def plain_environment() -> dict[str, str]:
    """The environment without what points Python or a client elsewhere."""
    unwanted = ("PYTHON", "VIRTUAL_ENV", "BINANCE_", "CRYPTOX_")
    named = {"http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"}
    return {
        name: value for name, value in os.environ.items() if not name.startswith(unwanted) and name.lower() not in named
    }


def another_key(exchange: cx.PaperExchange, api_key: str, key: Any) -> dict[str, str]:
    """A key pair of the account: its name at the exchange, and its private half."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"api_key": exchange.add_key(api_key, public).api_key, "private_key": private}


def said(run: Run) -> tuple[int, int, list[str]]:
    """How many checks held, how many did not, and the lines to show: the failed ones and what follows them."""
    run.output.seek(0)
    lines = run.output.read().splitlines()
    held, failed = (sum(line.startswith(mark) for line in lines) for mark in ("ok  ", "FAIL"))
    shown = [line for line in lines if not line.startswith(("ok  ", "---", "==="))]
    return held, failed, shown


def main(arguments: Sequence[str]) -> int:
    """Run the clients side by side; 0 if everything held."""
    if list(arguments) == ["--packages"]:
        sys.stdout.write("\n".join(PACKAGES) + "\n")
        return 0
    if not arguments or not set(arguments[1:]) <= set(SCRIPTS):
        sys.stderr.write(f"usage: run.py --packages | PEER_PYTHON [{'|'.join(SCRIPTS)} ...]\n")
        return 2
    runs: list[Run] = []
    try:
        runs += [start(arguments[0], client) for client in arguments[1:] or SCRIPTS]
        while [run for run in runs if not run.look()]:
            time.sleep(0.1)
    finally:
        for run in runs:
            run.end()
    good = True
    for run in runs:
        held, failed, shown = said(run)
        fine = run.status == 0 and held and not failed
        good = good and bool(fine)
        sys.stdout.write(f"{'ok' if fine else 'FAILED':8}{run.client:26}{held:4} of {held + failed:4} checks held")
        sys.stdout.write(f"{run.seconds:8.1f} s" + ("\n" if fine else f"  (status {run.status})\n"))
        if not fine:
            sys.stdout.write("".join(f"        {line}\n" for line in shown))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
