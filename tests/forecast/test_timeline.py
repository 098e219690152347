"""Paths and interventions: what holds in which year, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest
from scenario_examples import FIRST, LAST, content, made, refused_at

from bayes_alliance.forecast.sample import holds

SOURCES = content()["sources"]


def on_path(path: dict[str, Any]) -> Any:
    given = {f"path.{key}": "Supposed." for key in path if key != "between"}
    return made(path=path, sources=SOURCES | given)


def step(first: int, **levers: Any) -> dict[str, Any]:
    return {"from": first, "set": levers, "source": "Supposed."}


def values(scenario: Any, key: str) -> list[Any]:
    return [holds(scenario, year)[key][1] for year in range(FIRST, LAST + 1)]


def test_an_entry_holds_until_the_next_and_the_last_to_the_horizon() -> None:
    found = on_path({"between": "hold", "disputes": {"2028": 1, "2031": 3}})
    # before its first entry the threat is what [threat] says
    assert values(found, "threat.disputes") == [4, 1, 1, 1, 3, 3, 3, 3, 3]


def test_between_entries_lies_a_line() -> None:
    path = {"between": "linear", "disputes": {"2027": 1, "2030": 3}, "power_ratio": {"2027": 2.0,
            "2031": 4.0}}  # fmt: skip
    found = on_path(path)
    assert values(found, "threat.disputes")[:4] == [1, 2, 2, 3]
    assert values(found, "threat.power_ratio")[:6] == pytest.approx([2, 2.5, 3, 3.5, 4, 4])


def test_a_path_without_gaps_needs_no_rule() -> None:
    found = on_path({"disputes": {"2030": 2, "2028": 0, "2029": 1}})
    assert values(found, "threat.disputes") == [4, 0, 1, 2, 2, 2, 2, 2, 2]


PATHS = {
    "gap": ({"disputes": {"2028": 1, "2031": 3}}, "path.disputes", 'between = "hold"'),
    "before the first year": ({"disputes": {"2026": 1}}, "path.disputes.2026", "from 2027 to 2035"),
    "after the horizon": ({"disputes": {"2036": 1}}, "path.disputes.2036", "from 2027 to 2035"),
    "not a year": ({"disputes": {"soon": 1}}, "path.disputes.soon", "from 2027 to 2035"),
    "no year": ({"disputes": {}}, "path.disputes", "a value by year"),
    "one number": ({"disputes": 3}, "path.disputes", "a table"),
    "unknown column": ({"dispute": {"2027": 1}}, "path.dispute", "did you mean 'disputes'"),
    "unknown rule": ({"between": "spline"}, "path.between", "one of hold, linear"),
    "bad value": ({"disputes": {"2028": -1}}, "path.disputes.2028", "between 0 and 100"),
    "ratio of 0": ({"forces_ratio": {"2028": 0}}, "path.forces_ratio.2028", "above 0"),
    "line from a distribution": (
        {"between": "linear", "disputes": {"2027": {"0": 0.5, "1": 0.5}, "2030": 1}},
        "path.disputes.2027",
        "no line between distributions",
    ),
    "no source": ({"disputes": {"2028": 1}}, "sources.path.disputes", "a line in [sources]"),
}


@pytest.mark.parametrize("case", PATHS)
def test_a_bad_path_is_refused(case: str) -> None:
    path, key, words = PATHS[case]
    assert words in refused_at(key, path=path).expected


def test_an_intervention_holds_in_its_years_and_before_the_path() -> None:
    changed = step(2029, statement="high", threat={"disputes": 9}) | {"until": 2030}
    given = {"path.disputes": "Supposed."}
    found = made(
        interventions=[changed],
        path={"between": "hold", "disputes": {"2028": 1}},
        sources=SOURCES | given,
    )
    assert values(found, "statement") == ["moderate"] * 2 + ["high"] * 2 + ["moderate"] * 5
    assert values(found, "threat.disputes") == [4, 1, 9, 9, 1, 1, 1, 1, 1]


def test_occupation_as_a_lever_is_what_it_is_in_the_data() -> None:
    """Japan has 1 dispute, Australia 0, India 2 and is occupied; geography and power stay."""
    high, none = (
        made(interventions=[step(2029, credible_occupation=level)]) for level in ("high", "none")
    )
    before = made()
    for scenario, occupied, disputes in ((high, 1, (2, 2, 2)), (none, 0, (0, 0, 0))):
        for client, many in zip(before.clients, disputes, strict=True):
            at = {y: holds(scenario, y) for y in (2028, 2029)}
            assert at[2028][f"clients.{client}.occupied"][1] == before.clients[client]["occupied"]
            assert at[2029][f"clients.{client}.occupied"][1] == occupied
            assert at[2029][f"clients.{client}.disputes"][1] == many
            for same in ("land_access", "capability_ratio", "distance_km"):
                assert at[2029][f"clients.{client}.{same}"][1] == before.clients[client][same]


def test_occupation_may_be_of_some_clients_only() -> None:
    found = made(interventions=[step(2029, credible_occupation={"JPN": "high"})])
    assert values(found, "clients.JPN.occupied") == [0, 0, *[1] * 7]
    assert values(found, "clients.AUL.occupied") == [0] * 9


def test_a_lever_and_its_columns_written_out_are_the_same() -> None:
    named = made(interventions=[step(2028, credible_occupation={"JPN": "high"})])
    row = {"JPN": {"occupied": 1, "disputes": 2}}
    assert named == made(interventions=[step(2028, clients=row)])


def test_promises_may_be_a_level_or_probabilities() -> None:
    found = made(interventions=[step(2028, promises="defend")])
    first, second = (holds(found, year)["commitment"][1] for year in (2027, 2028))
    assert first.p == {"none": 0.27, "consult": 0.7, "defend": 0.03}
    assert second.p == {"none": 0, "consult": 0, "defend": 1}


SET = "interventions.1.set"
INTERVENTIONS = {
    "no year": ([{"set": {"statement": "high"}, "source": "x"}], "interventions.1.from", "'from'"),
    "no source": ([{"from": 2028, "set": {"statement": "high"}}], "interventions.1.source", "key"),
    "sets nothing": ([step(2028)], SET, "one of credible_occupation, promises"),
    "before the first year": (
        [step(2026, statement="low")],
        "interventions.1.from",
        "2027 to 2035",
    ),
    "after the horizon": ([step(2040, statement="low")], "interventions.1.from", "2027 to 2035"),
    "ends before it begins": (
        [step(2029, statement="low") | {"until": 2028}],
        "interventions.1.until",
        "a year from 2029 to 2035",
    ),
    "unknown lever": ([step(2028, statment="low")], f"{SET}.statment", "did you mean 'statement'"),
    "unknown level": (
        [step(2028, credible_occupation="strong")],
        f"{SET}.credible_occupation",
        "one of none, high",
    ),
    "unknown client": (
        [step(2028, credible_occupation={"PHI": "high"})],
        f"{SET}.credible_occupation.PHI",
        "one of JPN, AUL, IND",
    ),
    "unknown client written out": (
        [step(2028, clients={"PHI": {"occupied": 1}})],
        f"{SET}.clients.PHI",
        "one of JPN, AUL, IND",
    ),
    "unknown column": (
        [step(2028, clients={"JPN": {"occupation": 1}})],
        f"{SET}.clients.JPN.occupation",
        "did you mean 'occupied'",
    ),
    "bad value": (
        [step(2028, clients={"JPN": {"occupied": 2}})],
        f"{SET}.clients.JPN.occupied",
        "between 0 and 1",
    ),
    "bad promise": ([step(2028, promises="defence")], f"{SET}.promises", "did you mean 'defend'"),
    "against itself": (
        [step(2028, credible_occupation="high", clients={"JPN": {"occupied": 0}})],
        f"{SET}.clients.JPN.occupied",
        "1, as credible_occupation has it",
    ),
    "against another": (
        [step(2028, statement="low"), step(2030, statement="high")],
        "interventions.2",
        "no contradiction: intervention 1 sets statement to low in 2030 to 2035",
    ),
    "against a lever": (
        [step(2028, credible_occupation="high"), step(2029, clients={"AUL": {"occupied": 0}})],
        "interventions.2",
        "intervention 1 sets clients.AUL.occupied to 1 in 2029 to 2035",
    ),
    "not a list of tables": ([3], "interventions.1", "a table"),
}


@pytest.mark.parametrize("case", INTERVENTIONS)
def test_a_bad_intervention_is_refused(case: str) -> None:
    given, key, words = INTERVENTIONS[case]
    assert words in refused_at(key, interventions=given).expected


def test_what_is_set_twice_to_the_same_or_in_other_years_is_no_contradiction() -> None:
    same = [step(2028, statement="high"), step(2030, statement="high")]
    apart = [step(2028, statement="low") | {"until": 2029}, step(2030, statement="high")]
    assert values(made(interventions=same), "statement")[1:] == ["high"] * 8
    assert values(made(interventions=apart), "statement") == [
        "moderate",
        *["low"] * 2,
        *["high"] * 6,
    ]
