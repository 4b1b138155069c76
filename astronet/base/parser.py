"""The command line of every script: flags in groups, help in plain words, and old spellings that still work.

    parser = Parser(description=__doc__)
    parser.input.add_argument("--tess_data_dir", type=arguments.input_directory, help="directory of light curves")
    parser.rename("--stars", "--star_catalog")

Each flag belongs to one of the groups of GROUPS, which --help shows in this order.
"""

import argparse
import difflib
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn, Optional

from astronet.base.terminal import SafeStream, printable

GROUPS = ("input", "output", "model", "settings", "machine", "messages")
_WIDEST = 120  # columns of help
_HELP_POSITION = 30  # the column where the text about a flag begins


class RefusedPath(str):
    """A path that a flag cannot have, and why; script.run() tells, and calls nothing with it.

    Attributes:
      why: what is wrong with it, and what to give.
      flag: how the command line names it.
    """

    why = ""
    flag = ""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose flags stand in groups; --help, --quiet and --verbose are there from the beginning.

    It takes no abbreviations of flags, and names the nearest flag for an unknown one.

    Attributes:
      input, output, model, settings, machine: the groups, each with add_argument().
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _HelpFormatter)
        super().__init__(allow_abbrev=False, add_help=False, **kwargs)
        self.input, self.output, self.model, self.settings, self.machine, messages = map(
            self.add_argument_group, GROUPS
        )
        self._new_spellings: dict[str, str] = {}
        messages.add_argument("-h", "--help", action="help", help="show this help and exit")
        amount = messages.add_mutually_exclusive_group()
        amount.add_argument(
            "--quiet", action="store_true", help="show results, warnings and errors only: no progress, no notes"
        )
        amount.add_argument(
            "--verbose", action="store_true", help="show more of what is done; an error comes with its traceback"
        )

    def rename(self, old: str, new: str) -> None:
        """Has the old spelling of a flag stand for the new one; a note says so to whoever uses it."""
        self._new_spellings[old] = new

    def parse_args(self, args: Optional[Iterable[str]] = None, namespace: Any = None) -> Any:
        given, renamed = self._in_new_spelling(list(sys.argv[1:] if args is None else args))
        flags, unknown = self.parse_known_args(given, namespace)
        if unknown:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            near = difflib.get_close_matches(unknown[0].split("=")[0], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unknown argument {unknown[0]}{hint}")
        for action in self._actions:
            self._refuse_empty(action, getattr(flags, action.dest, None))
            for path in refused([getattr(flags, action.dest, None)]):
                path.flag = action.option_strings[0] if action.option_strings else str(action.metavar or action.dest)
        for old in () if flags.quiet else renamed:
            note = f"note: {old} is now called {self._new_spellings[old]}; the old name still works\n"
            self._print_message(note)
        return flags

    def _in_new_spelling(self, args: list[str]) -> tuple[list[str], list[str]]:
        """Returns the arguments with the new names of flags, and the old names among them."""
        names = [arg.partition("=")[0] for arg in args[: args.index("--") if "--" in args else None]]
        renamed = [name for name in names if name in self._new_spellings]
        for old in renamed:
            if self._new_spellings[old] in names:
                self.error(f"{old} is the old name of {self._new_spellings[old]}: give one of the two")
        new = [self._new_spellings.get(name, name) + arg[len(name) :] for name, arg in zip(names, args)]
        return new + args[len(new) :], list(dict.fromkeys(renamed))

    def _refuse_empty(self, action: argparse.Action, value: Any) -> None:
        """Refuses an empty text, as a shell makes it of a variable that is not set; types see to their own."""
        given = value if isinstance(value, list) else [value]
        is_free_text = action.type is None and action.choices is None and value != action.default
        if is_free_text and any(isinstance(text, str) and not text.strip() for text in given):
            self.error(str(argparse.ArgumentError(action, "it is empty: give a value, or leave the flag out")))

    def error(self, message: str) -> NoReturn:
        """Ends the script with one line; the usage, which argparse would print above it, is what --help shows."""
        self.exit(2, f"{self.prog}: error: {printable(message)} (--help tells of all flags)\n")

    def format_help(self) -> str:
        """Returns the help; its usage has the flags that must be given, for all others stand below with their texts."""
        complete, self.usage = self.usage, self.usage or self._short_usage()
        try:
            return super().format_help()
        finally:
            self.usage = complete

    def _short_usage(self) -> str:
        formatter = self._get_formatter()
        choices = [group for group in self._mutually_exclusive_groups if group.required]
        chosen = [action for group in choices for action in group._group_actions]
        others = argparse.Action([], "flags", metavar="[FLAGS]")
        needed = [action for action in self._actions if action.required or action in chosen]
        formatter.add_usage(None, [others, *needed], choices, prefix="usage: ")
        return formatter.format_help().strip()[len("usage: ") :].replace("%", "%%")

    def _print_message(self, message: str, file: Optional[Any] = None) -> None:
        if message:
            stream = SafeStream(file or sys.stderr)
            stream.write(message)
            stream.flush()


class _HelpFormatter(argparse.HelpFormatter):
    """Keeps the paragraphs of a description, names values by their type, and tells defaults of flags that have one."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns - 2, _WIDEST)
        super().__init__(prog, max_help_position=_HELP_POSITION, width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(super(_HelpFormatter, self)._fill_text(part, width, indent) for part in text.split("\n\n"))

    def _get_default_metavar_for_optional(self, action: argparse.Action) -> str:
        of_type = getattr(action.type, "metavar", None)
        return of_type or super()._get_default_metavar_for_optional(action)

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        if action.help is None or "default:" in action.help or not _has_default(action):
            return action.help
        default: Sequence[Any] = action.default if isinstance(action.default, (list, tuple)) else [action.default]
        texts = (f"{value:g}" if isinstance(value, float) else str(value) for value in default)
        return f"{action.help} (default: {' '.join(texts)})".replace("%", "%%")


def _has_default(action: argparse.Action) -> bool:
    is_nan = action.default != action.default
    is_none = action.default is None or action.default is argparse.SUPPRESS or action.default in ("", [])
    return not (is_nan or is_none or isinstance(action.default, bool))


def refused(values: Iterable[Any]) -> Iterator[RefusedPath]:
    """Yields the RefusedPaths among the values of flags, which may be lists."""
    for value in values:
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, RefusedPath))
