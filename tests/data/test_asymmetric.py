"""How the tables of asymmetric alliances are put together, from real and from changed input."""

from __future__ import annotations

import pandas as pd
import pytest
from test_data_build import published

from bayes_alliance.bundled import bundled
from bayes_alliance.data import columns as c
from bayes_alliance.data.asymmetric import Builder, client_columns, read_coding
from bayes_alliance.data.build import sources, years_table
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.validate import read_table
from bayes_alliance.data.variants import judgements, universe
from bayes_alliance.errors import InputError

Coding = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def coding() -> Coding:
    return read_coding(bundled("data", "coding"))


@pytest.fixture(scope="module")
def make(coding: Coding):
    """A builder from the published data, with other judgements."""
    if not sources().is_dir():
        pytest.skip("the published data are not there (BAYES_ALLIANCE_SOURCES)")
    tables = [
        read_table(bundled("data", f"{name}.csv"), TABLES[name]) for name in ("episodes", "clients")
    ]

    def builder(**changes: pd.DataFrame) -> Builder:
        return Builder(published(), coding | changes, *tables)

    return builder


@pytest.fixture(scope="module")
def builder(make) -> Builder:
    return make()


@pytest.fixture(scope="module")
def table(builder: Builder) -> pd.DataFrame:
    return builder.alliances().set_index("episode")


