"""Makes the site's table of contents from the lists of links in docs/index.md: each `## heading` is a part of it."""

import re
from pathlib import Path
from typing import Optional

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_SECTION = re.compile(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"^- \[[^\]]*\]\(([^)#]+)\)", re.MULTILINE)


def _add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Adds a hidden table of contents for each section of the root page."""
    if page != app.config.root_doc:
        return
    for heading, body in _SECTION.findall(source[0]):
        links = _LINK.findall(body)
        if links:
            lines = ["", "```{toctree}", ":hidden:", f":caption: {heading}", "", *links, "```", ""]
            source[0] += "\n".join(lines)


def _lead_to_root(app: Sphinx, error: Optional[Exception]) -> None:
    """Makes the page that leads from the top of the site to its first page."""
    if error is None and app.builder.format == "html":
        page = f"{app.config.root_doc}.html"
        (Path(app.outdir) / "index.html").write_text(
            f'<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={page}">'
            f'<title>{app.config.html_title}</title><a href="{page}">{app.config.html_title}</a>'
        )


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", _add_contents)
    app.connect("build-finished", _lead_to_root)
    return {"parallel_read_safe": True}
