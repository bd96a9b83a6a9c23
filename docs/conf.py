"""Settings of the documentation: ``sphinx-build -W -b html docs docs/_build/html``."""

import shutil
from pathlib import Path

from cryptox import __version__

project = "cryptox"
author = "The cryptox authors"
copyright = "the cryptox authors"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# The notebooks stand beside docs/, where people look for them; the site shows copies, which git ignores. They are run
# by nbval against the paper exchange, never by the site, which shows what they hold.
HERE = Path(__file__).parent
shutil.rmtree(HERE / "notebooks", ignore_errors=True)  # a notebook may have been renamed
shutil.copytree(HERE.parent / "notebooks", HERE / "notebooks")
nb_execution_mode = "off"

add_module_names = False  # people write cx.klines, not cryptox.sync.quick.klines
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "cryptox"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "show_prev_next": False}
html_context = {"default_mode": "auto"}
html_favicon = "images/favicon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
