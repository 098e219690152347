"""The report's section on choices, from a study whose results are written by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from test_page import data, make, plain, written  # noqa: F401

from bayes_alliance.compare.specifications import specification
from bayes_alliance.compare.study import Study, seal
from bayes_alliance.errors import InputError
from bayes_alliance.report.figures.specifications import draw
from bayes_alliance.report.page.robust import robust_section
from bayes_alliance.report.results import _study_of

DATA = ("europe", "asia")
SPECIFICATIONS = [
    specification(DATA),
    specification(DATA, frames=False),
    specification(DATA, priors="wider"),
]
THEORIES = ["occupation", "null"]


def result(score: float, p: float, problems: tuple[str, ...] = (), of: str = "real") -> dict:
    said = {"estimate": p, "lower": p - 1, "upper": p + 1, "probability": p}
    return {
        "inputs": {"data": of, "priors": of, "code": "", "versions": {}},
        "problems": list(problems),
        "diagnostics": {},
        "scores": {"indicators": dict.fromkeys("abcdef", score)},
        "pareto_k": {},
        "good_k": 0.7,
        "hypotheses": {f"H{i}": said | {"prior_probability": 0.5} for i in range(1, 8)},
    }


@pytest.fixture
def study() -> Study:
    """Without frames the occupation theory loses its lead, and H1 to H7 turn."""
    found = {}
    for s, (score, p) in zip(SPECIFICATIONS, [(-1, 0.97), (-4, 0.5), (-1, 0.97)], strict=True):
        found[s.hash, "occupation"] = result(score, p)
        found[s.hash, "null"] = result(-4, 0.5)
    return Study(SPECIFICATIONS, THEORIES, found)


@pytest.fixture
def results(data, study):  # noqa: F811
    made = make(data)
    for tree in made.trees.values():
        tree.attrs |= {"data_hash": "real", "priors_hash": "real"}
    return replace(made, study=study)


def test_the_page_names_the_choices_that_turn_an_answer(results):
    text = plain(written(results))
    assert "Varied were: frames and priors. 3 specifications of 3 are done" in text
    assert (
        "Occupation minus null is ahead at the defaults, but not told apart with 'coded frames "
        "unread' alone." in text
    )
    assert (
        "occupation H1 is supported at the defaults, but undecided with 'coded frames unread'"
        in text
    )
    assert "Occupation minus null: over 3 specifications the difference in log score is" in text
    assert "Occupation H7 depends on the choices" in text
    assert 'href="#robust"' in written(results)


def test_without_a_study_there_is_no_section(data):  # noqa: F811
    made = make(data)
    assert robust_section(made) is None and list(draw(made)) == []
    assert 'id="robust"' not in written(made)


def test_part_of_a_study_says_so(results, study):
    del study.results[SPECIFICATIONS[2].hash, "null"]
    study.results[SPECIFICATIONS[1].hash, "null"]["problems"].append("R-hat 1.2 at x")
    said = robust_section(results)["said"][0].text
    assert re.search(r"2.specifications of 3 are done", said)
    assert "4\u00a0fits, 1 of which failed a diagnostic." in said


@pytest.mark.parametrize("part", ["data", "priors"])
def test_a_study_of_other_fits_is_marked_in_red(results, part):
    results.trees["occupation"].attrs[f"{part}_hash"] = "another"
    said = robust_section(results)["said"]
    assert all(s.marks == (f"the study is of other {part}; run it again",) for s in said)
    assert f"✗ the study is of other {part}" in plain(written(results))


def test_figures_of_a_study(results):
    found = dict(draw(results))
    assert list(found) == ["specifications-occupation-minus-null", "specifications"]
    assert {figure.section for figure in found.values()} == {"robust"}


def test_a_study_of_other_data_is_refused(tmp_path):
    asked = {"data": ["europe"], "theories": THEORIES, "specifications": [{}], "results": {}}
    path = tmp_path / "study.json"
    path.write_text(json.dumps(seal(asked)), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape("a study of europe+asia")) as caught:
        _study_of(path, SimpleNamespace(name="europe+asia"))
    assert (caught.value.column, caught.value.value) == ("data", "europe")
