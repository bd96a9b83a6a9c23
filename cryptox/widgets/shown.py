"""What a notebook gets when a feed is displayed: a live view and a line of text, and before them a static picture.

The picture is an output of its own, which the live view hides: front ends that know widgets never look at other content
of the same output, and in a notebook that was saved there would be nothing but a widget that is no more.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

from cryptox import _cells
from cryptox.sessions.live.dashboard import AsyncDashboard
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.watch import Watch
from cryptox.show.health import health_html
from cryptox.sync.dashboard import Dashboard
from cryptox.sync.feed import Feed
from cryptox.sync.monitor import Monitor

from . import dashboard, static
from .health import HealthSource
from .kinds import SHOWN_AS
from .pump import Pump
from .source import FeedSource, Source

__all__ = ["VIEW", "bundle", "open_view"]

VIEW: Final = "application/vnd.jupyter.widget-view+json"

T = TypeVar("T")

# A pump holds what it shows, so it must not be held from here: its views and its timer hold it.
_pumps: weakref.WeakKeyDictionary[object, weakref.ref[Pump]] = weakref.WeakKeyDictionary()


def bundle(thing: object) -> dict[str, Any] | None:
    """What IPython displays of a feed, dashboard or monitor, by type of content; None where it has no live view."""
    if isinstance(thing, Dashboard | AsyncDashboard):
        return _of_dashboard(thing)
    if isinstance(thing, Monitor):
        return _of_monitor(thing)
    if isinstance(thing, Feed) and not thing._is_lost:
        core, there = thing._feed, thing._there
    elif isinstance(thing, AsyncFeed) and thing._hub is not None and thing._hub.is_here():
        core, there = thing, _here
    else:
        return None
    hub = core._hub
    if hub is None or core.kind not in SHOWN_AS:
        return None
    return open_view(thing, core, lambda: FeedSource(core, hub.loop), there, lambda: static.of_feed(thing))


def _of_dashboard(thing: Dashboard | AsyncDashboard) -> dict[str, Any] | None:
    core = thing._dashboard if isinstance(thing, Dashboard) else thing
    hub = core.feeds["klines"]._hub
    if hub is None or (thing._is_lost if isinstance(thing, Dashboard) else not hub.is_here()):
        return None
    there = thing._there if isinstance(thing, Dashboard) else _here
    return open_view(
        thing, core, lambda: dashboard.DashboardSource(core, hub.loop), there, lambda: dashboard.snapshot(thing)
    )


def _of_monitor(thing: Monitor) -> dict[str, Any] | None:
    if thing._is_lost:
        return None
    watch = thing._watch
    watch.stood = _stand_in
    return open_view(thing, watch, lambda: HealthSource(watch), thing._there, lambda: health_html(thing.latest))


def _stand_in(watch: Watch) -> None:
    """A monitor's loop stands: its views are told from the thread that has noticed it."""
    known = _pumps.get(watch)
    if known is not None and (pump := known()) is not None:
        pump.stand_in()


def open_view(
    thing: object,
    core: object,
    source: Callable[[], Source],
    there: Callable[[Callable[[], Pump]], Pump],
    snapshot: Callable[[], str],
) -> dict[str, Any]:
    """A view of something, opened: what IPython is to display.

    Parameters
    ----------
    thing
        What the user displays: says the line of text.
    core
        What is shown; two displays of one share a pump. Not held here.
    source
        Makes its source, on its loop.
    there
        Runs a function on that loop, and waits for what it returns.
    snapshot
        The picture of now as HTML, for where no widget lives: saved notebooks, nbconvert.
    """
    from .view import view_class

    pump = there(lambda: _pump_of(core, source))
    kind = pump.kind
    try:
        view = view_class(kind.name)(kind, pump)
    except BaseException:
        pump.loop.call_soon_threadsafe(pump.expect_less)
        raise
    _cells.note(view, view)
    _publish({"text/html": f'<div class="cryptox-snapshot-{view.snapshot}">{snapshot()}</div>'})
    return {
        "text/plain": repr(thing),
        "text/html": "",  # else IPython would add the card
        VIEW: {"version_major": 2, "version_minor": 0, "model_id": view.model_id},
    }


def _pump_of(core: object, source: Callable[[], Source]) -> Pump:
    known = _pumps.get(core)
    pump = None if known is None else known()
    if pump is None or pump.is_over:
        pump = Pump(source())
        _pumps[core] = weakref.ref(pump)
    pump.expect_view()
    return pump


def _here(work: Callable[[], T]) -> T:
    return work()


def _publish(content: dict[str, Any]) -> None:
    """Display something before what is being displayed."""
    import IPython

    shell: Any = IPython.get_ipython()
    shell.display_pub.publish(content)
