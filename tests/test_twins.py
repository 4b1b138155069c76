"""Each test on real data has a twin on data that the tests make, so that a clone without real data is not blind."""

import ast
import functools
from pathlib import Path

from tests.conftest import SLOW

TESTS = Path(__file__).parent
REAL = {"shared", "naco"}  # fixtures of real data; a fixture that asks for one of them is one, too

# "file::test" -> the twin: a test of the same file, or "file::test".
TWINS = {
    "astronet/benchmarks/test_spoc.py::test_published_rows": "test_a_row_becomes_a_record_of_our_schema",
    "astronet/data/catalog/test_epochs.py::test_public_light_curve_with_keplers_zero_point_is_refused": (
        "test_light_curve_with_keplers_zero_point_is_refused"
    ),
    "astronet/data/catalog/test_epochs.py::test_public_planets_are_found_from_bjd_by_both_scripts": (
        "astronet/test_predict.py::test_a_tce_gets_the_score_that_its_record_gets"
    ),
    "astronet/data/catalog/test_epochs.py::test_public_planets_give_the_same_records_from_bjd": (
        "test_epochs_of_several_systems_in_one_column_give_the_same_records"
    ),
    "astronet/data/catalog/test_focal_plane.py::test_all_stars_of_the_published_catalogue_stand_where_it_says": (
        "test_known_stars"
    ),
    "astronet/data/catalog/test_public_tables.py::test_the_public_cases": (
        "test_each_source_gives_the_records_of_a_catalog"
    ),
    "astronet/data/catalog/test_binaries_search.py::test_real_binaries_have_their_periods": (
        "test_two_kinds_of_eclipses_are_one_binary_at_its_period"
    ),
    "astronet/data/catalog/test_transit_search.py::test_benchmark_finds_real_planets": (
        "test_benchmark_tells_what_was_recovered"
    ),
    "astronet/data/records/test_event_density.py::test_published_sectors_are_crowded_when_scattered_light_is": (
        "test_density_is_that_of_other_stars_events_at_the_times_of_a_tces_own"
    ),
    "astronet/data/records/test_leaks.py::test_leaks_of_the_published_split": (
        "test_every_training_begins_with_a_leak_report"
    ),
    "astronet/data/records/test_tfrecord.py::test_every_published_record_finds_its_catalogue_row": (
        "astronet/data/test_generate_input_records.py::test_a_record_holds_every_column_in_one_type"
    ),
    "astronet/data/test_download_light_curves.py::test_real_files_pass_the_check": (
        "test_tglc_goes_to_the_star_s_own_directory_in_its_last_version"
    ),
    "astronet/data/test_generate_input_records.py::test_golden_rows_are_skipped_for_the_published_reasons": (
        "test_each_bad_row_is_listed_and_the_others_go_on"
    ),
    "astronet/data/test_generate_input_records.py::test_real_photometry_gives_the_published_local_views": (
        "light_curve_util/test_views.py::test_view_is_normalized_and_centered"
    ),
    "astronet/data/test_generate_input_records.py::test_views_of_golden_light_curves": (
        "test_views_of_made_light_curves_are_those_of_the_plain_reference"
    ),
    "astronet/data/test_relabel.py::test_the_published_catalog_with_todays_tables": (
        "test_each_row_gets_the_disposition_of_its_own_signal"
    ),
    "astronet/direct_imaging/test_angle_sign.py::test_beta_pictoris_b_tells_the_sign": (
        "test_the_sign_is_told_by_a_companion"
    ),
    "astronet/direct_imaging/test_angle_sign.py::test_without_beta_pictoris_b_nothing_is_claimed": (
        "test_without_a_companion_nothing_is_claimed"
    ),
    "astronet/direct_imaging/test_cube.py::test_beta_pictoris": "test_what_is_read_is_what_was_written",
    "astronet/estimator/test_estimator_util.py::test_published_checkpoint_gives_its_published_predictions": (
        "astronet/inference/test_network.py::test_every_registered_network_has_the_logits_of_tensorflow"
    ),
    "astronet/evaluation/test_report.py::test_report_by_kind_of_tce": (
        "test_report_of_made_tces_agrees_with_independent_counts"
    ),
    "astronet/evaluation/test_report.py::test_report_of_the_published_checkpoint": (
        "test_report_of_made_tces_agrees_with_independent_counts"
    ),
    "astronet/evaluation/test_report.py::test_view_limits_catch_what_they_say": ("test_views_unlike_training_are_told"),
    "astronet/flares/test_flare_fit.py::test_energies_are_those_of_guenther_et_al": (
        "test_energy_is_that_of_a_black_body_integrated_over_the_band"
    ),
    "astronet/flares/test_generate_flare_records.py::test_the_catalogue_of_guenther_et_al": (
        "astronet/flares/test_flare_catalog.py::test_machine_readable_tables_of_journals_are_catalogs"
    ),
    "astronet/flares/test_import_stella_weights.py::test_the_published_weights_give_the_published_predictions": (
        "test_imported_networks_predict_as_their_arrays_say"
    ),
    "astronet/inference/test_engines.py::test_pretrained_flares_says_the_same_by_both_engines": (
        "astronet/inference/test_sliding.py::test_tensorflow_and_numpy_agree"
    ),
    "astronet/inference/test_engines.py::test_pretrained_triage_is_judged_alike_by_both_engines": (
        "test_both_engines_judge_and_calibrate_alike"
    ),
    "astronet/inference/test_engines.py::test_pretrained_triage_says_the_same_by_both_engines": (
        "test_both_engines_write_the_same_predictions"
    ),
    "astronet/inference/test_engines.py::"
    "test_pretrained_vetting_says_the_same_by_both_engines_of_published_and_of_joined_records": (
        "test_both_engines_write_the_same_predictions"
    ),
    "astronet/test_batch_predict.py::test_published_checkpoint_gives_its_published_predictions": (
        "test_average_is_the_mean_of_what_each_member_says"
    ),
    "astronet/test_evaluate.py::test_published_checkpoint_has_its_published_quality": (
        "test_figures_are_those_of_scikit_learn"
    ),
    "astronet/test_models.py::test_yu2019_has_the_published_variables": (
        "test_yu2019_names_its_variables_by_the_rule_of_published_checkpoints"
    ),
    "astronet/test_train.py::test_checkpoint_without_optimizer_is_not_trained_on": (
        "test_made_checkpoint_without_optimizer_is_not_trained_on"
    ),
    "astronet/test_train.py::test_checkpoints_have_the_published_names": (
        "astronet/test_models.py::test_yu2019_names_its_variables_by_the_rule_of_published_checkpoints"
    ),
    "astronet/test_triage.py::test_the_exofop_table_as_downloaded_gives_ranked_candidates": (
        "test_probabilities_of_a_table_are_those_of_the_separate_scripts"
    ),
    "light_curve_util/test_detrend.py::test_real_photometry": "test_variation_goes_and_the_transit_stays",
    "light_curve_util/test_file_index.py::test_real_files_are_found": "test_every_name_is_found_in_every_place",
    "light_curve_util/test_products.py::test_every_real_file_is_read": (
        "test_each_product_gives_btjd_and_relative_flux"
    ),
    "light_curve_util/test_products.py::test_real_files_keep_the_known_cadences": (
        "test_the_documented_bits_are_dropped"
    ),
    "light_curve_util/test_products.py::test_wasp_4_b_dips_when_it_should": (
        "test_flares_go_and_eclipses_down_to_nothing_stay"
    ),
    "light_curve_util/test_tess_io.py::test_bad_cadences_of_sector_1_are_the_published_ones": (
        "test_without_flags_the_bad_cadences_of_sector_1_go_and_no_other_sector_s"
    ),
    "light_curve_util/test_tess_io.py::test_published_counts_and_fluxes": (
        "test_flags_nans_and_bright_outliers_go_and_dips_stay"
    ),
    "light_curve_util/test_text_light_curves.py::test_a_light_curve_made_with_kepler_s_zero_point": (
        "test_times_outside_the_sector_of_the_name_are_refused"
    ),
    "light_curve_util/test_text_light_curves.py::test_the_light_curves_of_the_cases": "test_what_people_write_is_read",
    "light_curve_util/test_time_systems.py::test_public_light_curve_made_with_keplers_zero_point_is_told": (
        "test_light_curve_outside_its_sector_is_told"
    ),
    "light_curve_util/test_views.py::test_published_views": "light_curve_util/test_cc_equals_reference.py::test_views",
    "test_walkthrough.py::test_the_catalogue_commands_of_the_published_readme": (
        "test_the_commands_of_the_walkthrough_run_as_written"
    ),
    "test_walkthrough.py::test_the_python_of_the_transit_search": (
        "astronet/test_api_inputs.py::test_a_search_finds_what_a_score_takes"
    ),
}


