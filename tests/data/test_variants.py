"""The readings of the contestable rules: each builds, holds together, and moves what it must."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayes_alliance as ba
from bayes_alliance.data.contradictions import Tables, check_together
from bayes_alliance.data.load import Data, confidence
from bayes_alliance.data.schema import CELLS, TABLES
from bayes_alliance.data.variants import SOURCES_END, Coding, choose, derived, judgements, universe
from bayes_alliance.errors import InputError

OPTIONS = {
    "k": (1.5, 2.0, 3.0),
    "ends": ("design", "treaty"),
    "pairs": ("any", "majority"),
    "wartime": (False, True),
    "strong": ("words", "moderate", "high"),
    "overlay": (True, False),
    "recent": (True, False),
}
SINGLE = [{}, *({name: value} for name, values in OPTIONS.items() for value in values)]
PROMISES = ["none", "consult", "defend"]

codings = st.builds(Coding, **{name: st.sampled_from(v) for name, v in OPTIONS.items()})
SOME = settings(max_examples=15, deadline=None)


@functools.cache
def chosen(coding: Coding) -> tuple[Tables, pd.DataFrame]:
    return choose(coding)


def episodes(coding: Coding) -> pd.DataFrame:
    return chosen(coding)[0].episodes.set_index("episode")


def words(option: dict) -> str:
    return ",".join(f"{name}={value}" for name, value in option.items()) or "default"


# --- every reading is a dataset -------------------------------------------------------------------


@pytest.mark.parametrize("option", SINGLE, ids=words)
@pytest.mark.parametrize("overlay", [True, False])
def test_tables_of_each_reading_hold_together(option: dict, overlay: bool) -> None:
    coding = Coding(**({"overlay": overlay} | option))
    tables, designs = chosen(coding)
    check_together(tables)
    for name in ("episodes", "clients", "years", "codings"):
        schema = TABLES[name]
        table = getattr(tables, name)
        schema.validate(table[list(schema.columns)].reset_index(drop=True), lazy=True)
    assert len(tables.episodes) > 50
    assert set(designs["episode"]) <= set(tables.episodes["episode"])


@SOME
@given(codings)
def test_tables_of_any_reading_hold_together(coding: Coding) -> None:
    tables, _ = chosen(coding)
    check_together(tables)
    rows = tables.episodes
    assert rows["episode"].is_unique
    assert rows["date"].is_monotonic_increasing
    assert set(rows["outcome"]) <= {*CELLS, "refused"}
    named = rows["accession_to"].dropna()
    assert not rows.set_index("episode").loc[named, "accession_to"].notna().any()
    whole = rows["fallback_of"].isna()
    assert (rows.loc[whole, "least_ratio"] >= coding.k).all()
    assert (rows.loc[whole, "major"] == 1).all()
    if not coding.wartime:
        assert (rows.loc[whole, "wartime"] == 0).all()


@pytest.mark.parametrize("option", SINGLE, ids=words)
def test_each_reading_loads(option: dict) -> None:
    data = ba.load("asymmetric", coding=option)
    assert isinstance(data, Data)
    coding = Coding.read(option)
    assert data.name == (f"asymmetric[{coding.label}]" if coding.label else "asymmetric")
    assert len(data.episodes) == len(episodes(coding))
    assert data.hash == ba.load("asymmetric", coding=coding).hash
    assert data.clients["fear"].cat.ordered


def test_readings_differ() -> None:
    hashes = {}
    for option in SINGLE:
        coding = Coding.read(option)
        hashes[coding.label] = ba.load("asymmetric", coding=coding).hash
    assert len(set(hashes.values())) == len(hashes) == 10


@pytest.mark.parametrize("option", SINGLE, ids=words)
def test_every_value_has_a_confidence(option: dict) -> None:
    data = ba.load("asymmetric", coding=option)
    for table, column in (
        ("episodes", "outcome"),
        ("episodes", "adversary"),
        ("episodes", "commitment"),
        ("clients", "capability_ratio"),
        ("clients", "occupied"),
    ):
        present = getattr(data, table)[column].notna()
        found = confidence(data, table, column)
        assert found[present].between(0, 1).all(), (table, column)


# --- what each option moves -----------------------------------------------------------------------


@SOME
@given(codings, st.floats(1.5, 60), st.floats(1.5, 60))
def test_a_higher_ratio_lets_no_more_in(coding: Coding, first: float, second: float) -> None:
    low, high = sorted((first, second))
    few, many = (episodes(dataclasses.replace(coding, k=k)) for k in (high, low))
    assert set(few.index) <= set(many.index)


@pytest.mark.parametrize("overlay", [True, False])
def test_counts_fall_with_the_ratio(overlay: bool) -> None:
    counts = [len(episodes(Coding(k=k, overlay=overlay))) for k in (1.5, 2.0, 3.0, 10.0, 1000.0)]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 5


def test_proposal_outside_lets_what_came_of_it_stand_alone() -> None:
    """At a ratio of 11 Japan is too strong for the Pacific pact; ANZUS and Manila are left."""
    default, high = episodes(Coding()), episodes(Coding(k=11.0))
    fallbacks = ["us-philippines-1951", "anzus-1951", "us-japan-1951"]
    assert set(default.loc[fallbacks, "fallback_of"]) == {"pacific-pact-1951"}
    assert default.loc["pacific-pact-1951", "outcome"] == "refused"
    assert "pacific-pact-1951" not in high.index
    assert "us-japan-1951" not in high.index
    assert {"us-philippines-1951", "anzus-1951"} <= set(high.index)
    alone = high.loc[["us-philippines-1951", "anzus-1951"]]
    assert alone[["fallback_of", "proposal"]].isna().all(axis=None)


@SOME
@given(codings)
def test_wartime_coalitions_come_on_top(coding: Coding) -> None:
    peace = episodes(dataclasses.replace(coding, wartime=False))
    all_ = episodes(dataclasses.replace(coding, wartime=True))
    assert set(peace.index) < set(all_.index)
    new = all_.drop(index=peace.index)
    own = new[new["accession_to"].isna() & new["fallback_of"].isna()]
    assert (own["wartime"] == 1).all()


def test_wartime_judgements() -> None:
    """Lasting treaties that ATOP marks because there was war in Korea, and the Grand Alliance."""
    rows = derived(Coding()).set_index("episode")
    lasting = ["us-philippines-1951", "anzus-1951", "us-japan-1951"]
    assert rows.loc[lasting, "wartime"].tolist() == [0, 0, 0]
    assert rows.loc[["atop-3010", "atop-2035", "atop-1190"], "wartime"].tolist() == [0, 0, 0]
    assert rows.loc[["atop-2550", "atop-1210", "atop-2515"], "wartime"].tolist() == [1, 1, 1]
    rule = derived(Coding(overlay=False)).set_index("episode")
    assert rule.loc[["atop-3210", "atop-3215", "atop-3220"], "wartime"].tolist() == [1, 1, 1]
    assert rule.loc["atop-3010", "wartime"] == 1
    assert "atop-3010" in episodes(Coding()).index
    assert "atop-3010" not in episodes(Coding(overlay=False)).index
    assert "atop-2515" not in episodes(Coding()).index
    assert "atop-2515" in episodes(Coding(wartime=True)).index


@SOME
@given(codings)
def test_treaties_last_longer_than_designs(coding: Coding) -> None:
    design = episodes(dataclasses.replace(coding, ends="design"))
    treaty = episodes(dataclasses.replace(coding, ends="treaty"))
    assert set(design.index) <= set(treaty.index)  # who joins after the design's end is no more
    assert treaty.drop(index=design.index)["accession_to"].notna().all()
    treaty = treaty.loc[design.index]
    over = treaty["end"].notna()
    early = over & ~(design["end"] <= treaty["end"])
    assert treaty[early].empty, treaty.loc[early, "end"]
    assert (treaty["ended"] == "shrunk").sum() <= (design["ended"] == "shrunk").sum()


def test_nobody_joins_a_design_that_is_over() -> None:
    """Spain, Portugal and Greece joined the treaty of Brussels; its design gave way in 1955."""
    late = {"atop-3130-1988", "atop-3130-1992"}
    assert not late & set(episodes(Coding()).index)
    assert late <= set(episodes(Coding(ends="treaty")).index)
    assert episodes(Coding()).loc["brussels-1948", "end"] == pd.Timestamp("1955-05-06")
    for coding in (Coding(k=1.5), Coding(overlay=False)):
        rows = episodes(coding)
        joins = rows[rows["accession_to"].notna()]
        over = joins["accession_to"].map(rows["end"])
        assert not (joins["date"] >= over).any()


def test_treaty_keeps_seato_in_force() -> None:
    design, treaty = Coding(), Coding(ends="treaty")
    row = episodes(design).loc["southeast-asia-1954"]
    assert (row["end"], row["ended"]) == (pd.Timestamp("1977-06-30"), "dissolved")
    row = episodes(treaty).loc["southeast-asia-1954"]
    assert pd.isna(row["end"]) and row["ended"] == "in_force"
    years = [
        chosen(c)[1].set_index(["episode"]).loc["southeast-asia-1954", "year"].max()
        for c in (design, treaty)
    ]
    assert years == [1977, 2025]
    by_rule = episodes(Coding(overlay=False)).loc["atop-3260"]
    assert (by_rule["end"], by_rule["ended"]) == (pd.Timestamp("1977-06-30"), "shrunk")


@SOME
@given(codings)
def test_a_majority_of_pairs_asks_for_more(coding: Coding) -> None:
    """Over half of the pairs is asked of every row, and no judgement stands in its way."""
    any_ = episodes(dataclasses.replace(coding, pairs="any"))
    most = episodes(dataclasses.replace(coding, pairs="majority"))
    assert any_.index.equals(most.index)
    half = most["pairs"] / 2
    level = (most["pairs_consult"] > half).astype(int) + (most["pairs_defend"] > half)
    assert most["commitment"].tolist() == [PROMISES[n] for n in level]
    if not coding.overlay:
        rank = {name: n for n, name in enumerate(PROMISES)}
        assert (most["commitment"].map(rank) <= any_["commitment"].map(rank)).all()


def test_commitment_by_pairs() -> None:
    rows = derived(Coding(overlay=False)).set_index("episode")
    most = derived(Coding(overlay=False, pairs="majority")).set_index("episode")
    counts = ["pairs", "pairs_consult", "pairs_defend"]
    warsaw = rows.loc["atop-3285"]
    assert warsaw[counts].tolist() == [21, 11, 11]  # just over half of the pairs
    assert warsaw["commitment"] == most.loc["atop-3285", "commitment"] == "defend"
    nato = rows.loc["atop-3180"]
    assert nato[counts].tolist() == [55, 10, 10]
    assert (nato["commitment"], most.loc["atop-3180", "commitment"]) == ("defend", "none")
    for row in rows.itertuples():
        level = (row.pairs_consult > 0) + (row.pairs_defend > 0)
        assert row.commitment == PROMISES[level]
        half = row.pairs / 2
        level = (row.pairs_consult > half) + (row.pairs_defend > half)
        assert most.loc[row.Index, "commitment"] == PROMISES[level]


@SOME
@given(codings)
def test_more_institutions_make_fewer_commitments_strong(coding: Coding) -> None:
    words_, some, high = (
        episodes(dataclasses.replace(coding, strong=level))["outcome"].str.endswith("_strong")
        for level in ("words", "moderate", "high")
    )
    assert words_.index.equals(some.index) and some.index.equals(high.index)
    assert (high <= some).all() and high.sum() < some.sum()
    if not coding.overlay:  # the judgements of the words are finer
        assert (some <= words_).all() and some.sum() < words_.sum()


def test_strength_by_institutions() -> None:
    own = derived(Coding(overlay=False))
    own = own[own["accession_to"].isna()].set_index("episode")
    for level, least in (("words", 0), ("moderate", 1), ("high", 2)):
        rows = derived(Coding(overlay=False, strong=level)).set_index("episode").loc[own.index]
        strong = rows["outcome"].str.endswith("_strong")
        assert (strong == (own["institutions"].fillna(0) >= least)).all()
    kind = own["outcome"].str.rpartition("_")[0]
    wanted = own["clients"].clip(upper=3).map({1: "bilateral", 2: "trilateral", 3: "multilateral"})
    assert (kind == wanted).all()


@SOME
@given(codings)
def test_accessions_have_the_strength_of_the_design(coding: Coding) -> None:
    rows = episodes(coding)
    joins = rows[rows["accession_to"].notna() & (rows["origin"] == "rule")]
    ours = joins["outcome"].str.rpartition("_")[2]
    theirs = joins["accession_to"].map(rows["outcome"]).str.rpartition("_")[2]
    assert (ours == theirs).all()


@SOME
@given(codings)
def test_without_overlay_nothing_is_coded_by_hand(coding: Coding) -> None:
    coding = dataclasses.replace(coding, overlay=False)
    tables, _ = chosen(coding)
    rows = tables.episodes
    assert set(rows["origin"]) == {"rule"}
    for column in ("initiative", "proposal", "frame", "threat_statement", "fallback_of"):
        assert rows[column].isna().all(), column
    assert tables.clients["fear"].isna().all()
    assert rows["adversary"].equals(rows["adversary_by_rule"])
    assert set(tables.codings["episode"]) <= {"*"} | {
        name for name in tables.codings["episode"] if name[0].isdigit()
    }


@SOME
@given(codings)
def test_observation_that_ends_with_the_source(coding: Coding) -> None:
    long, short = (dataclasses.replace(coding, recent=recent) for recent in (True, False))
    rows = episodes(short)
    assert set(rows.index) <= set(episodes(long).index)
    assert (rows["date"] <= SOURCES_END).all()
    assert not (rows["end"] > SOURCES_END).any()
    later = rows["end"].isna() & rows["start"].notna()
    assert (rows.loc[later, "ended"] == "in_force").all()


def test_alliance_years_end_with_the_observation() -> None:
    _, designs = chosen(Coding(recent=False))
    late = designs[designs["year"] > SOURCES_END.year]
    assert late.empty, f"{len(late)} alliance-years to {late['year'].max()}"
    assert chosen(Coding())[1]["year"].max() == 2025


@SOME
@given(codings)
def test_alliance_years_end_with_the_alliance(coding: Coding) -> None:
    tables, designs = chosen(coding)
    rows = tables.episodes.set_index("episode")
    own = designs.join(rows[["start", "end"]], on="episode")
    assert (own["year"] >= own["start"].dt.year).all()
    over = own["end"].notna()
    assert (own.loc[over, "year"] <= own.loc[over, "end"].dt.year).all()
    assert not designs.duplicated(["episode", "year"]).any()
    begun = rows[rows["start"].notna() & rows["accession_to"].isna()]
    assert set(designs["episode"]) == set(begun.index)
    spans = designs.groupby("episode")["year"].agg(["min", "max", "size"])
    assert (spans["size"] == spans["max"] - spans["min"] + 1).all()


def test_panel_has_each_year_once() -> None:
    for overlay in (True, False):
        years = chosen(Coding(overlay=overlay))[0].years
        assert not years.duplicated(["patron", "theatre", "year"]).any()
    rule = chosen(Coding(overlay=False))[0].years
    coded = chosen(Coding())[0].years
    both = rule.merge(coded, on=["patron", "theatre", "year"], suffixes=("", "_coded"))
    assert len(both) == len(rule) == len(coded)
    differ = both["adversary"].fillna("") != both["adversary_coded"].fillna("")
    assert 0 < differ.sum() < len(both)


def test_panel_has_the_patron_only_while_it_was_a_state() -> None:
    """Austria-Hungary forms no alliance, and misses none, after 1918."""
    table = chosen(Coding())[0].years
    last = table.groupby("patron")["year"].max()
    assert last["AUH"] == 1918
    germany = set(table.loc[table["patron"] == "GMY", "year"])
    assert not germany & set(range(1946, 1990))


# --- judgements win over the rule -----------------------------------------------------------------


def judged(column: str) -> dict[str, str]:
    table = judgements()["judgements"]
    own = table[(table["column"] == column) & (table["client"] == "*")]
    return dict(zip(own["episode"], own["value"], strict=True))


@pytest.mark.parametrize("column", ["commitment", "initiative", "wartime", "defence", "name"])
def test_judgements_win(column: str) -> None:
    rows = derived(Coding(k=1.5, wartime=True)).set_index("episode")[column].astype(str)
    said = pd.Series(judged(column))
    own = said[said.index.isin(rows.index)]
    assert len(own) > 5
    assert (rows[own.index] == own).all()


def test_judged_strength_wins_unless_another_rule_is_asked_for() -> None:
    said = pd.Series(judged("strong")).map({"0": "weak", "1": "strong"})
    for strong in OPTIONS["strong"]:
        rows = derived(Coding(strong=strong)).set_index("episode")
        formed = rows[rows["accession_to"].isna() & (rows["origin"] == "rule")]
        own = said[said.index.isin(formed.index)]
        assert len(own) > 50
        same = formed.loc[own.index, "outcome"].str.rpartition("_")[2] == own
        assert same.all() == (strong == "words"), strong


def test_judgements_left_aside_are_not_cited() -> None:
    """Where a rule decides, source and confidence are the rule's."""
    for options, column in (({"strong": "high"}, "outcome"), ({"pairs": "majority"}, "commitment")):
        tables, _ = chosen(Coding(**options))
        rule = tables.episodes.query("origin == 'rule'")["episode"]
        own = tables.codings[tables.codings["column"] == column]
        cited = own[own["episode"].isin(rule)]
        assert cited.empty, f"{column}: {len(cited)} judgements, as {cited['episode'].tolist()[:3]}"
        assert "*" in set(own["episode"])


