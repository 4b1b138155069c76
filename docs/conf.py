"""Configuration of the documentation site: `make docs` builds it.

The root of the site is the root of the repository, so that a link between two pages is the same on GitHub and here.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs/_extensions")]

import astronet  # noqa: E402

project = "AstroNet-Triage"
author = "The AstroNet-Triage developers"
copyright = author
version = release = astronet.__version__

extensions = [
    "myst_nb",  # Markdown and notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # docstrings with "Args:"
    "contents_from_index",
    "commands",
    "unbroken_code",
]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "docs/**.ipynb", "benchmarks/*.md", "CONTRIBUTING.md", "CHANGELOG.md"]
include_patterns += ["README.md", "astronet/pretrained/*/README.md"]
exclude_patterns = [".*", "build", "demo", "tests", "third_party", "light_curve_util", "tools", "fuzz", "shared"]

myst_heading_anchors = 4  # GitHub's anchors
nb_execution_mode = "cache"  # a notebook that has not changed is not run again
nb_execution_cache_path = str(ROOT / "build/notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
default_role = "literal"  # docstrings have Markdown's single backticks
napoleon_numpy_docstring = False

smartquotes = False  # they would make one dash of the two of a flag

highlight_language = "none"  # of blocks that name none: outputs and commands

html_theme = "furo"
html_title = f"AstroNet-Triage {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
