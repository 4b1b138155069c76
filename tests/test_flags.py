"""The flags of all scripts: in groups, explained, with one meaning. (That help imports little: test_start_up.py.)"""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from astronet.base import workers
from astronet.base.parser import GROUPS, Parser

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SCRIPTS = [*re.findall(r'^[\w-]+ = "([\w.]+):main"$', PYPROJECT.read_text(), re.MULTILINE), "tools.make_pretrained"]
# Directories that a script writes, besides --output_dir: the names of the published walkthrough, and what is trained.
OTHER_DIRECTORIES = {
    "astronet.train": {"--model_dir"},
    "astronet.batch_predict": {"--save_dir"},
    "astronet.find_incorrect": {"--save_dir"},
    "tools.make_pretrained": {"--work_dir"},
}


class Made(Exception):
    """Ends main() once its parser is made."""


@pytest.fixture
def parser_of(monkeypatch):
    """Function (name of a script) -> the Parser that its main() makes."""

    def parser_of(script):
        def stop(parser, args=None, namespace=None):
            raise Made(parser)

        with monkeypatch.context() as patch:
            patch.setattr(Parser, "parse_args", stop)
            with pytest.raises(Made) as made:
                importlib.import_module(script).main([])
        return made.value.args[0]

    return parser_of


def flags_of(parser):
    return [action for action in parser._actions if action.option_strings and action.dest != "help"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_flag_stands_in_a_group_and_is_explained(script, parser_of):
    parser = parser_of(script)
    grouped = {action for group in parser._action_groups if group.title in GROUPS for action in group._group_actions}
    assert set(parser._actions) == grouped
    assert all(action.help and len(action.help.split()) > 1 for action in parser._actions)
    text = parser.format_help()
    titles = re.findall(r"^(\w+):$", text, re.MULTILINE)
    assert titles == [name for name in GROUPS if name in titles] and titles[-1] == "messages"
    assert not re.search(r"\bNone\b|\bnan\b|SUPPRESS|default: default:|\(default: \[|\(default: \(", text)
    assert {"--quiet", "--verbose", "--help"} <= set(re.findall(r"--\w+", text))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("columns", ["80", "200"])
def test_help_fits_the_terminal_and_its_usage_has_what_must_be_given(script, parser_of, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    parser = parser_of(script)
    text = parser.format_help()
    assert max(map(len, text.splitlines())) <= int(columns)
    usage = text.partition("\n\n")[0]
    needed = {action.option_strings[0] for action in flags_of(parser) if action.required}
    assert needed <= set(re.findall(r"--\w+", usage)) and "[FLAGS]" in usage


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_flag_means_the_same_in_every_script(script, parser_of):
    flags = {name: action for action in flags_of(parser_of(script)) for name in action.option_strings}
    if "--catalog" in flags:
        assert "TCE" in flags["--catalog"].help
    if "--star_catalog" in flags:
        assert re.search(r"star catalog|star_rad", flags["--star_catalog"].help)
    if "--num_worker_processes" in flags:
        assert flags["--num_worker_processes"].default == workers.default_num_processes()
        assert "1: work in this process" in flags["--num_worker_processes"].help
    for name in {"--cluster", "--quality", "--engine", "--seed"} & set(flags):
        assert flags[name].metavar or flags[name].choices or flags[name].type


@pytest.mark.parametrize("script", SCRIPTS)
def test_directories_that_are_written_are_called_output_dir(script, parser_of):
    parser = parser_of(script)
    names = {
        action.option_strings[0]
        for action in parser.output._group_actions
        if action.option_strings and getattr(action.type, "__name__", "") == "output_directory"
    }
    assert names - OTHER_DIRECTORIES.get(script, set()) <= {"--output_dir"}


def test_the_default_number_of_processes_is_that_of_the_cores(monkeypatch):
    for cores, number in (("1", 1), ("3", 3), ("64", 8)):
        monkeypatch.setenv("PYTHON_CPU_COUNT", cores)
        assert workers.default_num_processes() == number
    for unusable in ("", "0", "many"):
        monkeypatch.setenv("PYTHON_CPU_COUNT", unusable)
        assert 2 <= workers.default_num_processes() <= 8


OLD_SPELLINGS = [
    ("astronet.data.make_catalog", "--catalog", "--star_catalog"),
    ("astronet.data.make_empty_catalog", "--save_dir", "--output_dir"),
    ("astronet.data.download_light_curves", "--out", "--output_dir"),
    ("astronet.evaluate", "--report", "--output_dir"),
    ("astronet.cross_validate", "--model_dir", "--output_dir"),
    ("astronet.tune", "--model_dir", "--output_dir"),
    ("astronet.plot_tces", "--save_dir", "--output_dir"),
    ("astronet.flares.find_flares", "--stars", "--star_catalog"),
    ("astronet.flares.generate_flare_records", "--catalog", "--flare_catalog"),
]


@pytest.mark.parametrize(("script", "old", "new"), OLD_SPELLINGS)
def test_old_spellings_work_and_a_note_tells_the_new_one(script, old, new, parser_of, tmp_path, capsys):
    parser = parser_of(script)
    for action in parser._actions:
        action.required = False
    for group in parser._mutually_exclusive_groups:
        group.required = False
    for action in list(parser._actions):
        if not action.option_strings:
            parser._remove_action(action)
    (tmp_path / "file").touch()
    value = tmp_path if new == "--output_dir" else tmp_path / "file"
    for given in ([f"{old}={value}"], [old, str(value)]):
        assert getattr(parser.parse_args(given), new[2:]) == str(value)
        printed = capsys.readouterr().err
        assert printed == f"note: {old} is now called {new}; the old name still works\n"
        assert parser.parse_args([*given, "--quiet"]).quiet and capsys.readouterr().err == ""
    with pytest.raises(SystemExit):
        parser.parse_args([f"{old}={value}", f"{new}={value}"])
    assert f"{old} is the old name of {new}: give one of the two" in capsys.readouterr().err
    assert f"{old} " not in parser.format_help().replace(new, "").replace("--output_dir", "") or old == "--model_dir"


def test_an_old_spelling_after_two_dashes_is_a_name():
    parser = Parser(prog="script.py")
    parser.input.add_argument("files", nargs="*")
    parser.output.add_argument("--new")
    parser.rename("--old", "--new")
    flags = parser.parse_args(["--old=1", "--", "--old"])
    assert flags.new == "1" and flags.files == ["--old"]


def test_the_catalog_of_records_and_plots_has_the_name_that_other_scripts_have_for_it(parser_of, tmp_path):
    (tmp_path / "tces.csv").touch()
    for script in ("astronet.data.generate_input_records", "astronet.plot_tces"):
        parser = parser_of(script)
        for name in ("--catalog", "--input_tce_csv_file"):
            flags = [f"{name}={tmp_path}/tces.csv", f"--tess_data_dir={tmp_path}", f"--output_dir={tmp_path}/out"]
            assert isinstance(parser.parse_args(flags), argparse.Namespace)
            assert parser.parse_args(flags).input_tce_csv_file == f"{tmp_path}/tces.csv"


def test_quiet_and_verbose_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        Parser(prog="script.py").parse_args(["--quiet", "--verbose"])
    assert "not allowed with argument" in capsys.readouterr().err
