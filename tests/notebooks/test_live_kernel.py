"""Sessions against a real exchange from a real kernel: while its loop runs, with ``await``, and interrupted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 30.0


class Kernel:
    """A kernel and what its cells say."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str, *, on_text: Callable[[str], None] = lambda _: None) -> tuple[str, str]:
        """Run a cell; what it printed, or the last value's text, and the name of its error."""
        asked = self._client.execute(code)
        said, error, deadline = "", "", time.monotonic() + WITHIN_S
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.01))
            except Empty:
                raise AssertionError(f"the cell did not end in {WITHIN_S:.0f} s; so far {said!r}") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    said += content["text"]
                    on_text(said)
                case "execute_result":
                    said += content["data"]["text/plain"]
                case "error":
                    error = content["ename"]
                case "status" if content["execution_state"] == "idle":
                    return said.strip(), error

    def interrupt(self) -> None:
        """The stop button."""
        self._manager.interrupt_kernel()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("kernel")
    manager, client = jupyter_client.manager.start_new_kernel(
        kernel_name="python3",
        env={**os.environ, "PYTHONPATH": str(ROOT), "CRYPTOX_VENUE": "paper", "IPYTHONDIR": str(home)},
        cwd=str(home),
    )
    try:
        kernel = Kernel(manager, client)
        assert kernel.run('import cryptox as cx\nexchange = cx.PaperExchange(clock="2024-06-01 12:00").start()') == (
            "",
            "",
        )
        assert kernel.run("session = cx.use(exchange)") == ("", "")
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_blocking_calls_run_while_the_kernels_loop_does(kernel: Kernel) -> None:
    assert kernel.run("import asyncio; asyncio.get_running_loop().is_running()") == ("True", "")
    assert kernel.run('len(cx.klines_bulk("BTCUSDT", "1h", 3000)), len(session.klines("ETHUSDT"))') == (
        "(3000, 500)",
        "",
    )


def test_the_async_session_runs_on_the_kernels_own_loop(kernel: Kernel) -> None:
    cell = """
        async with cx.aio.connect(exchange) as aio:
            frame = await aio.klines("BTCUSDT", "1d", 7)
            many = await asyncio.gather(*(aio.klines_bulk("BTCUSDT", "1h", 2000) for _ in range(3)))
        len(frame), [len(one) for one in many], cx.server_time().hour
        """
    assert kernel.run(cell) == ("(7, [2000, 2000, 2000], 12)", "")
    # A session outlives its cell: the next one goes on with it.
    assert kernel.run("aio = await cx.aio.connect(exchange)\nlen(await aio.trades('BTCUSDT', 9))") == ("9", "")
    assert kernel.run("len(await aio.trades('BTCUSDT', 8)), await aio.close()") == ("(8, None)", "")
    assert kernel.run("import sys; 'nest_asyncio' in sys.modules") == ("False", "")


@pytest.mark.skipif(os.name != "posix", reason="the kernel is interrupted otherwise on Windows")
def test_a_bulk_call_that_is_stopped_keeps_its_rows_and_the_session(kernel: Kernel) -> None:
    assert kernel.run("exchange.faults.add('latency', seconds=0.2, path='klines')\nexchange.requests.clear()") == (
        "",
        "",
    )
    stopped = []

    def stop(said: str) -> None:
        if "page" in said and not stopped:
            stopped.append(True)
            kernel.interrupt()

    call = 'cx.klines_bulk("BTCUSDT", "1m", 100_000, progress={})'
    _, error = kernel.run(call.format('lambda *_: print("page", flush=True)'), on_text=stop)
    assert stopped
    assert error == "KeyboardInterrupt"
    assert kernel.run("len(session.klines('BTCUSDT', '1h', 5))") == ("5", "")
    kept, error = kernel.run("kept = session.last_partial(); len(kept)")
    assert error == ""
    assert 0 < int(kept) < 100_000
    assert kernel.run("exchange.faults.clear()\nexchange.requests.clear()") == ("", "")
    assert kernel.run(f"whole = {call.format(False)}\nlen(whole), whole.index.is_unique") == ("(100000, True)", "")
    # Only what the first call did not bring was asked for again.
    asked, _ = kernel.run("len(exchange.requests.of('klines'))")
    assert int(asked) <= 100 - int(kept) // 1000 + 3
