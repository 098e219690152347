"""The latest indicators: every state against the powers of today, by the rules of clients.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_data_build import needs_sources, published

from bayes_alliance.bundled import bundled
from bayes_alliance.data import build
from bayes_alliance.data import columns as c
from bayes_alliance.data.latest import latest, latest_table
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.sources import read_all
from bayes_alliance.data.universe_schema import POWERS
from bayes_alliance.data.validate import read_table


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return latest()


def test_every_state_stands_against_every_power_but_itself(table: pd.DataFrame) -> None:
    found = set(table.index)
    clients = {client for client, _ in found}
    assert found == {(a, b) for a in clients for b in POWERS if a != b}
    known = set(read_table(bundled("data", "states.csv"), TABLES["states"])["abbreviation"])
    assert clients <= known
    assert {"JPN", "TAW", "UKR", "KOS", "SSD", "TUV"} <= clients
    assert not {"GDR", "GFR", "RVN", "CZE"} & clients


def test_values_that_scenarios_cite(table: pd.DataFrame) -> None:
    """Those that quad-status-quo gives with its sources."""
    japan, india = table.loc[("JPN", "CHN")], table.loc[("IND", "CHN")]
    assert (japan["capability_ratio"], japan["distance_km"]) == (9.472, 413.9)
    assert (japan["land_access"], japan["occupied"], japan["disputes"]) == ("sea", 0, 1)
    assert (india["capability_ratio"], india["land_access"]) == (2.355, "contiguous")
    assert (india["distance_km"], india["occupied"]) == (0, 1)
    assert table.at[("UKR", "RUS"), "occupied"] == 1
    assert table.at[("EST", "RUS"), "land_access"] == "contiguous"


def test_ratios_and_gaps_are_the_other_way_round_from_the_other_side(table: pd.DataFrame) -> None:
    for a in POWERS:
        for b in POWERS:
            if a != b:
                there, back = table.loc[(a, b)], table.loc[(b, a)]
                product = there["capability_ratio"] * back["capability_ratio"]
                assert product == pytest.approx(1, rel=2e-3), (a, b)
                assert there["polyarchy_gap"] == pytest.approx(-back["polyarchy_gap"], abs=1e-3)


def test_a_common_border_is_no_distance(table: pd.DataFrame) -> None:
    beside = table["land_access"] == "contiguous"
    assert (table.loc[beside, "distance_km"] == 0).all()
    assert (table.loc[~beside, "distance_km"] > 0).all()


@needs_sources
def test_capabilities_are_those_of_the_source() -> None:
    """Straight from the file: shares of 2022, none below the floor."""
    nmc = read_all(build.sources())["nmc"]
    last = nmc[nmc["year"] == nmc["year"].max()].set_index("ccode")["cinc"].clip(lower=c.CINC_FLOOR)
    data = published()
    made = latest_table(data).set_index(["client", "adversary"])
    for client, power in (("JPN", "CHN"), ("FIN", "RUS"), ("TUV", "USA"), ("MLI", "FRN")):
        wanted = float(last[data.codes[power]]) / float(last[data.codes[client]])
        assert made.at[(client, power), "capability_ratio"] == pytest.approx(wanted)


@needs_sources
def test_disputes_are_those_of_the_last_ten_years_of_their_source() -> None:
    """A plain count in the file, for every pair that has any."""
    data = published()
    gml = read_all(build.sources())["gml"]
    last = int(gml["year"].max())
    recent = gml[gml["territory"] & (gml["year"] > last - c.LOOK_BACK)]
    counted = recent.groupby(["ccode1", "ccode2"])["dispnum"].nunique()
    made = latest_table(data)
    pairs = zip(made["client"].map(data.codes), made["adversary"].map(data.codes), strict=True)
    np.testing.assert_array_equal(made["disputes"], [counted.get(pair, 0) for pair in pairs])
