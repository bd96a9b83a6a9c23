"""The generator of the blocking faces, on a toy core in a package of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cryptox._dev import sync_face
from cryptox.model import columns

REPOSITORY = Path(__file__).resolve().parents[2]

BASE = '''
    """Candles."""
    from __future__ import annotations
    from decimal import Decimal
    from typing import TYPE_CHECKING, Literal
    from ..model.interval import Interval
    if TYPE_CHECKING:
        import pandas as pd

    Backend = Literal["pandas", "polars"]
    NEWEST = 500

    class KlineCalls:
        """Part of the session."""

        async def klines(
            self, symbol: str, interval: str | Interval = "1h", limit: int | None = NEWEST, *,
            frame: Backend | None = None, exact: bool = False, **extra: Decimal,
        ) -> pd.DataFrame:
            """Klines, oldest first.

            Columns: klines

            Raises
            ------
            BadSymbol : nothing trades under that name "here" \\\\ there.

            Examples
            --------
            >>> df = await cx.klines("BTCUSDT",
            ...     limit=await cx.n())
            """
            return None

        async def ping(self) -> None:
            """Nothing, when the exchange is there."""

        def _hidden(self) -> None: ...
'''
CORE = '''
    """The core."""
    from __future__ import annotations
    from cryptox.sessions.candles import Decimal, KlineCalls

    class AsyncSession(KlineCalls):
        """A session."""

        def __init__(self, user: str | None = None) -> None:
            self.user = user
            self.opened: list[str] = []
            self._inner = 3

        async def balance(self, asset: str) -> Decimal:
            """Amount held of one asset."""
            return Decimal(1)

        async def __aenter__(self) -> AsyncSession:
            return self

        @property
        def venue(self) -> str:
            """Name of the venue."""
            return "toy"

        def describe(self, *words: str, loud: bool = False) -> list[str]:
            """What it is."""
            return list(words)

        async def ping(self) -> None:
            """Nothing, of this class."""

        async def close(self) -> None:
            """End it."""

        def __repr__(self) -> str:
            return "<AsyncSession toy>"
'''

FEEDS = '''
    """Feeds."""
    from __future__ import annotations
    from collections.abc import Sequence
    from ..feed import AsyncFeed

    HISTORY = 300

    class AsyncLive:
        """Feeds."""

        def __init__(self, session: object) -> None:
            self._session = session

        def trades(self, symbol: str | Sequence[str], history: int = HISTORY) -> AsyncFeed:
            """A feed of trades."""

        async def unsubscribe(self, symbol: str) -> int:
            """End them; not of the blocking class."""
'''
WITH_FEEDS = '''
        @property
        def live(self) -> AsyncLive:
            """Live feeds."""

        async def record(self, path: str, *feeds: AsyncFeed) -> AsyncRecording:
            """A recording."""

        def replay(self, path: str) -> AsyncReplay:
            """A replay."""
'''
IMPORTS = """
from cryptox.sessions.candles import Decimal, KlineCalls
from cryptox.sessions.feed import AsyncFeed, AsyncRecording, AsyncReplay
from cryptox.sessions.live.live import AsyncLive
"""

ASYNC_GENERATOR = """

        async def many(self) -> int:
            yield 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    session = tmp_path / "cryptox" / "sessions"
    session.mkdir(parents=True)
    (session / "candles.py").write_text(textwrap.dedent(BASE), encoding="utf-8")
    (session / "session.py").write_text(textwrap.dedent(CORE), encoding="utf-8")
    return tmp_path


@pytest.fixture
def live_root(root: Path) -> Path:
    """The same core with live feeds."""
    session = root / "cryptox" / "sessions"
    (session / "live").mkdir()
    (session / "live" / "live.py").write_text(textwrap.dedent(FEEDS), encoding="utf-8")
    (session / "feed.py").write_text("class AsyncFeed: ...\nclass AsyncRecording: ...\nclass AsyncReplay: ...\n")
    core = textwrap.dedent(CORE).replace("from cryptox.sessions.candles import Decimal, KlineCalls\n", IMPORTS)
    (session / "session.py").write_text(core + textwrap.indent(textwrap.dedent(WITH_FEEDS), "    "), encoding="utf-8")
    return root


def test_a_core_without_feeds_has_two_files(root: Path) -> None:
    assert set(sync_face.render(root)) == {sync_face.FACE, sync_face.QUICK}


