import csv
import json

import numpy as np
import pytest

from astronet.data.records import tf_example, tfrecord
from astronet.flares import catalog, generate_flare_records, windows
from light_curve_util import tess_io


def read(directory, split):
    paths = tfrecord.expand([f"{directory}/{split}-*"])
    return [tf_example.from_serialized(record) for path in paths for record in tfrecord.read(path)]


def table(directory):
    with open(directory / "windows.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_no_star_is_on_two_sides(flare_records):
    stars = {split: {tf_example.value(e, "tic_id") for e in read(flare_records, split)} for split in ("train", "val")}
    stars["test"] = {tf_example.value(e, "tic_id") for e in read(flare_records, "test")}
    assert all(stars.values())
    assert not stars["train"] & stars["val"] and not (stars["train"] | stars["val"]) & stars["test"]


def test_flares_are_in_the_center_and_quiet_windows_see_none(flare_records, simulated):
    flares = catalog.read(simulated / "flares.csv").flares
    for example in read(flare_records, "test"):
        of_star = flares[flares.tic_id == tf_example.value(example, "tic_id")]
        kind, center = (tf_example.value(example, name) for name in ("kind", "Epoc"))
        distance = np.abs(of_star.peak_time - center).min() * 720 if len(of_star) else np.inf  # cadences
        assert len(tf_example.series(example, windows.NAME)) == 200
        if kind == "catalogue":
            assert tf_example.value(example, "Disposition") == "flare" and distance <= 0.51
        elif kind == "quiet":
            assert distance > 100
        else:
            assert kind == "off center" and 9 < distance < 100 and tf_example.value(example, "Disposition") == "quiet"


def test_windows_are_flux_over_the_median_as_the_light_curve_has_it(flare_records, simulated):
    example = read(flare_records, "test")[0]
    light_curve = tess_io.read(simulated / tf_example.value(example, "light_curve"), clip=False)
    cadence = int(np.argmin(np.abs(light_curve.time - tf_example.value(example, "Epoc"))))
    expected = light_curve.flux[cadence - 100 : cadence + 100].astype(np.float32)
    np.testing.assert_array_equal(tf_example.series(example, windows.NAME), expected)


def test_artificial_flares_are_in_training_only(flare_records):
    kinds = {row["shard"].partition("-")[0]: set() for row in table(flare_records)}
    for row in table(flare_records):
        kinds[row["shard"].partition("-")[0]].add(row["kind"])
    assert "injected" in kinds["train"] and "injected" not in kinds["val"] | kinds["test"]


def test_a_share_of_the_quiet_windows_is_dropped_and_the_seed_says_which(make_records, flare_records):
    def quiet(directory):
        return [row["Epoc"] for row in table(directory) if row["kind"] == "quiet"]

    fewer = make_records("--drop_quiet=0.73")
    assert 0.15 < len(quiet(fewer)) / len(quiet(flare_records)) < 0.4
    assert table(make_records("--drop_quiet=0.73")) == table(fewer)
    assert quiet(make_records("--drop_quiet=0.73", "--seed=5")) != quiet(fewer)


def test_no_window_crosses_a_gap_unless_padded(make_records, simulated):
    for directory, least in ((make_records("--drop_quiet=0"), 0), (make_records("--drop_quiet=0", "--padded"), 1)):
        near = 0
        for row in table(directory):
            light_curve = tess_io.read(simulated / row["light_curve"], clip=False)
            cadence = int(np.argmin(np.abs(light_curve.time - float(row["Epoc"]))))
            around = light_curve.time[max(0, cadence - 100) : cadence + 100]
            near += len(around) < 200 or np.diff(around).max() > 11 * 120 / 86400
        assert near >= least if least else near == 0


def test_manifest_and_skips_tell_what_happened(flare_records):
    manifest = json.loads((flare_records / "records.json").read_text())
    assert manifest["settings"]["drop_quiet"] == 0 and set(manifest["splits"]) == {"train", "val", "test"}
    assert manifest["num_records"] == len(table(flare_records))
    assert (flare_records / "skipped_windows.csv").read_text().startswith("light_curve,reason")


def test_the_catalogue_of_guenther_et_al(shared):
    read = catalog.read(shared / "data/other/flares/catalogues/gunther2020_flares_all.txt")
    flares = read.flares
    # The table repeats the flares of some stars; two rows are within a second of others.
    assert len(flares) == 8695 - 26 and len(read.skips) == 26
    assert all("it is the flare of row" in skip.reason for skip in read.skips)
    assert flares.tic_id.nunique() == 1228 and set(flares.sector) == {1, 2}
    assert flares.peak_time.between(1325, 1382).all() and flares.is_flare.all() and (flares.duration > 0).all()


def test_candidates_that_were_vetted_away_are_quiet(simulated, tmp_path):
    lines = (simulated / "flares.csv").read_text().splitlines()
    (tmp_path / "vetted.csv").write_text(
        "\n".join([f"{lines[0]},is_flare", *(f"{line},{i % 2}" for i, line in enumerate(lines[1:]))])
    )
    flags = [
        f"--flare_catalog={tmp_path}/vetted.csv",
        f"--light_curves={simulated}/*.fits",
        f"--output_dir={tmp_path}/out",
    ]
    assert generate_flare_records.main([*flags, "--make_test_set"]) == 0
    kinds = {(row["kind"], row["Disposition"]) for row in table(tmp_path / "out")}
    assert {("vetted", "quiet"), ("catalogue", "flare"), ("quiet", "quiet")} == kinds


@pytest.mark.parametrize(
    "catalog_text, message",
    [
        ("tic_id,peak_time\n1001,1326\n", "has no column sector"),
        ("tic_id,sector,peak_time\n1001,7,1500\n", "no window; "),
        ("tic_id,sector,peak_time\n1001,7,1326\n", "peak_time, BTJD 1326.0000, is not in sector 7: one of the two"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_why(simulated, tmp_path, capsys, catalog_text, message):
    (tmp_path / "c.csv").write_text(catalog_text)
    flags = [f"--flare_catalog={tmp_path}/c.csv", f"--light_curves={simulated}/*.fits", f"--output_dir={tmp_path}/out"]
    assert generate_flare_records.main(flags) == 1
    assert message in capsys.readouterr().err