@functools.cache
def functions():
    """Returns (file, function) of all tests and fixtures."""
    return [
        (str(path.relative_to(TESTS)), node)
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.parse(path.read_text()).body  # no test is within a class
        if isinstance(node, ast.FunctionDef)
    ]


def names_of_arguments(function):
    return {argument.arg for argument in function.args.args}


def on_real_data(everything):
    """Names, "file::test", of the tests that ask for real data, by themselves or by a fixture of their file."""
    real_of_file = {file: set(REAL) for file, _ in everything}
    for _ in range(3):  # fixtures that ask for fixtures
        for file, function in everything:
            is_fixture = any("fixture" in ast.unparse(decorator) for decorator in function.decorator_list)
            if is_fixture and names_of_arguments(function) & real_of_file[file]:
                real_of_file[file].add(function.name)
    return {
        f"{file}::{function.name}"
        for file, function in everything
        if function.name.startswith("test_") and names_of_arguments(function) & real_of_file[file]
    }


def test_each_test_on_real_data_has_a_twin_that_makes_its_own():
    everything = functions()
    names, real = {f"{file}::{function.name}" for file, function in everything}, on_real_data(everything)
    assert real == set(TWINS), "list the twin of each test on real data in TWINS"
    twins = {twin if "::" in twin else f"{name.partition('::')[0]}::{twin}" for name, twin in TWINS.items()}
    assert twins <= names, "a twin is not there"
    assert not twins & real, "a twin asks for real data"


def test_each_slow_test_that_is_listed_exists():
    files = {str(path.relative_to(TESTS.parent)) for path in TESTS.rglob("test_*.py")}
    names = {f"tests/{file}::{function.name}" for file, function in functions()}
    assert set(SLOW) <= files | names
