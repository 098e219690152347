"""Scenarios: the shipped ones are sound, and whatever is wrong with one is said once, in full."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_alliance.bundled import bundled
from bayes_alliance.data import Data, load
from bayes_alliance.errors import InputError
from bayes_alliance.forecast import scenario as sc
from bayes_alliance.process.containers import CLIENT_COVARIATES, THREAT_COMPONENTS, arrays

QUAD = ["quad-status-quo", "quad-credible-occupation", "quad-de-escalation"]
JPN = ("clients", "JPN")


@pytest.fixture(scope="module")
def base() -> Data:
    return load("europe", "asia")


def content(name: str = "quad-credible-occupation") -> dict[str, Any]:
    path = bundled("data", "scenarios", f"{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def change(table: dict[str, Any], key: tuple[str, ...], value: object) -> dict[str, Any]:
    table = copy.deepcopy(table)
    inner = table
    for part in key[:-1]:
        inner = inner[part]
    inner[key[-1]] = value
    return table


def drop(table: dict[str, Any], *key: str) -> dict[str, Any]:
    table = copy.deepcopy(table)
    inner = table
    for part in key[:-1]:
        inner = inner[part]
    del inner[key[-1]]
    return table


def refused(call: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        call()
    error = caught.value
    for part in (error.file, error.column, error.expected):
        assert part is None or str(part) in str(error)
    return error


# name: (key, new value, words of what was expected)
VALUES: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "name not a slug": (("name",), "Quad 2027", "joined by hyphens"),
    "name with a line end": (("name",), "quad\n", "joined by hyphens"),
    "name not a text": (("name",), 3, "joined by hyphens"),
    "empty title": (("title",), " ", "not empty"),
    "title of two lines": (("title",), "a\nb", "on one line"),
    "question with an escape": (("question",), "why\x1b[31m", "a text"),
    "question not a text": (("question",), 1.5, "on one line"),
    "unknown patron": (("patron",), "USX", "did you mean 'USA'"),
    "patron by its name": (("patron",), "japan", "did you mean 'JPN'"),
    "patron not a text": (("patron",), 2, "listed in states.csv"),
    "unknown adversary": (("adversary",), "RUS+CHX", "did you mean 'CHN'"),
    "adversary twice": (("adversary",), "CHN+CHN", "each adversary once"),
    "adversary is the patron": (("adversary",), "CHN+USA", "another state than the patron USA"),
    "adversaries as a list": (("adversary",), ["CHN"], "joined by +"),
    "empty adversary": (("adversary",), "", "listed in states.csv"),
    "unknown theatre": (("theatre",), "asai", "did you mean 'asia'"),
    "theatre not a text": (("theatre",), ["asia"], "one of europe, asia"),
    "year of the past": (("year",), 2025, "a year from 2026 to 2200"),
    "year too far": (("year",), 9999, "a year from 2026 to 2200"),
    "year as a text": (("year",), "2027", "a year from"),
    "year as a fraction": (("year",), 2027.0, "a year from"),
    "year as a truth value": (("year",), True, "a year from"),
    "year as a date": (("year",), datetime.date(2027, 1, 1), "a year from"),
    "horizon in the past": (("horizon",), 2026, "not a horizon in the past"),
    "horizon too far": (("horizon",), 10**5000, "a year from 2027 to 2200"),
    "horizon a truth value": (("horizon",), True, "a year from 2027"),
    "unknown initiative": (("initiative",), "client", "did you mean 'clients'"),
    "unknown statement": (("statement",), "High", "one of low, moderate, high"),
    "notes not a text": (("notes",), ["a"], "a text"),
    "no clients": (("clients",), {}, "at least one client"),
    "clients as a list": (("clients",), ["JPN"], "a table"),
    "client without a table": (JPN, 1, "a table"),
    "unknown client": (("clients", "JPX"), {}, "did you mean 'JPN'"),
    "client in lower case": (("clients", "jpn"), {}, "did you mean 'JPN'"),
    "client is the patron": (("clients", "USA"), {}, "another state than the patron"),
    "client is the adversary": (("clients", "CHN"), {}, "another state than the adversary"),
    "negative ratio": ((*JPN, "capability_ratio"), -1.0, "a number between 0.0001 and 1e+06"),
    "ratio of 0": ((*JPN, "capability_ratio"), 0, "a number between 0.0001"),
    "ratio not a number": ((*JPN, "capability_ratio"), float("nan"), "a number between"),
    "infinite ratio": ((*JPN, "capability_ratio"), float("inf"), "a number between"),
    "ratio as a text": ((*JPN, "capability_ratio"), "9", "a number between"),
    "ratio as a truth value": ((*JPN, "capability_ratio"), True, "a number between"),
    "huge ratio": ((*JPN, "capability_ratio"), 10**400, "a number between"),
    "negative distance": ((*JPN, "distance_km"), -1, "between 0 and 20040"),
    "farther than the earth allows": ((*JPN, "distance_km"), 30000, "between 0 and 20040"),
    "unknown land access": ((*JPN, "land_access"), "see", "did you mean 'sea'"),
    "occupied twice": ((*JPN, "occupied"), 2, "a whole number between 0 and 1"),
    "occupied as a truth value": ((*JPN, "occupied"), True, "a whole number"),
    "half a dispute": ((*JPN, "disputes"), 0.5, "a whole number between 0 and 100"),
    "unknown fear": ((*JPN, "fear"), "high", "one of none, some, strong"),
    "polyarchy above 1": ((*JPN, "polyarchy"), 82, "a number between 0 and 1"),
    "unknown commitment": (("commitment",), "defnd", "did you mean 'defend'"),
    "commitment as a number": (("commitment",), 1, "a table of their probabilities"),
    "probability above 1": (("commitment", "none"), 1.1, "a probability between 0 and 1"),
    "negative probability": (("commitment", "none"), -0.1, "a probability between 0 and 1"),
    "probability not a number": (("commitment", "none"), float("nan"), "a probability"),
    "probability a truth value": (("commitment", "none"), False, "a probability"),
    "threat as a number": (("threat",), 4, "a table"),
    "negative ratio of power": (("threat", "power_ratio"), -0.5, "between 0 and 10000"),
    "no forces": (("threat", "forces_ratio"), 0, "a number above 0"),
    "gap beyond the scale": (("threat", "polyarchy_gap"), 1.5, "between -1 and 1"),
    "half a dispute of the threat": (("threat", "disputes"), 0.5, "a whole number"),
    "sources as a text": (("sources",), "nmc", "a table"),
    "empty source": (("sources", "occupied"), "", "a text, not empty"),
    "source not a text": (("sources", "occupied"), 1, "a text, not empty"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_bad_value_is_refused(case: str) -> None:
    key, value, words = VALUES[case]
    error = refused(lambda: sc.parse(change(content(), key, value), "my.toml"))
    assert error.file == "my.toml"
    assert error.column == ".".join(key)
    assert words in error.expected
    if case == "unknown adversary":
        value = "CHX"  # only the part that is wrong
    elif len(key) == 2 and value == {}:
        value = key[-1]  # the client itself is wrong, not what stands below it
    elif value == 10**5000:
        value = "int too large to show"
    assert error.value is value or error.value == value


UNKNOWN = {
    "at the top": (("titel",), "did you mean 'title'"),
    "of a client": ((*JPN, "capabilty_ratio"), "did you mean 'capability_ratio'"),
    "of the commitment": (("commitment", "defence"), "one of the keys none, consult, defend"),
    "of the threat": (("threat", "power_ration"), "did you mean 'power_ratio'"),
    "of the threat's key": (("threat", "adversary"), "one of the keys power_ratio"),
    "of the sources": (("sources", "distance"), "did you mean 'distance_km'"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_key_is_refused(case: str) -> None:
    key, words = UNKNOWN[case]
    # a misspelt key stands in for the right one, so the hint looks among the absent ones
    right = words.split("'")[1] if "'" in words else None
    table = content()
    inner = change(table, key, "x")
    if right and case != "of the threat":
        inner = drop(inner, *key[:-1], right)
    error = refused(lambda: sc.parse(inner, "my.toml"))
    assert (error.file, error.column, error.value) == ("my.toml", ".".join(key), "x")
    assert words in error.expected


REQUIRED = [
    *[(key,) for key in content() if key not in ("statement", "threat", "notes")],
    *[(*JPN, key) for key in content()["clients"]["JPN"] if key not in ("fear", "polyarchy")],
    *[("commitment", level) for level in ("none", "consult", "defend")],
    *[("sources", key) for key in content()["sources"] if key not in ("initiative", "statement")],
]


@pytest.mark.parametrize("key", REQUIRED, ids=".".join)
def test_a_missing_key_is_refused(key: tuple[str, ...]) -> None:
    error = refused(lambda: sc.parse(drop(content(), *key), "my.toml"))
    assert (error.file, error.column) == ("my.toml", ".".join(key))
    assert key[-1] in error.expected


def test_the_message_has_file_key_value_and_expected() -> None:
    table = change(content(), ("commitment",), {"none": 0.5, "consult": 0.5, "defend": 0.5})
    error = refused(lambda: sc.parse(table, "my.toml"))
    assert str(error) == (
        "my.toml, column 'commitment': value {'none': 0.5, 'consult': 0.5, 'defend': 0.5}: "
        "expected probabilities of none, consult, defend that sum to 1, not 1.5"
    )


def test_optional_keys_may_be_left_out() -> None:
    table = content()
    for key in ("statement", "threat", "notes"):
        table = drop(table, key)
    for client in table["clients"]:
        table = drop(drop(table, "clients", client, "fear"), "clients", client, "polyarchy")
    for key in ("fear", "polyarchy", "threat.disputes", "initiative", "statement"):
        table = drop(table, "sources", key)
    scenario = sc.parse(table)
    assert (scenario.statement, scenario.threat, scenario.notes) == (None, {}, "")
    assert scenario.clients["JPN"]["fear"] is None


def test_a_source_of_the_threat_may_be_written_three_ways() -> None:
    table = content()
    text = table["sources"].pop("threat.disputes")
    nested = change(table, ("sources", "threat"), {"disputes": text})
    assert sc.parse(nested) == sc.parse(content())


@pytest.mark.parametrize(
    ("bytes_", "words"),
    [
        (b"name = \xff", "text in UTF-8"),
        (b"name = ", "TOML ("),
        (b"[clients.JPN]\n[clients.JPN]\n", "'JPN') twice"),
        (b"year = " + b"9" * 5000, "TOML ("),
        (b"year = 0x" + b"f" * 9000, "one of the keys"),
        (b"name = " + b"[" * 5000, "TOML ("),
        (b"", "a key 'name'"),
        (b"#" * 1_000_001, "a file of at most 1000000 bytes"),
    ],
    ids=["utf-8", "toml", "client twice", "digits", "hexadecimal", "nesting", "empty", "1 MB"],
)
def test_a_bad_file_is_refused(tmp_path: Path, bytes_: bytes, words: str) -> None:
    path = tmp_path / "mine.toml"
    if words == "one of the keys":
        bytes_ = bytes_.replace(b"year", b"why")
    path.write_bytes(bytes_)
    error = refused(lambda: sc.read(path))
    assert error.file == str(path)
    assert words in error.expected


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert "not a folder" in refused(lambda: sc.read(tmp_path)).expected
    near = refused(lambda: sc.read("quad-status-qou"))
    assert near.file == "quad-status-qou"
    assert "did you mean 'quad-status-quo'" in near.expected
    assert all(name in near.expected for name in QUAD)
    for name in ("no\0name", "a" * 5000, ""):
        assert refused(lambda name=name: sc.read(name)).file == name


def test_a_path_is_read_as_a_bundled_name_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(bundled("data", "scenarios", "quad-status-quo.toml").read_bytes())
    assert sc.read(path) == sc.read(str(path)) == sc.read("quad-status-quo")


# the shipped scenarios


def test_the_status_quo_comes_first() -> None:
    assert sc.bundled_scenarios() == QUAD


@pytest.mark.parametrize("name", QUAD)
def test_shipped_scenarios_are_valid(name: str, base: Data) -> None:
    scenario = sc.read(name)
    assert scenario.name == name
    assert (scenario.patron, scenario.adversary, scenario.theatre) == ("USA", "CHN", "asia")
    assert list(scenario.clients) == ["JPN", "AUL", "IND"]
    assert scenario.question.endswith("?")
    said = " ".join(sc.warnings(scenario, base))
    # the present era has no case and today's disputes are many; nothing else is out of range
    assert "'contemporary'" in said
    assert len(sc.warnings(scenario, base)) == 1 + sum(
        row["disputes"] > base.clients["disputes"].max() for row in scenario.clients.values()
    )


def test_shipped_scenarios_differ_where_they_say_so() -> None:
    quo, worse, better = map(sc.read, QUAD)
    assert (better.statement, quo.statement, worse.statement) == ("low", "moderate", "high")
    assert better.commitment["none"] > quo.commitment["none"] > worse.commitment["none"]
    assert worse.clients["JPN"]["occupied"] == 1 > quo.clients["JPN"]["occupied"]
    assert better.threat == {"disputes": 0}
    assert quo.threat == {}
    for key in ("capability_ratio", "land_access", "polyarchy"):
        for client in quo.clients:
            assert len({s.clients[client][key] for s in (quo, worse, better)}) == 1


# probabilities


@pytest.mark.parametrize("level", ["none", "consult", "defend"])
def test_one_level_is_certain(level: str) -> None:
    commitment = sc.parse(change(content(), ("commitment",), level)).commitment
    assert commitment == {k: float(k == level) for k in ("none", "consult", "defend")}


@given(st.tuples(*[st.floats(0, 1)] * 3).filter(lambda p: sum(p) > 0.01), st.floats(-9e-7, 9e-7))
@settings(max_examples=30, deadline=None)
def test_probabilities_are_normalised(weights: tuple[float, ...], off: float) -> None:
    p = [min(1.0, w / sum(weights) * (1 + off)) for w in weights]
    table = change(content(), ("commitment",), dict(zip(sc.COMMITMENTS, p, strict=True)))
    commitment = sc.parse(table).commitment
    assert list(commitment) == ["none", "consult", "defend"]
    assert sum(commitment.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= value <= 1 for value in commitment.values())


# junk

KEYS = [
    *[(key,) for key in content()],
    *[("clients", client) for client in content()["clients"]],
    *[(*JPN, key) for key in content()["clients"]["JPN"]],
    *[(table, key) for table in ("commitment", "threat", "sources") for key in content()[table]],
    ("unknown",),
    (*JPN, "unknown"),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -0.0, 1e-320, 1e308, 10**400, "USA", "JPN", "defend", "2027"]),
    st.floats(),
    st.text(max_size=8),
    st.text(string.ascii_uppercase + "+", max_size=7),
    st.dates(),
    st.datetimes(),
    st.times(),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from(KEYS), JUNK), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_junk_gives_a_scenario_or_one_refusal(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    table = content()
    # deep keys first: a table that was replaced by junk has no keys to change any more
    for key, value in sorted(changes, key=lambda c: -len(c[0])):
        table = change(table, key, value)
    try:
        scenario = sc.parse(table, "junk.toml")
    except InputError as error:
        assert error.file == "junk.toml"
        assert len(str(error)) < 1000
        return
    assert isinstance(scenario, sc.Scenario)


@given(st.binary(max_size=60))
@settings(max_examples=50, deadline=None)
def test_junk_in_a_file_gives_one_refusal(tmp_path_factory: Any, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.toml"
    path.write_bytes(junk)
    assert refused(lambda: sc.read(path)).file == str(path)


# scenario_data


@pytest.mark.parametrize("name", QUAD)
def test_scenario_data_goes_into_arrays(name: str, base: Data) -> None:
    scenario = sc.read(name)
    data = sc.scenario_data(scenario, base)
    values = {key: value for key, (_, value) in arrays(data).items()}
    assert all(np.isfinite(value).all() for value in values.values())
    assert values["outcome"].tolist() == [0]  # neither proposal nor outcome is recorded
    assert values["commitment"].tolist() == [-1]
    assert values["frame"].tolist() == [-1]
    assert values["exposure"].shape == (0,)
    assert values["member"].tolist() == [[1.0, 1.0, 1.0]]
    capability = values["client_covariates"][:, CLIENT_COVARIATES.index("capability")]
    ratios = [row["capability_ratio"] for row in scenario.clients.values()]
    np.testing.assert_allclose(10 ** (capability + 1), ratios)
    disputes = values["threat_now"][0, THREAT_COMPONENTS.index("intentions")]
    last = int(base.years.query("patron == 'USA' and theatre == 'asia'")["disputes"].iloc[-1])
    wanted = scenario.threat.get("disputes", last)
    assert np.expm1(disputes + 1) == pytest.approx(wanted)
    assert np.expm1(values["threat_recent"][0, -1] + 1) == pytest.approx(last)
    assert values["statement"].tolist() == [["low", "moderate", "high"].index(scenario.statement)]


def test_scenario_data_has_the_types_of_loaded_data(base: Data) -> None:
    data = sc.scenario_data(sc.read("quad-status-quo"), base)
    for table in ("episodes", "clients", "years", "codings"):
        pd.testing.assert_series_equal(getattr(data, table).dtypes, getattr(base, table).dtypes)
    episode = data.episodes.iloc[0]
    assert episode["case"] == episode["episode"] == "quad-status-quo"
    assert episode["date"] == pd.Timestamp(2027, 1, 1)
    for column in ("proposal", "outcome", "commitment", "frame", "start", "end", "ended"):
        assert pd.isna(episode[column])
    assert len(data.codings) == 0
    assert len(data.hash) == 64


def test_the_panel_is_carried_and_changed_in_the_year_of_the_decision(base: Data) -> None:
    table = change(content(), ("threat",), {"power_ratio": 2.5, "disputes": 7})
    table = change(table, ("sources", "threat.power_ratio"), "supposed")
    table = change(change(table, ("year",), 2029), ("adversary",), "CHN+RUS")
    years = sc.scenario_data(sc.parse(table), base).years
    old = base.years.query("patron == 'USA' and theatre == 'asia'").reset_index(drop=True)
    pd.testing.assert_frame_equal(years.iloc[: len(old)], old)
    new = years.iloc[len(old) :]
    assert new["year"].tolist() == [2026, 2027, 2028, 2029]
    last = old.iloc[-1]
    assert new["power_ratio"].tolist() == [*[last["power_ratio"]] * 3, 2.5]
    assert new["disputes"].tolist() == [*[last["disputes"]] * 3, 7]
    assert new["forces_ratio"].tolist() == [last["forces_ratio"]] * 4
    assert new["adversary"].tolist() == ["CHN", "CHN", "CHN", "CHN+RUS"]


def test_the_data_loaded_are_left_as_they_were(base: Data) -> None:
    before = base.hash
    sc.scenario_data(sc.read("quad-status-quo"), base)
    assert base.hash == before


def test_a_panel_must_exist(base: Data) -> None:
    scenario = dataclasses.replace(sc.read("quad-status-quo"), patron="FRN")
    error = refused(lambda: sc.scenario_data(scenario, base))
    assert error.file == "years.csv"
    assert error.value == "FRN in asia"
    assert "USA in asia" in error.expected
    europe = refused(lambda: sc.scenario_data(sc.read("quad-status-quo"), load("europe")))
    assert europe.value == "USA in asia"


def test_a_panel_must_end_before_the_decision(base: Data) -> None:
    scenario = dataclasses.replace(sc.read("quad-status-quo"), year=2000)
    error = refused(lambda: sc.scenario_data(scenario, base))
    assert (error.column, error.value) == ("year", 2000)
    assert "a year after 2025" in error.expected


# warnings


def warned(base: Data, *changes: tuple[tuple[str, ...], Any]) -> list[str]:
    table = content("quad-status-quo")
    usual = sc.warnings(sc.parse(table), base)
    for key, value in changes:
        table = change(table, key, value)
    return [said for said in sc.warnings(sc.parse(table), base) if said not in usual]


def test_an_extreme_ratio_is_let_through_with_a_warning(base: Data) -> None:
    (said,) = warned(base, ((*JPN, "capability_ratio"), 1e6))
    assert said == (
        "capability_ratio of JPN is 1e+06: outside 1.67 to 13500, the range of the clients in "
        "the data."
    )


def test_an_extreme_threat_is_let_through_with_a_warning(base: Data) -> None:
    source = (("sources", "threat.power_ratio"), "supposed")
    (said,) = warned(base, (("threat",), {"power_ratio": 50.0}), source)
    assert "power_ratio of the threat is 50: outside" in said
    assert "the years of USA in asia" in said


def test_levels_without_a_case_are_named(base: Data) -> None:
    europe = " ".join(sc.warnings(sc.read("quad-status-quo"), load("europe")))
    assert "No case in the data has the theatre 'asia'" in europe
    assert "The data have no years of USA in asia." in europe
    (patron,) = [said for said in warned(base, (("patron",), "FRN")) if "patron" in said]
    assert "has the patron 'FRN'" in patron


def test_another_adversary_than_the_panels_is_named(base: Data) -> None:
    (said,) = warned(base, (("adversary",), "CHN+RUS"))
    assert "measure the threat from CHN, not from CHN+RUS" in said


def test_a_decision_long_after_the_panel_is_named(base: Data) -> None:
    (said,) = warned(base, (("year",), 2033))
    assert "end in 2025" in said


def test_more_clients_than_ever_are_named(base: Data) -> None:
    row = content()["clients"]["JPN"]
    states = [s for s in sc._states() if s not in ("USA", "CHN")][:30]
    said = warned(base, (("clients",), dict.fromkeys(states, row)), (("sources", "fear"), "x"))
    assert any("30 clients are more than in any case of the data" in line for line in said)
