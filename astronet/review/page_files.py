"""Makes the page of the report: one HTML file that contains its script and style, and needs no network."""

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from astronet.review import packing

# Each only uses those before it.
_SCRIPTS = (
    *("dom", "format", "base64", "chunks", "csv", "columns", "keymap", "store", "labels", "blind", "query"),
    *("thumbnail", "table", "histogram", "brush", "filters", "svgplot", "curves", "lightcurve", "panel", "plots"),
    *("dialogs", "exchange", "agreement", "bulk", "print", "keys", "app"),
)
FIRST_LINE = "<!doctype html><!-- astronet report -->"


def html(meta: Mapping[str, Any], inlined: Sequence[str] = ()) -> str:
    """Returns the page.

    Args:
      meta: facts about the whole report, which become JSON.
      inlined: scripts with the data, for a report in a single file.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    scripts, styles = [_vendored("uPlot.iife.min.js"), _app()], [_vendored("uPlot.min.css"), _file("app.css")]
    scripts += inlined
    for text in (*scripts, *styles):
        if "</script" in text.lower() or "</style" in text.lower() or "<!--" in text:
            raise ValueError("a script or style of the page would end too early")
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(_file("index.html.j2"))
    return FIRST_LINE + template.render(
        meta=meta,
        policy=_policy(scripts, styles),
        meta_json=Markup(packing.script_json(meta)),
        scripts=[Markup(text) for text in scripts[:2]],
        inlined=[Markup(text) for text in inlined],
        styles=[Markup(text) for text in styles],
    )


def licenses() -> str:
    """Returns the text of LICENSES.txt: the licenses of code of others in the page."""
    return f"index.html contains uPlot 1.6.32 (https://github.com/leeoniya/uPlot):\n\n{_vendored('LICENSE')}"


def data_script(key: str, value: Any) -> str:
    """Returns the script that passes one piece of the data to the page."""
    # Browsers read data faster by JSON.parse from a text than as an object in JavaScript.
    return f"astronetChunk({packing.script_json(key)},{packing.script_json(packing.script_json(value))});\n"


@functools.lru_cache(maxsize=1)
def _app() -> str:
    parts = "\n".join(_file(f"js/{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\nconst App = {{}};\n{parts}\n}})();\n'


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """Returns the content security policy: it allows these scripts, what they load, and these styles, nothing else."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))} 'strict-dynamic' file:",
            f"style-src {' '.join(map(_hash, styles))}",
            "img-src data: blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _vendored(name: str) -> str:
    return _file(f"uplot/{name}")


@functools.cache
def _file(name: str) -> str:
    return resources.files("astronet.review").joinpath("page", *name.split("/")).read_text(encoding="utf-8")