def test_judged_adversary_wins() -> None:
    rows = derived(Coding()).set_index("episode")["adversary"]
    found = pd.Series(judged("adversary"))
    found = found[found.index.isin(rows.index)]
    assert len(found) > 30
    for name, value in found.items():
        assert (rows[name] or "none") in value.split("+"), name
    rule = derived(Coding(overlay=False)).set_index("episode")["adversary"]
    differ = found[found.index.isin(rule.index)].index
    assert (rows[differ].fillna("") != rule[differ].fillna("")).sum() > 10


def test_judged_fear_reaches_the_clients() -> None:
    table = judgements()["judgements"]
    said = table[table["column"] == "fear"].set_index(["episode", "client"])["value"]
    clients = chosen(Coding(k=1.5, wartime=True))[0].clients
    found = clients.set_index(["episode", "client"])["fear"]
    own = said[said.index.isin(found.index)]
    assert len(own) > 40
    assert (found[own.index] == own).all()


def test_clients_are_measured_against_the_adversary_of_the_reading() -> None:
    table = universe()["clients"].set_index(["episode", "client"])
    for coding in (Coding(), Coding(overlay=False)):
        tables, _ = chosen(coding)
        against = tables.episodes.set_index("episode")["adversary"]
        assert not tables.clients.duplicated(["episode", "client"]).any()
        assert set(tables.clients["episode"]) == set(against.index)
        for row in tables.clients.sample(60, random_state=1).itertuples():
            own = table.loc[[(row.episode, row.client)]]
            wanted = own[own["adversary"].fillna("") == (against[row.episode] or "")]
            (value,) = wanted["capability_ratio"]
            assert value == row.capability_ratio or pd.isna(value) == pd.isna(row.capability_ratio)


