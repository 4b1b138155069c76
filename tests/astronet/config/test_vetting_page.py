"""The configuration that docs/vetting.md shows is one that can be read, and its views and columns can be made."""

import re
from pathlib import Path

from astronet.config import configuration
from astronet.data.records import event_columns
from astronet.data.records.columns import EVENT_MEASURES
from light_curve_util.view_generator import VIEW_NAMES

PAGE = (Path(__file__).parents[3] / "docs" / "vetting.md").read_text()


def test_configuration_of_the_page_reads_the_views_and_columns_that_it_names():
    spec = configuration.resolve(None, "vetting", re.search(r"--config_json='(\{.*?\})' \.\.\.", PAGE, re.DOTALL)[1])
    assert {"odd_view", "even_view"} < set(configuration.view_lengths(spec.config)) <= set(VIEW_NAMES)
    assert event_columns.asked_for(spec.config) == ("depth_change", "Odd_Even_Difference", "Odd_Even_Significance")


def test_every_view_and_measured_column_is_on_the_page():
    missing = [name for name in (*VIEW_NAMES, *EVENT_MEASURES) if f"`{name}`" not in PAGE]
    assert not missing
