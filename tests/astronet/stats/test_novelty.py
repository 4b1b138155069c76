"""What counts as a view unlike those of training."""

import numpy as np
import pytest

from astronet.stats import novelty

NAMES = ("global_view", "local_view")


def smooth_views(num_tces, seed, num_bins=61):
    """Noise whose neighboring bins are correlated, with a dip at the middle, [num_tces, num_bins]."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 0.3, (num_tces, num_bins + 4))
    views = np.mean([noise[:, i : i + num_bins] for i in range(5)], axis=0)
    depths = random.uniform(0.5, 1, (num_tces, 1))
    return views - depths * np.exp(-0.5 * (np.arange(num_bins) - num_bins // 2) ** 2 / 9)


@pytest.fixture(scope="module")
def limits():
    return novelty.fit({name: smooth_views(1000, seed) for seed, name in enumerate(NAMES)})


def describe(view, limits):
    """What is told where the local view is `view` and the global view as in training."""
    return novelty.describe({"global_view": smooth_views(len(view), 7), "local_view": view}, limits)


def test_one_in_a_hundred_training_views_lies_beyond(limits):
    messages = novelty.describe({name: smooth_views(1000, seed) for seed, name in enumerate(NAMES)}, limits)
    for name in NAMES:
        assert sum(f"{name}: " in of_tce for of_tce in messages) in range(5, 11)  # 0.5 % rough, 0.5 % without a dip


@pytest.mark.parametrize(
    "alter, flag",
    [
        (np.negative, "no dip"),
        (lambda view: np.roll(view, 15, axis=1), "no dip"),
        (np.zeros_like, "constant"),
        (lambda view: view + np.where(np.arange(61) % 2, 2, -2), "rough"),
        (lambda view: -view + np.where(np.arange(61) % 2, 0.5, -0.5), "rough, no dip"),
    ],
)
def test_each_alteration_has_its_flag(limits, alter, flag):
    messages = describe(alter(smooth_views(50, 8)), limits)
    assert np.mean([f"local_view: {flag}" in of_tce for of_tce in messages]) > 0.95


def test_both_views_are_named(limits):
    flat = {name: np.zeros((1, 61)) for name in NAMES}
    assert novelty.describe(flat, limits) == ["global_view: constant; local_view: constant"]


def test_depth_and_level_of_a_view_do_not_matter(limits):
    views = np.concatenate([smooth_views(50, 9), -smooth_views(50, 10)])
    messages = describe(views, limits)
    assert messages == describe(1000 * views + 5, limits)
    assert 40 < messages.count("") < 60


def test_altered_leaves_the_views_alone_and_its_seed_decides():
    views = {"local_view": smooth_views(5, 0)}
    before = views["local_view"].copy()
    first, again, other = (novelty.altered(views, seed)["scrambled"]["local_view"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(views["local_view"], before)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.sort(first, axis=1), np.sort(before, axis=1))


SCALARS = {"Duration": np.geomspace(0.01, 1, 5000), "SN": np.geomspace(5, 500, 5000)}


def test_scalar_beyond_training_is_flagged():
    limits = novelty.fit_scalars(SCALARS)
    given = {"Duration": [0.1, 0.1 / 24, 24 * 0.1, np.nan, 0], "SN": [50, 50, 1e9, 1, np.nan]}
    messages = novelty.describe({name: np.array(values)[:, np.newaxis] for name, values in given.items()}, None, limits)
    assert messages == ["", "Duration: low", "Duration: high; SN: high", "SN: low", ""]


def test_one_in_a_thousand_training_scalars_lies_beyond_each_limit():
    messages = novelty.describe(SCALARS, {}, novelty.fit_scalars(SCALARS))
    assert [sum(flag in of_tce for of_tce in messages) for flag in ("SN: low", "SN: high")] == [4, 4]


def test_training_scalars_of_a_small_set_are_all_within(limits):
    few = {"SN": np.array([1.0, 2, 3])}
    assert novelty.describe(few, None, novelty.fit_scalars(few)) == ["", "", ""]
    assert novelty.fit_scalars({"SN": np.array([np.nan, 0])}) == {}


def test_scalars_in_another_unit_lie_beyond():
    limits = novelty.fit_scalars(SCALARS)
    for kind, columns in novelty.altered_scalars(SCALARS).items():
        assert np.mean([bool(text) for text in novelty.describe(columns, None, limits)]) > 0.6, kind
