"""The types of flags and the checks of paths, without TensorFlow."""

import argparse
import importlib
import os
import re

import pytest

from astronet.base import arguments
from astronet.base.script import Parser, ScriptError, run
from light_curve_util import native

HUGE = str(10**40)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (arguments.probability, "0", 0.0),
        (arguments.probability, "1e-3", 0.001),
        (arguments.positive_fraction, "1", 1.0),
        (arguments.recall, "0.95", 0.95),
        (arguments.seed, "0", 0),
        (arguments.seed, str(2**31 - 1), 2**31 - 1),
        (arguments.tic_id, "10005000540", 10005000540),
        (arguments.tic_id, "TIC 402026209", 402026209),
        (arguments.sector, "S0002", 2),
        (arguments.positive_sector, "sector-2", 2),
        (arguments.row_id, "-3", -3),
        (arguments.finite_number, "-2.5", -2.5),
        (arguments.number(least=0, unit="seconds"), "0", 0.0),
        (arguments.suffix, "", ""),
        (arguments.suffix, "sector-1_v1.2", "sector-1_v1.2"),
        (arguments.suffix, "épreuve", "épreuve"),
    ],
)
def test_accepts(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts", "message"),
    [
        (arguments.probability, ["2", "-1", "nan", "inf", "50%", "", "1_0"], "a probability, such as 0.5"),
        (arguments.positive_fraction, ["0", "1.5", "nan", "90"], "such as 0.9 for 90 %"),
        (arguments.recall, ["1e-12", "0", "95", "nan"], "such as 0.95 to find 95 %"),
        (arguments.seed, ["-1", "1.5", "x", "1_0", "0x10", "nan"], "is not an integer of at least 0"),
        (arguments.seed, [str(2**31)], "is too large: give at most 2147483647"),
        (arguments.positive_integer, ["0", "-1", "True", "1e3"], "is not an integer of at least 1"),
        (arguments.positive_integer, [str(2**31), "9" * 29], "is too large: give at most 2147483647"),
        (arguments.positive_integer, [HUGE], "is not an integer"),
        (arguments.batch_size, ["100000"], "is too large: give at most 65536"),
        (arguments.num_shards, ["100000"], "is too large: give at most 99999"),
        (arguments.tic_id, [str(2**63)], "is too large"),
        (arguments.tic_id, ["TIC", "TOI 232", "1e8"], "is not an integer of at least 1"),
        (arguments.positive_sector, ["S0", "sector", "S1-S3"], "is not an integer from 1 to"),
        (arguments.row_id, ["x"], "'x' is not an integer (such as 12, of the column row_id)"),
        (arguments.finite_number, ["nan", "inf", "-inf", "1e999"], "is not a finite number"),
        (arguments.number(above=0, unit="days"), ["0", "-1", "nan"], "is not a number above 0 (days)"),
        (arguments.suffix, ["../x", "a/b", "a\\b", "..", "a\x1b[2J", "a\nb", "x" * 101], "part of a file's name"),
        (arguments.input_file, [""], "it is empty: give a file"),
        (arguments.input_file, ["a\0b"], "cannot be the name of a file"),
        (arguments.output_directory, ["", " "], "it is empty: give a directory"),
        (arguments.image_file, ["roc", "roc.txt", "roc.png.gz", ".png", "a.pgf"], "has to end in .png, or another of"),
    ],
)
def test_says_what_was_wrong_and_what_to_give(parse, texts, message):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as error:
            parse(text)
        assert message in str(error.value), text
        assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("parse", "texts", "message"),
    [
        (arguments.input_file, [os.sep], "is a directory: give a file"),
        (arguments.input_file, ["no/such/file", "a\tb"], "there is no file"),
        (arguments.input_directory, ["no/such"], "there is no directory no/such"),
        (arguments.input_directory, [__file__], "is a file: give a directory"),
        (arguments.output_file, [os.sep, "new/"], "is a directory: give the name of a file"),
        (arguments.output_file, [f"{__file__}/x"], "is not a directory: choose another"),
        (arguments.output_directory, [__file__, f"{__file__}/x/y"], "is not a directory: choose another"),
        (arguments.image_file, [f"{__file__}/x.png"], "is not a directory: choose another"),
        (arguments.image_file, ["no/such/x.png"], "there is no directory no/such: make it first"),
    ],
)
def test_paths_that_cannot_be_used_are_told_before_any_work(parse, texts, message, capsys):
    for text in texts:
        for names, flags in ((["--path"], [f"--path={text}"]), (["paths"], [text])):
            parser = Parser()
            parser.add_argument(*names, type=parse, **({} if names == ["--path"] else {"nargs": "+"}))
            assert run(lambda flags: pytest.fail("work was done"), parser.parse_args(flags)) == 1
            error = capsys.readouterr().err
            assert error.startswith(f"error: {names[0]}: ") and message in error and error.count("\n") == 1


