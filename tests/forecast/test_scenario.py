"""Scenarios: the shipped ones are sound, and whatever is wrong with one is said once, in full."""

from __future__ import annotations

import datetime
import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_examples import JPN, change, content, drop, refused

from bayes_alliance.bundled import bundled
from bayes_alliance.data import Data, load
from bayes_alliance.data.codebook import bibliography
from bayes_alliance.errors import InputError
from bayes_alliance.forecast import parse
from bayes_alliance.forecast import scenario as sc
from bayes_alliance.forecast.beyond import warnings
from bayes_alliance.forecast.clients import NEEDED
from bayes_alliance.process.cells import COMMITMENTS

GROUPINGS = ["quad", "aukus", "nordic-baltic", "quad-plus", "sahel", "trilateral"]
KINDS = ["status-quo", "credible-occupation", "de-escalation"]
QUAD = [f"quad-{kind}" for kind in KINDS]
PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SHIPPED = [f"{grouping}-{kind}" for grouping in GROUPINGS for kind in KINDS]


@pytest.fixture(scope="module")
def base() -> Data:
    return load("europe", "asia")


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
    "adversary is the patron": (
        ("adversary",),
        "CHN+USA",
        "another state than the patron United States",
    ),
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
    "unknown state of today": (("today",), "weak", "one of none, bilateral, trilateral"),
    "share above 1": (("share",), 1.1, "a probability between 0 and 1"),
    "share as a text": (("share",), "half", "or a table of mean and sd"),
    "path as a number": (("path",), 3, "a table"),
    "interventions as a table": (("interventions",), {}, "[[interventions]]"),
    "extends not a name": (("extends",), 3, "the name of a scenario"),
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
    "certainty below 1": (("commitment", "certainty"), 0.5, "how many like cases"),
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


OPTIONAL = ("statement", "threat", "notes", "share")
REQUIRED = [
    *[(key,) for key in content() if key not in OPTIONAL],
    *[("commitment", level) for level in COMMITMENTS],
    *[("sources", key) for key in content()["sources"]],
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
    for key in OPTIONAL:
        table = drop(table, key)
    for key in ("statement", "threat.disputes", "share"):
        table = drop(table, "sources", key)
    scenario = sc.parse(table)
    assert (scenario.statement, scenario.threat, scenario.notes) == (None, {}, "")
    assert (scenario.share, scenario.path, scenario.interventions) == (None, {}, ())


def test_an_indicator_that_neither_file_nor_table_has_is_asked_for() -> None:
    """No row is measured against two adversaries at once."""
    table = change(content(), ("adversary",), "CHN+RUS")
    assert sc.parse(table).from_table["JPN"] == ("patron_ratio",)
    for key in NEEDED:
        error = refused(lambda key=key: sc.parse(drop(table, *JPN, key), "my.toml"))
        assert error.column == f"clients.JPN.{key}"
        assert "latest.csv" in error.expected


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
        (b"#" * 10_000_000, "a file of at most 1000000 bytes"),
    ],
    ids=["utf-8", "toml", "client twice", "digits", "hexadecimal", "nesting", "empty", "10 MB"],
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


# extends


