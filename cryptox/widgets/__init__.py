"""Live views in notebooks: what a feed looks like while it runs. Imported when a feed is first shown in a kernel.

How a kind of view is made: a row in ``kinds.KINDS``, a painter (a pure module with ``picture`` and ``change``), and a
script in ``js`` that draws what these say. Everything else is the same for all: ``pump`` carries it from the feed's
loop to the screen, ``view`` is the widget, ``js/frame.js`` the frame around it.
"""

from __future__ import annotations
