"""Values that are not known for certain: their distributions have the moments that were asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_examples import change, content, refused_at
from scipy import stats

from bayes_alliance.forecast.clients import COLUMNS
from bayes_alliance.forecast.inputs import Beta, Chances, Normal, share, value
from bayes_alliance.forecast.place import Place
from bayes_alliance.forecast.promises import promises
from bayes_alliance.process.cells import COMMITMENTS

HERE = Place("my.toml", "x")
P = np.linspace(0.001, 0.999, 999)


def of(column: str, given: object):
    return value(given, COLUMNS[column], HERE)


@given(st.floats(0.01, 1000), st.floats(0.05, 2))
@settings(deadline=None)
def test_a_ratio_by_its_moments_is_log_normal(mean: float, relative: float) -> None:
    made = of("capability_ratio", {"mean": mean, "sd": mean * relative})
    variance = np.log1p(relative**2)
    wanted = stats.lognorm(np.sqrt(variance), scale=mean * np.exp(-variance / 2))
    assert wanted.mean() == pytest.approx(mean)
    low, high = wanted.cdf([1e-4, 1e6])  # cut off at the bounds of the column
    np.testing.assert_allclose(made.quantile(P), wanted.ppf(low + P * (high - low)), rtol=1e-6)


def test_a_number_by_an_interval_has_it_as_its_quantiles() -> None:
    gap = of("polyarchy", {"low": 0.4, "high": 0.6, "probability": 0.5})
    np.testing.assert_allclose(gap.quantile([0.25, 0.5, 0.75]), [0.4, 0.5, 0.6], atol=1e-3)
    ratio = of("forces_ratio", {"low": 1, "high": 100, "probability": 0.9})
    np.testing.assert_allclose(ratio.quantile([0.05, 0.5, 0.95]), [1, 10, 100], rtol=1e-3)


def test_a_count_by_its_moments_is_whole_and_within_its_bounds() -> None:
    made = of("disputes", {"mean": 3, "sd": 1.5})
    found = made.quantile(np.random.default_rng(1).random(20_000))
    assert set(found) <= set(range(101))
    cut = stats.truncnorm(-3.5 / 1.5, np.inf, 3, 1.5)
    edges = np.arange(-0.5, 12)
    seen = np.histogram(found, edges)[0] / len(found)
    np.testing.assert_allclose(seen, np.diff(cut.cdf(edges)), atol=4 * 0.5 / np.sqrt(len(found)))


def test_probabilities_of_counts_and_categories() -> None:
    count = of("disputes", {"3": 0.5, "0": 0.2, "1": 0.3})
    assert count == Chances((0, 1, 3), (0.2, 0.3, 0.5))
    assert count.quantile([0, 0.19, 0.21, 0.49, 0.51, 1]).tolist() == [0, 0, 1, 1, 3, 3]
    land = of("land_access", {"contiguous": 0.6, "sea": 0.4})
    assert land.values == ("sea", "contiguous")
    assert land.centre == "contiguous"
    assert of("occupied", {"0": 0.7, "1": 0.3}).centre == 0


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.9))
@settings(deadline=None)
def test_a_share_has_the_mean_and_spread_that_were_asked(mean: float, part: float) -> None:
    sd = part * np.sqrt(mean * (1 - mean))
    made = share({"mean": mean, "sd": sd}, HERE)
    assert isinstance(made, Beta)
    wanted = stats.beta(made.a, made.b)
    assert (wanted.mean(), wanted.std()) == pytest.approx((mean, sd))
    np.testing.assert_allclose(made.quantile([0.1, 0.9]), wanted.ppf([0.1, 0.9]), rtol=1e-6)


def test_promises_with_a_certainty_are_a_dirichlet() -> None:
    p = {"none": 0.2, "consult": 0.7, "defend": 0.1}
    made = promises(p | {"certainty": 9}, HERE)
    drawn = made.draw(np.random.default_rng(2), 40_000)
    wanted = stats.dirichlet([9 * p[level] for level in COMMITMENTS])
    np.testing.assert_allclose(drawn.sum(1), 1)
    np.testing.assert_allclose(drawn.mean(0), wanted.mean(), atol=4 * 0.15 / np.sqrt(40_000))
    np.testing.assert_allclose(drawn.var(0), wanted.var(), rtol=0.05)
    known = promises(p, HERE).draw(np.random.default_rng(2), 3)
    np.testing.assert_allclose(known, [[0.2, 0.7, 0.1]] * 3)


def test_a_level_without_probability_is_never_drawn() -> None:
    made = promises({"none": 0.5, "consult": 0.5, "defend": 0, "certainty": 1}, HERE)
    drawn = made.draw(np.random.default_rng(3), 5000)
    assert (drawn[:, 2] == 0).all() and np.isfinite(drawn).all()


REFUSED = {
    "no sd": ({"mean": 3}, "clients.JPN.capability_ratio.sd", "a key 'sd'"),
    "no probability": (
        {"low": 1, "high": 2},
        "clients.JPN.capability_ratio.probability",
        "a key 'probability'",
    ),
    "sd of 0": ({"mean": 3, "sd": 0}, "clients.JPN.capability_ratio.sd", "a number above 0"),
    "mean of 0": ({"mean": 0, "sd": 1}, "clients.JPN.capability_ratio.mean", "between 0.0001"),
    "ends the wrong way round": (
        {"low": 3, "high": 2, "probability": 0.9},
        "clients.JPN.capability_ratio.high",
        "a number above low, 3",
    ),
    "certain interval": (
        {"low": 1, "high": 2, "probability": 1},
        "clients.JPN.capability_ratio.probability",
        "0.01 to 0.999",
    ),
    "mixed": (
        {"mean": 3, "sd": 1, "low": 1},
        "clients.JPN.capability_ratio.low",
        "one of the keys mean, sd",
    ),
    "another word": ({"median": 3}, "clients.JPN.capability_ratio.median", "mean, sd, low"),
    "empty": ({}, "clients.JPN.capability_ratio.low", "a key 'low'"),
    "not a number": (
        {"mean": float("nan"), "sd": 1},
        "clients.JPN.capability_ratio.mean",
        "a number between",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_distribution_of_a_number_is_refused(case: str) -> None:
    given_, key, words = REFUSED[case]
    clients = change(content()["clients"], ("JPN", "capability_ratio"), given_)
    assert words in refused_at(key, clients=clients).expected


OTHERS = {
    "count mostly below 0": (
        "disputes",
        {"mean": 0.5, "sd": 3},
        "clients.JPN.disputes",
        "at most 5% lies outside 0 to 100",
    ),
    "counts do not sum": (
        "disputes",
        {"0": 0.5, "1": 0.4},
        "clients.JPN.disputes",
        "sum to 1, not 0.9",
    ),
    "count as a word": ("disputes", {"few": 1}, "clients.JPN.disputes.few", "mean and sd"),
    "count of two spellings": ("disputes", {"1": 0.5, "01": 0.5}, "clients.JPN.disputes", "once"),
    "count too large": ("disputes", {"101": 1}, "clients.JPN.disputes.101", "between 0 and 100"),
    "unknown category": (
        "land_access",
        {"sea": 0.5, "land": 0.5},
        "clients.JPN.land_access.land",
        "one of the keys sea, landmass, contiguous",
    ),
    "categories do not sum": (
        "land_access",
        {"sea": 0.5, "landmass": 0.6},
        "clients.JPN.land_access",
        "sum to 1, not 1.1",
    ),
    "negative chance": ("fear", {"none": -0.1}, "clients.JPN.fear.none", "between 0 and 1"),
    "index mostly above 1": (
        "polyarchy",
        {"mean": 0.9, "sd": 0.2},
        "clients.JPN.polyarchy",
        "lies outside 0 to 1, not 31%",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_bad_distribution_of_anything_else_is_refused(case: str) -> None:
    column, given_, key, words = OTHERS[case]
    clients = change(content()["clients"], ("JPN", column), given_)
    assert words in refused_at(key, clients=clients).expected


@pytest.mark.parametrize(
    ("given_", "key", "words"),
    [
        ({"mean": 0.5}, "share.sd", "a key 'sd'"),
        ({"mean": 0.5, "sd": 0.5}, "share.sd", "below 0.5"),
        ({"mean": 1, "sd": 0.1}, "share.mean", "between 0 and 1"),
        ({"a": 1, "b": 2}, "share.a", "one of the keys mean, sd"),
        (-0.1, "share", "a probability between 0 and 1"),
    ],
    ids=str,
)
def test_a_bad_share_is_refused(given_: object, key: str, words: str) -> None:
    assert words in refused_at(key, share=given_).expected


def test_distributions_are_written_in_words() -> None:
    assert str(Normal(np.log(10), 1, 1e-4, 1e6, log=True)) == "10 (90 % interval 1.93 to 51.8)"
    assert str(Chances((0, 1), (0.25, 0.75))) == "0 25 %, 1 75 %"
    assert str(Beta(1, 1)) == "0.50 (90 % interval 0.05 to 0.95)"
    level = promises({"none": 0.4, "consult": 0.6, "defend": 0}, HERE)
    assert str(level) == "none 40 %, consult 60 %"
