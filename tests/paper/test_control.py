"""The control endpoint over real sockets: what it does, and whom it turns away."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.paper.control import DEEDS, LEAST_TOKEN, MOST_BYTES, PATH, TOKEN_HEADER, read_control
from cryptox.paper.faults import Faults
from cryptox.paper.process import PaperProcess

TOKEN = "a-token-of-the-tests"


@dataclass
class Controller:
    """A plain client of the endpoint."""

    exchange: Any

    def __call__(
        self, command: Any, *, method: str = "POST", host: str | None = None, path: str = PATH, **headers: Any
    ) -> tuple[int, Any]:
        """Status and the JSON of the answer; a header of None is not sent."""
        body = command if isinstance(command, bytes) else json.dumps(command).encode()
        sent = {TOKEN_HEADER: self.exchange.control_token, "Content-Length": str(len(body))}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        line = http.client.HTTPConnection("127.0.0.1", self.exchange.port, timeout=10)
        try:
            line.putrequest(method, path, skip_host=True)
            line.putheader("Host", host or f"127.0.0.1:{self.exchange.port}")
            for name, value in sent.items():
                if value is not None:
                    line.putheader(name, value)
            line.endheaders(body)
            answer = line.getresponse()
            text = answer.read()
            assert "access-control-allow-origin" not in {name.lower() for name, _ in answer.getheaders()}
            return answer.status, json.loads(text) if text else None
        finally:
            line.close()

    def result(self, command: Any) -> Any:
        status, answer = self(command)
        assert status == 200, answer
        assert set(answer) == {"result"}
        return answer["result"]

    def error(self, command: Any, **more: Any) -> tuple[int, str, str]:
        """Status, type and message of a refusal."""
        status, answer = self(command, **more)
        assert set(answer) == {"error"}, answer
        assert set(answer["error"]) == {"type", "message", "suggestions"}
        return status, answer["error"]["type"], answer["error"]["message"]


@pytest.fixture
def controlled(opened: Callable[..., Any]) -> Controller:
    return Controller(opened(control=TOKEN).exchange)


class TestCommands:
    def test_faults_come_and_go(self, controlled: Controller) -> None:
        faults = controlled.exchange.faults
        made = controlled.result(
            {"add": {"kind": "status", "error_code": -1007, "path": "order", "method": "POST", "times": 1}}
        )
        (fault,) = faults
        assert made == {
            "id": fault.id,
            "kind": "status",
            "hits": 0,
            "path": "order",
            "method": "POST",
            "times": 1,
            "after": 0,
            "probability": 1.0,
            "settings": {
                "code": 504,
                "body": None,
                "error_code": -1007,
                "message": None,
                "location": None,
                "retry_after": None,
                "accepted": True,
            },
        }
        skip = controlled.result({"add": {"kind": "skip_depth", "stream": "btcusdt@*"}})
        assert (skip["stream"], skip["event"]) == ("btcusdt@*", "depthUpdate")
        faults.add("drop", when=lambda _seen: False, path="klines")
        listed = controlled.result({"list": True})
        assert listed[:2] == [made, skip]
        assert listed[2]["when"] == "a predicate"
        assert controlled.result({"remove": made["id"]}) is True
        assert controlled.result({"remove": made["id"]}) is False
        assert controlled.result({"clear": True}) is None
        assert len(faults) == 0

    def test_a_fault_strikes(self, controlled: Controller) -> None:
        controlled.result({"add": {"kind": "status", "code": 502, "path": "ping", "times": 1}})
        line = http.client.HTTPConnection("127.0.0.1", controlled.exchange.port, timeout=10)
        statuses = []
        for _ in range(2):
            line.request("GET", "/api/v3/ping")
            answer = line.getresponse()
            answer.read()
            statuses.append(answer.status)
        line.close()
        assert statuses == [502, 200]
        controlled.result({"add": {"kind": "status", "code": 502}})
        assert controlled.result({"clear": True}) is None  # the endpoint itself is beyond faults

    def test_accounts_and_money(self, controlled: Controller) -> None:
        keys = controlled.result({"create_account": {"USDT": "12.5", "BTC": 1}})
        state = controlled.exchange._state
        account = state.accounts.accounts[state.accounts.by_api_key(keys["api_key"]).account]
        held = {asset: balance.free for asset, balance in account.balances.items()}
        assert held == {"USDT": 1_250_000_000, "BTC": 100_000_000}
        assert state.accounts.by_api_key(keys["api_key"]).secret == keys["secret_key"]
        assert controlled.result({"deposit": {"api_key": keys["api_key"], "asset": "USDT", "amount": "0.5"}}) is None
        assert account.balance("USDT").free == 1_300_000_000
        lock = {"api_key": keys["api_key"], "asset": "USDT", "amount": "13"}
        assert controlled.result({"lock": lock}) is None
        assert (account.balance("USDT").free, account.balance("USDT").locked) == (0, 1_300_000_000)
        assert "less than 13 USDT free" in controlled.error({"lock": lock})[2]
        assert controlled.result({"lock": {**lock, "amount": -13}}) is None
        assert (account.balance("USDT").free, account.balance("USDT").locked) == (1_300_000_000, 0)
        standard = controlled.result({"create_account": None})
        assert standard["api_key"] != keys["api_key"]

    def test_time(self, controlled: Controller, now_ms: int) -> None:
        assert controlled.result({"advance": "1h"}) == now_ms + 3_600_000
        assert controlled.result({"advance": 5}) == now_ms + 3_600_005
        assert controlled.result({"do": "step_clock", "seconds": -3}) is None
        assert controlled.exchange.clock.now_ms() == now_ms + 3_597_005

    def test_real_time_cannot_be_advanced(self, opened: Callable[..., Any]) -> None:
        controlled = Controller(opened(control=TOKEN, clock=None).exchange)
        assert controlled.error({"advance": "1h"})[:2] == (409, "ConfigurationError")

    def test_deeds(self, controlled: Controller) -> None:
        with socket.create_connection(("127.0.0.1", controlled.exchange.port), timeout=5) as idle:
            assert controlled.result({"do": "cut"}) == 0
            assert controlled.result({"do": "cut", "rest": True}) >= 1  # and this is answered
            with pytest.raises(ConnectionResetError):
                idle.recv(1)
        assert controlled.result({"do": "end_user_streams"}) == 0
        assert controlled.result({"do": "shut_down", "seconds": 0.5}) == 0
        assert controlled.result({"do": "freeze", "seconds": 1}) == 0
        tripped = controlled.result({"do": "trip_limit"})
        assert (tripped["kind"], tripped["settings"]["amount"]) == ("weight", 6_000)
        assert controlled.result({"do": "ban", "seconds": 60, "address": "127.0.0.1"}) is None
        assert controlled.exchange.faults is not None
        line = http.client.HTTPConnection("127.0.0.1", controlled.exchange.port, timeout=10)
        line.request("GET", "/api/v3/ping")
        assert line.getresponse().status == 418
        line.close()
        assert controlled.result({"do": "ban", "seconds": 0}) is None  # a ban does not lock the endpoint

    def test_every_deed_is_there(self) -> None:
        for deed in DEEDS:
            assert callable(getattr(Faults, deed))

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            (b"", "not a JSON object"),
            (b"[1]", "not a JSON object"),
            (b"{", "not a JSON object"),
            (b"\xff", "not a JSON object"),
            (b"[" * 60_000, "not a JSON object"),
            (b'{"clear": NaN}', "not a JSON object"),
            ({}, "this one has 0"),
            ({"clear": True, "list": True}, "this one has 2"),
            ({"clear": True, "more": 1}, "'more' is no word"),
            ({"clear": 1}, "clear=1 is not true"),
            ({"list": False}, "list=False is not true"),
            ({"remove": "1"}, "not the id"),
            ({"remove": True}, "not the id"),
            ({"add": "drop"}, "object with kind"),
            ({"add": {"kind": "droop"}}, "Did you mean 'drop'"),
            ({"add": {"kind": ["drop"]}}, "no kind of fault"),
            ({"add": {"kind": "drop", "when": "x"}}, "Python's alone"),
            ({"add": {"kind": "drop", "self": 1}}, "'self' cannot"),
            ({"add": {"kind": "drop", "times": "3"}}, "times='3'"),
            ({"add": {"kind": "latency", "seconds": None}}, "seconds=None"),
            ({"add": {"kind": "drop", "seconds_long": 10**400}}, "seconds_long=1000"),
            ({"do": "dance"}, "no deed"),
            ({"do": "__init__"}, "no deed"),
            ({"do": ["cut"]}, "no deed"),
            ({"do": "clear"}, "no deed"),
            ({"do": "cut", "rest": 1}, "neither true nor false"),
            ({"do": "cut", "spared": None}, "no argument"),
            ({"do": "ban"}, "needs seconds"),
            ({"do": "ban", "seconds": "1"}, "seconds='1'"),
            ({"do": "ban", "seconds": 1, "address": 7}, "address=7"),
            ({"do": "ban", "seconds": 10**400}, "seconds=1000"),
            ({"do": "ban", "seconds": 1e308}, "seconds=1e+308"),
            ({"do": "freeze", "seconds": 1e308}, "seconds=1e+308"),
            ({"do": "shut_down", "seconds": 1e308}, "seconds=1e+308"),
            ({"do": "step_clock", "seconds": -1e308}, "seconds=-1e+308"),
            ({"do": "step_clock", "seconds": float("nan")}, "not a JSON object"),
            ({"add": {"kind": "latency", "seconds": 1e308}}, "seconds=1e+308"),
            ({"add": {"kind": "freeze", "seconds": float("inf")}}, "not a JSON object"),
            ({"do": "end_user_streams", "account": "me"}, "account='me'"),
            ({"create_account": [1]}, "not a mapping"),
            ({"create_account": {"USDT": "much"}}, "not an amount"),
            ({"create_account": {"USDT": -1}}, "not an amount"),
            ({"create_account": {"USDT": "1e400000000"}}, "not an amount"),
            ({"create_account": {"usdt": 5}}, "name of an asset"),
            ({"deposit": {"api_key": "x", "asset": "USDT"}}, "needs amount"),
            ({"deposit": {"api_key": "x", "asset": "USDT", "amount": 1}}, "No account"),
            ({"deposit": 5}, "takes an object"),
            ({"lock": {"api_key": "x", "asset": "USDT"}}, "The lock needs amount"),
            ({"lock": {"api_key": "x", "asset": "USDT", "amount": 1}}, "No account"),
            ({"advance": "soon"}, "not a length of time"),
            ({"advance": -1}, "not a length of time"),
        ],
    )
    def test_nonsense(self, controlled: Controller, command: Any, words: str) -> None:
        status, kind, message = controlled.error(command)
        assert (status, kind) == (400, "ValidationError")
        assert words in message
        assert len(controlled.exchange.faults) == 0


class TestDoors:
    def test_it_is_off_unless_asked_for(self, ask: Any) -> None:
        assert ask.exchange.control_token is None
        assert Controller(ask.exchange)({"list": True}, **{TOKEN_HEADER: "x"})[0] == 404

    def test_a_random_token(self, opened: Callable[..., Any]) -> None:
        first, second = opened(control=True).exchange, opened(control=True).exchange
        assert len(first.control_token) >= 40
        assert first.control_token != second.control_token
        assert Controller(first).result({"list": True}) == []
        wrong = {TOKEN_HEADER: second.control_token}
        assert Controller(first).error({"list": True}, **wrong)[:2] == (401, "WrongToken")
        assert first.control_token not in repr(first)
        assert first.control_token not in repr(first._front._control)

    @pytest.mark.parametrize(
        "setting", [1, "short", "x" * (LEAST_TOKEN - 1), "a token with blanks", "ä" * 20, b"x" * 20]
    )
    def test_tokens_that_cannot_be(self, setting: Any) -> None:
        with pytest.raises(ValidationError, match="control="):
            read_control(setting)
        assert read_control(False) is None
        assert read_control(TOKEN) == TOKEN

    @pytest.mark.parametrize("token", [None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ä"])
    def test_without_the_token(self, controlled: Controller, token: Any) -> None:
        command = {"do": "cut"}
        assert controlled.error(command, **{TOKEN_HEADER: token})[:2] == (401, "WrongToken")

    def test_names_of_this_machine(self, controlled: Controller) -> None:
        port = controlled.exchange.port
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
            assert controlled({"list": True}, host=f"{host}:{port}")[0] == 200
        for host in (
            "127.0.0.1",
            f"127.0.0.1:{port + 1}",
            f"evil.example:{port}",
            f"localhost.evil.example:{port}",
            f"localhost.:{port}",
            f"127.0.0.1.nip.io:{port}",
            f"0.0.0.0:{port}",
            f"10.0.0.1:{port}",
            f"user@127.0.0.1:{port}",
            f"127.0.0.1:{port}:{port}",
            f"[::2]:{port}",
            f"127.0.0.1:{port}/",
        ):
            for path in (PATH, PATH + "?x=1"):
                got = controlled.error({"list": True}, host=host, path=path)
                assert got[:2] == (403, "ForeignHost"), host

    def test_other_origins(self, controlled: Controller) -> None:
        port = controlled.exchange.port
        for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
            assert controlled({"list": True}, Origin=origin)[0] == 200
        for origin in (
            "null",
            "",
            "http://evil.example",
            f"https://127.0.0.1:{port}",
            f"http://127.0.0.1:{port + 1}",
            f"http://localhost:{port}.evil.example",
            f"http://evil.example:{port}",
            "http://127.0.0.1",
            "file://",
        ):
            assert controlled.error({"list": True}, Origin=origin)[:2] == (403, "ForeignOrigin"), origin

    def test_a_page_learns_nothing_from_a_preflight(self, controlled: Controller) -> None:
        assert controlled.error(b"", method="OPTIONS", Origin="http://evil.example")[0] == 403
        for method in ("GET", "PUT", "OPTIONS", "DELETE"):
            assert controlled.error(b"", method=method)[:2] == (405, "WrongMethod")

    def test_two_hosts_or_two_tokens(self, controlled: Controller) -> None:
        port = controlled.exchange.port
        for more, wanted in (
            (f"Host: 127.0.0.1:{port}\r\n{TOKEN_HEADER}: {TOKEN}\r\n", b" 40"),
            (f"{TOKEN_HEADER}: {TOKEN}\r\n{TOKEN_HEADER}: {TOKEN}\r\n", b" 401 "),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}Content-Length: 2\r\n\r\n{{}}"
                line.sendall(head.encode())
                assert wanted in line.recv(65_536).partition(b"\r\n")[0]

    def test_other_paths_are_not_it(self, controlled: Controller) -> None:
        for path in (PATH + "/", PATH.upper(), "/paper/v1", f"http://127.0.0.1:{controlled.exchange.port}{PATH}x"):
            assert controlled({"list": True}, path=path)[0] == 404

    def test_bodies_are_bounded(self, controlled: Controller) -> None:
        long = b'{"list": true' + b" " * MOST_BYTES + b"}"
        assert controlled.error(long)[:2] == (413, "TooLarge")
        assert controlled({"list": True})[0] == 200
        assert controlled.error({"list": True}, Content_Encoding="gzip")[:2] == (415, "WrongEncoding")
        fits = b'{"list": true' + b" " * (MOST_BYTES - 14) + b"}"
        assert controlled(fits)[0] == 200

    def test_endless_bodies_are_cut_short(self, controlled: Controller) -> None:
        port = controlled.exchange.port
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{TOKEN_HEADER}: {TOKEN}\r\n"
            line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            line.sendall((b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5)
            assert b" 413 " in line.recv(65_536).partition(b"\r\n")[0]

    def test_slow_bodies_are_not_waited_for(self, controlled: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cryptox.paper.control.READ_S", 0.1)
        port = controlled.exchange.port
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{TOKEN_HEADER}: {TOKEN}\r\n"
            line.sendall(f"{head}Content-Length: 10\r\n\r\n{{".encode())
            assert b" 408 " in line.recv(65_536).partition(b"\r\n")[0]

    def test_where_it_listens_decides_on_names(self, opened: Callable[..., Any]) -> None:
        everywhere = Controller(opened(control=TOKEN, host="0.0.0.0").exchange)
        port = everywhere.exchange.port
        assert everywhere({"list": True})[0] == 200
        assert everywhere.error({"list": True}, host=f"0.0.0.0:{port}")[:2] == (403, "ForeignHost")

    @pytest.mark.usefixtures("wall")
    def test_requests_are_neither_counted_nor_logged(self, controlled: Controller) -> None:
        for _ in range(3):
            controlled.result({"list": True})
        assert len(controlled.exchange.requests) == 0
        line = http.client.HTTPConnection("127.0.0.1", controlled.exchange.port, timeout=10)
        line.request("GET", "/api/v3/ping")
        assert line.getresponse().getheader("x-mbx-used-weight-1m") == "1"
        line.close()


@pytest.mark.slow
def test_from_the_command_line() -> None:
    with PaperProcess(control=True, symbol="BTCUSDT") as process:
        assert process.control_url == process.rest_url + PATH
        head = {TOKEN_HEADER: process.control_token, "Content-Type": "application/json"}
        asked = urllib.request.Request(process.control_url, b'{"add": {"kind": "status", "code": 418}}', head)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert json.load(answer)["result"]["id"] == 1
        with pytest.raises(urllib.error.HTTPError, match="418"):
            urllib.request.urlopen(f"{process.rest_url}/api/v3/ping", timeout=10)
    with PaperProcess(control=TOKEN, symbol="BTCUSDT") as process:
        assert process.control_token == TOKEN
    with PaperProcess(symbol="BTCUSDT") as process:
        assert process.control_token == ""
    with pytest.raises(ConfigurationError) as caught:
        PaperProcess(control="short").start()
    assert "control=" in caught.value.technical_details
    assert "short" not in caught.value.technical_details
