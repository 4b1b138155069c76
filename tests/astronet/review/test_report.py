"""The files of a report: what they hold of records and light curves, and what they refuse."""

import base64
import json
import re
from importlib import resources

import numpy as np
import pytest

from astronet import report
from astronet.base.script import ScriptError
from astronet.data import generate_input_records
from astronet.data.records import tf_example, tfrecord
from astronet.review import label_columns, packing, page_files, panel
from light_curve_util import tess_io


def piece(folder, key):
    """What a data file gives the page."""
    text = (folder / "data" / f"{key}.js").read_text()
    printed_key, value = re.fullmatch(r"astronetChunk\((.*?),(.*)\);\n", text).groups()
    assert json.loads(printed_key) == key
    return json.loads(json.loads(value))


def unpacked_times(packed):
    steps = np.frombuffer(base64.b64decode(packed["data"]), "<u2").astype(int)
    units = np.cumsum(np.where(steps == 65535, 65534, steps))
    return packed["start"] + units[steps != 65535] * packed["unit"]


def unpacked_flux(packed):
    return 1 + np.frombuffer(base64.b64decode(packed["data"]), "<i2") * packed["scale"]


def records_of(sky):
    for path in tfrecord.expand([str(sky / "records" / "test-*")]):
        yield from map(tf_example.from_serialized, tfrecord.read(path))


def test_rows_are_those_of_the_records_with_the_bins_that_the_network_read(folder, sky):
    index, views = piece(folder, "index-0"), piece(folder, "views-0")
    examples = {str(tf_example.value(example, "row_id")): example for example in records_of(sky)}
    assert sorted(index["row_id"]) == sorted(examples) and len(examples) > 15
    for name in ("global_view", "local_view"):
        length = views[name]["length"]
        packed = np.frombuffer(base64.b64decode(views[name]["data"]), np.uint8).reshape(-1, length)
        for row_id, seen in zip(index["row_id"], packed):
            wanted = np.clip(tf_example.series(examples[row_id], name), -1.5, 1)
            assert np.abs(seen / 255 * 2.5 - 1.5 - wanted).max() < 0.006
    for column, name in (("period", "Period"), ("depth", "Transit_Depth"), ("sn", "SN")):
        values = [tf_example.value(examples[row_id], name) for row_id in index["row_id"]]
        assert index[column] == pytest.approx(values, rel=1e-4)


def test_the_light_curve_is_the_one_that_was_folded(folder, sky):
    index, first = piece(folder, "index-0"), piece(folder, "lc-0000")["tces"][0]
    light_curve = tess_io.read(sky / "tess" / f"sector-{index['sector'][0]}" / f"{index['tic'][0]}.h5")
    order = np.argsort(light_curve.time)
    assert np.abs(unpacked_times(first["time"]) - light_curve.time[order]).max() < 1e-4
    assert np.abs(unpacked_flux(first["flux"]) - light_curve.flux[order]).max() < 2 * first["flux"]["scale"]
    assert first["paths"] == [str(sky / "tess" / f"sector-{index['sector'][0]}" / f"{index['tic'][0]}.h5")]


def test_long_gaps_and_missing_flux_are_packed():
    times = np.array([1325.0, 1325.02, 1340.0, 1360.5, 1360.52, 1361.0 + 65534e-4])
    assert unpacked_times(packing.times(times)) == pytest.approx(times, abs=1e-4)
    packed = packing.flux(np.array([1.0, np.nan, 0.5]))
    values = np.frombuffer(base64.b64decode(packed["data"]), "<i2")
    assert values[1] == packing.MISSING_FLUX and unpacked_flux(packed)[[0, 2]] == pytest.approx([1, 0.5], abs=1e-4)


def test_decimation_keeps_events_and_outliers():
    flux = np.random.default_rng(0).normal(1, 1e-3, 20_000)
    flux[12_345], flux[777] = 1.5, 0.5
    near = np.zeros(len(flux), bool)
    near[5000:5100] = True
    kept = panel.decimated(flux, near, 1000)
    assert len(kept) <= 1000 and np.all(np.diff(kept) > 0)
    assert set(range(5000, 5100)) | {12_345, 777} <= set(kept.tolist())