def test_feeds_become_blocking_ones(live_root: Path) -> None:
    texts = sync_face.render(live_root)
    assert set(texts) == {sync_face.FACE, sync_face.QUICK, sync_face.LIVE}
    live = texts[sync_face.LIVE]
    assert "    def trades(self, symbol: str | Sequence[str], history: int = HISTORY) -> Feed:\n" in live
    assert "            return open_feed(self._owner(), lambda live: live.trades(symbol, history))\n" in live
    assert "from cryptox.sessions.live.live import HISTORY\n" in live
    assert "Its source is ``cryptox.sessions.live.live``." in live
    assert 'return "<Live: trades>"' in live
    assert "unsubscribe" not in live
    assert "Async" not in live


def test_the_session_gives_what_is_blocking(live_root: Path) -> None:
    texts = sync_face.render(live_root)
    face, quick = texts[sync_face.FACE], texts[sync_face.QUICK]
    assert "    @property\n    def live(self) -> Live:\n" in face
    assert "            return Live(lambda: self)\n" in face
    assert "    def record(self, path: str, *feeds: Feed) -> Recording:\n" in face
    assert "            return Recording(door.call(self._session.record(path, *unwrapped(feeds))), self)\n" in face
    assert "            return Replay(self._session.replay(path), self)\n" in face
    assert "\nlive = Live(_session)\n" in quick
    assert "def record(path: str, *feeds: Feed) -> Recording:\n" in quick
    assert "        return _session().record(path, *feeds)\n" in quick
    assert '__all__ = ["balance", "describe", "klines", "live", "ping", "record", "replay"]' in quick
    for text in (face, quick):
        assert "from cryptox.sync.live import Live\n" in text
        assert set(re.findall(r"Async\w+", text)) <= {"AsyncSession"}


def test_face_has_every_public_method_with_its_signature(root: Path) -> None:
    face = sync_face.render(root)[sync_face.FACE]
    assert "from cryptox.model.interval import Interval\n" in face
    assert "from cryptox.sessions.candles import NEWEST, Backend\n" in face
    assert "if TYPE_CHECKING:\n    import pandas as pd\n" in face
    assert "from cryptox.sessions.session import AsyncSession\n" in face
    flat = " ".join(face.split())
    assert (
        'def klines( self, symbol: str, interval: str | Interval = "1h", limit: int | None = NEWEST, *, '
        "frame: Backend | None = None, exact: bool = False, **extra: Decimal, ) -> pd.DataFrame:" in flat
    )
    assert "door.call(self._session.klines(symbol, interval, limit, frame=frame, exact=exact, **extra))" in face
    assert "    @property\n    def venue(self) -> str:\n" in face
    assert "return self._session.describe(*words, loud=loud)" in face
    assert "    @property\n    def user(self) -> str | None:\n" in face
    assert "    @property\n    def opened(self) -> list[str]:\n" in face
    # the name is taken from where it is defined, not from where it is passed on
    assert face.count("import Decimal") == 1
    assert "from decimal import Decimal\n" in face
    assert face.count("def ping(") == 1
    assert "Nothing, of this class." in face
    assert face.count("def close(") == 1
    assert "_hidden" not in face


def test_order_is_the_class_then_its_bases_as_defined(root: Path) -> None:
    quick = sync_face.render(root)[sync_face.QUICK]
    defined = [line.split("(")[0] for line in quick.splitlines() if line.startswith("def ")]
    assert defined == ["def _session", "def balance", "def describe", "def ping", "def klines"]
    assert '__all__ = ["balance", "describe", "klines", "ping"]' in quick


def test_columns_and_examples_of_docstrings(root: Path) -> None:
    for text in sync_face.render(root).values():
        assert "Columns: klines" not in text
        assert "open_time : time (index)\n" in text
        for column in columns.KLINES.columns:
            assert column.about in text
        assert '>>> df = cx.klines("BTCUSDT",' in text
        assert "limit=cx.n())" in text
        assert 'under that name "here" \\ there.' in text
        assert 'r"""Klines, oldest first.' in text


