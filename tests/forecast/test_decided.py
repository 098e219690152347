"""The year of the decision: what begins later is refused or answered for, never left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bayes_alliance.cli import app
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.decided import constant, decision_year, untouched, years_to_show
from bayes_alliance.forecast.forecast import forecast
from bayes_alliance.forecast.levers import Intervention
from bayes_alliance.forecast.sample import holds
from bayes_alliance.forecast.scenario import Scenario, read
from bayes_alliance.storage import save

WEIGHTS = {"occupation": 0.5, "prospect": 0.2, "null": 0.3}


def blockade(first: int, last: int = 2035, title: str = "Quad: blockade from 2030") -> Scenario:
    values = {"clients.JPN.occupied": 1, "threat.disputes": 5, "statement": "high"}
    return replace(
        read("quad-status-quo"),
        title=title,
        interventions=(Intervention(first, last, values, "Supposed."),),
    )


def test_an_intervention_after_the_decision_is_refused(fits):
    """It printed the status quo under the blockade's title."""
    with pytest.raises(InputError, match=r"year=2030.*interventions.1 begins in 2030"):
        forecast(fits, blockade(2030), WEIGHTS)


def test_a_path_after_the_decision_is_refused():
    later = replace(read("quad-status-quo"), path={"disputes": {2031: 4}})
    with pytest.raises(InputError, match=r"path.disputes begins in 2031"):
        decision_year(later)
    assert decision_year(later, 2031) == 2031


def test_the_year_asked_for_is_answered_for(fits):
    null = {"prospect": fits["prospect"]}
    found = forecast(null, blockade(2030), {"prospect": 1.0}, year=2030)
    assert set(found["year"]) == {2030} and set(found["condition"]) == {"if decided"}
    quo = forecast(null, "quad-status-quo", {"prospect": 1.0}, year=2030)
    assert abs(found["probability"] - quo["probability"]).max() > 0.001
    early = forecast(null, blockade(2030), {"prospect": 1.0}, year=2029)
    assert early.attrs["notes"] == [
        "Intervention 1 holds from 2030 to 2035: a decision in 2029 does not see it."
    ]


@pytest.mark.parametrize("year", [2026, 2036, True, 2027.5, "2027", None])
def test_other_years_are_refused(year):
    asked = blockade(2030)
    with pytest.raises(InputError):
        decision_year(asked, year)


@settings(max_examples=100, deadline=None)
@given(st.integers(2027, 2035), st.integers(0, 8), st.integers(2027, 2035))
def test_what_is_answered_for_without_a_word_holds_in_the_year(first, length, year):
    """Either a decision sees an intervention, or somebody is told that it does not."""
    asked = blockade(first, min(first + length, 2035))
    seen = holds(asked, year)["threat.disputes"][0].startswith("interventions") \
        if "threat.disputes" in holds(asked, year) else False  # fmt: skip
    assert seen == (untouched(asked, year) == [])
    if first > asked.year:
        with pytest.raises(InputError):
            decision_year(asked)
    else:
        assert decision_year(asked) == asked.year
    assert years_to_show(asked) == sorted({2027, first})
    assert constant(asked) == (first == 2027 and asked.interventions[0].last == 2035)


SMALL_QUESTION = """
extends = "quad-status-quo"
name = "late-blockade"
title = "{title}"
question = "?"
horizon = 2031
[[interventions]]
from = 2030
source = "Supposed."
[interventions.set]
statement = "high"
threat.disputes = 6
"""


@pytest.fixture(scope="module")
def answered(fits, tmp_path_factory):
    """What the command line says and writes of a blockade from 2030, by year."""
    folder = tmp_path_factory.mktemp("late")
    save(fits["prospect"], folder / "prospect.nc")
    question = folder / "late.toml"
    question.write_text(SMALL_QUESTION.format(title="Late: blockade from 2030"))
    return folder, question


def run(*words):
    return CliRunner().invoke(app, ["forecast", *map(str, words)])


def test_the_command_line_refuses_and_writes_nothing(answered):
    folder, question = answered
    out = folder / "refused.csv"
    found = run(question, folder / "prospect.nc", "--out", out)
    assert isinstance(found.exception, InputError) and "--year 2030" in str(found.exception)
    assert not out.exists()


def test_titles_rows_and_json_say_condition_and_year(answered):
    folder, question = answered
    out = folder / "one.csv"
    words = [question, folder / "prospect.nc", "--year", "2030"]
    found = run(*words, "--out", out)
    assert found.exit_code == 0, found.output
    assert "if decided in 2030" in " ".join(found.stdout.split())
    table = pd.read_csv(out)
    assert set(table["year"]) == {2030} and set(table["condition"]) == {"if decided"}
    said = json.loads(run(*words, "--json").stdout)
    assert said["condition"] == "if decided in 2030"
    one = said["forecast"]["prospect"]["multilateral_strong"]
    assert (one["year"], one["condition"]) == (2030, "if decided")


def test_the_answer_by_year_is_written_with_its_years(answered, monkeypatch, fits):
    """``--by-year --out`` wrote the first table only."""
    from bayes_alliance.forecast import formation, kept

    folder, question = answered
    quick = formation.formation(fits["prospect"], draws=20, tune=20, chains=2)
    monkeypatch.setattr(kept, "kept", lambda *rest: quick)
    out = folder / "years.csv"
    found = run(question, folder / "prospect.nc", "--by-year", "--out", out)
    assert found.exit_code == 0, found.output
    for words in ("if decided in 2027", "if decided in 2030", "end of 2031, decided or not"):
        assert words in " ".join(found.stdout.split())
    table = pd.read_csv(out)
    sizes = table[table["theory"] == "prospect"].groupby(["condition", "year"]).size()
    assert sizes.loc["if decided"].to_dict() == dict.fromkeys(range(2027, 2032), 7)
    assert sizes.loc["decided or not"].to_dict() == dict.fromkeys(range(2027, 2032), 7)


def test_a_failed_fit_is_marked_everywhere(answered):
    """The small fits of the tests do not pass their diagnostics."""
    folder, _ = answered
    words = ["quad-status-quo", folder / "prospect.nc"]
    found = run(*words, "--out", folder / "failed.csv")
    assert found.stderr.count("not to be trusted: prospect: ") == 1
    assert "not to be trusted: prospect" in " ".join(found.stdout.split())
    assert pd.read_csv(folder / "failed.csv")["problems"].notna().all()
    said = json.loads(run(*words, "--json").stdout)
    assert said["problems"][0].startswith("not to be trusted: prospect: ")
    assert said["forecast"]["stacked"]["none"]["problems"].startswith("prospect: ")