def test_a_light_curve_that_is_missing_costs_its_plots_alone(make_report, sky, write_records, tmp_path, capsys):
    def change(number, example):
        if number == 2:
            example.features.feature["tic_id"].int64_list.value[:] = [999]

    records = write_records(tmp_path / "records", change)
    assert make_report(tmp_path / "report", records=records) == 0
    index = piece(tmp_path / "report", "index-0")
    problems = [problem for problem in index["problem"] if problem]
    assert len(problems) == 1 and "no light curve of TIC 999" in problems[0]
    assert "(TIC 999) is shown without its light curve" in capsys.readouterr().err


def test_an_ephemeris_that_is_none_costs_its_plots_alone(make_report, write_records, tmp_path):
    def change(number, example):
        if number == 1:
            example.features.feature["Epoc"].float_list.value[:] = [float("nan")]
        if number == 3:
            example.features.feature["Epoc"].float_list.value[:] = [900_000.0]

    records = write_records(tmp_path / "records", change)
    assert make_report(tmp_path / "report", "--blind", records=records) == 0
    index = piece(tmp_path / "report", "index-0")
    assert sum(map(bool, index["problem"])) >= 1 and len(index["problem"]) > 15


def test_blind_files_hold_neither_probabilities_nor_dispositions(make_report, tmp_path):
    assert make_report(tmp_path, "--blind") == 0
    index = piece(tmp_path, "index-0")
    assert not {"p", "sd", "unlike", "disposition"} & set(index)
    assert all(tce["members"] == [] for tce in piece(tmp_path, "lc-0000")["tces"])
    assert '"model":""' in (tmp_path / "index.html").read_text()


def test_the_number_of_a_piece_does_not_tell_the_rank(folder):
    probabilities = piece(folder, "index-0")["p"]
    assert probabilities != sorted(probabilities) and probabilities != sorted(probabilities, reverse=True)