def test_matplotlib_writes_every_image_suffix():
    from matplotlib.figure import Figure

    assert set(arguments.IMAGE_SUFFIXES) <= set(Figure().canvas.get_supported_filetypes())


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "table.csv"
    path.write_text("mine")
    return path


@pytest.mark.parametrize("make", [lambda p: p, os.path.relpath, lambda p: f"{p.parent}/./x/../{p.name}"])
def test_an_output_that_is_an_input_is_refused(table, make):
    with pytest.raises(ScriptError, match=r"--output would overwrite .*, which --input reads: give another --output"):
        arguments.refuse_overwriting_inputs({"--output": make(table)}, {"--other": None, "--input": ["x", table]})


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_to_an_input_are_refused(table, link):
    link(table, "link")
    with pytest.raises(ScriptError, match="--output would overwrite link"):
        arguments.refuse_overwriting_inputs({"--output": "link"}, {"--input": table})
    with pytest.raises(ScriptError, match="--output would overwrite"):
        arguments.refuse_overwriting_inputs({"--output": table}, {"--input": "link"})


def test_two_outputs_of_one_path_are_refused(table):
    with pytest.raises(ScriptError, match="--a and --b would both write ./new"):
        arguments.refuse_overwriting_inputs({"--a": "new", "--b": "./new"}, {"--input": table})


def test_other_outputs_and_devices_are_accepted(table):
    outputs = {"--output": "new", "--more": ["table.csv.2", os.devnull], "--none": None}
    arguments.refuse_overwriting_inputs(outputs, {"--input": [table, os.devnull]})