def judge(coding: Coding, *rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """The judgements and more of them: episode, client, column and value."""
    why = ("judgement", 0.5, "A test.")
    more = pd.DataFrame([(*row, *why) for row in rows], columns=coding["judgements"].columns)
    return pd.concat([coding["judgements"], more], ignore_index=True)


# --- rows of the alliances ------------------------------------------------------------------------


def test_episodes_have_names_of_their_own(table: pd.DataFrame) -> None:
    assert table.index.is_unique
    assert table["name"].str.len().gt(3).all()
    joined = table[(table["origin"] == "rule") & table["accession_to"].notna()]
    assert set(joined["accession_to"]) <= set(table.index)
    for name, formation in joined["accession_to"].items():
        assert name.startswith(f"{formation}-{joined.loc[name, 'date'].year}")


def test_computed_columns_do_not_depend_on_judgements(make, table: pd.DataFrame, coding) -> None:
    bare = make(judgements=coding["judgements"].iloc[:0]).alliances().set_index("episode")
    rule = table[table["origin"] == "rule"]
    own = bare[bare["origin"] == "rule"]
    assert set(own.index) <= set(rule.index)
    columns = ["date", "patron", "adversary_by_rule", "least_ratio", "pairs", "clients"]
    for column in [*columns, "pairs_consult", "institutions", "wartime", "defence"]:
        both = pd.DataFrame({"a": own[column], "b": rule.loc[own.index, column]})
        if column.startswith("pairs"):  # the patron's other clients are those of all candidates
            both = both[own["clients"] > 1]
        assert both["a"].equals(both["b"]), column
    only = set(rule.index) - set(own.index)
    forced = coding["judgements"].query("column == 'defence' and value == '1'")["episode"]
    assert {"-".join(name.split("-")[:2]) for name in only} <= set(forced)
    assert "atop-3275" in set(forced) and "atop-3275" in only  # the Baghdad pact


def test_judgements_give_names_and_adversaries(make, coding: Coding) -> None:
    more = judge(
        coding,
        ("atop-3260", "*", "adversary", "RUS+CHN"),
        ("atop-3180-1981", "*", "name", "Spain 1981"),
        ("atop-3180-1997", "*", "adversary", "none"),
    )
    old = more["episode"].eq("atop-3260") & more["column"].eq("adversary")
    changed = make(judgements=more[~old | (old.cumsum() == old.sum())]).alliances()
    rows = changed.set_index("episode")
    assert rows.loc["atop-3260", "adversary"] in ("RUS", "CHN")
    assert rows.loc["atop-3180-1981", "name"] == "Spain 1981"
    assert pd.isna(rows.loc["atop-3180-1997", "adversary"])


def test_nearest_of_several_adversaries_is_taken(builder: Builder) -> None:
    data = builder.data
    rus, chn, thi, usa = (data.codes[s] for s in ("RUS", "CHN", "THI", "USA"))
    found = builder._adversary("none-such", usa, "nowhere", [thi], 1954, rus)
    assert found == rus  # nothing is coded: the rule
    far = {s: c.distance(data, s, thi, 1954) for s in (rus, chn)}
    assert far[chn] < far[rus]
    builder.judged["none-such", "adversary"] = "RUS+CHN"
    try:
        assert builder._adversary("none-such", usa, "nowhere", [thi], 1954, rus) == chn
    finally:
        del builder.judged["none-such", "adversary"]


def test_pairs_of_a_group_and_of_a_single_client(builder: Builder) -> None:
    codes = builder.data.codes
    usa, ukg, frn, bel = (codes[s] for s in ("USA", "UKG", "FRN", "BEL"))
    at = pd.Timestamp("1949-04-04")
    pairs = builder._pairs(usa, [frn, ukg, bel], "europe", at)
    assert pairs == [(ukg, bel), (ukg, frn), (bel, frn)]
    # West Germany with the thirteen that were there before it
    own = builder._pairs(usa, [codes["GFR"]], "europe", pd.Timestamp("1954-10-23"))
    others = {s for pair in own for s in pair} - {codes["GFR"]}
    assert {ukg, frn, bel, codes["GRC"]} <= others
    assert not {codes["CAN"], codes["TUR"]} & others  # by their codes not of the theatre
    assert builder._pairs(usa, [codes["GFR"]], "africa", pd.Timestamp("1954-10-23")) == []


def test_rows_coded_by_hand_stand_for_rows_by_rule(table: pd.DataFrame) -> None:
    stands = table["coded_as"].dropna()
    assert stands.is_unique
    assert set(stands) <= set(table.index)
    for of, name in stands.items():
        rule, coded = table.loc[of], table.loc[name]
        assert (rule["origin"], coded["origin"] != "rule") == ("rule", True)
        assert rule["patron"] == coded["patron"], name
        assert rule["atop"] == coded["atop"], name
        assert abs(rule["date"] - coded["date"]) <= pd.Timedelta(730, "D"), name
        assert (rule["accession_to"] is None) == (coded["accession_to"] is None), name
    assert len(stands) >= 15


def test_rows_by_hand_that_name_an_alliance_are_joined(table: pd.DataFrame) -> None:
    """A number in ATOP that stands for no row by rule would count the alliance twice."""
    coded = table[(table["origin"] != "rule") & table["atop"].notna()]
    coded = coded[~coded["outcome"].isin(["none", "refused"])]
    rule = table[table["origin"] == "rule"]
    there = coded[coded["atop"].isin(rule["atop"])]
    assert set(there.index) <= set(rule["coded_as"].dropna())


def test_endings_after_the_source(make, builder: Builder, coding: Coding) -> None:
    with_ = {a.atop: a for a in builder.found}
    without = {a.atop: a for a in make(endings=coding["endings"].iloc[:0]).found}
    assert set(with_) == set(without)
    for row in coding["endings"].itertuples():
        number = int(row.atop)
        if row.member == "*":
            assert with_[number].treaty_end == row.end, number
            assert with_[number].treaty_ended == row.ended, number
            assert without[number].treaty_end is None
        else:
            state = builder.data.codes[row.member]
            assert state in without[number].events[-1].clients, row.member
            assert state not in with_[number].events[-1].clients, row.member
    touched = set(coding["endings"]["atop"].astype(int))
    assert all(with_[n] == without[n] for n in set(with_) - touched)


def test_coded_way_of_ending_is_kept(make, coding: Coding) -> None:
    """Not every exit after 2016 is a denunciation."""
    changed = coding["endings"].assign(ended="replaced")
    found = {a.atop: a for a in make(endings=changed).found}
    whole = coding["endings"][coding["endings"]["member"] == "*"]
    assert {found[int(n)].treaty_ended for n in whole["atop"]} == {"replaced"}


def test_judgement_of_no_episode_is_refused(make, coding: Coding) -> None:
    """A mistyped identifier must not leave a judgement without effect."""
    name = "atop-3180-1980"  # Spain joined in 1981
    other = make(judgements=judge(coding, (name, "*", "wartime", "1")))
    with pytest.raises(InputError) as caught:
        other.alliances()
    assert (caught.value.column, caught.value.value) == ("episode", name)


# --- rows of clients ------------------------------------------------------------------------------


def test_columns_of_a_client(builder: Builder) -> None:
    data = builder.data
    rus, frn = data.codes["RUS"], data.codes["FRN"]
    row = client_columns(data, rus, frn, 1947)
    assert row == {
        "capability_ratio": c.capability_ratio(data, rus, frn, 1947),
        "forces_ratio": c.forces_ratio(data, rus, frn, 1947),
        "distance_km": c.distance(data, rus, frn, 1947),
        "land_access": "landmass",
        "occupied": 0,
        "disputes": 0,
        "polyarchy": 0.708,
        "polyarchy_gap": pytest.approx(0.708 - c.polyarchy(data, rus, 1947)),
    }
    assert client_columns(data, None, frn, 1947) == {"polyarchy": 0.708}


def test_each_client_is_measured_against_each_adversary_once() -> None:
    clients = universe()["clients"]
    rows = universe()["alliances"].set_index("episode")
    key = clients[["episode", "client", "adversary"]].fillna("")
    assert not key.duplicated().any()
    assert set(clients["episode"]) == set(rows.index)
    for name, own in clients.groupby("episode"):
        row = rows.loc[name]
        against = {row["adversary"] or ""}
        if row["origin"] == "rule":
            against |= {row["adversary_by_rule"] or ""}
        assert set(own["adversary"].fillna("")) == against, name
        assert own.groupby("client").size().eq(len(against)).all(), name
        assert not {row["patron"]} & set(own["client"]), name


def test_clients_are_not_their_own_adversary() -> None:
    clients = universe()["clients"]
    assert not (clients["client"] == clients["adversary"]).any()
    rows = universe()["alliances"]
    assert not (rows["patron"] == rows["adversary"]).any()
    assert not (rows["patron"] == rows["adversary_by_rule"]).any()


def test_least_ratio_is_that_of_the_most_capable_client() -> None:
    rows = universe()["alliances"].set_index("episode")["least_ratio"]
    root = universe()["alliances"].set_index("episode")["fallback_of"]
    least = universe()["clients"].groupby("episode")["patron_ratio"].min()
    own = root.index[root.isna() & rows.notna()]  # a fallback has the year of its proposal
    assert len(own) > 200
    pd.testing.assert_series_equal(least[own], rows[own], check_names=False, check_exact=True)


def test_fallbacks_have_the_values_of_the_proposal() -> None:
    rows = universe()["alliances"].set_index("episode")["fallback_of"].dropna()
    clients = universe()["clients"]
    for name, of in rows.items():
        ours, theirs = (
            clients[clients["episode"] == e].set_index("client").drop(columns="episode")
            for e in (name, of)
        )
        pd.testing.assert_frame_equal(ours, theirs.loc[ours.index])


# --- events, alliance-years, panel ----------------------------------------------------------------


def test_events_are_in_order_and_begin_with_the_formation() -> None:
    events = universe()["events"]
    rows = universe()["alliances"].set_index("episode")
    formations = rows[(rows["origin"] == "rule") & rows["accession_to"].isna()]
    assert set(events["episode"]) == set(formations.index)
    for name, own in events.groupby("episode", sort=False):
        assert own["date"].is_monotonic_increasing, name
        assert own["event"].iloc[0] == "formation"
        assert own["date"].iloc[0] == rows.loc[name, "date"]
        over = own[own["event"] == "end"]["date"]
        assert over.tolist() == [d for d in [rows.loc[name, "treaty_end"]] if pd.notna(d)], name
        count = own["members"].fillna("").map(lambda text: len(text.split("+")) if text else 0)
        assert (count == own["clients"]).all(), name
    joined = events[events["event"] == "accession"]
    accessions = rows[(rows["origin"] == "rule") & rows["accession_to"].notna()]
    assert len(joined) == len(accessions)
    assert set(zip(joined["episode"], joined["date"], strict=True)) == set(
        zip(accessions["accession_to"], accessions["date"], strict=True)
    )


def test_alliance_years_follow_the_events() -> None:
    """The clients of a year are those that the events left, or the most within it."""
    events = universe()["events"].set_index("episode")
    designs = universe()["designs"]
    rule = designs[designs["episode"].isin(events.index)]
    assert len(rule) > 1500
    for name, own in rule.groupby("episode"):
        history = events.loc[[name]]
        for year, clients in zip(own["year"], own["clients"], strict=True):
            before = history[history["date"].dt.year < year]["clients"].tolist()[-1:]
            within = history[history["date"].dt.year == year]["clients"].tolist()
            assert clients == max([*before, *within]), (name, year)


def test_alliance_years_of_a_coded_row_are_those_of_its_treaty() -> None:
    rows = universe()["alliances"].set_index("episode")
    spans = universe()["designs"].groupby("episode")["year"].agg(["min", "max"])
    begun = rows[rows["start"].notna() & rows["accession_to"].isna()]
    assert set(spans.index) == set(begun.index)
    assert (spans["min"] == begun["start"].dt.year[spans.index]).all()
    last = begun["treaty_end"].dt.year.fillna(2025)[spans.index]
    assert (spans["max"] == last).all()


def test_one_alliance_year_by_hand(builder: Builder) -> None:
    """NATO in 1949: Soviet capability over that of its eleven clients together."""
    data = builder.data
    designs = universe()["designs"].set_index(["episode", "year"])
    row = designs.loc[("atop-3180", 1949)]
    names = "CAN UKG NTH BEL LUX FRN POR ITA NOR DEN ICE".split()
    clients = [data.codes[name] for name in names]
    total = sum(c.cinc(data, s, 1949) for s in clients)
    assert row["capability_ratio"] == pytest.approx(
        c.cinc(data, data.codes["RUS"], 1949) / total, rel=1e-3
    )
    assert (row["clients"], row["adversary"], row["distance_km"]) == (11, "RUS", 0)
    known = [c.polyarchy(data, s, 1949) for s in clients]
    mean = pd.Series(known, dtype=float).mean()
    assert row["polyarchy"] == pytest.approx(mean, rel=1e-3)
    wanted = c.begun_disputes(data, [data.codes["RUS"]], [2, *clients], 1949)
    assert row["disputes"] == wanted >= 1


def test_panel_has_both_codings_or_one(builder: Builder) -> None:
    panel = universe()["years"]
    for _, own in panel[panel["coding"] != "both"].groupby(["patron", "theatre", "year"]):
        assert sorted(own["coding"]) == ["overlay", "rule"]
        first, second = own["adversary"].fillna("").tolist()
        assert first != second
    names = set(builder.data.codes)
    states = panel["adversary"].dropna().str.split("+").explode()
    assert set(states) <= names


def test_unallied_states_of_a_year(builder: Builder) -> None:
    """In 1950 the United States could take on Sweden in Europe, and had taken on Norway."""
    data = builder.data
    usa = data.codes["USA"]
    before, after = (len(builder._unallied(usa, "europe", year)) for year in (1949, 1950))
    assert before - after == 10  # eleven clients of 1949, Canada not being in Europe
    later, sooner = (len(builder._unallied(usa, "americas", year)) for year in (1950, 1940))
    assert later < sooner
    europe = [s for s in c.states(data, 1950) if 200 <= s <= 399]
    assert 0 < after < len(europe) - 10


def test_threat_without_an_adversary_is_empty(builder: Builder) -> None:
    threat = builder.threat(builder.data.codes["USA"], [], [200, 220], 1950)
    assert threat["adversary"] is None and threat["disputes"] == 0
    keys = ("power_ratio", "forces_ratio", "distance_km", "polyarchy_gap")
    assert [threat[k] for k in keys] == [None] * 4


def test_threat_of_two_adversaries_is_their_sum(builder: Builder) -> None:
    data = builder.data
    usa, rus, chn, jpn = (data.codes[s] for s in ("USA", "RUS", "CHN", "JPN"))
    one, other, both = (
        builder.threat(usa, against, [jpn], 1955) for against in ([rus], [chn], [rus, chn])
    )
    for column in ("power_ratio", "forces_ratio"):
        assert both[column] == pytest.approx(one[column] + other[column])
    assert both["distance_km"] == min(one["distance_km"], other["distance_km"])
    assert both["adversary"] == "RUS+CHN"
    assert max(one["disputes"], other["disputes"]) <= both["disputes"]
    assert both["disputes"] <= one["disputes"] + other["disputes"]


def test_panel_of_europe_and_asia_is_the_shipped_one(builder: Builder) -> None:
    made = years_table(builder)
    shipped = read_table(bundled("data", "years.csv"), TABLES["years"]).reset_index(drop=True)
    keys = ["patron", "theatre", "year"]
    assert made[keys].equals(shipped[keys].astype(made[keys].dtypes))
    power = made["power_ratio"].astype(float)
    assert power.to_numpy() == pytest.approx(shipped["power_ratio"].to_numpy(), rel=1e-3)
    spans = judgements()["adversaries"]
    assert set(zip(made["patron"], made["theatre"], strict=True)) <= set(
        zip(spans["patron"], spans["theatre"], strict=True)
    )
