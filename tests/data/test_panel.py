"""The panel of decisions: what is counted, who is at risk, and who is exposed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_data_build import needs_sources, published

from bayes_alliance.data import columns as c
from bayes_alliance.data import load
from bayes_alliance.data.asymmetric import NEARBY_KM
from bayes_alliance.data.panel import KEY, panel
from bayes_alliance.data.variants import universe
from bayes_alliance.errors import InputError
from bayes_alliance.process.containers import LAND, exposed_covariates, nearness


@pytest.fixture(scope="module")
def years() -> pd.DataFrame:
    return panel()


def test_every_new_case_is_counted_once_where_it_arose(years):
    episodes = load("asymmetric").episodes
    new = episodes[(episodes["episode"] == episodes["case"]) & episodes["accession_to"].isna()]
    assert years["decisions"].sum() == len(new) > 100
    count = new.groupby(["patron", "theatre", new["date"].dt.year]).size()
    found = years.set_index(KEY)["decisions"]
    assert found.index.is_unique
    for key, number in count.items():
        assert found[key] == number, key
    at_risk = years["major"] == 1
    assert years.loc[~at_risk, "decisions"].sum() == 0, "a decision of a state not at risk"


def test_refusals_count_and_their_fallbacks_and_accessions_do_not(years):
    """The United States in Asia: the Pacific Pact of 1951 is one decision with its fallbacks."""
    found = years.set_index(KEY)["decisions"]
    episodes = load("asymmetric").episodes
    own = episodes[(episodes["patron"] == "USA") & (episodes["date"].dt.year == 1951)]
    own = own[own["theatre"] == "asia"]
    assert own["fallback_of"].notna().sum() >= 2
    assert found["USA", "asia", 1951] == own["case"].nunique()
    joined = episodes[episodes["accession_to"].notna()]
    keys = set(zip(joined["patron"], joined["theatre"], joined["date"].dt.year, strict=True))
    count = episodes[episodes["fallback_of"].isna() & episodes["accession_to"].isna()]
    keys -= set(zip(count["patron"], count["theatre"], count["date"].dt.year, strict=True))
    assert len(keys) > 5 and all(found[key] == 0 for key in keys)


def test_years_after_the_end_of_observation_are_not_observed():
    years = panel({"recent": False})
    late = years["year"] > 2016
    assert late.any() and years.loc[late, "decisions"].isna().all()
    assert years.loc[~late, "decisions"].notna().all()


def test_a_reading_that_is_none_is_refused():
    with pytest.raises(InputError, match="one of k"):
        panel({"ratio": 3})


@needs_sources
def test_major_powers_are_those_of_the_source():
    data, rows = published(), universe()["years"]
    majors = {year: {data.names[s] for s in c.majors(data, year)} for year in set(rows["year"])}
    listed = [p in majors[y] for p, y in zip(rows["patron"], rows["year"], strict=True)]
    assert (rows["major"] == np.array(listed, int)).all()


@needs_sources
@pytest.mark.parametrize(
    ("patron", "theatre", "year"), [("USA", "europe", 1949), ("USA", "asia", 1951)]
)
def test_exposed_states_of_a_year_by_hand(years, patron, theatre, year):
    """Means over the states of the theatre that the patron could take on, one by one."""
    data = published()
    low, high = c.THEATRES[theatre]
    row = years.set_index(KEY).loc[(patron, theatre, year)]
    adversaries = [data.codes[s] for s in row["adversary"].split("+")]
    bound = {
        state
        for e in universe()["designs"].query("year == @year - 1").itertuples()
        if universe()["alliances"].set_index("episode").at[e.episode, "patron"] == patron
        for state in e.members.split("+")
    }
    exposed = [
        s
        for s in c.states(data, year)
        if low <= s <= high
        and data.names[s] not in bound
        and (c.capability_ratio(data, data.codes[patron], s, year) or 0) >= 2
    ]
    assert row["unallied"] == len(exposed) > 10
    pairs = []
    for state in exposed:
        against = [a for a in adversaries if a != state]
        near = min(against, key=lambda a, s=state: c.distance(data, a, s, year))
        pairs.append((near, state, year))
    ratios = [c.capability_ratio(data, *pair) for pair in pairs]
    apart = [c.distance(data, *pair) for pair in pairs]
    access = [c.land_access(data, *pair) for pair in pairs]
    wanted = {
        "exposed_capability_ratio": np.exp(np.mean(np.log(ratios))),
        "exposed_distance_km": np.exp(np.mean(np.log(np.add(apart, NEARBY_KM)))) - NEARBY_KM,
        "exposed_contiguous": np.mean([way == "contiguous" for way in access]),
        "exposed_landmass": np.mean([way == "landmass" for way in access]),
        "exposed_occupied": np.mean([c.occupied(data, *pair) for pair in pairs]),
    }
    for name, value in wanted.items():
        assert row[name] == pytest.approx(value, rel=1e-3, abs=1e-9), name


def test_years_without_an_adversary_expose_nobody_to_it():
    rows = universe()["years"]
    alone = rows["adversary"].isna()
    exposed = [name for name in rows if name.startswith("exposed_")]
    assert alone.any() and rows.loc[alone, exposed].isna().all(axis=None)
    assert rows.loc[rows["unallied"] == 0, exposed].isna().all(axis=None)
    share = rows["exposed_contiguous"] + rows["exposed_landmass"]
    assert (share.dropna() <= 1 + 1e-3).all()


def test_means_of_the_exposed_are_on_the_units_of_clients():
    """The mean of what the model reads of each state is what it reads of the means."""
    ratio, km = np.array([3.0, 40.0, 700.0]), np.array([0.0, 120.0, 9000.0])
    access, occupied = ["contiguous", "landmass", "sea"], np.array([1.0, 0.0, 0.0])
    each = np.column_stack(
        [
            np.log10(ratio) - 1.0,
            np.array([LAND[way] for way in access]) - 0.5,
            nearness(km),
            occupied - 0.5,
        ]
    )
    row = {
        "exposed_capability_ratio": np.exp(np.log(ratio).mean()),
        "exposed_contiguous": 1 / 3,
        "exposed_landmass": 1 / 3,
        "exposed_distance_km": np.exp(np.log(km + NEARBY_KM).mean()) - NEARBY_KM,
        "exposed_occupied": 1 / 3,
    }
    found = exposed_covariates(pd.DataFrame([row, dict.fromkeys(row)], dtype=float))
    np.testing.assert_allclose(found[0], each.mean(0), atol=1e-12)
    np.testing.assert_array_equal(found[1], 0)
