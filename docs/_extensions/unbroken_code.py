"""Keeps short code in a line on one line: a browser would break a flag behind its first two dashes."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_SHORT = 40  # characters


def _mark(app: Sphinx, doctree: nodes.document) -> None:
    for node in doctree.findall(nodes.literal):
        if len(node.astext()) <= _SHORT:
            node["classes"].append("short")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True}
