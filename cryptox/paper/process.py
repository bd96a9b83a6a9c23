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
from cryptox.venues.binance.endpoints import KLINES

from .exchange import PaperExchange

__all__ = ["PaperProcess", "serve"]

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
            host=options.host,
            port=options.port,
        ).start()
    except CryptoxError as error:
        _say(f"error: {error}")
        return 2
    over = _asked_to_end()
    with exchange:
        as_json = options.json or not sys.stdout.isatty()
        sys.stdout.write((_addresses(exchange) if as_json else _welcome(exchange)) + "\n")
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
        description="An exchange on this machine for any client: the public market data of Binance Spot over REST.",
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
    parser.add_argument("--keep", action="store_true", help="go on when a piped standard input ends")
    parser.add_argument("--json", action="store_true", help="one line of JSON, on a terminal too")
    return parser


def _addresses(exchange: PaperExchange) -> str:
    """For programs."""
    return json.dumps(
        {
            "rest_url": exchange.rest_url,
            "stream_url": exchange.stream_url,
            "ws_api_url": exchange.ws_api_url,
            "pid": os.getpid(),
        }
    )


def _welcome(exchange: PaperExchange) -> str:
    """For people."""
    return "\n".join(
        (
            repr(exchange),
            "",
            f'  cryptox   cx.connect("binance", rest_url="{exchange.rest_url}")',
            f"  programs  BINANCE_API_URL={exchange.rest_url}",
            f"  curl      '{exchange.rest_url}{KLINES.path}?symbol={next(iter(exchange.market.listings))}&interval=1h'",
            "",
            "Public market data; accounts, orders and streams are not served yet. Ctrl-C ends it.",
        )
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _clock(clock: str | None, speed: float | None) -> Any:
    if speed is None:
        return clock
    if clock is None:
        raise ValidationError(f"--speed {speed:g} needs --clock, the moment at which market time starts.")
    return (clock, speed)


def _limits(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        kind, _, rest = text.partition("=")
        amount, _, window = rest.partition("/")
        if not amount.isdecimal() or not window:
            raise ValidationError(f"--limit {text!r} is not KIND=AMOUNT/WINDOW such as REQUEST_WEIGHT=200/1s.")
        found.setdefault(kind, []).append((int(amount), window))
    return found


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
        limit=["REQUEST_WEIGHT=200/1s"]``.

    Attributes
    ----------
    rest_url, stream_url, ws_api_url : str
        Where it listens; set once it has started.

    Raises
    ------
    ConfigurationError : it did not start; with what it said.
    """

    def __init__(self, **options: Any) -> None:
        self._arguments: list[str] = []
        for name, value in options.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                if one is not None:
                    self._arguments += [f"--{name.replace('_', '-')}", str(one)]
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[bytes] | None = None  # a file: nobody would empty a pipe
        self.rest_url = self.stream_url = self.ws_api_url = ""

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
            env={**os.environ, "PYTHONPATH": path},
        )
        line = _first_line(self._process)
        if not line:
            said = self._end()
            raise ConfigurationError(
                "The paper exchange did not start in a process of its own.", technical_details=said or None
            )
        urls = json.loads(line)
        self.rest_url, self.stream_url, self.ws_api_url = (
            urls[name] for name in ("rest_url", "stream_url", "ws_api_url")
        )
        return self

    def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        self._end()

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
