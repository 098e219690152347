"""What was known at the beginning of a year: nothing of the future, all of the past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from backtest_examples import with_another_future
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_alliance.data import Data, load
from bayes_alliance.data.load import read_folder
from bayes_alliance.data.panel import panel
from bayes_alliance.data.schema import TABLES
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.backtest import by_threat
from bayes_alliance.forecast.known import (
    carried_on,
    cases_after,
    day_before,
    known_at,
    known_panel,
    lives_after,
)
from bayes_alliance.process.containers import arrays
from bayes_alliance.process.survival import YEAR, durations

ORIGINS = (1900, 1920, 1935, 1946, 1955, 1970, 1990, 2010)


@pytest.fixture(scope="module")
def wide() -> Data:
    return load("asymmetric")


@pytest.fixture(scope="module")
def years() -> pd.DataFrame:
    return panel()


def row(data: Data, episode: str) -> pd.Series:
    return data.episodes.set_index("episode").loc[episode]


# --- the past is all there ------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_was_known_passes_as_a_dataset(wide, origin, tmp_path):
    """A fit stores its tables and validates them again whenever they are read."""
    known = known_at(wide, origin)
    for name in ("episodes", "clients", "years", "codings"):
        table = getattr(known, name)[list(TABLES[name].columns)]
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    read_folder(tmp_path)
    assert load(tmp_path).hash == known.hash


@pytest.mark.parametrize("origin", ORIGINS)
def test_exposure_is_that_of_the_years_before(wide, origin):
    known, whole = durations(known_at(wide, origin).episodes), durations(wide.episodes)
    start = wide.episodes.set_index("episode")["start"]
    until = (day_before(origin) - start.reindex(known.index)) / pd.Timedelta(YEAR, "D")
    wanted = np.minimum(whole["duration"].reindex(known.index), until.clip(lower=1 / YEAR))
    np.testing.assert_allclose(known["duration"], wanted, atol=1e-9)
    over = whole["duration"].reindex(known.index) < until
    event = whole["event"].reindex(known.index).where(over, 0)
    assert (known["event"] == event).all()


@pytest.mark.parametrize("origin", ORIGINS)
def test_lives_have_a_threat_in_every_year(wide, origin):
    """France was no state in 1943; a French design of 1939 is asked about until 1950."""
    lives, _ = lives_after(wide, origin, origin + 15)
    for one in by_threat(lives, origin, origin + 15):
        assert np.isfinite(arrays(one)["panel_threat_now"][1]).all()


def test_a_design_in_force_is_censored(wide):
    known = row(known_at(wide, 1970), "southeast-asia-1954")  # dissolved in 1977
    assert known["end"] == pd.Timestamp(1969, 12, 31)
    assert durations(known_at(wide, 1970).episodes).loc["southeast-asia-1954", "event"] == 0
    assert durations(known_at(wide, 1978).episodes).loc["southeast-asia-1954", "event"] == 1


def test_a_design_agreed_on_counts_one_day(wide):
    """Signed in September 1954, in force from February 1955."""
    known = known_at(wide, 1955)
    assert row(known, "southeast-asia-1954")["start"] == pd.Timestamp(1954, 12, 30)
    assert durations(known.episodes).loc["southeast-asia-1954", "duration"] == pytest.approx(
        1 / YEAR
    )


def test_a_refusal_whose_fallback_came_later_has_come_to_nothing(wide):
    """The Eastern Pact was refused in 1934; two pacts of 1935 came of it."""
    assert row(known_at(wide, 1935), "eastern-pact-1934")["outcome"] == "none"
    assert row(known_at(wide, 1936), "eastern-pact-1934")["outcome"] == "refused"


def test_spans_of_codings_end_with_the_last_known_year(wide):
    spans = known_at(wide, 2024).codings.query("table == 'years' and episode != '*'")["episode"]
    assert "2023" in set(spans) and "2020-2023" in set(spans)
    early = known_at(wide, 1990).codings.query("table == 'years' and episode != '*'")
    assert early.empty


@pytest.mark.parametrize("origin", [1816, 1, 2100, True, "1955"])
def test_an_origin_without_a_past_is_refused(wide, origin):
    with pytest.raises(InputError, match="origin"):
        known_at(wide, origin)


# --- nothing of the future is ---------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(origin=st.integers(1830, 2024), seed=st.integers(0, 10_000))
def test_another_future_leaves_what_was_known(wide, origin, seed):
    known, other = known_at(wide, origin), known_at(with_another_future(wide, origin, seed), origin)
    for name in ("episodes", "clients", "years", "codings"):
        pd.testing.assert_frame_equal(getattr(known, name), getattr(other, name), obj=name)
    for name, (_, value) in arrays(known).items():
        np.testing.assert_array_equal(value, arrays(other)[name][1], err_msg=name)


@settings(max_examples=15, deadline=None)
@given(origin=st.integers(1830, 2024), seed=st.integers(0, 10_000))
def test_another_future_leaves_the_known_years(years, origin, seed):
    rng = np.random.default_rng(seed)
    changed = years.copy()
    later = changed["year"] >= origin
    for column in ("decisions", "unallied", "power_ratio", "major"):
        changed.loc[later, column] = rng.permutation(changed.loc[later, column].to_numpy())
    pd.testing.assert_frame_equal(known_panel(years, origin), known_panel(changed, origin))
    until = origin + 15
    one, other = (carried_on(table, origin, until) for table in (years, changed))
    known = years.loc[years["year"] < origin, ["patron", "theatre"]].drop_duplicates()
    one, other = (table.merge(known) for table in (one, other))  # others appear only later
    pd.testing.assert_frame_equal(one, other)


def test_what_begins_after_the_origin_does_not_matter(wide):
    """The property above would hold of tables that are empty."""
    known = known_at(wide, 1955)
    assert len(known.episodes) == (wide.episodes["date"] < "1954-12-31").sum() > 80
    assert set(known.years["year"]) == set(range(1816, 1955)) & set(wide.years["year"])
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(known.episodes, known_at(wide, 1956).episodes)


def test_a_pair_is_known_from_its_first_decision_on(years):
    """The panel of the United States in Asia begins ten years before its first decision there."""
    own = years.query("patron == 'USA' and theatre == 'asia'")
    first = int(own.loc[own["decisions"] > 0, "year"].min())
    for origin, there in ((first, False), (first + 1, True)):
        known = known_panel(years, origin)
        found = ((known["patron"] == "USA") & (known["theatre"] == "asia")).any()
        assert found == there and (own["year"] < origin).any()


# --- what came after ------------------------------------------------------------------------------


def test_cases_after_have_no_outcomes(wide):
    cases = cases_after(wide, 1955, 1970).episodes
    assert cases["date"].between("1954-12-31", "1969-12-30").all()
    blank = ["proposal", "outcome", "frame", "threat_statement", "start", "end", "ended"]
    assert cases[blank].isna().all(axis=None)
    whole = wide.episodes
    roots = whole[whole["episode"] == whole["case"]]
    assert len(cases) == roots["date"].between("1954-12-31", "1969-12-30").sum()


@pytest.mark.parametrize("origin", ORIGINS)
def test_windows_part_the_cases(wide, origin):
    """A case is known, asked about, or later: never two of these."""
    until = origin + 15
    whole = set(wide.episodes["case"])
    before = set(known_at(wide, origin).episodes["case"])
    asked = set(cases_after(wide, origin, until).episodes["case"])
    assert not before & asked
    assert before | asked == {c for c in known_at(wide, until).episodes["case"] if c in whole}


def test_lives_after_by_hand(wide):
    """SEATO: signed in 1954, in force from 19 February 1955, dissolved on 30 June 1977."""
    _, truth = lives_after(wide, 1955, 1970)
    seato = truth.loc["southeast-asia-1954"]
    assert seato["made"] == 1 and seato["age"] == 0 and seato["event"] == 0
    days = (pd.Timestamp(1969, 12, 31) - pd.Timestamp(1955, 2, 19)).days
    assert seato["follow"] == seato["duration"] == pytest.approx(days / YEAR)
    _, truth = lives_after(wide, 1970, 1985)
    seato = truth.loc["southeast-asia-1954"]
    assert seato["made"] == 0 and seato["event"] == 1
    assert seato["age"] == pytest.approx((days) / YEAR)
    days = (pd.Timestamp(1977, 6, 30) - pd.Timestamp(1969, 12, 31)).days
    assert seato["duration"] == pytest.approx(days / YEAR)
    brussels = lives_after(wide, 1955, 1970)[1].loc["brussels-1948"]  # gave way to a deeper design
    assert brussels["event"] == 0 and brussels["censored"] == 1


def test_carried_on_repeats_the_last_known_year(years):
    one = years.query("patron == 'USA' and theatre == 'europe'")
    found = carried_on(one, 1955, 1970).set_index("year")
    assert found.index.max() == 1969
    last = one.set_index("year").loc[1954]
    for year in (1955, 1969):
        pd.testing.assert_series_equal(found.loc[year], last, check_names=False)