def test_generated_text_is_deterministic_and_tidy(root: Path) -> None:
    texts = sync_face.render(root)
    assert texts == sync_face.render(root)
    sync_face.write(root)
    files = [str(root / path) for path in texts]
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--line-length", "120", "--target-version", "py311"]
    ours = ["--config", 'lint.isort.known-first-party=["cryptox"]']
    subprocess.run([*ruff, "format", "--check", *settings, *files], check=True, capture_output=True)
    select = "E,F,W,I,B,UP,SIM,RUF,N,C4,RET,ARG,D1,D2,D3"
    ignore = "D203,D213,D105,D107"
    subprocess.run(
        [*ruff, "check", "--select", select, "--ignore", ignore, *settings, *ours, *files],
        check=True,
        capture_output=True,
    )


def test_check_says_what_is_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync_face.check(root) == 1
    sync_face.write(root)
    assert sync_face.check(root) == 0
    capsys.readouterr()
    core = root / "cryptox/sessions/session.py"
    core.write_text(core.read_text().replace("loud: bool = False", "loud: bool = True"))
    assert sync_face.main(["--check", "--root", str(root)]) == 1
    diff = capsys.readouterr().out
    assert "-    def describe(self, *words: str, loud: bool = False) -> list[str]:" in diff
    assert "+    def describe(self, *words: str, loud: bool = True) -> list[str]:" in diff


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("loud: bool", "loud: Unheard", NameError),
        ("-> list[str]", "", TypeError),
        ("@property", "@staticmethod", TypeError),
        ("self.opened: list[str] = []", "self.opened = []", TypeError),
        ("            return list(words)", "            return list(words)" + ASYNC_GENERATOR, TypeError),
        ("Name of the venue.", "Name.\n\n            Columns: unheard\n            ", ValueError),
    ],
    ids=[
        "unknown-name",
        "no-return-annotation",
        "staticmethod",
        "untyped-attribute",
        "async-generator",
        "unknown-table",
    ],
)
def test_refuses_what_it_cannot_write(root: Path, old: str, new: str, error: type[Exception]) -> None:
    core = root / "cryptox/sessions/session.py"
    text = CORE.replace(old, new)
    assert text != CORE
    core.write_text(textwrap.dedent(text))
    with pytest.raises(error):
        sync_face.render(root)


def test_two_meanings_of_a_name_are_refused(root: Path) -> None:
    core = root / "cryptox/sessions/session.py"
    text = core.read_text().replace("Decimal, KlineCalls", "KlineCalls\nfrom fractions import Fraction as Decimal")
    core.write_text(text.replace("loud: bool", "loud: Decimal"))
    with pytest.raises(NameError, match="two things"):
        sync_face.render(root)


def test_generated_faces_work_and_are_typed(root: Path) -> None:
    sync_face.write(root)
    face = (root / sync_face.FACE).read_text().replace("cryptox.sessions", "toy.session")
    quick = (root / sync_face.QUICK).read_text().replace("cryptox.sessions", "toy.session")
    toy = root / "toy"
    (root / "cryptox/sessions").rename(root / "session")
    toy.mkdir()
    (root / "session").rename(toy / "session")
    (toy / "session/candles.py").write_text(
        (toy / "session/candles.py")
        .read_text()
        .replace("from ..model", "from cryptox.model")
        .replace("return None", "return [symbol, interval, limit, frame, exact, extra]")
    )
    (toy / "session/session.py").write_text(
        (toy / "session/session.py").read_text().replace("cryptox.sessions", "toy.session")
    )
    (toy / "face.py").write_text(face)
    (toy / "quick.py").write_text(quick.replace("cryptox.sync.face", "toy.face"))
    script = """
        from cryptox.sync import door
        from toy import face, quick
        from toy.session.session import AsyncSession
        with face.Session(AsyncSession()) as s:
            assert s.klines("BTCUSDT", exact=True) == ["BTCUSDT", "1h", 500, None, True, {}], s.klines("BTCUSDT")
            assert s.venue == "toy" and s.describe("a", "b") == ["a", "b"] and s.ping() is None
            assert repr(s) == "<Session toy>" and s.user is None and s.opened == [] and s.balance("BTC") == 1
        door.use_session(s)
        assert quick.klines("X", "1m", 3)[:3] == ["X", "1m", 3]
        print("works")
    """
    # the toy lies outside of the checkout: both are on the path
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONPATH": f"{REPOSITORY}:{root}", "PATH": "/usr/bin"},
        check=False,
    )
    assert done.stdout == "works\n", done.stderr
