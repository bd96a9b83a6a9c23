"""A paper exchange in a process of its own: ``cryptox paper --port 9000``, or ``python -m cryptox.paper.process``.

It says where it listens, to people on a terminal and as one line of JSON to programs, then serves until it is asked to
terminate. Started through a pipe it also ends with its standard input, so that it does not outlive who started it.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import queue
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from cryptox.errors import ConfigurationError, CryptoxError, ValidationError
from cryptox.venues.binance.endpoints import KLINES, PING

from .exchange import PaperExchange
from .forks import let_go, watch
from .keys import PaperKeys

__all__ = ["PaperProcess", "serve"]

TOKEN_VARIABLE = "CRYPTOX_PAPER_TOKEN"  # noqa: S105 - the variable's name
START_S = 60.0
STOP_S = 5.0


def serve(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or the end of a piped standard input; the exit status."""
    options = _parser().parse_args(arguments)
    if not _is_loopback(options.host):
        _say(f"warning: {options.host} is not loopback; others on the network can reach it")
    try:
        exchange = PaperExchange(
            options.seed,
            symbols=options.symbol or None,
            clock=_clock(options.clock, options.speed),
            history=options.history,
            limits=_limits(options.limit),
            latency=options.latency,
            balances=_balances(options.balance),
            ping_every=options.ping_every,
            connection_life=options.connection_life,
            path=options.path,
            control=_control(options.control),
            host=options.host,
            port=options.port,
        ).start()
        keys = exchange.first_account()
    except CryptoxError as error:
        _say("\n".join([f"error: {error}", *error.recovery_suggestions]))
        return 2
    over = _asked_to_end()
    with exchange:
        as_json = options.json or not sys.stdout.isatty()
        sys.stdout.write((_addresses(exchange, keys) if as_json else _welcome(exchange, keys)) + "\n")
        sys.stdout.flush()
        if not options.keep and _is_piped():
            threading.Thread(target=_read_to_end, args=(over,), name="cryptox-paper-input", daemon=True).start()
        # In slices: a lock without a timeout cannot be interrupted by a signal on Windows.
        while not over.wait(0.5):
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryptox paper",
        description="An exchange on this machine for any client: Binance Spot's REST, streams and WebSocket API.",
        epilog='example: cryptox paper --port 9000 --clock "2024-06-01 12:00" --limit REQUEST_WEIGHT=200/1s',
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes any free one")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; anything but loopback lets others in")
    parser.add_argument("--seed", type=int, default=7, help="of the market: the same seed, the same market")
    parser.add_argument("--symbol", action="append", help="only this symbol; may be repeated")
    parser.add_argument("--clock", help='market time: "now" (the default), or frozen at "2024-06-01 12:00"')
    parser.add_argument("--speed", type=float, help="let --clock run, so many times as fast as real time")
    parser.add_argument("--history", help="file of real history to serve (parquet, feather, CSV)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes")
    parser.add_argument(
        "--limit", action="append", default=[], metavar="KIND=AMOUNT/WINDOW", help="such as REQUEST_WEIGHT=200/1s"
    )
    parser.add_argument(
        "--balance",
        action="append",
        default=[],
        metavar="ASSET=AMOUNT",
        help="what accounts start with, such as USDT=1000",
    )
    parser.add_argument(
        "--path", help="file that keeps accounts and orders between runs; without it they are forgotten"
    )
    parser.add_argument("--ping-every", type=float, default=20.0, help="seconds between pings of a socket")
    parser.add_argument("--connection-life", type=float, default=86_400.0, help="seconds until a socket is closed")
    parser.add_argument(
        "--control",
        nargs="?",
        const=True,
        default=False,
        metavar="TOKEN",
        help="let programs order faults, accounts and time over HTTP, with this token (others on this machine can see "
        f"it here: better put it into {TOKEN_VARIABLE}) or a random one",
    )
    parser.add_argument("--keep", action="store_true", help="go on when a piped standard input ends")
    parser.add_argument("--json", action="store_true", help="one line of JSON, on a terminal too")
    return parser


def _addresses(exchange: PaperExchange, keys: PaperKeys) -> str:
    """For programs."""
    said = {
        "rest_url": exchange.rest_url,
        "stream_url": exchange.stream_url,
        "stream_sbe_url": exchange.stream_sbe_url,
        "ws_api_url": exchange.ws_api_url,
        "api_key": keys.api_key,
        "secret_key": keys.secret_key,
        "pid": os.getpid(),
    }
    if exchange.control_token is not None:
        said.update(control_url=exchange.control_url, control_token=exchange.control_token)
    return json.dumps(said)


