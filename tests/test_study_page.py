"""The page of the robustness study, from a folder whose results are made up by hand."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from bayes_alliance.compare.curve import comparison_curve, hypothesis_curve
from bayes_alliance.compare.specifications import Specification, of_study
from bayes_alliance.compare.study import compact, open_study, seal
from bayes_alliance.errors import InputError
from bayes_alliance.theories import get

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
DATA = ("europe", "asia")
NAME = "europe+asia"
CASES = tuple("abcdef")


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The script that runs the study; it lies outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("study")


def result(theory: str, s: Specification, problems: tuple[str, ...] = ()) -> dict[str, Any]:
    """A result in which the prospect theory is ahead, but not under wider priors."""
    wide = s.level("priors") == "wider"
    lead = 2.00011 if theory == "prospect" and not wide else 0.0
    said = {"words": "long", "estimate": 0.123456789, "lower": -1.0, "upper": 2.0}
    said |= {"probability": 0.9504, "prior_probability": None}
    # as if no choice changed anything of the null: it shares the fit of the defaults
    changed = {} if theory == "null" else dict(s.changed)
    return {
        "inputs": {"theory": theory, "of": changed, "code": "c", "versions": {"pymc": "6"}},
        "problems": list(problems),
        "diagnostics": {"rhat_max": 1.00123456, "rhat_max_at": "beta_1"},
        "scores": {
            known: dict.fromkeys(CASES, lead - 3) for known in ("indicators", "commitments")
        },
        "pareto_k": dict(zip(CASES, (0.1, 0.81234, None, 0.1, 0.1, 0.1), strict=True)),
        "good_k": 0.7,
        "hypotheses": {h.name: said for h in get(theory).HYPOTHESES},
        "seconds": {"compile": 60.0, "sample": 140.0},
        "cores": 2,
    }


@pytest.fixture
def folder(script: ModuleType, tmp_path: Path) -> Path:
    """A study of Europe and Asia that is done."""
    place = tmp_path / "reports" / NAME
    (place / "fits").mkdir(parents=True)
    specifications = of_study(DATA)
    asked = {"data": DATA, "draws": 1000, "tune": 900, "chains": 4, "seed": 1}
    asked |= {
        "theories": script.THEORIES,
        "specifications": [dict(s.changed) for s in specifications],
    }
    (place / "study.json").write_text(json.dumps(seal(asked)), encoding="utf-8")
    for s in specifications:
        for theory in script.THEORIES:
            text = json.dumps(seal(result(theory, s)))
            (place / "fits" / f"{s.hash}-{theory}.json").write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def written(script: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes the page and its figures aside; gives the text."""
    monkeypatch.setattr(script, "STORE", tmp_path / "store")
    monkeypatch.setattr(script, "PAGE", tmp_path / "study.md")
    monkeypatch.setattr(script, "FIGURES", tmp_path / "figures")

    def write() -> str:
        assert script.main(["--page", "--out", str(folder.parent)]) == 0
        return (tmp_path / "study.md").read_text(encoding="utf-8")

    return write


def test_a_stored_study_opens_as_its_folder_does(folder: Path, tmp_path: Path) -> None:
    small = compact(folder)
    path = tmp_path / "small.json"
    path.write_text(json.dumps(seal(small)), encoding="utf-8")
    stored, whole = open_study(path), open_study(folder)
    assert stored.specifications == whole.specifications and stored.theories == whole.theories
    for table in (comparison_curve, hypothesis_curve):
        pd.testing.assert_frame_equal(table(stored), table(whole), atol=2e-3)
    one = small["results"][f"{whole.specifications[0].hash}-occupation"]
    assert one["pareto_k"] == {"b": 0.81, "c": None}, "only what is too high is kept"
    assert one["hypotheses"]["H1"]["probability"] == 0.9504, "no rounding over a threshold"
    assert "words" not in one["hypotheses"]["H1"]
    del one["scores"]
    path.write_text(json.dumps(seal(small)), encoding="utf-8")
    with pytest.raises(InputError, match=r"small\.json"):
        open_study(path)


def test_the_page_of_a_study_that_is_done(written, tmp_path: Path) -> None:
    text = written()
    assert "8 specifications, 3 theories under each" in text
    assert "24 results. All are there." in text
    # one fit of the null, eight of either theory
    assert "24 results are there, from 17 fits" in text
    assert "200 seconds in the median (200 to 200)" in text
    assert "0.9 hours one after the other, 1.9 core-hours" in text  # 17 * 200 s, on two cores
    assert "None failed its diagnostics." in text
    assert "4 chains, 1000 draws after 900, seed 1." in text
    assert "Of 15 answers a single choice turns 2:" in text
    turned = "Prospect minus null is ahead at the defaults, but not told apart with 'wider priors'"
    assert f"- {turned} alone." in text
    assert "Of the 6 cases of a comparison, 2 have a Pareto k too high" in text
    assert text.count("\n- Occupation H") == 7
    shown = re.findall(r"\]\(figures/([^)]+)\)", text)
    assert sorted(shown) == sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert len(shown) == 4


def test_what_failed_is_named_and_answers_nothing(folder: Path, written) -> None:
    s = next(s for s in of_study(DATA) if s.label == "wider priors")
    path = folder / "fits" / f"{s.hash}-prospect.json"
    spoilt = seal(result("prospect", s, ("R-hat 1.10 at x",)))
    path.write_text(json.dumps(spoilt), encoding="utf-8")
    text = written()
    assert "Failed their diagnostics: 1 of 17" in text
    assert "\n- **prospect, wider priors**: R-hat 1.10 at x\n" in text
    assert "\n| `priors` | wider priors | 4 | 1 (25 %) |\n" in text
    assert "\n| `frames` | coded frames unread |" in text
    assert "at `beta_1` (1)." in text
    assert "answers a single choice turns none." in text


def test_a_part_of_a_study_says_that_it_is_one(folder: Path, written) -> None:
    for s in of_study(DATA)[2:]:
        (folder / "fits" / f"{s.hash}-occupation.json").unlink()
    text = written()
    assert "**Only 2 of the 8 specifications are done so far" in text
    assert "over 2 specifications" in text and "fits failed under" not in text
    shutil.rmtree(folder / "fits")
    text = written()
    assert "**Only 0 of the 8 specifications are done so far" in text
    assert "### " not in text


def test_the_page_stays_the_same_and_results_keep_their_commit(
    script: ModuleType, written, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "commit", lambda: "first12")
    before = written()
    figures = {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()}
    monkeypatch.setattr(script, "commit", lambda: "second3")
    assert written() == before and "commits first12;" in before
    assert {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()} == figures
    for path in (folder / "fits").glob("*.json"):
        changed = json.loads(path.read_text(encoding="utf-8").replace('"c"', '"d"'))
        path.write_text(json.dumps(seal(changed)), encoding="utf-8")
    assert "commits second3;" in written()


def test_the_choices_are_all_named(script: ModuleType) -> None:
    rows = script.choices_table()
    assert "| `frames` | coded frames read | coded frames unread | all |" in rows
    assert len(rows) == 2 + len(script.CHOICES)
    assert {row.count("|") for row in rows} == {5}


def test_the_page_is_what_the_stored_results_give(script: ModuleType) -> None:
    if not script.PAGE.is_file():
        assert not list(script.STORE.glob("*.json")), "results without a page: make study"
        pytest.skip("the study is not published yet")
    text, _ = script.composed()
    said = script.PAGE.read_text(encoding="utf-8")
    assert said == text, "benchmarks/study.py --page writes it anew"
