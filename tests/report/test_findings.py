"""What was found, as sentences; and the page that puts the datasets side by side."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from test_page import broken, data, make, plain  # noqa: F401

from bayes_alliance.data.load import load
from bayes_alliance.report.findings import findings
from bayes_alliance.report.summary import dumps, summary

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    """The script behind the page, as a module."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import findings as module

    yield module
    del sys.modules["findings"]


def test_every_question_is_answered(data):  # noqa: F811
    found = findings(make(data, lead=2.0, noise=0.1))
    text = plain(" ".join(s["text"] for sentences in found.values() for s in sentences))
    assert len(found) == 8
    for words in (
        "All 4 fits pass",
        "The prospect theory predicts best",
        "what the patron proposes",
        "the best yardstick",
        "Trained without Europe",
        "North Atlantic 1949 ended in",
        "hypotheses of the occupation theory",
        "lie within the",
    ):
        assert words in text, words


def test_what_spoils_a_number_goes_with_it(data):  # noqa: F811
    results = make(data)
    broken(results, "prospect")
    best = findings(results)["Which theory predicts best, and which cases decide?"][0]
    assert best["marks"] == ["fit of prospect failed: R-hat 1.050 at beta_1"]


def test_what_the_data_do_not_allow_is_left_out():
    one = replace(make(load("asia")), unseen=pd.DataFrame(), stages={}, proper={})
    questions = " ".join(findings(one))
    for word in ("1949", "never seen", "regressions", "proposals"):
        assert word not in questions
    assert "hypotheses" in questions


def test_page_is_made_of_the_stored_sentences(data, script):  # noqa: F811
    results = make(data)
    broken(results, "prospect")
    numbers = json.loads(dumps(summary(results)))
    stored = {"command": "make findings", "versions": {"python": "3"}, "commit": "abc"}
    stored |= {"date": "2026-01-01", "seconds": 120.0, **numbers}
    text = script.page({"europe+asia": stored})
    for sentences in numbers["findings"].values():
        for sentence in sentences:
            assert sentence["text"] in text
    assert "**(fit of prospect failed: R-hat 1.050 at beta_1)**" in text
    assert "Not done yet: All asymmetric alliances, 1816 to 2025; Europe alone; Asia alone." in text
    assert "| europe+asia | occupation | +3.4 (0.1) | no | H1 | none | H2 |" in text
    assert "| europe+asia | prospect | +4.6 (3.5) | no | H1 | H2 | none |" in text


def test_the_page_is_what_the_stored_results_give(script):
    stored = {
        name: json.loads(script.place(name).read_text("utf-8"))
        for name in script.DATASETS
        if script.place(name).exists()
    }
    assert stored, "no results are stored"
    assert script.PAGE.read_text("utf-8") == script.page(stored), "run make findings"