SCRIPTS = [
    *["train", "evaluate", "predict", "batch_predict", "find_incorrect", "plot_tces", "plot_roc", "calibrate", "export"]
]
SCRIPTS += [*["cross_validate", "demo", "data.make_catalog", "data.make_empty_catalog"]]
SCRIPTS += [*["data.download_light_curves", "data.generate_input_records", "data.simulate_survey"]]
SCRIPTS = [*(f"astronet.{name}" for name in SCRIPTS), "tools.make_pretrained"]
# What no flag of that kind can be, by a part of its name.
NEVER = {
    "seed": ["-1", str(2**31), "1.5"],
    "threshold": ["nan", "inf"],
    "recall_target": ["1e-12", "0", "2", "nan"],
    "num_": ["-1", "1.5", HUGE, "nan"],
    "batch_size": ["0", "-1", "100000000"],
    "suffix": ["../x", "a/b", "\x1b"],
    "eval_name": ["../x"],
    "folds": ["1", "0"],
    "train_steps": ["0", "-5"],
    "train_share": ["0", "nan"],
    "timeout": ["0", "nan", "-1"],
    "time_limit": ["-1", "nan"],
    "period": ["0", "-1", "nan", "inf"],
    "duration": ["0", "-1", "nan", "inf"],
    "max_tmag": ["nan", "inf"],
    "output_image_file": ["x", "x.txt", "x.gif.gz"],
    "output": ["", "\0"],
    "save_dir": ["", "\0"],
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_flag_of_every_script_refuses_what_it_can_never_be(name, capsys, monkeypatch):
    """Each flag is given alone: argparse tells what is wrong with a value before it misses other flags."""
    script = importlib.import_module(name)
    parsers = []
    monkeypatch.setattr(script, "run", lambda *_: pytest.fail("it would have run"))
    made = Parser.__init__
    monkeypatch.setattr(Parser, "__init__", lambda self, **kwargs: (made(self, **kwargs), parsers.append(self))[0])
    with pytest.raises(SystemExit):
        script.main(["--help"])
    shown = capsys.readouterr().out
    assert "default: None" not in shown and "default: nan" not in shown and "None:" not in shown
    for action in parsers[0]._actions:
        flag = (action.option_strings or [""])[-1]
        for part, texts in NEVER.items():
            for text in texts if part in flag and action.nargs != 0 else []:
                with pytest.raises(SystemExit) as stopped:
                    script.main([f"{flag}={text}"])
                printed = capsys.readouterr().err
                assert stopped.value.code == 2 and f"argument {flag}: " in printed and printed.count("\n") == 1, (
                    flag,
                    text,
                )


NEW_MODEL = ["--model_dir=new", "--eval_files=test-0", "--train_files=test-0"]
RECORDS = ["--input_tce_csv_file=test.csv", "--tess_data_dir=."]


@pytest.mark.parametrize(
    ("name", "read", "flags"),
    [
        ("data.generate_input_records", "skipped.csv", ["--input_tce_csv_file=skipped.csv", "--tess_data_dir=."]),
        ("data.generate_input_records", "records.json", ["--input_tce_csv_file=records.json", "--tess_data_dir=."]),
        ("evaluate", "kinds.csv", ["--model_dir=m", "--eval_files=test-0", "--output_dir=.", "--catalog=kinds.csv"]),
        ("cross_validate", "folds.csv", ["--files=test-0", "--folds=2", "--output_dir=.", "--catalog=folds.csv"]),
        ("batch_predict", "prediction.csv", ["--model_dir=m", "--tfrecord_dir=.", "--pattern=pre*"]),
        ("find_incorrect", "true_vs_pred.txt", ["--model_dir=m", "--tfrecord_dir=.", "--pattern=t*", "--save_dir=."]),
        (
            "calibrate",
            "m/calibration.json",
            ["--model_dir=m", "--eval_files=test-0", "--train_files=m/calibration.json"],
        ),
        ("train", "new/checkpoint", ["--model_dir=new", "--eval_files=test-0", "--train_files=new/checkpoint"]),
        ("train", "new/config.json", [*NEW_MODEL, "--labels=new/config.json"]),
        ("export", "new/config.json", ["--model_dir=m", "--output_dir=new", "--eval_files=new/config.json"]),
        ("data.generate_input_records", "skipped.csv", [*RECORDS, "--labels=skipped.csv", "--output_dir=."]),
        ("flares.generate_flare_records", "windows.csv", ["--flare_catalog=test.csv", "--light_curves=w*.csv"]),
        (
            "flares.injection_recovery",
            "skipped.csv",
            ["skipped.csv", "--model_dir=pretrained:flares", "--output_dir=."],
        ),
        ("flares.flare_frequency", "flare_frequency.csv", [".", "--injections=flare_frequency.csv", "--output_dir=."]),
    ],
)
def test_no_script_writes_over_what_it_reads(name, read, flags, tmp_path, monkeypatch, write_tces, train_small, capsys):
    monkeypatch.chdir(tmp_path)
    write_tces(tmp_path / "test-0", num_tces=2)
    if "--model_dir=m" in flags and name not in ("evaluate",):
        train_small("m")
    (tmp_path / "test.csv").write_text("tic_id,sector,peak_time\n1,1,1326.5\n")
    (tmp_path / read).parent.mkdir(exist_ok=True)
    (tmp_path / read).write_text("7\n")
    output = ["--output_dir=."] if "generate" in name and "--output_dir=." not in flags else []
    assert importlib.import_module(f"astronet.{name}").main([*flags, *output]) == 1
    assert re.search(rf"would overwrite (\./)?{read}, which ", capsys.readouterr().err)
    assert (tmp_path / read).read_text() == "7\n"


def test_an_extension_that_is_older_than_the_code_is_told_in_a_line(capsys):
    assert run(lambda flags: native.require("what_only_a_newer_extension_has"), argparse.Namespace()) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: the C++ extension") and "pip install -e ." in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("script", "flags"),
    [
        ("astronet.data.generate_input_records", ["--input_tce_csv_file={}", "--mask_flares="]),
        ("astronet.data.generate_input_records", ["--input_tce_csv_file={}", "--config_name= "]),
        ("astronet.data.make_catalog", ["--out_name=c.csv", "--input", "{}", ""]),
    ],
)
def test_an_empty_path_or_name_is_refused_not_taken_for_none(script, flags, tmp_path, capsys):
    (tmp_path / "tces.csv").touch()
    flags = [flag.format(tmp_path / "tces.csv") for flag in flags]
    if script.endswith("records"):
        flags += [f"--tess_data_dir={tmp_path}", f"--output_dir={tmp_path}/out"]
    with pytest.raises(SystemExit):
        importlib.import_module(script).main(flags)
    assert f"argument {flags[1].partition('=')[0]}: it is empty: give a value" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["tces.csv"]


def test_a_flag_whose_default_is_empty_takes_it():
    parser = Parser()
    parser.add_argument("--title", default="")
    assert parser.parse_args(["--title="]).title == parser.parse_args([]).title == ""