def test_warsaw_pact_by_rule_and_coded() -> None:
    coded = episodes(Coding()).loc["warsaw-pact-1955"]
    rule = episodes(Coding(overlay=False)).loc["atop-3285"]
    assert coded["commitment"] == rule["commitment"] == "defend"
    assert coded["outcome"] == rule["outcome"] == "multilateral_strong"
    assert coded["fallback_of"] == "european-security-treaty-1954"
    assert "atop-3285" not in episodes(Coding()).index  # counted once


# --- the tables for Europe and Asia are part of it ------------------------------------------------


def test_every_row_of_europe_and_asia_is_there_as_coded() -> None:
    part, whole = ba.load("europe", "asia"), ba.load("asymmetric")
    for name, key in (("episodes", ["episode"]), ("clients", ["episode", "client"])):
        ours, theirs = getattr(part, name).set_index(key), getattr(whole, name).set_index(key)
        assert set(ours.index) <= set(theirs.index)
        theirs = theirs.loc[ours.index, ours.columns]
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_each_match_is_found_in_the_universe_or_explained() -> None:
    matches = judgements()["matches"].set_index("episode")
    coded = ba.load("europe", "asia").episodes.set_index("episode")
    assert set(matches.index) == set(coded.index)
    rows = universe()["alliances"].set_index("episode")
    stands = rows["coded_as"].dropna()
    for name, row in matches.iterrows():
        assert len(row["reason"]) > 10
        if pd.isna(row["atop"]):
            assert coded.loc[name, "outcome"] in ("none", "refused")
            assert name not in set(stands)
            continue
        (of,) = stands.index[stands == name]
        rule = rows.loc[of]
        assert rule["atop"] == row["atop"] == rows.loc[name, "atop"]
        assert rule["patron"] == coded.loc[name, "patron"]
        assert abs(rule["date"] - coded.loc[name, "date"]) < pd.Timedelta(730, "D")
        assert pd.isna(rule["accession_to"]) == pd.isna(coded.loc[name, "accession_to"])


