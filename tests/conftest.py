"""Fixtures that all tests share, where real data are looked for, and which tests are slow."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

# Tests run side by side, one process for each core: more threads of linear algebra than one would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Scripts work in this process unless a test says how many others: to start them takes longer than most tests.
os.environ["PYTHON_CPU_COUNT"] = "1"

# The same examples in every run, however slow the machine or the sanitizers are.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

# Whoever starts the tests in the background has them ignore Control-C, and the scripts that they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
# The one place where tests look for real data (CONTRIBUTING.md says what it holds and where that comes from).
SHARED = Path(os.environ.get("ASTRONET_SHARED", ROOT.parent / "shared"))
# Tests that `make test-fast` leaves out: whole files, or single tests as "file::name". They run walkthroughs, clusters,
# faults and fuzzers, or train; or they take more than about a second of one core, and a quicker test remains.
SLOW = (
    "tests/astronet/base/test_arguments.py::test_no_script_writes_over_what_it_reads",
    "tests/astronet/base/test_cluster.py",
    "tests/astronet/base/test_terminal.py::test_members_in_training_are_stopped_in_a_line",
    "tests/astronet/benchmarks/test_learning_speed.py",
    "tests/astronet/benchmarks/test_spoc.py::test_both_lengths_train",
    "tests/astronet/completeness/test_injection_recovery_transits.py",
    "tests/astronet/data/catalog/test_epochs.py::test_public_planets_are_found_from_bjd_by_both_scripts",
    "tests/astronet/data/catalog/test_public_tables.py::test_the_public_cases",
    "tests/astronet/data/catalog/test_tce_table.py::test_a_further_tce_takes_the_memory_of_its_numbers_not_of_its_text",
    "tests/astronet/data/records/test_event_density.py::test_held_out_sector_is_measured_by_its_own_tces",
    "tests/astronet/data/records/test_event_density.py::test_training_measures_what_records_do_not_say_and_prediction_uses_it",
    "tests/astronet/data/test_generate_input_records_faults.py",
    "tests/astronet/data/test_make_catalog.py::test_a_run_that_was_killed_is_resumed",
    "tests/astronet/data/test_public_light_curves.py::test_plots_of_a_mixture",
    "tests/astronet/data/test_relabel.py::test_the_published_catalog_with_todays_tables",
    "tests/astronet/data/test_simulate_survey.py::test_same_seed_same_survey_whatever_the_number_of_workers",
    "tests/astronet/direct_imaging/test_angle_sign.py",
    "tests/astronet/direct_imaging/test_companion_roc.py",
    "tests/astronet/direct_imaging/test_detect_companions.py",
    "tests/astronet/direct_imaging/test_models.py",
    "tests/astronet/direct_imaging/test_samples.py",
    "tests/astronet/direct_imaging/test_walkthrough.py",
    "tests/astronet/estimator/test_tf_config.py",
    "tests/astronet/estimator/test_two_lines.py",
    "tests/astronet/evaluation/test_report.py::test_a_report_leaves_nothing_of_an_earlier_one_beside_it",
    "tests/astronet/evaluation/test_report.py::test_records_of_one_label_cannot_calibrate_but_can_be_reported",
    "tests/astronet/evaluation/test_report.py::test_report_by_kind_of_tce",
    "tests/astronet/evaluation/test_report.py::test_report_of_the_published_checkpoint",
    "tests/astronet/evaluation/test_report.py::test_report_without_view_limits_tells_nothing_of_them",
    "tests/astronet/evaluation/test_report.py::test_view_limits_catch_what_they_say",
    "tests/astronet/evaluation/test_report.py::test_views_unlike_training_are_told",
    "tests/astronet/flares/test_detection.py",
    "tests/astronet/flares/test_find_flares.py",
    "tests/astronet/flares/test_flare_statistics.py",
    "tests/astronet/flares/test_generate_flare_records.py::test_no_window_crosses_a_gap_unless_padded",
    "tests/astronet/flares/test_harness.py",
    "tests/astronet/flares/test_import_stella_weights.py::test_the_published_weights_give_the_published_predictions",
    "tests/astronet/flares/test_mask_of_records.py",
    "tests/astronet/flares/test_walkthrough.py",
    "tests/astronet/inference/test_engines.py",
    "tests/astronet/inference/test_network.py::test_convolutional_columns_of_any_shape_are_as_in_tensorflow",
    "tests/astronet/review/test_browser.py",
    "tests/astronet/review/test_controls.py::test_the_same_seed_makes_the_same_controls",
    "tests/astronet/review/test_report.py::test_a_new_report_leaves_nothing_of_an_earlier_one",
    "tests/astronet/review/test_report.py::test_another_page_is_not_overwritten",
    "tests/astronet/review/test_report.py::test_the_same_tces_make_the_same_files",
    "tests/astronet/review/test_round_trip.py",
    "tests/astronet/test_batch_predict.py::test_every_tce_has_its_line_in_the_order_of_all_shards",
    "tests/astronet/test_batch_predict.py::test_published_checkpoint_gives_its_published_predictions",
    "tests/astronet/test_cross_validate.py",
    "tests/astronet/test_ensemble_train.py",
    "tests/astronet/test_explain.py::test_a_model_with_shuffled_weights_explains_nothing",
    "tests/astronet/test_explain.py::test_the_masked_transit_kills_the_probability",
    "tests/astronet/test_explain.py::test_the_most_similar_examples_are_others_and_the_nearest_comes_first",
    "tests/astronet/test_export.py::test_a_pretrained_ensemble_is_calibrated_in_a_copy",
    "tests/astronet/test_export.py::test_a_training_goes_on_beside_an_export_of_it",
    "tests/astronet/test_export.py::test_an_exported_ensemble_predicts_as_its_source",
    "tests/astronet/test_find_incorrect.py::test_counts_agree_with_an_independent_count",
    "tests/astronet/test_fine_tuning.py",
    "tests/astronet/test_predict.py::test_a_model_of_scalars_is_given_those_of_the_record",
    "tests/astronet/test_stages.py::test_a_second_model_that_reads_what_the_records_lack_names_the_tce",
    "tests/astronet/test_train.py::test_a_full_disk_is_told_in_a_line_and_nothing_unfinished_is_left",
    "tests/astronet/test_train.py::test_a_run_killed_before_its_last_evaluation_is_judged_by_the_next",
    "tests/astronet/test_train.py::test_checkpoints_have_the_published_names",
    "tests/astronet/test_train.py::test_every_model_trains",
    "tests/astronet/test_train.py::test_killed_training_of_an_ensemble_goes_on",
    "tests/astronet/test_train.py::test_killed_training_of_the_newer_recipe_ends_where_an_unbroken_one_does",
    "tests/astronet/test_train.py::test_members_of_an_ensemble_equal_models_trained_alone",
    "tests/astronet/test_train.py::test_normalization_of_scalars_is_in_the_checkpoint_and_in_the_configuration",
    "tests/astronet/test_train.py::test_resumed_training_ends_where_an_unbroken_one_does",
    "tests/astronet/test_train.py::test_same_seed_same_weights_other_seed_others",
    "tests/astronet/test_triage.py::test_a_changed_light_curve_is_searched_and_scored_anew",
    "tests/astronet/test_triage.py::test_an_interrupted_run_goes_on",
    "tests/astronet/test_triage.py::test_pages_that_were_drawn_before_an_interruption_stay",
    "tests/astronet/test_triage.py::test_the_exofop_table_as_downloaded_gives_ranked_candidates",
    "tests/astronet/test_triage.py::test_the_report_shows_the_ranked_tces_with_their_light_curves",
    "tests/astronet/test_tune.py::test_a_study_goes_on_and_the_same_seed_makes_the_same_trials",
    "tests/astronet/test_tune.py::test_a_trial_that_a_killed_run_has_left_is_tried_again",
    "tests/astronet/test_tune.py::test_a_trial_that_fails_does_not_stop_the_others",
    "tests/astronet/test_tune.py::test_another_search_in_the_same_directory_is_refused",
    "tests/astronet/test_tune.py::test_the_best_trial_can_be_trained_with",
    "tests/astronet/tools/test_make_pretrained.py",
    "tests/light_curve_util/test_detrend.py::test_real_photometry",
    "tests/light_curve_util/test_odd_input.py::test_bins_finer_than_the_rounding_of_their_edges",
    "tests/light_curve_util/test_products.py::test_every_real_file_is_read",
    "tests/test_fuzz.py",
    "tests/test_walkthrough.py",
)


@pytest.fixture(scope="session")
def shared():
    """The folder of published records and outputs, or a skip where this machine has none."""
    if not (SHARED / "golden").is_dir():
        pytest.skip(
            f"no real data in {SHARED} (CONTRIBUTING.md says how to get them; ASTRONET_SHARED names another folder)"
        )
    return SHARED


@pytest.fixture(scope="session")
def published_readme():
    """The README of AstroNet-Triage, whose commands must run; empty where there is no ../shared."""
    path = SHARED / "seeds/000_astronet_triage_readme.txt"
    return path.read_text() if path.exists() else ""


@pytest.fixture
def run_documented(tmp_path):
    """Function (text of a page, {what it says: what to run instead}) -> stdout of its commands, run in tmp_path."""

    def run_documented(text, replacements):
        script = "\n".join(["set -e", *re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)])
        for long, short in replacements.items():
            assert long in script
            script = script.replace(long, short)
        script = script.replace("python astronet/", f"python {ROOT}/astronet/")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run_documented


def pytest_collection_modifyitems(items):
    """Marks what is slow. The longest tests come first, so that what is left at the end can be shared out evenly."""
    for item in items:
        path, _, name = item.nodeid.partition("::")
        if path in SLOW or f"{path}::{name.partition('[')[0]}" in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: "test_walkthrough" not in item.nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Where ../shared is present, a test that uses it must run: its skip is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and "shared" in getattr(item, "fixturenames", ()) and SHARED.is_dir():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} uses ../shared, which is present, and skipped all the same"
