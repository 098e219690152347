"""Sentences and tables of outlooks say what the outlooks hold."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from made_outlooks import made_groupings, made_outlook
from test_page import THEORIES, data, make, plain, rows_of, written  # noqa: F401

from bayes_alliance.forecast.answers import DECIDED
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.scenario import bundled_scenarios
from bayes_alliance.report.page.answers import (
    answers,
    by_year_sentence,
    contrast_sentence,
    expected_table,
    groupings_table,
    lasting_sentence,
    movers_sentence,
    needed_sentence,
    rung_table,
)
from bayes_alliance.report.page.outlook import forecast_section
from bayes_alliance.report.results import DECISIONS, Results

QUO, CREDIBLE = "quad-status-quo", "quad-credible-occupation"


@pytest.fixture
def results(data) -> Results:  # noqa: F811
    return make(data)


def with_rows(results: Results, name: str, table: str, where: dict, values: dict) -> Results:
    """Results in which some rows of an outlook's table have other values."""
    found = results.outlooks[name]
    frame = getattr(found, table).copy()
    chosen = pd.Series(True, index=frame.index)
    for column, value in where.items():
        chosen &= frame[column] == value
    assert chosen.any()
    for column, value in values.items():
        frame.loc[chosen, column] = value
    return replace(results, outlooks=results.outlooks | {name: replace(found, **{table: frame})})


def words(said) -> str:
    return said.text.replace("\u00a0", " ")


def test_the_sentence_of_the_years_has_the_last_year(results: Results) -> None:
    where = {"theory": STACKED, "year": 2035, "rung": "decision"}
    values = {"probability": 0.42, "lower": 0.11, "upper": 0.77}
    text = words(by_year_sentence(with_rows(results, QUO, "years", where, values), QUO))
    assert "By the end of 2035 a decision about this grouping" in text
    assert "42 % (11 to 77 %)" in text
    where = {"theory": "prospect", "year": 2035, "rung": "multilateral"}
    moved = with_rows(results, QUO, "years", where, {"probability": 0.73})
    assert words(by_year_sentence(moved, QUO)).endswith("the prospect theory 73 %.")


def test_the_sentence_of_lives_asks_for_strong_designs(results: Results) -> None:
    where = {"theory": STACKED, "cell": "multilateral_strong", "age": 20}
    values = {"probability": 0.64, "lower": 0.31, "upper": 0.87}
    text = words(lasting_sentence(with_rows(results, QUO, "lasting", where, values), QUO))
    assert "64 % (31 to 87 %) after 20 years" in text


@pytest.mark.parametrize(("lower", "sure"), [(0.02, True), (-0.02, False)])
def test_a_contrast_says_whether_its_direction_is_sure(
    lower: float, sure: bool, results: Results
) -> None:
    where = {"theory": STACKED, "quantity": DECIDED}
    values = {"before": 0.23, "after": 0.31, "difference": 0.08, "lower": lower, "upper": 0.2}
    text = words(
        contrast_sentence(with_rows(results, CREDIBLE, "contrast", where, values), CREDIBLE)
    )
    assert "from 23 % to 31 %, a change of +8 (" in text
    assert ("the direction is not sure" in text) != sure


def test_the_status_quo_is_not_compared_to_itself(results: Results) -> None:
    assert len(answers(results, CREDIBLE)) == len(answers(results, QUO)) + 1
    assert answers(replace(results, outlooks={}), QUO) == []


def test_each_theory_names_what_moves_it_most(results: Results) -> None:
    text = words(movers_sentence(results, QUO))
    assert "By the occupation theory, the clients' promises to each other: +20" in text
    assert "By the prospect theory, the stated threat: +15" in text
    assert "from low to high; everything together moves it by +40" in text
    assert "By the null model, nothing does." in text


def test_what_is_needed_is_said_as_it_is(results: Results) -> None:
    text = words(needed_sentence(results, QUO))
    assert "The occupation theory would need one of these: the clients' promises" in text
    assert "The prospect theory gets there by no single change" in text
    assert "The null model is moved by nothing, and gives it 30 % (10 to 90 %)" in text
    never = with_rows(
        results, QUO, "needed", {"theory": "prospect"}, {"reached": False, "highest": 0.41}
    )
    never = with_rows(
        never, QUO, "needed", {"theory": "prospect", "mover": "promises"}, {"highest": 0.2}
    )
    text = words(needed_sentence(never, QUO))
    assert "The prospect theory does not get there within the range of the data" in text
    assert "it gives 41 % (10 to 90 %)" in text
    always = with_rows(results, QUO, "needed", {"theory": "occupation"}, {"reached": True})
    assert "The occupation theory gives it that much already." in words(
        needed_sentence(always, QUO)
    )


def test_the_table_of_states_has_every_rung(results: Results) -> None:
    rows = rows_of(str(rung_table(results, QUO, "x")))
    assert len(rows) == len(RUNGS) + 1
    assert all(len(row) == len(THEORIES) + 2 for row in rows)
    assert "a decision has arisen" in rows[0][0]
    assert "multilateral, strong" in rows[-1][0]


def test_the_articles_stand_beside_their_own_models(results: Results) -> None:
    where = {"theory": "occupation", "quantity": DECIDED}
    values = {"before": 0.27, "after": 0.41, "difference": 0.14}
    rows = rows_of(str(expected_table(with_rows(results, CREDIBLE, "contrast", where, values))))
    assert len(rows) == 3
    assert "Cohen" in rows[0][0]
    assert "27\u00a0% → 41\u00a0%" in rows[0][2]
    assert "27" not in rows[1][2], "He and Feng's row has the prospect theory's numbers"
    assert str(expected_table(replace(results, outlooks={}))) == ""


def test_the_table_of_groupings_has_all_scenarios(results: Results) -> None:
    rows = rows_of(str(groupings_table(results)))
    assert len(rows) == len(bundled_scenarios())
    assert all(len(row) == 2 + len(THEORIES) + 1 + 2 for row in rows)
    assert str(groupings_table(replace(results, groupings=made_groupings(THEORIES).iloc[:0]))) == ""


def test_a_hazard_that_failed_marks_what_rests_on_it(results: Results) -> None:
    name = f"prospect, {DECISIONS}"
    failed = results.diagnostics["null"] | {"problems": ["R-hat 1.7 at b"], "verdict": "bad"}
    spoiled = replace(results, diagnostics=results.diagnostics | {name: failed})
    assert any("R-hat 1.7" in mark for mark in by_year_sentence(spoiled, QUO).marks)
    assert "R-hat 1.7" in str(rung_table(spoiled, QUO, "x"))
    assert not any("R-hat 1.7" in mark for mark in movers_sentence(spoiled, QUO).marks)


def test_the_page_has_the_outlooks_and_does_without(results: Results) -> None:
    text = plain(written(results))
    for part in (
        "What do the articles themselves expect?",
        "And other groupings?",
        "By the end of 2035 a decision about this grouping",
        "What would give a multilateral design 50 %",
    ):
        assert part in text, part
    bare = plain(written(replace(results, outlooks={}, groupings=pd.DataFrame())))
    assert "What do the articles themselves expect?" not in bare
    assert "And other groupings?" not in bare
    section = forecast_section(results)
    assert section is not None
    assert len(section["scenarios"]) == 3


def test_made_up_outlooks_have_the_form_of_real_ones() -> None:
    found = made_outlook(THEORIES, CREDIBLE)
    assert found.contrast is not None
    assert set(found.years["rung"]) == {*RUNGS, "multilateral", "decision"}