def test_nothing_is_counted_twice() -> None:
    rows = episodes(Coding(k=1.5, wartime=True))
    stands = universe()["alliances"].dropna(subset=["coded_as"])
    assert not set(stands["episode"]) & set(rows.index)
    assert stands["coded_as"].is_unique
    formed = rows[rows["accession_to"].isna() & rows["atop"].notna()]
    assert not formed.duplicated("atop").any()


# --- bad options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "column", "value", "expected"),
    [
        ({"k": 1.4}, "coding.k", 1.4, "a number from 1.5 to 1000"),
        ({"k": 1001}, "coding.k", 1001, "a number from 1.5 to 1000"),
        ({"k": "2"}, "coding.k", "2", "a number from 1.5 to 1000"),
        ({"k": True}, "coding.k", True, "a number from 1.5 to 1000"),
        ({"k": None}, "coding.k", None, "a number from 1.5 to 1000"),
        ({"k": float("inf")}, "coding.k", float("inf"), "a number from 1.5 to 1000"),
        ({"ends": "never"}, "coding.ends", "never", "one of design, treaty"),
        ({"ends": ["design"]}, "coding.ends", ["design"], "one of design, treaty"),
        ({"pairs": "all"}, "coding.pairs", "all", "one of any, majority"),
        ({"wartime": "yes"}, "coding.wartime", "yes", "one of False, True"),
        ({"wartime": 1}, "coding.wartime", 1, "one of False, True"),
        ({"strong": "weak"}, "coding.strong", "weak", "one of words, moderate, high"),
        ({"overlay": None}, "coding.overlay", None, "one of False, True"),
        ({"recent": 0}, "coding.recent", 0, "one of False, True"),
        ({"ratio": 2}, "coding", "ratio", "one of k, ends, pairs, strong, wartime"),
        ({"K": 2}, "coding", "K", "one of k, ends"),
        ({3: 2}, "coding", 3, "one of k, ends"),
        ({"k": 3, "ends": "x"}, "coding.ends", "x", "one of design, treaty"),
    ],
)
def test_bad_options(options: dict, column: str, value: object, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        ba.load("asymmetric", coding=options)
    error = caught.value
    assert (error.column, error.value) == (column, value)
    assert expected in error.expected
    assert error.column in str(error)


def test_nan_is_no_ratio() -> None:
    with pytest.raises(InputError, match="a number from 1"):
        ba.load("asymmetric", coding={"k": float("nan")})


@pytest.mark.parametrize("given_", ["k=2", 3, [("k", 2, 3)], [1]])
def test_coding_that_is_no_mapping_is_refused(given_: object) -> None:
    with pytest.raises(InputError) as caught:
        ba.load("asymmetric", coding=given_)  # type: ignore[arg-type]
    assert caught.value.column == "coding"


def test_coding_given_as_such_is_checked_too() -> None:
    with pytest.raises(InputError) as caught:
        ba.load("asymmetric", coding=Coding(k=0.5))
    assert caught.value.column == "coding.k"


@pytest.mark.parametrize("names", [("europe",), ("asia",), ("europe", "asia")])
@pytest.mark.parametrize("coding", [{}, {"k": 3}, Coding()])
def test_coding_is_refused_with_the_other_tables(names: tuple[str, ...], coding: object) -> None:
    with pytest.raises(InputError, match="no coding but with 'asymmetric'") as caught:
        ba.load(*names, coding=coding)  # type: ignore[arg-type]
    assert caught.value.column == "coding"


def test_coding_is_refused_with_a_folder(tmp_path) -> None:
    with pytest.raises(InputError, match="no coding but with 'asymmetric'"):
        ba.load(tmp_path, coding={"k": 3})


@pytest.mark.parametrize("names", list(itertools.permutations(["asymmetric", "europe"])))
def test_asymmetric_is_not_pooled(names: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="by itself"):
        ba.load(*names)


def test_label_says_what_differs() -> None:
    assert Coding().label == ""
    assert Coding(k=3).label == "k=3"
    assert Coding(k=2.0, ends="treaty", overlay=False).label == "ends=treaty,overlay=False"
    assert Coding.read({"k": 3}) == Coding(k=3.0)
    assert Coding.read(None) == Coding.read({}) == Coding()


def test_frames_and_statements_can_be_blanked() -> None:
    data = ba.load("asymmetric", frames=False, statements=False)
    assert data.episodes[["frame", "threat_statement"]].isna().all(axis=None)
    assert ba.load("asymmetric").episodes["frame"].notna().any()


def test_loaded_tables_are_the_callers_own() -> None:
    first = ba.load("asymmetric")
    first.episodes.loc[0, "name"] = "changed"
    first.designs.loc[0, "clients"] = 99
    second = ba.load("asymmetric")
    assert second.episodes.loc[0, "name"] != "changed"
    assert second.designs.loc[0, "clients"] != 99