def child(tmp_path: Path, text: str, name: str = "mine.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


OWN = 'name = "mine"\ntitle = "Mine"\nquestion = "What if?"\n'


def test_a_file_takes_what_it_does_not_say_from_another(tmp_path: Path) -> None:
    text = 'extends = "quad-status-quo"\nhorizon = 2030\n[clients.JPN]\ndisputes = 3\n'
    text += '[commitment]\nnone = 0.5\nconsult = 0.5\ndefend = 0\n[sources]\ndisputes = "Mine."\n'
    mine, quo = sc.read(child(tmp_path, OWN + text)), sc.read("quad-status-quo")
    assert (mine.name, mine.horizon, mine.patron) == ("mine", 2030, quo.patron)
    assert mine.clients["JPN"] == quo.clients["JPN"] | {"disputes": 3}
    assert mine.clients["AUL"] == quo.clients["AUL"]
    assert mine.commitment == {"none": 0.5, "consult": 0.5, "defend": 0}
    assert mine.sources == quo.sources | {"disputes": "Mine."}


def test_a_file_may_extend_one_beside_it_that_extends_another(tmp_path: Path) -> None:
    child(tmp_path, OWN + 'extends = "quad-status-quo"\nhorizon = 2031\n', "between.toml")
    path = child(tmp_path, OWN + 'extends = "between.toml"\nyear = 2028\n')
    assert (sc.read(path).year, sc.read(path).horizon) == (2028, 2031)


@pytest.mark.parametrize("key", ["name", "title", "question"])
def test_a_file_that_extends_another_has_its_own_name(key: str, tmp_path: Path) -> None:
    lines = [line for line in OWN.splitlines() if not line.startswith(key)]
    path = child(tmp_path, "\n".join([*lines, 'extends = "quad-status-quo"']))
    assert refused(lambda: sc.read(path)).column == key


def test_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    child(tmp_path, OWN + 'extends = "mine.toml"\n', "other.toml")
    path = child(tmp_path, OWN + 'extends = "other.toml"\n')
    error = refused(lambda: sc.read(path))
    assert error.column == "extends" and "extend each other" in error.expected


def test_an_error_in_the_file_below_names_that_file(tmp_path: Path) -> None:
    below = OWN + 'extends = "quad-status-quo"\npatron = "USX"\n'
    child(tmp_path, below, "below.toml")
    path = child(tmp_path, OWN + 'extends = "below.toml"\npatron = "USA"\n')
    error = refused(lambda: sc.read(path))
    assert (error.file, error.column) == ("below.toml", "patron")


def test_a_file_below_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = child(tmp_path, OWN + 'extends = "quad-status-qou"\n')
    error = refused(lambda: sc.read(path))
    assert (error.file, error.column, error.value) == (str(path), "extends", "quad-status-qou")
    assert "did you mean 'quad-status-quo'" in error.expected


# the documentation


def test_the_example_of_the_documentation_is_a_scenario() -> None:
    table = tomllib.loads(EXAMPLE)
    scenario = sc.parse(table)
    assert set(table) == {*parse.REQUIRED, *parse.OPTIONAL}, "every key is shown"
    assert scenario.from_table["JPN"] == (
        "capability_ratio",
        "patron_ratio",
        "forces_ratio",
        "distance_km",
        "land_access",
        "occupied",
        "disputes",
        "polyarchy",
        "polyarchy_gap",
    )


# texts that are not what they seem


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "=1+1", '"><b>', "@cmd", "{{x}}"])
def test_markup_and_formulas_are_plain_text(title: str) -> None:
    assert sc.parse(change(content(), ("title",), title)).title == title


# the shipped scenarios


def test_shipped_scenarios_are_those_of_six_groupings_and_the_status_quo_comes_first() -> None:
    assert sc.bundled_scenarios() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_are_valid(name: str) -> None:
    scenario = sc.read(name)
    assert scenario.name == name
    assert scenario.question.endswith("?")
    assert (scenario.year, scenario.horizon) == (2027, 2035)
    assert scenario.share is not None
    grouping = max((g for g in GROUPINGS if name.startswith(f"{g}-")), key=len)
    quo = sc.read(f"{grouping}-status-quo")
    for same in ("patron", "adversary", "theatre", "today", "share", "initiative"):
        assert getattr(scenario, same) == getattr(quo, same)
    assert list(scenario.clients) == list(quo.clients)


def test_shipped_scenarios_have_titles_of_their_own() -> None:
    assert len({sc.read(name).title for name in SHIPPED}) == len(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_sources_that_look_like_keys_are_in_the_bibliography(name: str) -> None:
    known = set(bibliography(bundled("data", "sources.bib").read_text(encoding="utf-8")))
    words = re.findall(
        r"\b[a-z]+(?:-[a-z0-9]+)*-\d[\d-]*\b", " ".join(sc.read(name).sources.values())
    )
    assert set(words) <= known


def test_the_quad_of_the_status_quo_says_in_what_it_goes_beyond_the_data(base: Data) -> None:
    said = " ".join(warnings(sc.read("quad-status-quo"), base))
    assert "'contemporary'" in said
    assert "disputes of IND is 2: outside 0 to 1" in said
    assert "disputes of JPN" not in said


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
    table = change(content(), ("commitment",), dict(zip(COMMITMENTS, p, strict=True)))
    commitment = sc.parse(table).commitment
    assert list(commitment) == ["none", "consult", "defend"]
    assert sum(commitment.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= value <= 1 for value in commitment.values())


# junk

RICH = tomllib.loads(EXAMPLE)


def below(table: Any, *above: Any) -> list[tuple[Any, ...]]:
    """Keys of a table and of all that it holds."""
    pairs = enumerate(table) if isinstance(table, list) else table.items()
    out = []
    for key, inner in pairs:
        out.append((*above, key))
        if isinstance(inner, (dict, list)):
            out += below(inner, *above, key)
    return out


KEYS = [
    *below(RICH),
    ("unknown",),
    ("extends",),
    ("path", "forces_ratio"),
    ("path", "disputes", "2029"),
    (*JPN, "unknown"),
    (*JPN, "fear"),
    ("interventions", 0, "set", "clients"),
    ("interventions", 0, "set", "threat"),
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
def test_junk_gives_a_scenario_or_one_refusal(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    table = RICH
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