def _welcome(exchange: PaperExchange, keys: PaperKeys) -> str:
    """For people: where it listens, and the lines that point a client at it."""
    rest, stream, ws_api = exchange.rest_url, exchange.stream_url, exchange.ws_api_url
    symbol = next(iter(exchange.market.listings))
    control = ""
    if exchange.control_token is not None:
        control = f"\n  control         {exchange.control_url}\n  control token   {exchange.control_token}"
    version = rest + PING.path.rpartition("/")[0]
    api = (version.rpartition("/")[0], version)  # without and with the version of the API
    return f"""{exchange!r}

  REST            {rest}
  streams         {stream}
  SBE streams     {exchange.stream_sbe_url}
  WebSocket API   {ws_api}
  api key         {keys.api_key}
  secret key      {keys.secret_key}{control}

  curl            '{rest}{KLINES.path}?symbol={symbol}&interval=1h'
  cryptox         cx.connect("binance", rest_url="{rest}", stream_url="{stream}",
                      ws_api_url="{ws_api}", api_key=key, secret_key=secret, trading=True)
  programs        BINANCE_API_URL={rest} BINANCE_WS_URL={stream} BINANCE_WS_API_URL={ws_api}
  python-binance  client = Client(key, secret, ping=False); client.API_URL = "{api[0]}"
  ccxt            exchange.urls["api"] = dict(public="{api[1]}", private="{api[1]}")
  official SDK    ConfigurationRestAPI(api_key=key, api_secret=secret, base_path="{rest}")

Streams and user data of other clients: docs/clients.md. Ctrl-C ends it."""


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _clock(clock: str | None, speed: float | None) -> Any:
    if speed is None:
        return clock
    if clock is None:
        raise ValidationError(f"--speed {speed:g} needs --clock, the moment at which market time starts.")
    return (clock, speed)


def _control(option: bool | str) -> bool | str:
    token = os.environ.get(TOKEN_VARIABLE)
    return option if token is None or option is not True else token


def _limits(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        kind, _, rest = text.partition("=")
        amount, _, window = rest.partition("/")
        if not amount.isdecimal() or not window:
            raise ValidationError(f"--limit {text!r} is not KIND=AMOUNT/WINDOW such as REQUEST_WEIGHT=200/1s.")
        found.setdefault(kind, []).append((int(amount), window))
    return found


def _balances(texts: Sequence[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for text in texts:
        asset, equals, amount = text.partition("=")
        if not equals or not asset or not amount:
            raise ValidationError(f"--balance {text!r} is not ASSET=AMOUNT such as USDT=1000.")
        found[asset] = amount
    return found or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _asked_to_end() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return over


def _is_piped() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):  # no standard input, or one that is no file
        return False


def _read_to_end(over: threading.Event) -> None:
    # Past sys.stdin's buffer: a thread that waits inside it makes the interpreter abort at its end.
    descriptor = sys.stdin.fileno()
    with suppress(OSError):
        while os.read(descriptor, 4_096):
            pass
    over.set()


class PaperProcess:
    """A paper exchange in a process of its own, for as long as the ``with`` block lasts.

    Parameters
    ----------
    options
        As on the command line, by name: ``port=0, seed=7, clock="2024-06-01", latency=0.05, symbol=["BTCUSDT"],
        limit=["REQUEST_WEIGHT=200/1s"]``. A token given with ``control`` goes by the environment, not by the arguments,
        which other users of the machine can see.

    Attributes
    ----------
    rest_url, stream_url, stream_sbe_url, ws_api_url : str
        Where it listens; set once it has started.
    keys : PaperKeys
        What opens its first account.
    control_url, control_token : str
        The control endpoint and what opens it; empty without ``control=True``.

    Raises
    ------
    ConfigurationError : it did not start; with what it said.
    """

    def __init__(self, **options: Any) -> None:
        self._arguments: list[str] = []
        self._environment: dict[str, str] = {}
        if isinstance(token := options.get("control"), str):
            self._environment[TOKEN_VARIABLE] = token
            options["control"] = True
        for name, value in options.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                if one is not None and one is not False:
                    self._arguments += [f"--{name.replace('_', '-')}", *([] if one is True else [str(one)])]
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[bytes] | None = None  # a file: nobody would empty a pipe
        self.rest_url = self.stream_url = self.stream_sbe_url = self.ws_api_url = ""
        self.control_url = self.control_token = ""
        self.keys = PaperKeys("", "")

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> Self:
        """Start it and wait until it listens."""
        if self._process is not None:
            return self
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-m", "cryptox.paper.process", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, **self._environment, "PYTHONPATH": path},
        )
        watch(self, PaperProcess._forked)
        line = _first_line(self._process)
        if not line:
            raise ConfigurationError(
                "The paper exchange did not start in a process of its own.", technical_details=self._end() or None
            )
        said = json.loads(line)
        self.rest_url, self.stream_url = said["rest_url"], said["stream_url"]
        self.stream_sbe_url, self.ws_api_url = said["stream_sbe_url"], said["ws_api_url"]
        self.keys = PaperKeys(said["api_key"], said["secret_key"])
        self.control_url, self.control_token = said.get("control_url", ""), said.get("control_token", "")
        return self

    def stop(self) -> None:
        """End it; nothing happens if it does not run, or in a child process: there it is the parent's."""
        self._end()

    def _forked(self) -> None:
        """In a forked child: let go of the pipe that keeps it alive, so that it ends with the parent."""
        process, self._process = self._process, None
        if process is not None:
            process.returncode = 0  # not the child's to wait for
            let_go([pipe.fileno() for pipe in (process.stdin, process.stdout) if pipe is not None and not pipe.closed])

    def _end(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        try:
            process.communicate(input="", timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        assert self._said is not None
        with self._said as file:
            file.seek(0)
            return file.read().decode(errors="replace").strip()

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()


def _first_line(process: subprocess.Popen[str]) -> str:
    """The first line it prints; empty when it ends or takes too long."""
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    stdout = process.stdout
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        return lines.get(timeout=START_S)
    except queue.Empty:
        return ""


if __name__ == "__main__":
    sys.exit(serve())