def test_the_same_tces_make_the_same_files(folder, make_report, tmp_path):
    assert make_report(tmp_path, "--title=records") == 0
    for path in folder.rglob("*.*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes()


def test_a_new_report_leaves_nothing_of_an_earlier_one(folder, make_report, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lc-0099.js").write_text("astronetChunk()")
    (tmp_path / "data" / "mine.txt").write_text("mine")
    assert make_report(tmp_path) == 0
    assert not (tmp_path / "data" / "lc-0099.js").exists() and (tmp_path / "data" / "mine.txt").exists()


def test_another_page_is_not_overwritten(make_report, tmp_path, capsys):
    (tmp_path / "index.html").write_text("<html>mine</html>")
    assert make_report(tmp_path) == 1
    assert "index.html is not of a report" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "<html>mine</html>"


def test_two_records_of_one_name_are_refused(make_report, write_records, tmp_path, capsys):
    def change(number, example):
        for name in ("row_id", "tic_id", "Sectors"):
            example.features.feature[name].int64_list.value[:] = [7 if number < 2 else 100 + number]

    assert make_report(tmp_path / "report", records=write_records(tmp_path / "records", change)) == 1
    assert "two records are of row_id 7, TIC 7, sector 7" in capsys.readouterr().err


def test_text_of_strangers_cannot_end_a_script_or_the_page(hostile_folder):
    page = (hostile_folder / "index.html").read_text()
    assert page.count("<script") == page.count("</script>") == 3 and "<img" not in page and "<!--" not in page[20:]
    assert "&lt;/title&gt;" in page
    data = (hostile_folder / "data" / "index-0.js").read_text()
    assert "<" not in data and ">" not in data
    assert piece(hostile_folder, "index-0")["toi"][0].startswith("<img src=x")


def test_a_policy_names_every_script_and_nothing_else(folder):
    page = (folder / "index.html").read_text()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src &#39;none&#39;" in policy and "unsafe" not in policy and "http" not in policy
    assert policy.count("sha256-") == 4
    assert len(page.encode()) < 200_000


def test_licenses_are_beside_the_page(folder):
    assert "MIT License" in (folder / "LICENSES.txt").read_text() and "Leon Sorokin" in page_files.licenses()
    assert "whom you trust" in (folder / "README.txt").read_text()


def test_a_page_that_would_end_early_is_not_written():
    with pytest.raises(ValueError, match="too early"):
        page_files.html({}, ["'</script>'"])


def test_columns_of_labels_are_documented_once():
    assert len(set(label_columns.COLUMNS)) == len(label_columns.COLUMNS) == 20
    for text in ("", "plain", "=1", "'=1", "''", "-", "\tx"):
        assert label_columns.unguarded(label_columns.guarded(text)) == text


def test_no_record_no_report():
    from astronet.review import folder

    with pytest.raises(ScriptError, match="no TCE"):
        folder.write(folder.ReportRequest("nowhere", None, None), [])


def test_without_light_curves_there_is_one_warning(sky, tmp_path, capsys):
    assert report.main([f"--records={sky}/records", f"--output_dir={tmp_path}", "--blind"]) == 0
    assert capsys.readouterr().err.count("no light curves were given") == 1
    assert piece(tmp_path, "lc-0000")["tces"][0]["views"]


def test_records_of_other_things_are_refused(make_report, write_records, tmp_path, capsys):
    def change(number, example):
        example.features.feature["flare_window"].float_list.value[:] = [1.0] * 10

    records = write_records(tmp_path / "records", change)
    assert make_report(tmp_path / "report", "--blind", records=records) == 1
    assert "these are records of windows" in capsys.readouterr().err


def test_sectors_that_are_folded_together_are_one_row(sky, tmp_path):
    flags = ["--config_name=triage", "--make_test_set", "--stitch", f"--output_dir={tmp_path}/records"]
    table = tmp_path / "tces.csv"
    rows = (sky / "tces.csv").read_text().splitlines()
    header = rows[0].split(",")
    sectors = {name: set() for name in {row.split(",")[header.index("tic_id")] for row in rows[1:]}}
    for path in sky.glob("tess/sector-*/*.h5"):
        sectors.get(path.stem, set()).add(path.parent.name.partition("-")[2])
    tic_id = max(sectors, key=lambda name: len(sectors[name]))
    cells = next(row.split(",") for row in rows[1:] if row.split(",")[header.index("tic_id")] == tic_id)
    cells[header.index("Sectors")] = f'"{",".join(sorted(sectors[tic_id]))}"'
    table.write_text("\n".join([rows[0], ",".join(cells)]) + "\n")
    inputs = [f"--input_tce_csv_file={table}", f"--tess_data_dir={sky}/tess"]
    assert generate_input_records.main([*flags, *inputs]) == 0 and len(sectors[tic_id]) > 1
    made = [f"--records={tmp_path}/records", f"--tess_data_dir={sky}/tess", f"--output_dir={tmp_path}/report"]
    assert report.main([*made, "--blind"]) == 0
    index, panel = piece(tmp_path / "report", "index-0"), piece(tmp_path / "report", "lc-0000")["tces"][0]
    assert index["sector"] == [";".join(sorted(sectors[tic_id]))] and len(panel["paths"]) == len(sectors[tic_id])
    times = unpacked_times(panel["time"])
    assert times[-1] - times[0] > 28 and panel["raw"] and index["problem"] == [""]


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_in_both_styles():
    style = resources.files("astronet.review").joinpath("page", "app.css").read_text()
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", style)
    assert len(blocks) == 3 and blocks[1].split() == blocks[2].split()  # dark: chosen, or by the system
    for block in blocks:
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        texts = [
            "text",
            "quiet",
            "mark",
            "odd",
            "even",
            "accent",
            *(name for name in colors if name.startswith("label-")),
        ]
        for name in texts:
            for ground in ("ground", "raised"):
                assert contrast(colors[name], colors[ground]) >= 4.5, (name, ground)
        assert contrast(colors["accent"], colors["on-accent"]) >= 4.5
        assert contrast(colors["text"], colors["box"]) >= 4.5
