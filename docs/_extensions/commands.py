"""The directive `commands`: the flags of scripts, from their own parsers.

Its content is a list of modules, one a line. Each becomes a section with the description of its parser and its flags.
"""

import argparse
import importlib
import os
import re
import sys
from pathlib import Path
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from astronet.base.script import Parser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # which Sphinx brings

ROOT = Path(__file__).parents[2]


class _Parsed(Exception):
    """Carries a script's parser out of its main()."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parser_of(module: str) -> argparse.ArgumentParser:
    """Returns the parser that the main() of a script's module makes."""

    def caught(parser: Parser, *_: object) -> None:
        raise _Parsed(parser)

    with mock.patch.object(Parser, "parse_args", caught):
        try:
            importlib.import_module(module).main([])
        except _Parsed as found:
            return found.parser
    raise ValueError(f"{module}.main() parses no flags by astronet.base.script.Parser")


def command_names() -> dict[str, str]:
    """Returns {module: installed command} of all scripts in pyproject.toml."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    return {target.partition(":")[0]: name for name, target in scripts.items()}


def _invocation(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Returns how a flag is written, such as `--folds FOLDS`."""
    formatter = parser._get_formatter()
    return formatter._format_action_invocation(action)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Returns what --help tells of a flag."""
    return parser._get_formatter()._expand_help(action) if action.help else ""


def _words(text: str) -> list[nodes.Node]:
    """Returns a help text as nodes: flags in it as code, all else as it is."""
    parts = re.split(r"(--\w+(?:=[\w:/.,]*\w)?)", text)
    return [nodes.literal("", part) if part.startswith("--") else nodes.Text(part) for part in parts if part]


class Commands(SphinxDirective):
    """See the module."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        names = command_names()
        return [self._section(module.strip(), names[module.strip()]) for module in self.content if module.strip()]

    def _section(self, module: str, name: str) -> nodes.section:
        # Defaults are shown for a machine of two cores, whichever machine builds the site.
        with (
            mock.patch.object(os, "cpu_count", lambda: 2),
            mock.patch.object(os, "sched_getaffinity", lambda _: {0, 1}),
        ):
            parser = parser_of(module)
            section = nodes.section("", nodes.title(name, name), ids=[name], names=[name])
            self.state.document.note_explicit_target(section)
            section += nodes.paragraph("", "", *_words(parser.description or ""))
            path = module.replace(".", "/")
            either = nodes.literal("", name), nodes.Text(" or "), nodes.literal("", f"python {path}.py")
            section += nodes.paragraph("", "", *either)
            for group in parser._action_groups:
                if group.title != "messages":  # the same for all commands: the page has them at its beginning
                    section += self._group(parser, group, name)
        return section

    def _group(self, parser: argparse.ArgumentParser, group: argparse._ArgumentGroup, name: str) -> list[nodes.Node]:
        actions = [
            action for action in group._group_actions if action.help != argparse.SUPPRESS and action.dest != "help"
        ]
        if not actions:
            return []
        flags = nodes.definition_list(classes=["flags"])
        for action in actions:
            written = _invocation(parser, action)
            anchor = nodes.make_id(f"{name}-{(action.option_strings or [action.dest])[-1]}")
            term = nodes.term("", "", nodes.literal("", written), ids=[anchor])
            told = nodes.definition("", nodes.paragraph("", "", *_words(_help(parser, action))))
            flags += nodes.definition_list_item("", term, told)
        titles = {"options": "Flags", "optional arguments": "Flags", "positional arguments": "Arguments"}
        title = titles.get(group.title or "", (group.title or "Flags").capitalize())
        found: list[nodes.Node] = [nodes.rubric("", title)]
        if group.description:
            found.append(nodes.paragraph("", "", *_words(group.description)))
        return [*found, flags]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
